"""A change leaves as layers, and others than this package put the result together from them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import cast

import imagecodecs
import numpy as np
import OpenEXR
import pytest

from reggan_plugin.change.pipeline import EditedFrame
from reggan_plugin.cli import main
from reggan_plugin.errors import UnsupportedFormatError
from reggan_plugin.files.frame import read_frame
from reggan_plugin.imaging.colour import linear_from_srgb
from reggan_plugin.jobs.change_layers import FrameChange

from .layered_shots import planes, rebuilt, render, shown, smile, warped
from .motion_models import write_motion_model
from .sample_frames import small_frame

FACE = ("--face-box", "270,90,100,100", "--exposure", "0")
ALL = ("stmap", "inverse", "gain", "paint", "mask", "delta")
LEVEL = 1 / 255


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return smile(tmp_path / "smile.onnx")


def sample(kind: str, folder: Path) -> Path:
    return small_frame(f"avatar_{kind}/avatar.1001.{kind}", folder)


def smooth_picture(path: Path) -> None:
    """Waves of 20 pixels and more, so that no filter matters."""
    y, x = np.mgrid[:256, :320]
    waves = [np.sin(x / a) * np.cos(y / b) for a, b in ((11, 14), (15, 9), (12, 10))]
    rgb = (0.3 + 0.1 * np.stack(waves, axis=2)).astype(np.float32)
    if path.suffix == ".png":
        levels = np.rint(rgb * 65535).astype(np.uint16)
        path.write_bytes(imagecodecs.png_encode(levels))
    else:
        OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, {"RGB": rgb}).write(str(path))


@pytest.mark.parametrize("kind", ["exr", "png"])
def test_a_smooth_picture_is_rebuilt_within_half_a_level(
    kind: str, model: Path, tmp_path: Path
) -> None:
    source, layers = tmp_path / f"a.{kind}", tmp_path / "layers"
    smooth_picture(source)
    options = ("--whole-image", "--exposure", "0", "--layers-out", str(layers))
    after = read_frame(render(source, model, *options))
    ours, theirs = shown(after), rebuilt(read_frame(source), layers, "a.exr")
    assert (ours != shown(read_frame(source))).any(axis=2).mean() > 0.1
    assert np.abs(ours - theirs).max() < 0.5 * LEVEL


@pytest.mark.parametrize("kind", ["exr", "png"])
def test_a_rendered_face_is_rebuilt_but_for_the_sharpest_edges(
    kind: str, model: Path, tmp_path: Path
) -> None:
    """Where the motion squeezes, OpenImageIO averages; at an edge ours overshoots less.

    The paint takes over at the rim of the silhouette, so the whole picture counts.
    """
    source, layers = sample(kind, tmp_path), tmp_path / "layers"
    after = read_frame(render(source, model, *FACE, "--layers-out", str(layers)))
    ours, theirs = shown(after), rebuilt(read_frame(source), layers, "avatar.1001.exr")
    changed = planes(layers / "mask" / "avatar.1001.exr")[..., 0] > 0
    difference = np.abs(ours - theirs).max(axis=2)[changed]
    if kind == "png":
        difference = np.maximum(difference - 0.5 * LEVEL, 0)  # ours is rounded
    assert changed.sum() > 5_000
    assert (difference < 0.5 * LEVEL).mean() > 0.99
    assert difference.mean() < 0.1 * LEVEL


@pytest.mark.parametrize("corner", [(0, 0), (-500, 16)])
def test_the_stmap_holds_where_each_pixel_comes_from(
    tmp_path: Path, corner: tuple[int, int]
) -> None:
    """(x + 0.5) / width, v from the bottom up, of the displayed picture; B and A are 1."""
    model = write_motion_model(tmp_path / "moving.onnx", motion=(16 / 256, -8 / 256))
    height, width = 256, 256
    window, display = (
        tuple(np.array(edge, np.int32) + np.array(corner, np.int32) for edge in edges)
        for edges in (([30, 40], [285, 295]), ([0, 0], [399, 319]))
    )
    settings = {"dataWindow": window, "displayWindow": display}
    rgb = np.random.default_rng(1).random((height, width, 3)).astype(np.float32)
    source = tmp_path / "a.exr"
    OpenEXR.File(settings, {"RGB": rgb}).write(str(source))
    options = ("--whole-image", "--exposure", "0", "--layers-out", str(tmp_path / "layers"))
    render(source, model, *options)
    file = OpenEXR.File(str(tmp_path / "layers" / "stmap" / "a.exr"), separate_channels=True)
    header = file.header()
    for name in ("dataWindow", "displayWindow"):
        assert np.array_equal(header[name], display)
    stmap = planes(tmp_path / "layers" / "stmap" / "a.exr")
    assert stmap.dtype == np.float32
    y, x = np.mgrid[:320, :400] + 0.5
    still = np.stack([x / 400, 1 - y / 320], axis=2)
    middle = slice(40 + 64, 40 + 192), slice(30 + 64, 30 + 192)
    moved = np.stack([(x + 16) / 400, 1 - (y - 8) / 320], axis=2)
    assert np.array_equal(stmap[..., :2][middle], moved[middle].astype(np.float32))
    assert np.array_equal(stmap[:40, :, :2], still[:40].astype(np.float32))
    assert np.array_equal(stmap[300:, :, :2], still[300:].astype(np.float32))
    assert (stmap[..., 2:] == 1).all()


def test_the_inverse_leads_back(model: Path, tmp_path: Path) -> None:
    source, layers = tmp_path / "a.exr", tmp_path / "layers"
    smooth_picture(source)
    render(source, model, "--whole-image", "--exposure", "0", "--layers-out", str(layers))
    forth, back = (planes(layers / name / "a.exr")[..., :2] for name in ("stmap", "inverse"))
    there_and_back = warped(forth, back, "triangle")
    y, x = np.mgrid[:256, :320] + 0.5
    still = np.stack([x / 320, 1 - y / 256], axis=2)
    off_px = np.abs(there_and_back - still) * (320, 256)
    assert np.abs((forth - still) * (320, 256)).max() > 4
    assert off_px.max() < 0.05


def test_layers_go_into_the_frames_own_file(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, layers = sample("exr", tmp_path), tmp_path / "layers"
    inside = render(source, model, *FACE, "--exr-layers", "all")
    render(source, model, *FACE, "--layers-out", str(layers), out="beside")
    assert (layers / "stmap" / source.name).exists()
    file = OpenEXR.File(str(inside), separate_channels=True)
    found = {name: channel.pixels for name, channel in file.channels().items()}
    for layer, names in (("stmap", "uv"), ("inverse", "uv"), ("gain", "RGB"), ("paint", "RGBA")):
        own = planes(layers / layer / source.name)
        for index, name in enumerate(names):
            assert found[f"reggan_{layer}.{name}"].tobytes() == own[..., index].tobytes()
    assert {"reggan.mask", "reggan.delta.R"} <= found.keys()
    again = tmp_path / "again"
    again.mkdir()
    second = Path(shutil.copy(inside, again / source.name))
    render(second, model, *FACE, "--exr-layers", "gain")
    assert "without the layers" not in capsys.readouterr().err
    shutil.copy(second, again / "avatar.1002.exr")
    words = ["render", again, "-o", again / "faded", "-e", "happy", "--model", model, *FACE]
    assert main([*map(str, words), "--exr-layers", "gain", "--fade-in", "2"]) == 0
    assert (again / "faded" / second.name).read_bytes() == second.read_bytes()
    assert "copied as it is, without the layers of others. --layers-out" in capsys.readouterr().err
    names = OpenEXR.File(str(again / "out" / source.name), separate_channels=True).channels()
    assert {name for name in names if name.startswith("reggan")} == {
        f"reggan_gain.{name}" for name in "RGB"
    }


def test_colour_has_the_primaries_of_the_file(tmp_path: Path) -> None:
    """In ACEScg gain is a grey factor and paint is ACEScg, so the same sum comes out."""
    pytest.importorskip("PyOpenColorIO")
    model = smile(tmp_path / "smile.onnx")
    source, layers = tmp_path / "a.exr", tmp_path / "layers"
    smooth_picture(source)
    options = ("--whole-image", "--exposure", "0", "--colorspace", "ACEScg")
    after = read_frame(render(source, model, *options, "--layers-out", str(layers)))
    difference = np.abs(shown(after) - rebuilt(read_frame(source), layers, "a.exr"))
    assert difference.max() < 0.5 * LEVEL


def test_a_shot_has_layers_for_every_frame(model: Path, tmp_path: Path) -> None:
    """A frame in which nothing changes has layers that change nothing."""
    source, layers = sample("png", tmp_path), tmp_path / "layers"
    still = render(source, model, *FACE, "--intensity", "0", "--layers-out", str(layers))
    assert still.read_bytes() == source.read_bytes()
    y, x = np.mgrid[:360, :640] + 0.5
    name = "avatar.1001.exr"
    stmap = planes(layers / "stmap" / name)[..., :2]
    assert np.array_equal(stmap, np.stack([x / 640, 1 - y / 360], axis=2).astype(np.float32))
    assert (planes(layers / "gain" / name) == 1).all()
    for layer in ("paint", "mask", "delta"):
        assert not planes(layers / layer / name).any()
    assert not imagecodecs.png_decode((layers / "mask_png" / "avatar.1001.png").read_bytes()).any()


def test_only_named_layers_are_written_and_the_mask_as_a_picture_too(
    model: Path, tmp_path: Path
) -> None:
    source, layers = sample("exr", tmp_path), tmp_path / "layers"
    render(source, model, *FACE, "--exr-layers", "mask", "--layers-out", str(layers))
    assert sorted(path.name for path in layers.iterdir()) == ["mask", "mask_png"]
    mask = planes(layers / "mask" / source.name)[..., 0]
    picture = imagecodecs.png_decode((layers / "mask_png" / "avatar.1001.png").read_bytes())
    assert picture.dtype == np.uint16
    assert np.abs(picture / 65535 - mask).max() < 1e-5
    names = OpenEXR.File(str(tmp_path / "out" / source.name), separate_channels=True).channels()
    assert not any(name.startswith("reggan") for name in names)


def test_layers_are_not_overwritten_and_missing_ones_are_made_again(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, layers = sample("png", tmp_path), tmp_path / "layers"
    options = (*FACE, "--layers-out", str(layers))
    render(source, model, *options)
    render(source, model, *options, out="other", status=1)
    assert "--overwrite" in capsys.readouterr().err
    gain = layers / "gain" / "avatar.1001.exr"
    content = gain.read_bytes()
    gain.unlink()
    render(source, model, *options, "--resume")
    assert gain.read_bytes() == content
    capsys.readouterr()
    render(source, model, *options, "--resume", "--json")
    assert json.loads(capsys.readouterr().out)["counts"]["written"] == 0


def test_a_model_that_says_nothing_of_motion_has_mask_and_delta_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = sample("png", tmp_path)
    words = ["render", "--frames", str(source), "--expression", "happy", *FACE]
    words += ["--model", "sargan"]
    layers = ["--layers-out", str(tmp_path / "layers")]
    assert main([*words, *layers]) == 2
    assert "(--exr-layers mask,delta)" in capsys.readouterr().err
    assert main([*words, *layers, "--exr-layers", "mask,delta"]) == 0
    delta = planes(tmp_path / "layers" / "delta" / "avatar.1001.exr")
    result = next(path for path in tmp_path.rglob("avatar.1001.png") if "happy" in str(path))
    before, after = read_frame(source).pixels, read_frame(result).pixels
    assert np.array_equal(np.rint((before + delta) * 255), np.rint(after * 255))


def test_paint_is_light(tmp_path: Path) -> None:
    """Paint of 0.5 sRGB-encoded is 0.214 in the layer, at the exposure of the shot."""
    model = write_motion_model(tmp_path / "p.onnx", cover=1.0, paint=0.5)
    source = tmp_path / "a.exr"
    smooth_picture(source)
    options = ("--whole-image", "--exposure", "1", "--layers-out", str(tmp_path / "layers"))
    render(source, model, *options)
    paint = planes(tmp_path / "layers" / "paint" / "a.exr")
    middle = paint[128, 160]
    light = float(linear_from_srgb(np.array([[0.5]], np.float32))[0, 0])
    assert middle == pytest.approx([light / 2] * 3 + [1.0], rel=1e-3)


def test_layers_of_two_shots_do_not_take_each_others_place(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        sample("png", tmp_path / name)
    words = ["render", tmp_path / "a", tmp_path / "b", "--expression", "happy", "--model", model]
    words += [*FACE, "--layers-out", tmp_path / "layers"]
    assert main([str(word) for word in words]) == 2
    assert "Two of the results would both have the layer" in capsys.readouterr().err
    assert not (tmp_path / "layers").exists()
    words = ["render", tmp_path / "a", "-e", "happy", "-e", "sad", "--model", model, "--dry-run"]
    words += [*FACE, "--layers-out"]
    assert main([*map(str, words), str(tmp_path / "layers")]) == 2
    remedy = '--layers-out "FOLDER/{expression}"'
    assert remedy in capsys.readouterr().err
    assert main([*map(str, words), str(tmp_path / "layers/{expression}")]) == 0


def test_layers_of_one_picture_have_its_name(model: Path, tmp_path: Path) -> None:
    """The result beside it is avatar.1001_happy.png."""
    source, layers = sample("png", tmp_path), tmp_path / "layers"
    words = ["render", source, "--expression", "happy", "--model", model, *FACE]
    assert main([str(word) for word in [*words, "--layers-out", layers]]) == 0
    assert (layers / "stmap" / "avatar.1001.exr").exists()
    comp = ["comp", "--for", "nuke", "--frames", source, "--layers", layers]
    assert main([str(word) for word in [*comp, "--out", tmp_path / "a.nk"]]) == 0


def test_layers_do_not_cover_a_window_far_larger_than_the_picture(tmp_path: Path) -> None:
    frame = read_frame(small_frame("avatar_png/avatar.1001.png", tmp_path, 8))
    frame = replace(frame, displayed_px=(4096, 4096))
    change = FrameChange(frame=frame, edited=cast("EditedFrame", None))
    assert change.displayed_canvas.shape == (4096, 4096)
    wide = replace(change, frame=replace(frame, displayed_px=(16384, 16384)))
    with pytest.raises(UnsupportedFormatError, match="together are 16384x16384"):
        _ = wide.displayed_canvas
