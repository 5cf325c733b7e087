"""WebP. Its stamp is a chunk of its own behind all others, which readers pass over.

Source: WebP Container Specification (RFC 9649, section 2).
"""

import struct
from collections.abc import Iterator

from reggan_plugin.errors import UnreadableFrameError
from reggan_plugin.files.image_format import LEFT_OUT, Frame, ImageFormat, Wanted

_STAMP = b"rgPl"
_LOSSLESS = b"VP8L"
_CREDENTIALS = b"C2PA"
_NAMED = (
    b"VP8 ",
    _LOSSLESS,
    b"VP8X",
    b"ALPH",
    b"ICCP",
    b"EXIF",
    b"XMP ",
    b"ANIM",
    b"ANMF",
    _STAMP,
    _CREDENTIALS,
)
_QUALITY = 95
"""Of a lossy one that is written again; a file does not say its own."""


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and bytes, with header and padding, of each chunk.

    Raises:
        UnreadableFrameError: one reaches beyond the file.
    """
    position = 12
    while position + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, position)
        end = position + 8 + size + size % 2
        if position + 8 + size > len(content):
            raise UnreadableFrameError(
                f"is truncated: a WebP of {len(content)} bytes ends within its chunk {name!r}. "
                "Render or copy it again."
            )
        yield name, content[position:end]
        position = end


def _decode(content: bytes, wanted: Wanted) -> Frame:  # noqa: ARG001
    from reggan_plugin.files.pillow_image import decode_pillow

    names = [name for name, _ in _chunks(content)]
    others = ", ".join(ascii(name)[2:-1] for name in dict.fromkeys(names) if name not in _NAMED)
    notices = (
        (f"a WebP is written without its chunks of other programs: {others}",) if others else ()
    )
    if _CREDENTIALS in names:
        notices = (LEFT_OUT, *notices)
    if _LOSSLESS in names:
        options = {"lossless": True, "exact": True, "quality": 100, "method": 4}
        return decode_pillow(content, "WEBP", save_options=options, notices=notices)
    notice = f"WebP is lossy: a changed frame is compressed again with quality {_QUALITY}"
    options = {"quality": _QUALITY, "method": 4, "exact": True}
    return decode_pillow(content, "WEBP", save_options=options, notices=(notice, *notices))


def _stamped(content: bytes, text: str) -> bytes:
    value = text.encode("ascii")
    own = _STAMP + struct.pack("<I", len(value)) + value + b"\0" * (len(value) % 2)
    others = b"".join(raw for name, raw in _chunks(content) if name != _STAMP)
    body = b"WEBP" + others + own
    return b"RIFF" + struct.pack("<I", len(body)) + body


FORMAT = ImageFormat(
    name="WebP",
    suffixes=(".webp",),
    recognises=lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP",
    media_type="image/webp",
    decode=_decode,
    stamp=_stamped,
)
