"""A known motion from file to file: what moves, moves whole; all else keeps its bits."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import OpenEXR
import pytest
import tifffile

from reggan_plugin.change.region_limits import RegionLimits
from reggan_plugin.cli import main
from reggan_plugin.errors import UnknownExpressionError
from reggan_plugin.files.frame import read_frame
from reggan_plugin.imaging.crop import crop_of_whole_image
from reggan_plugin.transfer.display_picture import picture_of
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

from .motion_models import SIDE_PX, write_motion_model

SIZE = 256
MIDDLE = slice(64, 192), slice(64, 192)


def levels() -> np.ndarray:
    """RGBA; alpha is 0 in a corner and part of it along an edge."""
    picture = np.random.default_rng(3).integers(20, 200, (SIZE, SIZE, 4), dtype=np.uint8)
    picture[..., 3] = 255
    picture[:40, :40, 3] = 0
    picture[200:210, :, 3] = 128
    return picture


def write_png(path: Path) -> None:
    path.write_bytes(imagecodecs.png_encode(levels()))


def write_tiff(path: Path) -> None:
    deep = levels()[..., :3].astype(np.uint16) * 257
    tifffile.imwrite(path, deep, photometric="rgb", compression="zlib")


def write_exr(path: Path) -> None:
    rgba = levels().astype(np.float32) / 64  # up to 3
    rgba[..., 3] = levels()[..., 3].astype(np.float32) / 255
    rgba[..., :3] *= rgba[..., 3:]
    rgba[100:104, 100:104, :3] = 50.0
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, {"RGBA": rgba}).write(str(path))


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.png": write_png,
    "a.tif": write_tiff,
    "a.exr": write_exr,
}


def render(source: Path, model: Path, intensity: float, *more: str) -> Path:
    out = source.parent / f"out_{intensity}{''.join(m for m in more if m.startswith('--'))}"
    words = ["render", "--frames", source, "--out", out, "--model", model, "--whole-image"]
    words += ["--expression", "happy", "--intensity", intensity, *more]
    assert main([str(word) for word in words]) == 0
    return out / source.name


@pytest.fixture
def moving(tmp_path: Path) -> Path:
    return write_motion_model(tmp_path / "moving.onnx", motion=(16 / SIZE, 0.0))


@pytest.mark.parametrize("name", WRITERS)
def test_a_shift_by_whole_pixels_is_exact_and_the_ring_keeps_its_bits(
    name: str, moving: Path, tmp_path: Path
) -> None:
    WRITERS[name](tmp_path / name)
    before = read_frame(tmp_path / name)
    after = read_frame(render(tmp_path / name, moving, 1))
    came_from = before.pixels[64:192, 80:208]
    if before.alpha is not None:
        assert after.alpha is not None
        assert after.alpha.tobytes() == before.alpha.tobytes()
    assert np.array_equal(after.pixels[MIDDLE], came_from)
    rim = int(0.04 * SIZE)
    changed = (after.pixels != before.pixels).any(axis=2)
    for edge in (changed[:rim], changed[-rim:], changed[:, :rim], changed[:, -rim:]):
        assert not edge.any()
    if before.alpha is not None:
        assert not changed[before.alpha == 0].any()


@pytest.mark.parametrize("name", WRITERS)
def test_intensity_0_gives_the_same_file(name: str, moving: Path, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    assert render(tmp_path / name, moving, 0).read_bytes() == (tmp_path / name).read_bytes()


def test_half_the_intensity_moves_half_as_far(moving: Path, tmp_path: Path) -> None:
    write_exr(tmp_path / "a.exr")
    before = read_frame(tmp_path / "a.exr").pixels
    after = read_frame(render(tmp_path / "a.exr", moving, 0.5)).pixels
    assert np.array_equal(after[MIDDLE], before[64:192, 72:200])


def test_a_part_of_the_face_and_a_matte_hold_the_motion_back(moving: Path, tmp_path: Path) -> None:
    write_png(tmp_path / "a.png")
    before = read_frame(tmp_path / "a.png").pixels
    whole = read_frame(render(tmp_path / "a.png", moving, 1)).pixels
    lower = read_frame(render(tmp_path / "a.png", moving, 1, "--region", "lower")).pixels
    assert np.array_equal(lower[:110], before[:110])
    assert np.array_equal(lower[184:210, 48:208], whole[184:210, 48:208])
    matte = np.zeros((SIZE, SIZE), np.uint8)
    matte[:, 128:] = 255
    (tmp_path / "matte.png").write_bytes(imagecodecs.png_encode(matte))
    kept = render(tmp_path / "a.png", moving, 1, "--matte", str(tmp_path / "matte.png"))
    pixels = read_frame(kept).pixels
    assert np.array_equal(pixels[:, :128], before[:, :128])
    assert np.array_equal(pixels[:, 128:], whole[:, 128:])


def test_bands_give_the_same_bits(
    moving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_exr(tmp_path / "a.exr")
    frame, transfer = read_frame(tmp_path / "a.exr"), ExpressionTransfer(moving, device="cpu")
    crops = [crop_of_whole_image(SIZE, SIZE, SIDE_PX)]
    whole = transfer.render(frame, ExpressionMix({"sad": 0.77}), crops)
    monkeypatch.setattr("reggan_plugin.change.pipeline._MOST_AT_ONCE", 5000)
    in_bands = transfer.render(frame, ExpressionMix({"sad": 0.77}), crops)
    assert np.array_equal(in_bands, whole)


def test_a_narrower_mask_changes_less(tmp_path: Path) -> None:
    write_exr(tmp_path / "a.exr")
    cover = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    cover[20:44, 20:44] = 1.0
    model = write_motion_model(tmp_path / "painting.onnx", cover=cover, paint=0.5)
    frame, transfer = read_frame(tmp_path / "a.exr"), ExpressionTransfer(model, device="cpu")
    crops, mix = [crop_of_whole_image(SIZE, SIZE, SIDE_PX)], ExpressionMix({"happy": 1.0})

    def changed(limits: RegionLimits) -> np.ndarray:
        cut = transfer.cut(replace(picture_of(frame), limits=limits), mix, crops)
        return transfer.answer([cut])[0].compose().weight > 0

    full, narrow = changed(RegionLimits()), changed(RegionLimits(grow=-0.05))
    assert 0 < narrow.sum() < 0.8 * full.sum()
    assert not (narrow & ~full).any()


def test_the_second_of_two_faces_moves_what_the_first_left(moving: Path, tmp_path: Path) -> None:
    write_exr(tmp_path / "a.exr")
    frame, transfer = read_frame(tmp_path / "a.exr"), ExpressionTransfer(moving, device="cpu")
    crop = crop_of_whole_image(SIZE, SIZE, SIDE_PX)
    twice = transfer.render(frame, ExpressionMix({"happy": 1.0}), [crop, crop])
    assert np.array_equal(twice[96:160, 96:160], frame.pixels[96:160, 128:192])


def write_tiff_with_alpha(path: Path) -> None:
    tifffile.imwrite(
        path, levels(), photometric="rgb", extrasamples=["unassalpha"], compression="zlib"
    )


@pytest.mark.parametrize(
    "write", [write_png, write_exr, write_tiff_with_alpha], ids=["a.png", "a.exr", "a.tif"]
)
def test_alpha_moves_with_the_face_if_asked(
    write: Callable[[Path], None], moving: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / request.node.callspec.id
    write(path)
    before = read_frame(path)
    after = read_frame(render(path, moving, 1, "--move-alpha"))
    assert before.alpha is not None
    assert after.alpha is not None
    assert (after.alpha != before.alpha).any()
    inside = slice(24, 232), slice(24, 216)
    assert np.array_equal(after.alpha[inside], before.alpha[24:232, 40:232])
    rim = int(0.04 * SIZE)
    assert np.array_equal(after.alpha[:rim], before.alpha[:rim])
    opaque = after.alpha[64:192, 64:192] == 1
    assert np.array_equal(after.pixels[MIDDLE][opaque], before.pixels[64:192, 80:208][opaque])


def test_a_model_without_motion_cannot_move_alpha(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_png(tmp_path / "a.png")
    words = ["render", "--frames", str(tmp_path / "a.png"), "--expression", "happy"]
    words += ["--model", "sargan"]
    assert main([*words, "--move-alpha", "--whole-image"]) == 2
    assert "Leave out --move-alpha" in capsys.readouterr().err


def test_what_a_model_has_no_shapes_for_is_said(moving: Path) -> None:
    transfer = ExpressionTransfer(moving, device="cpu")
    few = replace(transfer.card, controls=("jawOpen", "neutral"))
    with pytest.raises(UnknownExpressionError, match="happy"):
        few.vector_of(ExpressionMix({"happy": 1.0}))
