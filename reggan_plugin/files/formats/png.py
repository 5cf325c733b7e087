"""PNG. Its stamp is a tEXt chunk."""

from reggan_plugin.files.frame_data import Frame
from reggan_plugin.files.image_format import STAMP_KEY, ImageFormat, Wanted, begins_with
from reggan_plugin.files.png.chunks import SIGNATURE, bytes_from_chunks, make_chunk, read_chunks


def _decode(content: bytes, wanted: Wanted) -> Frame:  # noqa: ARG001
    from reggan_plugin.files.png.png_file import decode

    return decode(content)


def _stamped(content: bytes, text: str) -> bytes:
    value = text.encode("ascii")
    keyword = STAMP_KEY.encode() + b"\0"
    chunks = [
        chunk
        for chunk in read_chunks(content)
        if not (chunk.name == b"tEXt" and chunk.data.startswith(keyword))
    ]
    return bytes_from_chunks([chunks[0], make_chunk(b"tEXt", keyword + value), *chunks[1:]])


FORMAT = ImageFormat(
    name="PNG",
    suffixes=(".png",),
    recognises=begins_with(SIGNATURE),
    media_type="image/png",
    decode=_decode,
    stamp=_stamped,
)
