"""Files of a few bytes whose headers ask for all of a machine's memory."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenEXR
import tifffile
from PIL import Image


def png(width: int, height: int) -> bytes:
    """16-bit RGBA with a hundred bytes of pixels."""
    header = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def large_png() -> bytes:
    """A sound black picture of 11600x11600 in less than a megabyte."""
    side = 11_600
    packed = zlib.compressobj(9)
    rows = b"".join(packed.compress(bytes(1 + 3 * side)) for _ in range(side)) + packed.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum


def jpeg(width: int, height: int) -> bytes:
    """A sound grey square whose header says more."""
    stream = io.BytesIO()
    Image.new("RGB", (64, 64)).save(stream, "JPEG")
    content = bytearray(stream.getvalue())
    size = content.index(b"\xff\xc0") + 5
    content[size : size + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def tiff(width: int, height: int) -> bytes:
    """Compressed tiles of which nearly all are missing."""
    stream = io.BytesIO()
    samples = np.zeros((16, 16, 3), np.uint16)
    tifffile.imwrite(stream, samples, photometric="rgb", compression="zlib", tile=(16, 16))
    content = bytearray(stream.getvalue())
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        for code, value in ((256, width), (257, height)):
            place = file.pages.first.tags[code].valueoffset
            content[place - 6 : place - 4] = struct.pack("<H", 4)  # a 32-bit number
            content[place : place + 4] = struct.pack("<I", value)
    return bytes(content)


def tiff_left_out(width: int, height: int) -> bytes:
    """A single strip of which the file holds nothing."""
    content = bytearray(tiff(width, height))
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        tags = file.pages.first.tags
        for code, new, value in ((322, 278, height), (324, 273, 0), (325, 279, 0), (259, 259, 1)):
            place = tags[code].offset
            content[place : place + 12] = struct.pack("<HHII", new, 4, 1, value)
    return bytes(content)


def tiff_of_a_huge_tile() -> bytes:
    """A small picture in a tile that would take 19 GB."""
    content = bytearray(tiff(24, 20))
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        tags = file.pages.first.tags
        for code, value in ((322, 51_472), (323, 32_784), (325, 0)):
            place = tags[code].offset
            content[place : place + 12] = struct.pack("<HHII", code, 4, 1, value)
    return bytes(content)


def tiff_of_many_widths() -> bytes:
    """A width that is a list of numbers, times a height of millions."""
    content = bytearray(tiff(24, 17_000_000))
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        place = file.pages.first.tags[256].offset
    content[place : place + 12] = struct.pack("<HHII", 256, 4, 48, 8)
    return bytes(content)


def exr(
    width: int, height: int, folder: Path, *, compression: str = "ZIP", tiled: bool = False
) -> bytes:
    """A few blocks of a window that would need millions."""
    kind = OpenEXR.tiledimage if tiled else OpenEXR.scanlineimage
    header = {"compression": getattr(OpenEXR, f"{compression}_COMPRESSION"), "type": kind}
    tiles = {"tiles": OpenEXR.TileDescription()} if tiled else {}
    path = folder / "small.exr"
    OpenEXR.File(header | tiles, {"RGB": np.zeros((40, 40, 3), np.float16)}).write(str(path))
    window = struct.pack("<4i", 0, 0, 39, 39)
    return path.read_bytes().replace(window, struct.pack("<4i", 0, 0, width - 1, height - 1))


HOSTILE: dict[str, Callable[[Path], bytes]] = {
    "png": lambda _: png(60_000, 60_000),
    "png-within-the-limit": lambda _: png(16_384, 16_384),
    "jpeg": lambda _: jpeg(65_500, 65_500),
    "jpeg-within-the-limit": lambda _: jpeg(16_000, 16_000),
    "tiff": lambda _: tiff(60_000, 60_000),
    "tiff-largest": lambda _: tiff(2**32 - 1, 2**32 - 1),
    "tiff-left-out": lambda _: tiff_left_out(16_000, 16_000),
    "tiff-huge-tile": lambda _: tiff_of_a_huge_tile(),
    "tiff-many-widths": lambda _: tiff_of_many_widths(),
    "exr": lambda folder: exr(60_000, 60_000, folder),
    "exr-largest": lambda folder: exr(2**31 - 1, 2**31 - 1, folder),
    "exr-tiles": lambda folder: exr(60_000, 60_000, folder, tiled=True),
    "exr-one-wide-block": lambda folder: exr(2**22, 40, folder, compression="DWAB"),
    "exr-one-column": lambda folder: exr(1, 2**31 - 1, folder),
}
