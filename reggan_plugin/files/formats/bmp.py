"""Windows bitmaps, which have no place for a stamp."""

import struct
from dataclasses import replace

from reggan_plugin.errors import UnreadableFrameError
from reggan_plugin.files.image_format import Frame, ImageFormat, Wanted, bytes_left_out

_HEADER_SIZES = [struct.pack("<I", size) for size in (12, 16, 40, 52, 56, 64, 108, 124)]
_FROM_V4, _USUAL_COLOURS = 108, (b"BGRs", b" niW")
"""Size of the first header with a colour space, and those that say sRGB."""
_RUN_LENGTHS, _MOST_IN_RUNS = (1, 2), 8192
"""Two bytes may end a row of 16384."""


def _decode(content: bytes, wanted: Wanted) -> Frame:  # noqa: ARG001
    from reggan_plugin.files.pillow_image import decode_pillow

    pixels_at, info_bytes = struct.unpack_from("<2I", content, 10)
    if not 14 + info_bytes <= pixels_at < len(content):
        raise UnreadableFrameError(
            f"is damaged: its pixels would begin at byte {pixels_at:,}. Render or copy it again."
        )
    is_packed, bits = False, 24
    if info_bytes >= 40:
        bits, packing, packed_bytes = struct.unpack_from("<H2I", content, 28)
        colours = struct.unpack_from("<I", content, 46)[0] or 1 << bits
        if bits <= 8 and 14 + info_bytes + 4 * colours > pixels_at:
            raise UnreadableFrameError(
                "is damaged: its palette reaches into its pixels. Render or copy it again."
            )
        is_packed = packing in _RUN_LENGTHS
        if is_packed and pixels_at + packed_bytes > len(content):
            raise UnreadableFrameError(
                "is truncated: its pixels break off. Render or copy it again."
            )
    most = _MOST_IN_RUNS if is_packed else 8
    frame = decode_pillow(content, "BMP", save_options={}, most_pixels_per_byte=most)
    size = struct.unpack_from("<I", content, 2)[0]
    if size > pixels_at and (behind := len(content[size:].strip(b"\0"))):
        frame = replace(frame, notices=(*frame.notices, bytes_left_out(behind)))
    kind, end_points = content[70:74], content[74:122]
    is_usual = kind in _USUAL_COLOURS or not any(kind + end_points)
    if info_bytes >= _FROM_V4 and not is_usual:
        said = "a BMP is written without the colour space or profile of its header"
        frame = replace(frame, notices=(*frame.notices, said))
    if bits not in (16, 32):
        return frame
    said = f"a BMP of {bits} bits is written with 24"
    if frame.alpha is not None:
        said = "a BMP with alpha is written in a way whose alpha few programs read"
    return replace(frame, notices=(*frame.notices, said))


FORMAT = ImageFormat(
    name="BMP",
    suffixes=(".bmp",),
    recognises=lambda head: head.startswith(b"BM") and head[14:18] in _HEADER_SIZES,
    media_type="image/bmp",
    decode=_decode,
    stamp=lambda content, _: content,
    holds_credentials=False,
)
