"""A PNG's picture as chunks, from bands of rows. Source: PNG specification, 3rd edition, §7-11."""

import struct
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from reggan_plugin.array_types import Shaped
from reggan_plugin.files.png.chunks import Chunk, make_chunk

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""By number of channels: grey, grey and alpha, RGB, RGBA."""
_LEVEL = 3
_UP = 2
"""The filter that stores each row as its difference from the one above."""


def header_chunk(samples: Shaped[np.ndarray, "height width channels"]) -> Chunk:
    """IHDR of a picture of uint8 or uint16 that is not interlaced."""
    height, width, channels = samples.shape
    depth = 8 * samples.itemsize
    fields = struct.pack(">IIBBBBB", width, height, depth, _COLOUR_TYPES[channels], 0, 0, 0)
    return make_chunk(b"IHDR", fields)


def image_chunks(bands: Iterable[Shaped[np.ndarray, "rows width channels"]]) -> Iterator[Chunk]:
    """One IDAT for each band that gives the compressor enough to put out."""
    compressor = zlib.compressobj(_LEVEL, strategy=zlib.Z_FILTERED)
    above = None
    for band in bands:
        rows = band.astype(band.dtype.newbyteorder(">")).reshape(len(band), -1).view(np.uint8)
        before = np.zeros_like(rows[:1]) if above is None else above
        filtered = np.full((len(rows), rows.shape[1] + 1), _UP, np.uint8)
        filtered[:, 1:] = rows - np.concatenate([before, rows[:-1]])
        above = rows[-1:]
        compressed = compressor.compress(filtered.tobytes())
        if compressed:
            yield make_chunk(b"IDAT", compressed)
    yield make_chunk(b"IDAT", compressor.flush())
