"""The three promises, kept by the shipped model in every format, from file to file."""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from reggan_plugin.cli import main
from reggan_plugin.files.frame import read_frame
from reggan_plugin.jobs.frame_record import read_record

from .sample_frames import SAMPLES

FACE = (slice(70, 370), slice(190, 490))  # of the sample at half its size


def face_levels() -> np.ndarray:
    """A square around the sample's face, RGBA, uint8."""
    with Image.open(SAMPLES / "avatar_png" / "avatar.1001.png") as image:
        return np.asarray(image.resize((image.width // 2, image.height // 2)))[FACE].copy()


def write_png_8(path: Path) -> None:
    text = PngInfo()
    text.add_text("shot", "sq010")
    Image.fromarray(face_levels()).save(path, pnginfo=text, dpi=(72, 72))


def write_png_16(path: Path) -> None:
    path.write_bytes(imagecodecs.png_encode(face_levels().astype(np.uint16) * 257))


def write_jpeg(path: Path) -> None:
    Image.fromarray(face_levels()[..., :3]).save(path, quality=90, comment=b"sq010")


def write_tiff(path: Path, dtype: type[np.generic], scale: float) -> None:
    pixels = (face_levels()[..., :3].astype(np.float64) * scale).astype(dtype)
    tifffile.imwrite(path, pixels, photometric="rgb", compression="zlib", description="sq010")


def write_exr(path: Path, dtype: type[np.generic]) -> None:
    rgba = face_levels().astype(np.float32) / 255
    rgba[..., :3] = rgba[..., :3] ** 2.2 * rgba[..., 3:]
    depth = np.arange(rgba.shape[0] * rgba.shape[1], dtype=np.float32).reshape(rgba.shape[:2])
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "owner": "sq010"}
    channels = {"RGBA": rgba.astype(dtype), "depth.Z": depth}
    OpenEXR.File(header, channels).write(str(path))


LOSSLESS: dict[str, Callable[[Path], None]] = {
    "8bit.png": write_png_8,
    "16bit.png": write_png_16,
    "8bit.tif": lambda path: write_tiff(path, np.uint8, 1),
    "16bit.tif": lambda path: write_tiff(path, np.uint16, 257),
    "float.tif": lambda path: write_tiff(path, np.float32, 1 / 255),
    "half.exr": lambda path: write_exr(path, np.float16),
    "float.exr": lambda path: write_exr(path, np.float32),
}
EVERY = {**LOSSLESS, "frame.jpg": write_jpeg}


def render(path: Path, intensity: float, *more: str) -> Path:
    out = path.parent / f"out_{intensity}"
    words = ["render", "--frames", path, "--out", out, "--expression", "surprised"]
    words += ["--intensity", intensity, "--whole-image", *more]
    assert main([str(word) for word in words]) == 0
    return out / path.name


@pytest.mark.parametrize("name", EVERY)
def test_intensity_0_gives_the_same_file(name: str, tmp_path: Path) -> None:
    EVERY[name](tmp_path / name)
    assert render(tmp_path / name, 0).read_bytes() == (tmp_path / name).read_bytes()


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("intensity", [0.4, 1.5])
def test_outside_the_mask_and_in_alpha_every_bit_stays(
    name: str, intensity: float, tmp_path: Path
) -> None:
    LOSSLESS[name](tmp_path / name)
    before, after = read_frame(tmp_path / name), read_frame(render(tmp_path / name, intensity))
    changed = (before.pixels != after.pixels).any(axis=2)
    side = changed.shape[0]
    rim = int(0.04 * side)
    assert not changed[:rim].any()
    assert not changed[-rim:].any()
    assert not changed[:, :rim].any()
    assert not changed[:, -rim:].any()
    assert 0.02 < changed.mean() < 0.6
    assert before.encoding is after.encoding
    if before.alpha is None:
        assert after.alpha is None
    else:
        assert after.alpha is not None
        assert before.alpha.tobytes() == after.alpha.tobytes()


def test_a_face_under_alpha_0_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_png_8(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as seen:
        seen.putalpha(0)
        seen.save(tmp_path / "a.png")
    render(tmp_path / "a.png", 1.0)
    assert "The face lies where alpha is 0" in capsys.readouterr().err
    record = read_record(tmp_path / "out_1.0" / "a.png")
    assert record is not None
    assert "where alpha is 0" in record.warnings[-1]


@pytest.mark.parametrize("where", ["alpha", "matte"])
def test_a_face_under_what_is_no_number_is_told(tmp_path: Path, where: str) -> None:
    shape = (720, 1280)
    with Image.open(SAMPLES / "avatar_png" / "avatar.1001.png") as seen:
        pixels = np.asarray(seen.convert("RGB"), np.float32) / np.float32(255)
    nan = {"A": np.full(shape, np.nan, np.float32)}
    OpenEXR.File({}, nan).write(str(tmp_path / "nan.exr"))
    OpenEXR.File({}, {"RGB": pixels, **(nan if where == "alpha" else {})}).write(
        str(tmp_path / "a.exr")
    )
    matte = ["--matte", str(tmp_path / "nan.exr")] if where == "matte" else []
    out = tmp_path / "out" / "a.exr"
    assert main(["render", str(tmp_path / "a.exr"), "-e", "happy", "-o", str(out), *matte]) == 0
    record = read_record(out)
    assert record is not None
    assert f"The face lies where {'the ' if matte else ''}{where} is 0" in record.warnings[-1]


def test_text_description_layers_and_attributes_stay(tmp_path: Path) -> None:
    for name, write in EVERY.items():
        write(tmp_path / name)
    with Image.open(render(tmp_path / "8bit.png", 1.0)) as png:
        assert png.info["shot"] == "sq010"
        assert png.info["dpi"] == pytest.approx((72, 72), abs=0.1)
    with Image.open(render(tmp_path / "frame.jpg", 1.0)) as jpeg:
        assert jpeg.info["comment"] == b"sq010"
    with tifffile.TiffFile(render(tmp_path / "16bit.tif", 1.0)) as tiff:
        assert tiff.pages[0].tags["ImageDescription"].value == "sq010"
        assert tiff.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE
    with OpenEXR.File(str(tmp_path / "half.exr"), separate_channels=True) as source:
        depth = source.channels()["depth.Z"].pixels.copy()
    result = render(tmp_path / "half.exr", 1.0, "--move-layers", "none")
    with OpenEXR.File(str(result), separate_channels=True) as exr:
        assert exr.header()["owner"] == "sq010"
        assert exr.header()["compression"] == OpenEXR.ZIP_COMPRESSION
        assert exr.channels()["R"].pixels.dtype == np.float16
        assert np.array_equal(exr.channels()["depth.Z"].pixels, depth)


def test_a_pass_moves_with_the_face_and_stays_outside_of_it(tmp_path: Path) -> None:
    path = tmp_path / "float.exr"
    LOSSLESS[path.name](path)
    with OpenEXR.File(str(path), separate_channels=True) as source:
        depth = source.channels()["depth.Z"].pixels.copy()
    with OpenEXR.File(str(render(path, 1.0)), separate_channels=True) as exr:
        moved = exr.channels()["depth.Z"].pixels != depth
    rim = int(0.04 * len(depth))
    assert 0.02 < moved.mean() < 0.6
    assert not moved[:rim].any()
    assert not moved[-rim:].any()
    assert not moved[:, :rim].any()
    assert not moved[:, -rim:].any()
