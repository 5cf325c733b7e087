"""Small sound pictures of every kind that is read."""

import io
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import OpenEXR
import tifffile
from PIL import Image

from reggan_plugin.files.frame import read_frame, write_frame

_EXIF_ON_ITS_SIDE = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"

PICTURES = (
    *("png", "png-16-bit", "jpeg", "jpeg-on-its-side", "tiff", "tiff-strips", "tiff-tiles"),
    *("exr-no", "exr-rle", "exr-zip", "exr-piz", "exr-pxr24", "exr-b44", "exr-dwaa"),
)


def use_picture(path: Path) -> None:
    """Read a picture, and write it again with other pixels.

    Raises:
        RegganError: it is refused by name; whatever else is raised is a find.
        AssertionError: libraries warn of what was written, and did not of what was read. Damaged
            metadata are kept as they are.
    """
    with warnings.catch_warnings(record=True) as before:
        warnings.simplefilter("always")
        frame = read_frame(path)
    pixels = frame.pixels.copy()
    pixels[pixels.shape[0] // 2 :, :2] = 0.25
    with warnings.catch_warnings(record=True) as behind:
        warnings.simplefilter("always")
        write_frame(frame, pixels, path.with_name("written"), overwrite=True)
        read_frame(path.with_name("written"))
    new = {str(one.message) for one in behind} - {str(one.message) for one in before}
    assert not new, new


def sound_pictures(folder: Path) -> dict[str, bytes]:
    """Small pictures of every kind that is read, by name; `folder` takes files in between."""
    random = np.random.default_rng(1001)
    deep = random.integers(0, 65535, (24, 20, 3), np.uint16)
    pictures = {
        "png": _saved("PNG"),
        "png-16-bit": bytes(imagecodecs.png_encode(deep)),
        "jpeg": _saved("JPEG"),
        "jpeg-on-its-side": _saved("JPEG", progressive=True, exif=_EXIF_ON_ITS_SIDE),
        "tiff": _tiff(deep),
        "tiff-strips": _tiff(deep, compression="lzw", predictor=True, rowsperstrip=7),
        "tiff-tiles": _tiff(deep.astype(np.float32), compression="zlib", tile=(16, 16)),
    }
    channels = {
        "RGBA": random.random((24, 20, 4)).astype(np.float16),
        "Z": random.random((24, 20)).astype(np.float32),
    }
    for name in ("NO", "RLE", "ZIP", "PIZ", "PXR24", "B44", "DWAA"):
        compression = getattr(OpenEXR, f"{name}_COMPRESSION")
        header = {"compression": compression, "type": OpenEXR.scanlineimage}
        path = folder / "sound.exr"
        OpenEXR.File(header, channels).write(str(path))
        pictures[f"exr-{name.lower()}"] = path.read_bytes()
    return pictures


def _saved(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    levels = np.random.default_rng(1).integers(0, 255, (24, 20, 3), np.uint8)
    Image.fromarray(levels).save(stream, kind, **options)
    return stream.getvalue()


def _tiff(samples: object, **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, samples, photometric="rgb", **options)  # type: ignore[arg-type]
    return stream.getvalue()
