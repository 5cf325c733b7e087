"""JPEG is compressed again with the same settings and metadata."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError
from reggan_plugin.files.frame import Encoding, read_frame, write_frame

from .conftest import Edit

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SETTINGS: list[dict[str, Any]] = [
    {"quality": 93, "subsampling": "4:4:4"},
    {"quality": 60, "subsampling": "4:2:2"},
    {"quality": 80, "subsampling": "4:2:0", "progressive": True},
    {"quality": 90, "restart_marker_blocks": 3},
    {"quality": 90, "keep_rgb": True},
    {"quality": 90, "keep_rgb": True, "dpi": (300, 300)},  # JFIF: decoders take it for YCbCr
    {"qtables": [list(range(1, 65)), [7] * 64]},
]


def gradient(height: int = 61, width: int = 83) -> Image.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    channels = [rows * 255 // height, columns * 255 // width, (rows + columns) % 200]
    return Image.fromarray(np.stack(channels, axis=2).astype(np.uint8))


def segments(path: Path, markers: range) -> list[bytes]:
    """The marker segments before the first scan whose code is among these."""
    content, position, found = path.read_bytes(), 2, []
    while content[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        if content[position + 1] in markers:
            found.append(content[position:end])
        position = end
    return found


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "in.jpg", tmp_path / "out.jpg"


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_settings_and_metadata_are_kept(
    paths: tuple[Path, Path], edit: Edit, settings: dict[str, Any], mode: str
) -> None:
    source, target = paths
    exif = Image.Exif()
    exif[0x0131] = "Camera"
    metadata: dict[str, Any] = {
        "icc_profile": PROFILE,
        "exif": exif,
        "comment": b"hello",
        "xmp": b"<x:xmpmeta/>",
    }
    gradient().convert(mode).save(source, **metadata, **settings)
    frame = read_frame(source)
    pixels, mask = edit(frame)
    write_frame(frame, pixels, target)
    assert target.read_bytes() != source.read_bytes()
    assert segments(target, range(0xE0, 0xF0))
    for markers in [range(0xE0, 0xF0), range(0xFE, 0xFF), range(0xDD, 0xDE)]:
        assert segments(target, markers) == segments(source, markers)
    with Image.open(source) as before, Image.open(target) as after:
        assert after.mode == before.mode
        if mode == "RGB":
            assert [part[1:] for part in after.layer] == [part[1:] for part in before.layer]
        assert after.quantization == before.quantization
        assert after.info.get("progressive") == before.info.get("progressive")
        difference = np.abs(np.asarray(before, float) - np.asarray(after, float))
    assert difference[:16].max() <= 12  # far from the edit: one more generation of JPEG
    assert difference[mask].mean() > 20


def test_written_pixels_are_what_was_asked_for(paths: tuple[Path, Path]) -> None:
    source, target = paths
    gradient().save(source, quality=95, subsampling="4:4:4")
    frame = read_frame(source)
    pixels = frame.pixels.copy()
    pixels[16:48, 16:48] = [0.8, 0.4, 0.2]
    write_frame(frame, pixels, target)
    written = read_frame(target).pixels[20:44, 20:44]
    assert np.abs(written - [0.8, 0.4, 0.2]).max() < 2 / 255


def test_unchanged_pixels_give_the_same_file(paths: tuple[Path, Path]) -> None:
    source, target = paths
    gradient().save(source)
    frame = read_frame(source)
    write_frame(frame, frame.pixels.copy(), target)
    assert target.read_bytes() == source.read_bytes()
    assert frame.alpha is None
    assert frame.encoding is Encoding.SRGB
    assert any("lossy" in notice for notice in frame.notices)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_on_its_side_is_shown_upright_and_written_back(
    paths: tuple[Path, Path], orientation: int
) -> None:
    source, target = paths
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.zeros((32, 48, 3), np.uint8)
    stored[:8, :8] = 255
    Image.fromarray(stored).save(source, quality=100, subsampling="4:4:4", exif=exif)
    frame = read_frame(source)
    with Image.open(source) as picture:
        upright = np.asarray(ImageOps.exif_transpose(picture))
    np.testing.assert_array_equal(np.rint(frame.pixels * 255), upright)
    pixels = frame.pixels.copy()
    pixels[frame.pixels > 0.5] = 0.25
    write_frame(frame, pixels, target)
    with Image.open(target) as picture:
        written = np.asarray(picture)
        assert picture.getexif()[0x0112] == orientation
    assert written.shape == stored.shape
    assert np.abs(written[:8, :8].astype(int) - 64).max() <= 2
    assert written[10:, 10:].max() <= 2


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_one_pixel(paths: tuple[Path, Path], mode: str) -> None:
    source, target = paths
    Image.new(mode, (1, 1), "white").save(source)
    frame = read_frame(source)
    assert frame.pixels.shape == (1, 1, 3)
    write_frame(frame, np.zeros((1, 1, 3), np.float32), target)
    assert read_frame(target).pixels.max() < 2 / 255


def test_cmyk_is_refused_by_name(paths: tuple[Path, Path]) -> None:
    Image.new("CMYK", (8, 8)).save(paths[0])
    with pytest.raises(UnsupportedFormatError, match=r"in\.jpg is a CMYK JPEG\. Convert"):
        read_frame(paths[0])


def test_12_bits_are_refused_by_name(paths: tuple[Path, Path]) -> None:
    gradient().save(paths[0])
    content = bytearray(paths[0].read_bytes())
    content[content.index(b"\xff\xc0") + 4] = 12
    paths[0].write_bytes(content)
    with pytest.raises(UnsupportedFormatError, match="JPEG of 12 bits"):
        read_frame(paths[0])


def test_further_pictures_are_left_out_and_said(paths: tuple[Path, Path]) -> None:
    source, target = paths
    gradient().save(source, "MPO", save_all=True, append_images=[gradient()])
    frame = read_frame(source)
    assert any("MPO" in notice for notice in frame.notices)
    pixels = frame.pixels.copy()
    pixels[:20] = 0
    write_frame(frame, pixels, target)
    with Image.open(io.BytesIO(target.read_bytes())) as picture:
        assert picture.format == "JPEG"
        assert getattr(picture, "n_frames", 1) == 1


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.6, 0.9])
def test_truncated_jpeg_is_named(tmp_path: Path, share: float) -> None:
    path = tmp_path / "cut.jpg"
    stream = io.BytesIO()
    gradient(300, 300).save(stream, "JPEG")
    path.write_bytes(stream.getvalue()[: int(len(stream.getvalue()) * share)])
    with pytest.raises(UnreadableFrameError, match=r"cut\.jpg.*again"):
        read_frame(path)


def damaged_jpegs() -> dict[str, bytes]:
    """What libjpeg makes a picture of, all the same."""
    stream, progressive = io.BytesIO(), io.BytesIO()
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (96, 128, 3), np.uint8))
    noise.save(stream, "JPEG")
    noise.save(progressive, "JPEG", progressive=True)
    sound, parts = stream.getvalue(), progressive.getvalue()
    size, scan = sound.index(b"\xff\xc0") + 5, sound.index(b"\xff\xda")
    half = (scan + len(sound)) // 2
    of_size = {
        name: sound[:size] + struct.pack(">HH", *shape) + sound[size + 4 :]
        for name, shape in (("tall", (192, 128)), ("wide", (96, 160)), ("short", (48, 128)))
    }
    scans = [at for at in range(len(parts)) if parts[at : at + 2] == b"\xff\xda"]
    return {
        **of_size,
        "zeros behind": sound[:half] + bytes(len(sound) - half),
        "zeros in the middle": sound[:half] + bytes(900) + sound[half + 900 :],
        "ends in the middle": sound[:half] + b"\xff\xd9" + sound[half + 2 :],
        "a stray restart": sound[:half] + b"\xff\xd3" + sound[half + 2 :],
        "restarts that never come": sound[:scan] + b"\xff\xdd\0\4\0\5" + sound[scan:],
        "the first scan alone": parts[: scans[1]] + b"\xff\xd9",
        "a scan that is missing": parts[: scans[2]] + parts[scans[3] :],
        "no end": parts[:-2],
    }


@pytest.mark.parametrize("fault", damaged_jpegs())
def test_data_that_do_not_fit_a_jpeg_are_named(fault: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(damaged_jpegs()[fault])
    with Image.open(path) as picture:
        if fault != "no end":
            picture.load()  # others read it without a word
    with pytest.raises(UnreadableFrameError, match=r"a\.jpg is .*damaged"):
        read_frame(path)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("size", [(1, 1), (17, 9), (500, 3), (130, 120)])
def test_sound_jpegs_of_any_coding_are_read(
    mode: str, size: tuple[int, int], tmp_path: Path
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8)
    options = ({}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 3})
    for levels in (noise, noise * 0, noise * 0 + np.array([77, 203, 131], np.uint8)):
        for extra in (*options, {"optimize": True}):
            stream = io.BytesIO()
            Image.fromarray(levels if mode == "RGB" else levels[..., 0]).save(
                stream, "JPEG", **extra
            )
            (tmp_path / "a.jpg").write_bytes(stream.getvalue() + b"\0trailing")
            read = read_frame(tmp_path / "a.jpg").pixels
            with Image.open(stream) as picture:
                assert np.array_equal(np.rint(read * 255), np.asarray(picture.convert("RGB")))
