"""A packed set is small enough, reads as it is, and keeps names, states, records and splits."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reggan_plugin.cli import main
from reggan_training.data.identity_and_split import SPLITS, Identity
from reggan_training.data.sets import load_sets

Streams = pytest.CaptureFixture[str]


def pack(roots: list[Path], out: Path, *options: str) -> int:
    return main(["dataset", "pack", *map(str, roots), "--out", str(out), *options])


def assert_same(packed: Identity, original: Identity, scale: float = 1.0) -> None:
    assert (packed.name, packed.style) == (original.name, original.style)
    assert np.array_equal(packed.states, original.states)
    assert np.array_equal(packed.is_plain, original.is_plain)
    assert np.allclose(packed.landmarks, original.landmarks * scale, atol=0.01)


def test_a_packed_set_reads_like_the_sets_in_it(
    rendered: Path, tiny_avatars: Path, tmp_path: Path, capsys: Streams
) -> None:
    out = tmp_path / "set.zip"
    assert pack([rendered, tiny_avatars], out) == 0
    streams = capsys.readouterr()
    assert streams.out.strip() == str(out)
    assert "14 identities" in streams.err
    assert "JPEG quality 95" in streams.err
    for split in SPLITS:
        packed = {one.name: one for one in load_sets([out], (split,))}
        originals = load_sets([rendered, tiny_avatars], (split,))
        assert packed.keys() == {one.name for one in originals}
        for one in originals:
            assert_same(packed[one.name], one)
            difference = np.abs(packed[one.name].images.astype(int) - one.images)
            assert difference.mean() < 2


def test_records_of_the_renderer_stay_without_their_masks(rendered: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.zip"
    assert pack([rendered], bare, "--split", "validation") == 0
    with zipfile.ZipFile(bare) as packed:
        record = json.loads(packed.read("skin_01008/identity.json"))
        assert not any(name.endswith(".png") for name in packed.namelist())
        assert json.loads(packed.read("manifest.json"))["identities"] == ["skin_01008"]
    assert record["parameters"] == {"age": 0.5}
    assert {one["eye_closure"] for one in record["images"]} == {0.0, 0.9}
    assert all("mask" not in one for one in record["images"])
    assert load_sets([bare], ("validation",))[0].yaw_deg == 12.5


def test_the_same_set_packs_to_the_same_bytes(tiny_avatars: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    assert pack([tiny_avatars], first) == pack([tiny_avatars], second) == 0
    assert first.read_bytes() == second.read_bytes()


def noisy_set(make_set: Callable[..., Path], root: Path) -> Path:
    """A rendered set whose pictures are noise, which no JPEG makes small."""
    from PIL import Image

    make_set(root, ["skin_01001", "skin_01002"], side=192)
    for number, path in enumerate(sorted(root.rglob("*.jpg"))):
        noise = np.random.default_rng(number).integers(0, 255, (192, 192, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path, quality=95)
    return root


def test_quality_then_size_give_way_until_it_fits(
    make_set: Callable[..., Path], tmp_path: Path, capsys: Streams
) -> None:
    root, out = noisy_set(make_set, tmp_path / "set"), tmp_path / "set.zip"
    original = load_sets([root], SPLITS)[0]
    sizes = []
    for limit_mib in (0.9, 0.55):
        assert pack([root], out, "--limit-mib", str(limit_mib), "--overwrite") == 0
        assert out.stat().st_size <= limit_mib * 2**20
        assert out.stat().st_size > 0.8 * limit_mib * 2**20
        packed = load_sets([out], SPLITS)[0]
        sizes.append(packed.images.shape[1])
        assert_same(packed, original, packed.images.shape[1] / 192)
    assert sizes[0] > sizes[1]
    out.unlink()
    capsys.readouterr()
    assert pack([root], out, "--limit-mib", "0.2") == 1
    assert not out.exists()
    err = capsys.readouterr().err
    assert "2 identities take about" in err
    assert "at 128 px and JPEG quality 75; the limit is 0.2 MiB. Raise it" in err


def test_what_leaves_nothing_or_would_replace_a_file_is_refused(
    rendered: Path, tmp_path: Path, capsys: Streams
) -> None:
    out = tmp_path / "set.zip"
    assert pack([rendered], out, "--style", "toon") == 1
    assert "left by --style and --split" in capsys.readouterr().err
    out.write_bytes(b"mine")
    assert pack([rendered], out) == 1
    assert "--overwrite replaces" in capsys.readouterr().err


def test_a_file_that_is_no_packed_set_says_how_to_pack_one(
    rendered: Path, tmp_path: Path, capsys: Streams
) -> None:
    broken = tmp_path / "set.zip"
    broken.write_bytes(b"PK\x03\x04 not really")
    assert main(["dataset", "check", str(broken), "--out", str(tmp_path / "s.png")]) == 1
    assert "reggan-plugin dataset pack DIR --out set.zip" in capsys.readouterr().err
