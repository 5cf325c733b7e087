"""Truevision TGA, which has no signature and no place for a stamp.

Source: Truevision TGA File Format Specification, version 2.0 (1991).
"""

import struct

from reggan_plugin.files.image_format import Frame, ImageFormat, Wanted

_PALETTE_TYPES, _OTHER_TYPES, _FIRST_RLE = (1, 9), (2, 3, 10, 11), 9
_DEPTHS = (8, 15, 16, 24, 32)
_SHORT_PIXELS = (15, 16)
_RESERVED_BITS = 0xC0
_MOST_IN_A_BYTE = 64
"""A run of 128 pixels takes two bytes at least."""
_FOOTER_BYTES, _FOOTER = 26, b"TRUEVISION-XFILE.\0"


def _recognises(head: bytes) -> bool:
    """Tell whether all fields of a header are such as a TGA has."""
    if len(head) < 18:
        return False
    has_palette, kind, first, length, depth = struct.unpack_from("<xBBHHB", head)
    width, height, bits, flags = struct.unpack_from("<HHBB", head, 12)
    if (has_palette, kind in _PALETTE_TYPES) == (1, True):
        fits = bits == 8 and depth in (15, 16, 24, 32) and length > 0
    else:
        fits = has_palette == 0 and kind in _OTHER_TYPES and first == length == depth == 0
    return bool(fits and width and height and bits in _DEPTHS and not flags & _RESERVED_BITS)


def _decode(content: bytes, wanted: Wanted) -> Frame:  # noqa: ARG001
    from reggan_plugin.files.pillow_image import decode_pillow

    name_end = 18 + content[0]
    options = {
        "id_section": content[18:name_end],
        "compression": "tga_rle" if content[2] >= _FIRST_RLE else None,
        "orientation": 1 if content[17] & 0x20 else -1,
    }
    areas = content[-_FOOTER_BYTES:-18] if content.endswith(_FOOTER) else b""
    notices: tuple[str, ...] = ()
    if any(areas[:4]):
        notices = ("a TGA is written without its extension area (author, dates)",)
    if any(areas[4:]):
        notices = (*notices, "a TGA is written without its developer area (data of programs)")
    if any(content[8:12]):
        notices = (*notices, "a TGA is written with its origin at 0, 0")
    if content[16] in _SHORT_PIXELS:
        notices = (*notices, f"a TGA of {content[16]} bits is written with 24 or 32")
    return decode_pillow(
        content, "TGA", save_options=options, notices=notices, most_pixels_per_byte=_MOST_IN_A_BYTE
    )


FORMAT = ImageFormat(
    name="TGA",
    suffixes=(".tga",),
    recognises=_recognises,
    media_type="image/x-tga",
    decode=_decode,
    stamp=lambda content, _: content,
    holds_credentials=False,
)
