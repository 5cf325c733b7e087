"""Content Credentials (C2PA) in a picture: found, and left out of one that changes.

A manifest is bound to the bytes of its file; in a file with other pixels it would be invalid, and
so would one that the XMP links to. A copied file keeps its own.
Source: C2PA Technical Specification 2.2, appendix A.3 (embedding), 11.3.3 (XMP); ISO 19566-5.
"""

import io
import re
import struct
from collections.abc import Sequence
from typing import Any

from reggan_plugin.files.jpeg.segments import Segment
from reggan_plugin.files.png.chunks import Chunk, make_chunk

LEFT_OUT = (
    "its Content Credentials (C2PA) would be invalid in a changed picture: they are left out of "
    "it, or kept as its parent's where it is signed"
)
"""Notice for a picture that has some."""

_PNG_CHUNK = b"caBX"
_PNG_XMP = b"XML:com.adobe.xmp\0"
_APP11, _APP1 = 0xEB, 0xE1
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_JUMBF = b"JP"
_NAMED_WITHIN_BYTES = 64
"""A JUMBF box says this soon whether it is C2PA's."""
_TIFF_TAG, _TIFF_XMP = 52545, 700
_LINK = re.compile(
    rb'\sdcterms:provenance\s*=\s*"(?:self#jumbf|https?:)[^"]*"'
    rb"|\sdcterms:provenance\s*=\s*'(?:self#jumbf|https?:)[^']*'"
    rb"|<dcterms:provenance>\s*(?:self#jumbf|https?:)[^<]*</dcterms:provenance>"
)


def chunks_without(chunks: Sequence[Chunk]) -> tuple[list[Chunk], bool]:
    """Return the chunks of a PNG without credentials, and whether there were any."""
    kept = [_unlinked_chunk(chunk) for chunk in chunks if chunk.name != _PNG_CHUNK]
    return kept, kept != list(chunks)


def segments_without(segments: Sequence[Segment]) -> tuple[list[Segment], bool]:
    """Return the segments of a JPEG without credentials, and whether there were any."""
    boxes = {
        segment.data[2:4]
        for segment in segments
        if _is_jumbf(segment) and b"c2pa" in segment.data[:_NAMED_WITHIN_BYTES]
    }
    kept = [
        _unlinked_segment(segment)
        for segment in segments
        if not (_is_jumbf(segment) and segment.data[2:4] in boxes)
    ]
    return kept, kept != list(segments)


def tiff_has_credentials(page: Any) -> bool:
    """Tell whether the first page of a TIFF, as tifffile opens it, has credentials, or links to
    some.
    """
    xmp = page.tags.valueof(_TIFF_XMP)
    return _TIFF_TAG in page.tags or (isinstance(xmp, bytes) and _LINK.search(xmp) is not None)


def tiff_without(content: bytes) -> bytes:
    """Return a TIFF without credentials: their entry is gone and their bytes are zero."""
    import tifffile  # a PNG is read without it

    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page, order, is_big = file.pages.first, file.byteorder, file.is_bigtiff
        changed = bytearray(content)
        xmp = page.tags.get(_TIFF_XMP)
        if xmp is not None and isinstance(xmp.value, bytes):
            end = xmp.valueoffset + xmp.valuebytecount
            changed[xmp.valueoffset : end] = _unlinked(bytes(changed[xmp.valueoffset : end]))
        own = page.tags.get(_TIFF_TAG)
        if own is None:
            return bytes(changed)
        changed[own.valueoffset : own.valueoffset + own.valuebytecount] = bytes(own.valuebytecount)
        _take_entry_out(changed, page.offset, _TIFF_TAG, order=order, is_big=is_big)
    return bytes(changed)


def _take_entry_out(
    content: bytearray, directory: int, tag: int, *, order: str, is_big: bool
) -> None:
    """Close the gap in a directory; what follows it, the link to the next, moves up, too."""
    word, counter, entry_size = ("Q", "Q", 20) if is_big else ("I", "H", 12)
    (count,) = struct.unpack_from(order + counter, content, directory)
    begin = directory + struct.calcsize(order + counter)
    end = begin + count * entry_size
    rows = [content[at : at + entry_size] for at in range(begin, end, entry_size)]
    kept = [row for row in rows if struct.unpack_from(f"{order}H", row)[0] != tag]
    following = content[end : end + struct.calcsize(order + word)]
    struct.pack_into(order + counter, content, directory, len(kept))
    written = b"".join(kept) + following
    content[begin : begin + len(written)] = written


def _is_jumbf(segment: Segment) -> bool:
    return segment.marker == _APP11 and segment.data.startswith(_JUMBF)


def _unlinked_chunk(chunk: Chunk) -> Chunk:
    if chunk.name != b"iTXt" or not chunk.data.startswith(_PNG_XMP):
        return chunk
    data = _unlinked(chunk.data)
    return chunk if data == chunk.data else make_chunk(chunk.name, data)


def _unlinked_segment(segment: Segment) -> Segment:
    if segment.marker != _APP1 or not segment.data.startswith(_JPEG_XMP):
        return segment
    return Segment(marker=segment.marker, raw=segment.raw[:4] + _unlinked(segment.data))


def _unlinked(xmp: bytes) -> bytes:
    """XMP of the same length with spaces in place of its link to a manifest."""
    return _LINK.sub(lambda found: b" " * len(found[0]), xmp)
