"""TIFF and BigTIFF. The stamp is a private ASCII tag of the first page."""

from reggan_plugin.files.image_format import TIFF_TAG, Frame, ImageFormat, Wanted, begins_with
from reggan_plugin.files.tiff.directory import with_tags

_ASCII = 2


def _decode(content: bytes, wanted: Wanted) -> Frame:  # noqa: ARG001
    from reggan_plugin.files.tiff.tiff_file import decode

    return decode(content)


def _stamped(content: bytes, text: str) -> bytes:
    value = text.encode("ascii") + b"\0"
    return with_tags(content, {TIFF_TAG: (_ASCII, len(value), value)})


FORMAT = ImageFormat(
    name="TIFF",
    suffixes=(".tif", ".tiff"),
    recognises=begins_with(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    media_type="image/tiff",
    decode=_decode,
    stamp=_stamped,
)
