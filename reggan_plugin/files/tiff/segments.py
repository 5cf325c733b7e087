"""Decode, encode and replace the strips and tiles of a TIFF page in place.

Everything else in the file, other pages and all tags among it, keeps its bytes. A segment that
has grown, or over which something else lies, is appended and its offset changed; the place where
it was stays unused.
Source: TIFF 6.0; TIFF Technical Note 3 (floating-point predictor).
"""

import io
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

NONE = 1
_PACKBITS = 32773
_COMPRESSORS: dict[int, Callable[[bytes], bytes | bytearray]] = {
    5: imagecodecs.lzw_encode,
    8: imagecodecs.deflate_encode,
    32946: imagecodecs.deflate_encode,
    34925: imagecodecs.lzma_encode,
    50000: imagecodecs.zstd_encode,
}
WRITABLE_COMPRESSIONS = frozenset({NONE, _PACKBITS, *_COMPRESSORS})

_LARGEST = {3: 2**16 - 1, 4: 2**32 - 1, 16: 2**64 - 1}
"""Largest values of the types that a table may have."""
_ENTRY_BYTES = {False: 12, True: 20}
"""Of a tag in the list of tags, by whether the file is a BigTIFF."""

_HORIZONTAL_PREDICTOR, FLOAT_PREDICTOR = 2, 3
WRITABLE_PREDICTORS = frozenset({1, _HORIZONTAL_PREDICTOR, FLOAT_PREDICTOR})

_TABLES = _OFFSET_TAGS, _BYTE_COUNT_TAGS = (324, 273), (325, 279)

Segment = npt.NDArray[Any]
"""[row, column, channel] of one strip or tile, native byte order, with a tile's padding."""

Place = tuple[int, slice, slice]
"""The plane, and the rows and columns of the image that a segment covers; they may reach beyond."""


def is_planar(page: tifffile.TiffPage) -> bool:
    """Tell whether each channel is stored by itself."""
    return page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and page.samplesperpixel > 1


def segment_places(page: tifffile.TiffPage) -> Iterator[tuple[int, Place]]:
    """Index and place of all segments; entries of the file beyond them are none."""
    for index in range(math.prod(page.chunked)):
        _, (plane, _, row, column, _), (_, rows, columns, _) = page.decode(None, index)
        yield index, (plane, slice(row, row + rows), slice(column, column + columns))


def is_laid_out_soundly(page: tifffile.TiffPage) -> bool:
    """Tell whether all segments have an entry in two tags of the right types, over which nothing
    lies.

    Else parts of the picture would be whatever memory held, and to replace a segment could
    damage others.
    """
    alone = _areas_alone(page)
    tables = [page.tags[code] for codes in _TABLES for code in codes if code in page.tags]
    is_whole = len(tables) == len(_TABLES) and len(page.dataoffsets) >= math.prod(page.chunked)
    return is_whole and all(
        one.dtype in _LARGEST and (not _has_own_area(one) or _area_of(one) in alone)
        for one in tables
    )


def decode_segment(page: tifffile.TiffPage, content: bytes, index: int) -> Segment:
    """Return a writable copy of a segment; an empty one is filled with the page's no-data value."""
    offset, count = page.dataoffsets[index], page.databytecounts[index]
    data, _, shape = page.decode(content[offset : offset + count] if count else None, index)
    if data is None:
        return np.full(shape[1:], page.nodata, page.dtype)
    return np.array(data[0], dtype=page.dtype)


def encode_segment(page: tifffile.TiffPage, segment: Segment) -> bytes:
    """Return the segment as the page's predictor, byte order and compression store it."""
    order = page.parent.byteorder
    if page.predictor == FLOAT_PREDICTOR:
        data = imagecodecs.floatpred_encode(segment, axis=-2).tobytes()
    elif page.predictor == _HORIZONTAL_PREDICTOR:
        bits = segment.view(f"u{segment.itemsize}")
        data = (
            imagecodecs.delta_encode(bits, axis=-2).astype(f"{order}u{segment.itemsize}").tobytes()
        )
    else:
        data = segment.astype(segment.dtype.newbyteorder(order)).tobytes()
    if page.compression == _PACKBITS:
        rows = np.frombuffer(data, np.uint8).reshape(segment.shape[0], -1)
        return bytes(imagecodecs.packbits_encode(rows, axis=-1))
    if page.compression == NONE:
        return data
    return bytes(_COMPRESSORS[page.compression](data))


def replace_segments(content: bytes, replaced: Mapping[int, bytes]) -> bytes:
    """Return the file with other data in these segments of its first page."""
    stream = io.BytesIO(content)
    with tifffile.TiffFile(stream) as file:
        page = file.pages.first
        offsets, counts = list(page.dataoffsets), list(page.databytecounts)
        alone = _areas_alone(page)
        stream.seek(0, io.SEEK_END)
        for index, data in replaced.items():
            is_alone = (offsets[index], offsets[index] + counts[index]) in alone
            if not is_alone or len(data) > counts[index]:
                stream.write(b"\0" * (stream.tell() % 2))
                offsets[index] = stream.tell()
                stream.write(data)
            else:
                stream.seek(offsets[index])
                stream.write(data)
                stream.seek(0, io.SEEK_END)
            counts[index] = len(data)
        _overwrite(page, _OFFSET_TAGS, page.dataoffsets, offsets)
        _overwrite(page, _BYTE_COUNT_TAGS, page.databytecounts, counts)
    return stream.getvalue()


def _areas_alone(page: tifffile.TiffPage) -> set[tuple[int, int]]:
    """Begin and end of the segments, long tags and the list of tags over which nothing else of
    the page lies.
    """
    tags = list(page.tags)
    # The list of tags counts as one, with those whose values stand in it.
    areas = [(tags[0].offset, tags[-1].offset + _ENTRY_BYTES[page.parent.is_bigtiff])]
    areas += [_area_of(tag) for tag in tags if _has_own_area(tag)]
    areas += [
        (offset, offset + count)
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
        if count
    ]
    areas.sort()
    alone, reached = set(), 0
    for area, following in zip(areas, [*areas[1:], (math.inf, math.inf)], strict=True):
        if reached <= area[0] and area[1] <= following[0]:
            alone.add(area)
        reached = max(reached, area[1])
    return alone


def _has_own_area(tag: tifffile.TiffTag) -> bool:
    return bool(tag.valuebytecount > tag.parent.tiff.tagoffsetthreshold)


def _area_of(tag: tifffile.TiffTag) -> tuple[int, int]:
    return tag.valueoffset, tag.valueoffset + tag.valuebytecount


def _overwrite(
    page: tifffile.TiffPage, codes: tuple[int, int], before: tuple[int, ...], after: list[int]
) -> None:
    """Write the values of whichever of the two tags the page has, wider if they need it."""
    if after == list(before):
        return
    tag = next(page.tags[code] for code in codes if code in page.tags)
    wide = "Q" if page.parent.is_bigtiff else "I"
    tag.overwrite(after, dtype=wide if max(after) > _LARGEST[tag.dtype] else None)
