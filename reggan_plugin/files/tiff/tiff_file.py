"""TIFF: only the strips or tiles in which a pixel changed are written anew."""

import io
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

from reggan_plugin.array_types import Float, Pixels, Plane
from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError
from reggan_plugin.files.image_format import (
    LEFT_OUT,
    LINK,
    Encoding,
    Frame,
    change_samples,
    changed_pixels,
    floats_from_samples,
    library_faults,
    notices_of_previews,
    pixels_from_samples,
    unlinked,
)
from reggan_plugin.files.orientation import upright_frame
from reggan_plugin.files.tiff.directory import with_tags
from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.pixel_values import is_sound_lzw
from reggan_plugin.limits import refuse_oversize, refuse_too_short

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

_CREDENTIALS_TAG, _XMP_TAG = 52545, 700
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
    return _packed(data, page.compression, segment.shape[0])


def _packed(data: bytes, compression: int, rows: int) -> bytes:
    """Compress so many rows of a picture."""
    if compression == _PACKBITS:
        each = np.frombuffer(data, np.uint8).reshape(rows, -1)
        return bytes(imagecodecs.packbits_encode(each, axis=-1))
    return data if compression == NONE else bytes(_COMPRESSORS[compression](data))


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


_ASSOCIATED, _UNASSOCIATED = 1, 2
_ORIENTATION, _PHOTOSHOP, _PHOTOSHOP_LAYERS, _SUB_IFDS = 274, 34377, 37724, 330
_OF_INDICES = (266, 280, 281, 284, 317, 320, 322, 323, 324, 325, 339)
"""Tags that say how the indices of a palette file are stored: fill order, least and largest,
layout, predictor, palette, tiles, format."""


@frozen(eq=False)
class StoredTiff:
    """The file, whose first page holds the picture."""

    content: bytes

    def encode(self, before: Pixels, after: Pixels) -> bytes:
        """Return the file with changed samples replaced; see `StoredImage`."""
        changed = changed_pixels(before, after)
        replaced = {}
        with tifffile.TiffFile(io.BytesIO(self.content)) as file:
            page = file.pages.first
            for index, (plane, rows, columns) in segment_places(page):
                if plane >= colour_count(page) or not changed[rows, columns].any():
                    continue
                segment = decode_segment(page, self.content, index)
                _change(page, segment, plane, before[rows, columns], after[rows, columns])
                replaced[index] = encode_segment(page, segment)
            has_credentials = tiff_has_credentials(file)
        written = replace_segments(self.content, replaced)
        return tiff_without(written) if replaced and has_credentials else written

    def encode_alpha(self, before: Plane, after: Plane) -> bytes:
        """Return the file with other alpha; see `WritesAlpha`."""
        old, new = before[..., None], after[..., None]
        changed = changed_pixels(old, new)
        replaced = {}
        with tifffile.TiffFile(io.BytesIO(self.content)) as file:
            page = file.pages.first
            channel = _alpha_channel(page, [int(kind) for kind in page.extrasamples])
            assert channel is not None, "the frame has alpha"
            for index, (plane, rows, columns) in segment_places(page):
                if (is_planar(page) and plane != channel) or not changed[rows, columns].any():
                    continue
                segment = decode_segment(page, self.content, index)
                place = 0 if is_planar(page) else channel
                own_old, own_new = old[rows, columns], new[rows, columns]
                height, width = own_old.shape[:2]  # without a tile's padding
                change_samples(segment[:height, :width, place : place + 1], own_old, own_new)
                replaced[index] = encode_segment(page, segment)
        return replace_segments(self.content, replaced)


def decode(content: bytes) -> Frame:
    """Read the first page of a TIFF."""
    with library_faults(), tifffile.TiffFile(io.BytesIO(content)) as file:  # reads as it is asked
        page = file.pages.first
        refuse_oversize_page(page, len(content))
        _refuse_unsound_lzw(page, content)
        if page.is_reduced and (len(file.pages) > 1 or _SUB_IFDS in page.tags):
            raise _unsupported("a small copy of its picture on the first page", "one page")
        if page.photometric == PALETTE and page.colormap is not None:
            written, said = _without_palette(page, content)
            frame = decode(written)
            return replace(frame, notices=(*frame.notices, said))
        refuse_unwritable(page)
        check_complete(page, content)
        samples, notices = _all_samples(page, content), _notices(file)
        kinds = [int(kind) for kind in page.extrasamples]
        orientation = int(page.tags.valueof(_ORIENTATION, 1))
    frame = _frame_of(page, samples, kinds, StoredTiff(content=content), notices)
    return upright_frame(frame, orientation)


def _refuse_unsound_lzw(page: tifffile.TiffPage, content: bytes) -> None:
    """Refuse LZW streams that name what their table does not have: they crash what decodes them.

    Raises:
        UnreadableFrameError: there are such.
    """
    if page.compression != tifffile.COMPRESSION.LZW:
        return
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if count and not is_sound_lzw(content[offset : offset + count]):
            raise UnreadableFrameError("is damaged: its LZW names what it does not hold")


def _without_palette(page: tifffile.TiffPage, content: bytes) -> tuple[bytes, str]:
    """Return the file with the colours that the indices of its first page stand for, in 8 bits if
    they hold the palette, and what to say of it; all else stays as it is.
    """
    if page.samplesperpixel > 1:
        raise _unsupported("a palette beside other channels", "RGB", "-type TrueColor")
    table = np.asarray(page.colormap)  # [3, entries], 16 bits
    is_short = bool((table % 257 == 0).all() or (table % 256 == 0).all())
    order, bits = page.parent.byteorder, 8 if is_short else 16
    colours = (table >> 8).astype(np.uint8) if is_short else table.astype(f"{order}u2")
    samples = np.moveaxis(colours[:, page.asarray()], 0, -1)
    compression = int(page.compression) if page.compression in WRITABLE_COMPRESSIONS else NONE
    strip = _packed(samples.tobytes(), compression, page.imagelength)
    begin = len(content) + len(content) % 2
    long = "Q" if page.parent.is_bigtiff else "I"
    shorts = {258: (bits, bits, bits), 259: (compression,), 262: (RGB,), 277: (3,)}
    longs = {273: begin, 278: page.imagelength, 279: len(strip)}
    own = {tag: (3, len(of), struct.pack(f"{order}{len(of)}H", *of)) for tag, of in shorts.items()}
    kind = {"I": 4, "Q": 16}[long]
    own |= {tag: (kind, 1, struct.pack(order + long, value)) for tag, value in longs.items()}
    written = content.ljust(begin, b"\0") + strip
    return with_tags(written, own, _OF_INDICES), f"a palette TIFF is written as RGB of {bits} bits"


def _frame_of(
    page: tifffile.TiffPage,
    samples: npt.NDArray[Any],
    kinds: list[int],
    original: StoredTiff,
    notices: tuple[str, ...],
) -> Frame:
    colours = colour_count(page)
    channel = _alpha_channel(page, kinds)
    kind = None if channel is None else kinds[channel - colours]
    return Frame(
        pixels=pixels_from_samples(_shown(page, samples[..., :colours])),
        alpha=None if channel is None else floats_from_samples(samples[..., channel]),
        alpha_is_premultiplied=kind == _ASSOCIATED,
        encoding=Encoding.SCENE_LINEAR if samples.dtype.kind == "f" else Encoding.SRGB,
        notices=notices,
        original=original,
    )


def _alpha_channel(page: tifffile.TiffPage, kinds: list[int]) -> int | None:
    """Its place among the channels, by the kinds of those that are no colours."""
    place = next((i for i, kind in enumerate(kinds) if kind in (_ASSOCIATED, _UNASSOCIATED)), None)
    return None if place is None else colour_count(page) + place


def _all_samples(page: tifffile.TiffPage, content: bytes) -> npt.NDArray[Any]:
    """All channels, [row, column, channel]."""
    shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
    samples = np.empty(shape, page.dtype)
    for index, (plane, rows, columns) in segment_places(page):
        channels = slice(plane, plane + 1) if is_planar(page) else slice(None)
        place = samples[rows, columns, channels]
        segment = decode_segment(page, content, index)
        place[...] = segment[: place.shape[0], : place.shape[1]]
    return samples


def _change(
    page: tifffile.TiffPage,
    segment: npt.NDArray[Any],
    plane: int,
    before: Float[np.ndarray, "rows columns 3"],
    after: Float[np.ndarray, "rows columns 3"],
) -> None:
    """Replace, in place, the samples of a segment that differ."""
    colours = slice(0, colour_count(page))
    if is_planar(page) and colours.stop == 3:
        colours, own = slice(0, 1), slice(plane, plane + 1)
        before, after = before[..., own], after[..., own]
    visible = segment[: before.shape[0], : before.shape[1], colours]  # without a tile's padding
    shown = _shown(page, visible)
    change_samples(shown, before, after)
    visible[...] = _shown(page, shown)


def _shown(page: tifffile.TiffPage, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return samples in which white is high; its own inverse."""
    return ~samples if page.photometric == WHITE_IS_ZERO else samples


def _notices(file: tifffile.TiffFile) -> tuple[str, ...]:
    notices = []
    further = len(file.pages) - 1
    if further or _SUB_IFDS in file.pages.first.tags:
        notices.append("only the first page of a TIFF is changed; the others are kept as they are")
    if _PHOTOSHOP_LAYERS in file.pages.first.tags:
        notices.append("only the flat picture of a layered TIFF is changed, not its layers")
    if tiff_has_credentials(file):
        notices.append(LEFT_OUT)
    values = (file.pages.first.tags.valueof(tag) for tag in (_PHOTOSHOP, _XMP_TAG))
    notices += notices_of_previews(*(value for value in values if isinstance(value, bytes)))
    return tuple(notices)


WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = 0, 1, 2, 3
_MOST_SAMPLES_PER_BYTE = 2**15
"""Of a black picture in ZSTD. Strips that are left out take no bytes at all."""
_WRITABLE_TYPES = ("uint8", "uint16", "uint32", "float16", "float32", "float64")


def colour_count(page: tifffile.TiffPage) -> int:
    """Channels that are colours: 3, or 1 of a grey page."""
    return 3 if page.photometric == RGB else 1


def refuse_oversize_page(page: tifffile.TiffPage, size_bytes: int) -> None:
    """Raise for a picture, or a tile of it, that is larger than is worked on or can be here."""
    sizes = [(page.imagelength, page.imagewidth)]
    if page.is_tiled:
        sizes.append((page.tilelength, page.tilewidth))
    numbers = [page.samplesperpixel, *(side for size in sizes for side in size)]
    if not all(isinstance(number, int) for number in numbers):  # lists, times a size, fill memory
        raise UnreadableFrameError(
            "is damaged: its size is none of whole numbers. Render or copy it again."
        )
    for height, width in sizes:
        refuse_oversize(height, width, page.samplesperpixel)
        samples = width * page.samplesperpixel
        refuse_too_short(height, samples, size_bytes, _MOST_SAMPLES_PER_BYTE)


def refuse_unwritable(page: tifffile.TiffPage) -> None:
    """Raise for a TIFF that is sound but of a kind that is not written."""
    photometric = getattr(page.photometric, "name", str(page.photometric))
    compression = getattr(page.compression, "name", str(page.compression))
    if page.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
        raise _unsupported(
            f"{photometric} colours", "RGB or grey", "-colorspace sRGB -type TrueColor"
        )
    if page.compression not in WRITABLE_COMPRESSIONS:
        raise _unsupported(
            f"{compression} compression", "deflate, LZW, ZSTD or no compression", "-compress zip"
        )
    bits = np.dtype(page.dtype).itemsize * 8 if page.dtype else 0
    if str(page.dtype) not in _WRITABLE_TYPES or bits != page.bitspersample:
        raise _unsupported(
            f"samples of {_sample_format(page)}",
            "unsigned integers of 8, 16 or 32 bits, or floats of 16, 32 or 64",
            "-depth 16",
        )
    is_float = np.dtype(page.dtype).kind == "f"
    if page.photometric == WHITE_IS_ZERO and is_float:
        raise _unsupported("white stored as 0.0", "black as 0.0")
    if page.predictor == FLOAT_PREDICTOR and not is_float:
        raise _unsupported("the predictor of floats on integers", "an ordinary one")
    if page.predictor not in WRITABLE_PREDICTORS or page.fillorder != 1 or page.imagedepth != 1:
        raise _unsupported("an unusual predictor, bit order or depth", "ordinary ones")


def check_complete(page: tifffile.TiffPage, content: bytes) -> None:
    """Raise for a page whose samples are not all in the file."""
    segments = zip(page.dataoffsets, page.databytecounts, strict=True)
    if 0 in page.shaped:
        raise UnreadableFrameError("is a TIFF without pixels. Render or copy it again.")
    if page.samplesperpixel < colour_count(page):
        raise UnreadableFrameError(
            f"is damaged: it says that it is RGB with {page.samplesperpixel} channels. Render or "
            "copy it again."
        )
    if any(offset + count > len(content) for offset, count in segments):
        raise UnreadableFrameError(
            f"is truncated: image data is missing from its {len(content)} bytes. "
            "Render or copy it again."
        )
    if not is_laid_out_soundly(page):
        raise UnreadableFrameError(
            f"is damaged: the table of its {len(page.dataoffsets)} strips or tiles is incomplete "
            "or lies over other data. Render or copy it again."
        )


def _sample_format(page: tifffile.TiffPage) -> str:
    """Storage of the numbers, in words: `signed integers of 16 bits`."""
    kinds = {1: "unsigned integers", 2: "signed integers", 3: "floats", 5: "complex integers"}
    kinds |= {6: "complex floats"}
    bits = page.bitspersample
    widths = "/".join(map(str, bits)) if isinstance(bits, tuple) else str(bits)
    return f"{kinds.get(int(page.sampleformat), 'no stated kind')} of {widths} bits"


def _unsupported(found: str, expected: str, options: str = "") -> UnsupportedFormatError:
    """`options` are those of ImageMagick that save it so."""
    command = f" With ImageMagick: magick IN {options} OUT.tif" if options else ""
    return UnsupportedFormatError(f"is a TIFF with {found}. Save it with {expected}.{command}")


def tiff_has_credentials(file: tifffile.TiffFile) -> bool:
    """Tell whether a TIFF has credentials, or links to some."""
    xmp = file.pages.first.tags.valueof(_XMP_TAG)
    is_linked = isinstance(xmp, bytes) and LINK.search(xmp) is not None
    return is_linked or any(_CREDENTIALS_TAG in page.tags for page in _ends_of(file))


def _ends_of(file: tifffile.TiffFile) -> list[Any]:
    """Return the first page and the last: beside several, c2pa writes a list of tags of its own."""
    with suppress(tifffile.TiffFileError, LookupError, ValueError, struct.error):
        if len(file.pages) > 1:
            return [file.pages.first, file.pages[-1]]
    return [file.pages.first]


def tiff_without(content: bytes) -> bytes:
    """Return a TIFF without credentials: no list of tags names them, and their bytes are zero."""
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        ends, changed = _ends_of(file), bytearray(content)
        xmp = ends[0].tags.get(_XMP_TAG)
        if xmp is not None and isinstance(xmp.value, bytes):
            end = xmp.valueoffset + xmp.valuebytecount
            changed[xmp.valueoffset : end] = unlinked(bytes(changed[xmp.valueoffset : end]))
        for own in filter(None, (page.tags.get(_CREDENTIALS_TAG) for page in ends)):
            end = own.valueoffset + own.valuebytecount
            changed[own.valueoffset : end] = bytes(own.valuebytecount)
        if {tag.code for tag in ends[-1].tags} == {_CREDENTIALS_TAG}:
            before, link = (_link_behind(file, content, page) for page in file.pages[-2:])
            size = file.tiff.offsetsize
            changed[before : before + size] = content[link : link + size]
    return with_tags(bytes(changed), {}, (_CREDENTIALS_TAG,))


def _link_behind(file: tifffile.TiffFile, content: bytes, page: Any) -> int:
    """Return where a page's list of tags says where the next one begins."""
    (count,) = struct.unpack_from(file.tiff.tagnoformat, content, page.offset)
    return int(page.offset + file.tiff.tagnosize + count * file.tiff.tagsize)
