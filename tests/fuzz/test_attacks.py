"""What an attack of November 2026 got through, each line of it; made by `attacks.py`."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reggan_plugin import child_process, limits
from reggan_plugin.curves.read_take import read_take
from reggan_plugin.errors import MeshError, ModelError, RegganError, SourceError, UsageError
from reggan_plugin.files.frame import read_frame
from reggan_plugin.files.video import VideoFile
from reggan_plugin.jobs.frame_record import read_record, record_path
from reggan_plugin.models.model_card import seal
from reggan_plugin.textures.read_mesh import load_mesh
from reggan_plugin.textures.usd_character import files_of_usd
from reggan_plugin.textures.views.ray_traced_view import RayScene
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

from . import accepted, attacks
from .damage import Seeded

_MOST_S = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "stranger"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("way", attacks.REACHES)
def test_usd_reads_nothing_outside_its_folder(way: str, folder: Path) -> None:
    pytest.importorskip("pxr.Usd")
    path = attacks.reaching_out(folder, way)
    with pytest.raises(MeshError, match=r"[ab]\.usd[az] names (the file )?'|value clips"):
        load_mesh(path)
    with pytest.raises(SourceError):
        read_take(path)


def test_usd_does_not_tell_what_is_there_outside_its_folder(folder: Path) -> None:
    said = set()
    (folder.parent / "there.usda").write_text("#usda 1.0\n")
    for name in ("there", "gone"):
        path = folder / "a.usda"
        path.write_bytes(attacks.usda(f"(references = @../{name}.usda@) {{}}"))
        with pytest.raises(MeshError) as refusal:
            load_mesh(path)
        said.add(str(refusal.value).replace(name, "NAME"))
    assert len(said) == 1, said


def test_the_layers_of_a_usd_are_listed_before_they_are_composed(folder: Path) -> None:
    """Composing this takes half a minute, for which each command has time once."""
    path, inner = folder / "a.usda", folder / "inner.usda"
    inner.write_text("#usda 1.0\n")
    path.write_text(attacks.instances(26, "@./inner.usda@"))
    begin = time.process_time()
    assert files_of_usd(path) == [path.resolve(), inner.resolve()]
    assert time.process_time() - begin < 5


def test_usd_says_that_names_are_expressions(folder: Path) -> None:
    pytest.importorskip("pxr.Usd")
    with pytest.raises(MeshError, match="an expression, and these are refused"):
        load_mesh(attacks.reaching_out(folder, "plain expression"))


def test_usd_reads_its_own_folder_package_and_prims(folder: Path) -> None:
    pytest.importorskip("pxr.Usd")
    body = f"{{\n{attacks.TRIANGLE}}}"
    inner = attacks.usda(body).replace(b"def Xform", b"def Mesh")
    layered = attacks.usda("(references = @./inner.usda@) {}").replace(b"def Xform", b"def Mesh")
    (folder / "inner.usda").write_bytes(inner)
    (folder / "plain.usda").write_bytes(layered)
    packed = attacks.package(folder / "a.usdz", root=layered, inner=inner)
    (folder / "b.usda").write_bytes(layered.replace(b"./inner.usda", b"./a.usdz"))
    source = f'def Mesh "Src" {body}\ndef "Two" (references = </Src>) {{}}\n'
    (folder / "own.usda").write_text("#usda 1.0\n" + source)
    for path, parts in ((packed, 1), (folder / "plain.usda", 1), (folder / "b.usda", 1)):
        assert len(load_mesh(path).character.parts) == parts, path
    assert len(load_mesh(folder / "own.usda").character.parts) == 2


@pytest.mark.parametrize("name", attacks.BAD_USD)
def test_bad_numbers_in_usd_are_named(name: str, folder: Path) -> None:
    pytest.importorskip("pxr.Usd")
    path = folder / f"{name}.usda"
    path.write_bytes(attacks.BAD_USD[name])
    begin = time.process_time()
    with pytest.raises(MeshError, match=name):
        load_mesh(path)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("kind", accepted.KINDS)
def test_what_is_hostile_and_sound_is_read(kind: str, folder: Path) -> None:
    """Refusing all would pass the other tests; numbers at the edge may still be refused."""
    if kind.endswith(".usda"):
        pytest.importorskip("pxr.Usd")
    outcomes = []
    for number in range(12):
        path = accepted.accepted(folder, Seeded(f"gate {number}"), kind)
        try:
            attacks.use(path)
            outcomes.append("read")
        except RegganError:
            outcomes.append("refused")
    assert outcomes.count("read") >= 9, outcomes


_BOMB_SAYS = {
    **{"a.jpg": "5006 scans", "large.bmp": "60000x60000", "groups.obj": "60,000 groups"},
    **dict.fromkeys(("short.bmp", "short.tga"), "bytes are too few"),
    **{"buffers.glb": "bytes in its buffers", "images.gltf": "50,000 files"},
    **{"path.gltf": "longer than any path", "take-columns.csv": "1,000,001 columns"},
    **dict.fromkeys(("take-channels.glb", "take-names.glb", "take-spline.glb"), "in all channels"),
    **{"take-no-keys.glb": "no keys", "curve-keys.csv": "200,001 keys"},
    **dict.fromkeys(("take-number.json", "curve-number.json"), "401 digits"),
    **{"take-row.csv": "infinite", "many.toml": "30,000 presets", "deep.toml": "deep"},
    **dict.fromkeys(("dots.toml", "heading.toml"), "more than 100 parts"),
    "hexadecimal.toml": "more than 300 digits",
}
"""The bound by which each is refused, and not by chance."""


@pytest.mark.parametrize("name", [name for name in attacks.BOMBS if name != "parts.glb"])
def test_a_bomb_is_named_soon(name: str, folder: Path) -> None:
    path = folder / name
    path.write_bytes(attacks.BOMBS[name](folder))
    begin = time.process_time()
    with pytest.raises(RegganError, match=name) as refusal:
        attacks.use(path)
    assert time.process_time() - begin < _MOST_S / 4
    assert len(str(refusal.value)) < 1000
    assert _BOMB_SAYS.get(name, "") in str(refusal.value)


def test_sound_pictures_beyond_the_limit_of_pillow_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 1000)
    Image.new("RGB", (64, 48)).save(folder / "a.webp")
    (folder / "a.bmp").write_bytes(attacks.bmp(64, 48))
    (folder / "a.tga").write_bytes(attacks.tga(64, 48))
    for path in folder.iterdir():
        assert read_frame(path).pixels.shape[:2] == (48, 64)
    assert Image.MAX_IMAGE_PIXELS == 1000


def test_triangles_in_one_place_are_named_before_a_minute_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reggan_plugin.textures.views.ray_traced_view.MOST_LATE_SECONDS", 0.5)
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    scene = RayScene(points, np.zeros((20_000, 3), np.int64) + np.arange(3))
    origins = np.tile(np.array([0.25, 0.25, 1.0]), (100_000, 1))
    with pytest.raises(MeshError, match="too many of them lie in one place"):
        scene.first_hits(origins, np.tile(np.array([0.0, 0, -1]), (100_000, 1)))
    sound = RayScene(points, np.arange(3)[None])
    assert (sound.first_hits(origins, origins * [0, 0, -1]).face == 0).all()


def test_a_mesh_is_looked_at_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A soup is slow, but never late: a hundred thousand rays a second, of millions."""
    monkeypatch.setattr("reggan_plugin.textures.views.ray_traced_view.MOST_LOOK_SECONDS", 0.1)
    scene = RayScene(*attacks.triangle_soup(1, 20_000))
    origins = np.random.default_rng(3).random((400_000, 3)) * [1, 1, 0] + [0, 0, 2.0]
    begin = time.process_time()
    with pytest.raises(MeshError, match="takes too long to look at"):
        scene.first_hits(origins, np.tile(np.array([0.0, 0, -1]), (400_000, 1)))
    assert time.process_time() - begin < 5


def test_an_exr_of_many_channels_is_read_and_named_in_short(folder: Path) -> None:
    (folder / "a.exr").write_bytes(attacks.exr_of_channels(limits.MOST_CHANNELS))
    assert read_frame(folder / "a.exr").pixels.shape == (8, 8, 3)
    named = attacks.exr_of_channels(limits.MOST_CHANNELS).replace(b"\0R\0", b"\0S\0")
    (folder / "b.exr").write_bytes(named)
    with pytest.raises(RegganError, match=r"normal0\.X.* and 1,900 more\. Write") as refusal:
        read_frame(folder / "b.exr")
    assert len(str(refusal.value)) < 3000


def test_times_that_nobody_can_tell_apart_have_a_rate(folder: Path) -> None:
    path = folder / "take.csv"
    path.write_text("time,jawOpen\n0,0\n1e-320,1\n2e-320,1\n")
    assert read_take(path).rate_fps == 24.0
    path.write_text("time,jawOpen\n0,0\n1e-320,1\n0.04,1\n")
    assert read_take(path).rate_fps == pytest.approx(25)


@pytest.mark.parametrize("rate", ["0", "1e-320", "nan"])
def test_a_take_in_usd_has_times(rate: str, folder: Path) -> None:
    pytest.importorskip("pxr.Usd")
    path = folder / "take.usda"
    weights = "float[] blendShapeWeights.timeSamples = {1: [0.5], 2: [0.2]}"
    path.write_text(
        f"#usda 1.0\n(\n    timeCodesPerSecond = {rate}\n)\n"
        'def SkelAnimation "A" {\n    uniform token[] blendShapes = ["jawOpen"]\n'
        f"    {weights}\n}}\n"
    )
    with pytest.raises(SourceError, match="times that are no numbers"):
        read_take(path)


@pytest.mark.parametrize("number", [10**400, -(10**400)])
def test_an_intensity_beyond_all_floats_is_named(number: int) -> None:
    with pytest.raises(UsageError, match=r"it goes from 0 to 1\.5"):
        ExpressionMix({"happy": number})
    with pytest.raises(UsageError, match=r"it goes from 0 to 1\.5"):
        ExpressionTransfer(device="cpu").apply(np.zeros((64, 64, 3), np.uint8), "happy", number)


@pytest.mark.parametrize("kind", ["functions", "memory"])
def test_a_model_without_measure_costs_its_own_process(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(child_process, "HERE", False)
    path = folder / "face.onnx"
    if kind == "functions":
        monkeypatch.setattr(limits, "MOST_CHILD_SECONDS", 2)
        path.write_bytes(attacks.onnx_of_functions(9))
    else:
        path.write_bytes(attacks.onnx_that_grows())
    seal(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises((ModelError, SourceError), match=r"face\.onnx"):
        ExpressionTransfer(path, device="cpu")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB


@pytest.mark.parametrize("name", attacks.VIDEOS)
def test_damaged_videos_are_named(name: str, folder: Path) -> None:
    path = folder / name
    sound = attacks.video(path)
    attacks.use(path)
    damaged = attacks.damaged_videos(sound)
    for content in damaged.values():
        path.write_bytes(content)
        with pytest.raises(SourceError, match=name):
            attacks.use(path)
    path.write_bytes(damaged["cut at two thirds"])
    with pytest.raises(SourceError, match=name):
        VideoFile(path)


def test_a_video_in_a_code_that_nobody_knows_is_named(folder: Path) -> None:
    sound = attacks.video(folder / "a.webm")
    assert b"V_VP9" in sound
    (folder / "a.webm").write_bytes(sound.replace(b"V_VP9", b"V_XYZ"))
    with pytest.raises(SourceError, match=r"a\.webm is damaged"):
        VideoFile(folder / "a.webm")


def test_a_record_with_a_number_without_end_is_none(folder: Path) -> None:
    path = folder / "a.png"
    record_path(path).parent.mkdir()
    record_path(path).write_text(attacks.json_record("1" + "0" * 400))
    assert read_record(path) is None
    assert json.loads(record_path(path).read_text())["seconds"] > 0


_SOUND_RECORD: dict[str, Any] = {
    **{"schema": 1, "source": "a.png", "output": "a.png", "outcome": "written", "message": None},
    **{"expression": {"happy": 1.0}, "weights": {}, "settings_sha256": "", "input_sha256": None},
    **{"output_sha256": "0", "output_bytes": 9, "by_face": {"0": {"sad": 1.0}}, "revision": 1},
    **{"input_state": {"size": 1, "modified_ns": 10**18}, "output_state": None, "batch": 1},
    **{"model": {"name": "a", "version": "1", "sha256": ""}, "version": "0", "device": "cpu"},
    "beside": {"../a.c2pa": {"sha256": "0", "state": {"size": 1, "modified_ns": 10**18}}},
    **{"exposure_ev": 0.5, "seconds": 0.1, "warnings": ["a"], "stats": {"width": 1, "mean": None}},
    "faces": [
        {
            **{"face": 0, "score": None, "status": "found", "yaw_deg": 1.0, "share": 1.0},
            **{"inside": 1, "box_px": [0, 0, 1, 1]},
        }
    ],
}


@pytest.mark.parametrize("key", [key for key in _SOUND_RECORD if key != "schema"])
def test_a_record_with_values_of_another_type_is_none(key: str, folder: Path) -> None:
    """`report` and `--resume` go on with what they are."""
    path = folder / "a.png"
    record_path(path).parent.mkdir()
    record_path(path).write_text(json.dumps(_SOUND_RECORD))
    assert read_record(path) is not None
    sound = _SOUND_RECORD[key]
    odd: list[Any] = [[[]], [{"a": 1}], -(10**200), *([] if key == "by_face" else [{"a": {}}])]
    odd += [] if isinstance(sound, int | float) else [5, True]
    odd += [] if isinstance(sound, str) or sound is None else ["x"]
    for value in odd:
        record_path(path).write_text(json.dumps({**_SOUND_RECORD, key: value}))
        assert read_record(path) is None, value
