"""Decode and encode a rectangle of an EXR part's blocks.

The rectangle is given to the OpenEXR library as a small file of its own, so that other parts,
attributes of any type and blocks without a change are never decoded or written anew.
"""

import io
import struct
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import OpenEXR

from reggan_plugin.array_types import Bool, Plane
from reggan_plugin.errors import UnreadableFrameError
from reggan_plugin.files.exr.container import (
    Attribute,
    Chunk,
    Container,
    ExrPart,
    Window,
    build_single_part,
    read_container,
)
from reggan_plugin.files.image_format import library_faults
from reggan_plugin.frozen import frozen
from reggan_plugin.limits import refuse_oversize, refuse_too_short

_NEEDED = ("channels", "compression", "displayWindow", "pixelAspectRatio", "screenWindowCenter",
           "screenWindowWidth", "tiles", "dwaCompressionLevel")  # fmt: skip
_MOST_PIXELS_PER_BYTE = {8: 2**14, 9: 2**14, 10: 2**17, 11: 2**17, 12: 2**17, 13: 2**17}
"""DWAA, DWAB, the three of JPEG 2000 and ZSTD; a black half channel in tiles of 4096 pixels reaches
10,900 in DWAA, 26,800 in HTJ2K256, 11,700 in ZSTD, 490 in ZIP."""
_MOST_PIXELS_PER_BYTE_ELSE = 2**11
_INCREASING_Y = Attribute(kind=b"lineOrder", value=b"\0")


@frozen
class BlockGrid:
    """The blocks of a part; (row, column) of the grid → offset of the chunk."""

    window: Window
    height_px: int
    width_px: int
    is_tiled: bool
    offsets: dict[tuple[int, int], int]

    def rectangle_around(self, changed: Bool[np.ndarray, "height width"]) -> tuple[slice, slice]:
        """Rows and columns of the grid that hold all changed pixels; there is at least one."""
        rows = np.flatnonzero(changed.any(axis=1)) // self.height_px
        columns = np.flatnonzero(changed.any(axis=0)) // self.width_px
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

    def pixels_of(self, blocks: tuple[slice, slice]) -> tuple[slice, slice]:
        """Rows and columns of pixels, from the data window's first, that these blocks cover."""
        height, width = self.window.shape
        rows, columns = blocks
        return (
            slice(rows.start * self.height_px, min(rows.stop * self.height_px, height)),
            slice(columns.start * self.width_px, min(columns.stop * self.width_px, width)),
        )

    @property
    def all_blocks(self) -> tuple[slice, slice]:
        """The rows and columns of the whole grid."""
        last_row, last_column = max(self.offsets)
        return slice(0, last_row + 1), slice(0, last_column + 1)


def read_grid(container: Container, part: ExrPart) -> BlockGrid:
    """Return the grid of a flat part of one resolution level.

    Raises:
        UnreadableFrameError: a block is missing.
        UnsupportedFormatError: the part is too large.
    """
    window = part.window("dataWindow")
    height, width = window.shape
    refuse_oversize(height, width, len(part.channels))
    most = _MOST_PIXELS_PER_BYTE.get(part.compression, _MOST_PIXELS_PER_BYTE_ELSE)
    refuse_too_short(height, width, len(container.content), most)
    coordinates = {offset: container.chunk(offset)[0] for offset in part.chunk_offsets}
    if part.is_tiled:
        block_width, block_height, _ = part.tile_description
        places = {struct.unpack("<2i", xy[:8])[::-1]: o for o, xy in coordinates.items()}
    else:
        lines = sorted((struct.unpack("<i", y)[0], o) for o, y in coordinates.items())
        block_width = max(width, 1)
        block_height = lines[1][0] - lines[0][0] if len(lines) > 1 else max(height, 1)
        places = {((y - window.top) // max(block_height, 1), 0): o for y, o in lines}
    rows, columns = -(-height // max(block_height, 1)), -(-width // max(block_width, 1))
    is_full = len(places) == rows * columns and set(places) == {
        (row, column) for row in range(rows) for column in range(columns)
    }
    if not is_full:
        raise UnreadableFrameError(
            f"is incomplete: {len(places)} of {rows * columns} blocks are there. Render it again."
        )
    return BlockGrid(
        window=window,
        height_px=block_height,
        width_px=block_width,
        is_tiled=part.is_tiled,
        offsets=places,
    )


def decode_blocks(
    container: Container, part: ExrPart, grid: BlockGrid, blocks: tuple[slice, slice]
) -> OpenEXR.File:
    """All channels of these blocks, opened by the OpenEXR library.

    Raises:
        UnreadableFrameError: the compressed data is damaged.
    """
    rows, columns = blocks
    chunks = []
    for row in range(rows.start, rows.stop):
        for column in range(columns.start, columns.stop):
            coordinates, data = container.chunk(grid.offsets[row, column])
            if grid.is_tiled:
                coordinates = struct.pack("<4i", column - columns.start, row - rows.start, 0, 0)
            chunks.append((coordinates, data))
    attributes = {name: part.attributes[name] for name in _NEEDED if name in part.attributes}
    attributes["dataWindow"] = Attribute(kind=b"box2i", value=_packed_window(grid, blocks))
    attributes["lineOrder"] = _INCREASING_Y
    kind = b"tiledimage" if grid.is_tiled else b"scanlineimage"
    attributes["type"] = Attribute(kind=b"string", value=kind)
    content = build_single_part(attributes, chunks, has_long_names=container.has_long_names)
    with library_faults():
        file = OpenEXR.File(io.BytesIO(content), separate_channels=True)
    if not file.parts:  # the library has only printed a warning
        raise UnreadableFrameError("is damaged: a block cannot be decoded. Render it again.")
    return file


def channel_pixels(blocks: OpenEXR.File, name: str) -> npt.NDArray[np.generic]:
    """Return a channel's own array, [row, column]: changes to it are written by `encode_blocks`."""
    pixels: npt.NDArray[np.generic] = blocks.channels()[name].pixels
    return pixels


def encode_blocks(blocks: OpenEXR.File, place: tuple[slice, slice]) -> dict[tuple[int, int], bytes]:
    """Compressed data by (row, column) of the whole grid; `place` is where these blocks are."""
    written = _written(blocks)
    local = read_grid(written, written.parts[0])
    return {
        (row + place[0].start, column + place[1].start): written.chunk(offset)[1]
        for (row, column), offset in local.offsets.items()
    }


def encode_part(blocks: OpenEXR.File, compression: int) -> tuple[dict[str, Attribute], list[Chunk]]:
    """Return the attributes that differ, and all chunks, of a part that these blocks are the whole
    of.
    """
    blocks.parts[0].header["compression"] = OpenEXR.Compression(compression)
    written = _written(blocks)
    (part,) = written.parts
    differing = {name: part.attributes[name] for name in ("channels", "compression")}
    return differing, [written.chunk(offset) for offset in part.chunk_offsets]


def _written(blocks: OpenEXR.File) -> Container:
    stream = io.BytesIO()
    blocks.write(stream)
    return read_container(stream.getvalue())


def _packed_window(grid: BlockGrid, blocks: tuple[slice, slice]) -> bytes:
    rows, columns = grid.pixels_of(blocks)
    left, top = grid.window.left, grid.window.top
    return struct.pack(
        "<4i", left + columns.start, top + rows.start, left + columns.stop - 1, top + rows.stop - 1
    )


def exr_from_planes(
    planes: Mapping[str, Plane],
    origin_px: tuple[int, int],
    display_px: tuple[int, int],
    corner_px: tuple[int, int] = (0, 0),
) -> bytes:
    """Return a file of scanlines, compressed without loss (ZIP).

    Args:
        planes: by the name of their channel.
        origin_px: (row, column) of their first pixel in the display window.
        display_px: (height, width) of the display window.
        corner_px: (row, column) at which that begins.
    """
    height, width = next(iter(planes.values())).shape
    (upper, first), (rows, columns) = corner_px, display_px
    top, left = upper + origin_px[0], first + origin_px[1]
    header = {
        "type": OpenEXR.scanlineimage,
        "compression": OpenEXR.ZIP_COMPRESSION,
        "dataWindow": _window(left, top, left + width - 1, top + height - 1),
        "displayWindow": _window(first, upper, first + columns - 1, upper + rows - 1),
    }
    channels = {name: np.ascontiguousarray(plane) for name, plane in planes.items()}
    stream = io.BytesIO()
    OpenEXR.File(header, channels).write(stream)
    return stream.getvalue()


def _window(left: int, top: int, right: int, bottom: int) -> tuple[np.ndarray, np.ndarray]:
    return np.array([left, top], np.int32), np.array([right, bottom], np.int32)
