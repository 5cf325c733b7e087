"""Colour spaces, regions, mattes and EXR options, from the command line to the files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from reggan_plugin.cli import main

from ..sample_frames import SAMPLES

BOX = (470, 223, 384, 384)
"""The face of the first sample frame, brows to chin."""
ACESCG_FROM_REC709 = np.array(
    [
        [0.61309741, 0.33952314, 0.04737945],
        [0.07019372, 0.91635388, 0.01345240],
        [0.02061559, 0.10956977, 0.86981463],
    ]
)


def render(source: Path, out: Path, *options: str) -> Path:
    where = ("--face-box", ",".join(map(str, BOX)), "--exposure", "0", "--expression", "surprised")
    command = ["render", "--frames", str(source), "--out", str(out), *where, *options]
    assert main(command) == 0
    return out / source.name


def channels(path: Path) -> dict[str, Any]:
    file = OpenEXR.File(str(path), separate_channels=True)
    return {name: channel.pixels for name, channel in file.channels().items()}


@pytest.fixture(scope="module")
def exr(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample as its writer left it, with a matte among its channels."""
    content = channels(SAMPLES / "avatar_exr" / "avatar.1001.exr")
    matte = np.zeros_like(content["R"], dtype=np.float32)
    matte[:, : BOX[0] + BOX[2] // 2] = 1.0
    matte[:, BOX[0] + BOX[2] // 2 : BOX[0] + BOX[2]] = 0.5
    path = tmp_path_factory.mktemp("exr") / "frame.1001.exr"
    colours = {name: content[name] for name in "RGB"}
    settings = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(settings, {**colours, "roto.half": matte}).write(str(path))
    return path


def assert_rebuilt(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Original plus delta is the result; mask 0 has the same bits."""
    outside = after["reggan.mask"] == 0
    assert 0 < (~outside).mean() < 0.5
    for colour in "RGB":
        rebuilt = (before[colour] + after[f"reggan.delta.{colour}"]).astype(before[colour].dtype)
        assert rebuilt.tobytes() == after[colour].tobytes()
        assert after[colour][outside].tobytes() == before[colour][outside].tobytes()
        assert not after[f"reggan.delta.{colour}"][outside].any()


MODELS = pytest.mark.parametrize("model", ["reggan", "sargan"])
"""Of contract 3 and of contract 1."""


@MODELS
def test_the_limits_of_a_region_hold(exr: Path, tmp_path: Path, model: str) -> None:
    before = channels(exr)
    changed = {}
    for region in ("all", "upper", "lower"):
        options = ("--region", region, "--exr-layers", "mask,delta", "--model", model)
        after = channels(render(exr, tmp_path / region, *options))
        assert_rebuilt(before, after)
        changed[region] = after["reggan.mask"] > 0
    eyes, mouth = BOX[1] + 3 * BOX[3] // 10, BOX[1] + 3 * BOX[3] // 4
    assert not changed["lower"][:eyes].any()
    assert not changed["upper"][mouth:].any()
    assert changed["upper"][:eyes].any()
    assert changed["lower"][mouth:].any()
    shrunk = channels(render(exr, tmp_path / "s", "--mask-grow", "-0.08", *options[2:]))
    assert (shrunk["reggan.mask"] > 0).mean() < 0.9 * changed["all"].mean()


@MODELS
def test_a_channel_of_the_frame_limits_the_change(exr: Path, tmp_path: Path, model: str) -> None:
    free = channels(render(exr, tmp_path / "free", "--model", model))
    matte = ("--matte-channel", "roto.half", "--exr-layers", "mask,delta", "--model", model)
    limited = channels(render(exr, tmp_path / "cut", *matte))
    assert_rebuilt(channels(exr), limited)
    middle, right = BOX[0] + BOX[2] // 2, BOX[0] + BOX[2]
    assert np.array_equal(limited["G"][:, :middle], free["G"][:, :middle])
    assert (limited["G"] != free["G"])[:, middle:right].any()
    assert not limited["reggan.mask"][:, right:].any()


def test_a_matte_of_black_leaves_the_file_as_it_is(exr: Path, tmp_path: Path) -> None:
    Image.new("L", (1280, 720)).save(tmp_path / "black.png")
    black = ("--matte", str(tmp_path / "black.png"))
    written = render(exr, tmp_path / "out", *black, "--exr-layers", "mask,delta")
    assert written.read_bytes() == exr.read_bytes()
    png = SAMPLES / "avatar_png" / "avatar.1001.png"
    assert render(png, tmp_path / "out", *black).read_bytes() == png.read_bytes()


def test_a_matte_that_is_missing_fails_its_frame(
    exr: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mattes").mkdir()
    Image.new("L", (1280, 720)).save(tmp_path / "mattes" / "roto.1007.png")
    command = ["render", "--frames", str(exr), "--out", str(tmp_path / "out")]
    matte = ("--matte", str(tmp_path / "mattes"))
    assert main([*command, "--expression", "happy", "--whole-image", *matte]) == 1
    assert "and no 1001. Render it, or leave this frame out" in capsys.readouterr().err


def test_intensity_0_adds_nothing(exr: Path, tmp_path: Path) -> None:
    pytest.importorskip("PyOpenColorIO")
    options = ("--exr-layers", "mask,delta", "--exr-compression", "piz", "--colorspace", "ACEScg")
    written = render(exr, tmp_path / "out", "--intensity", "0", *options)
    assert written.read_bytes() == exr.read_bytes()


def test_aces_in_is_aces_out(exr: Path, tmp_path: Path) -> None:
    """The same picture in two spaces gets the same change; outside of it nothing moves."""
    pytest.importorskip("PyOpenColorIO")
    before = channels(exr)
    rec709 = np.stack([before[name] for name in "RGB"], axis=2).astype(np.float64)
    aces = tmp_path / exr.name
    own = (rec709 @ ACESCG_FROM_REC709.T).astype(np.float32)
    OpenEXR.File({}, {"RGB": own}).write(str(aces))
    layers = ("--exr-layers", "mask,delta")
    plain = channels(render(exr, tmp_path / "plain", *layers))
    converted = channels(render(aces, tmp_path / "aces", "--colorspace", "ACEScg", *layers))
    assert_rebuilt(channels(aces), converted)
    ours = (
        np.stack([converted[name] for name in "RGB"], axis=2) @ np.linalg.inv(ACESCG_FROM_REC709).T
    )
    expected = np.stack([plain[name] for name in "RGB"], axis=2).astype(np.float64)
    face = plain["reggan.mask"] > 0
    change = np.abs(expected - rec709)[face]
    assert change.max() > 0.1
    apart = np.abs(ours - expected)[face] > 0.02 * change.max()
    # along edges and in an iris the last bit of a place or a colour says what is seen
    assert apart.mean() < 5e-3
    assumed = channels(render(aces, tmp_path / "assumed", *layers))  # taken for Rec. 709
    assert np.abs(assumed["R"] - converted["R"]).max() > 0.01


def test_png_in_its_own_space_is_as_without_one(tmp_path: Path) -> None:
    pytest.importorskip("PyOpenColorIO")
    source = SAMPLES / "avatar_png" / "avatar.1001.png"
    declared = render(source, tmp_path / "a", "--colorspace", "sRGB - Texture")
    assumed = render(source, tmp_path / "b")
    a, b = (np.asarray(Image.open(path)).astype(int) for path in (declared, assumed))
    apart = np.abs(a - b).max(axis=2)
    # along the jaw and in an iris the last bit of a place or a colour says what is seen
    assert (apart > 1).sum() <= 200
    assert (apart > 8).sum() <= 8
    original = np.asarray(Image.open(source))
    assert 0.01 < (a != original).any(axis=2).mean() < 0.5


def test_a_second_generation_is_told_and_avoided(
    exr: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "lossy.exr"
    content = {name: channels(exr)[name] for name in "RGB"}
    settings = {"compression": OpenEXR.DWAA_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(settings, content).write(str(source))
    capsys.readouterr()
    render(source, tmp_path / "again")
    said = capsys.readouterr().err
    assert "DWAA" in said
    assert "--exr-compression zip keeps every bit" in said
    record = json.loads((tmp_path / "again" / ".reggan" / "lossy.exr.json").read_text())
    assert 0 < record["stats"]["loss_rms"] < record["stats"]["loss_largest"] < 0.1
    zipped = render(source, tmp_path / "zip", "--exr-compression", "zip", "--exr-layers", "mask")
    assert "keeps every bit" not in capsys.readouterr().err
    before, after = channels(source), channels(zipped)
    outside = after["reggan.mask"] == 0
    for name in "RGB":
        assert after[name][outside].tobytes() == before[name][outside].tobytes()
    assert OpenEXR.File(str(zipped)).header()["compression"] == OpenEXR.ZIP_COMPRESSION


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("--matte", "roto.####.png"), 1, "no file fits. Check the name and the padding"),
        (("--matte-channel", "R"), 1, "avatar.1001.png is no EXR, so it has no channel 'R'"),
        (("--exr-compression", "zip"), 2, "avatar.1001.png is no EXR"),
        (("--exr-layers", "mask"), 2, "--exr-compression and --exr-layers out"),
        (("--exr-picture", "beauty"), 2, "only EXR has layers"),
    ],
)
@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_what_every_frame_would_fail_for_is_said_before_the_shot_is_tracked(
    options: tuple[str, ...],
    status: int,
    message: str,
    dry_run: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, out = str(SAMPLES / "avatar_png"), tmp_path / "out"
    command = ["render", "--frames", source, "--out", str(out), "--expression", "happy", *dry_run]
    assert main([*command, *options]) == status
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--colorspace", "ACEScq"), "close to it: ACEScg, ACEScc"),
        (("--exr-layers", "alpha"), "give all, or some of stmap"),
        (("--mask-grow", "2"), "-0.25<=x<=0.25"),
        (("--exr-compression", "dwaa"), "'zip'"),
        (("--region", "left"), "'upper'"),
    ],
)
def test_what_cannot_be_meant_is_said(
    options: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("PyOpenColorIO")
    source = str(SAMPLES / "avatar_exr")
    command = ["render", "--frames", source, "--out", str(tmp_path), "--expression", "happy"]
    assert main([*command, *options]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
