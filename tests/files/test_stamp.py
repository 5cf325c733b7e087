"""A stamp says what it says, and nothing else of the file changes."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image

from reggan_plugin.files.frame import read_frame
from reggan_plugin.files.image_format import EXR_ATTRIBUTE, STAMP_KEY, TIFF_TAG
from reggan_plugin.jobs.frame_steps import stamped

TEXT = '{"version": "0.1.0", "settings_sha256": "0af"}'
Write = Callable[[Path], None]
Read = Callable[[Path], str]

PIXELS = np.random.default_rng(1).integers(0, 255, (20, 30, 3), dtype=np.uint8)


def write_exr(path: Path) -> None:
    channels = {"RGB": PIXELS.astype(np.float16) / 255, "Z": PIXELS[..., 0].astype(np.float32)}
    OpenEXR.File({"owner": "somebody"}, channels).write(str(path))


def write_two_parts(path: Path) -> None:
    parts = [
        OpenEXR.Part({}, {"RGB": PIXELS.astype(np.float16)}, "beauty"),
        OpenEXR.Part({}, {"Z": PIXELS[..., 0].astype(np.float32)}, "depth"),
    ]
    OpenEXR.File(parts).write(str(path))


def read_tiff_tag(path: Path) -> str:
    with tifffile.TiffFile(path) as file:
        assert file.pages.first.tags["ImageDescription"].value == "of the shot"
        return str(file.pages.first.tags[TIFF_TAG].value)


def write_tiff(**options: object) -> Write:
    return lambda path: tifffile.imwrite(
        path, PIXELS, compression="zlib", description="of the shot", metadata=None, **options
    )


def read_png(path: Path) -> str:
    with Image.open(path) as image:
        return str(image.info[STAMP_KEY])  # type: ignore[attr-defined]


def read_jpeg(path: Path) -> str:
    with Image.open(path) as image:
        return bytes(image.info["comment"]).decode().removeprefix(f"{STAMP_KEY} ")


def read_exr(path: Path) -> str:
    with OpenEXR.File(str(path)) as file:
        return str(file.header()[EXR_ATTRIBUTE])


FILES: list[tuple[str, Write, Read]] = [
    ("a.png", lambda path: Image.fromarray(PIXELS).save(path), read_png),
    ("a.jpg", lambda path: Image.fromarray(PIXELS).save(path), read_jpeg),
    ("a.exr", write_exr, read_exr),
    ("parts.exr", write_two_parts, read_exr),
    ("little.tif", write_tiff(byteorder="<"), read_tiff_tag),
    ("big-endian.tif", write_tiff(byteorder=">"), read_tiff_tag),
    ("bigtiff.tif", write_tiff(bigtiff=True), read_tiff_tag),
]


@pytest.mark.parametrize(("name", "write", "read"), FILES, ids=[name for name, *_ in FILES])
def test_a_stamp_is_read_by_others_and_the_picture_stays(
    tmp_path: Path, name: str, write: Write, read: Read
) -> None:
    path = tmp_path / name
    write(path)
    before = read_frame(path).pixels
    once = stamped(path.read_bytes(), "an older one, of another length")
    path.write_bytes(stamped(once, TEXT))
    assert read(path) == TEXT
    assert path.read_bytes().count(TEXT.encode()) == 1
    assert np.array_equal(read_frame(path).pixels, before)


def test_other_metadata_stays(tmp_path: Path) -> None:
    write_exr(tmp_path / "a.exr")
    path = tmp_path / "b.exr"
    path.write_bytes(stamped((tmp_path / "a.exr").read_bytes(), TEXT))
    with OpenEXR.File(str(path)) as file:
        assert file.header()["owner"] == "somebody"
        assert np.array_equal(file.channels()["Z"].pixels, PIXELS[..., 0].astype(np.float32))
    png = io.BytesIO()
    Image.fromarray(PIXELS).save(png, "PNG", dpi=(300, 300))
    with Image.open(io.BytesIO(stamped(png.getvalue(), TEXT))) as image:
        assert round(image.info["dpi"][0]) == 300
        assert np.array_equal(np.asarray(image), PIXELS)
