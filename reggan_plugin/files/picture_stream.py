"""Pictures one after another without anything between them, as FFmpeg's image2pipe sends them."""

from reggan_plugin.errors import UnreadableFrameError
from reggan_plugin.files.png.chunks import SIGNATURE, read_chunks

_END_AND_BEGIN_OF_JPEG = b"\xff\xd9\xff\xd8\xff"
_MULTI_PICTURE_FORMAT = b"MPF\0"
"""Marks a JPEG of a camera that holds others, such as the second eye: one file, and one picture."""
_MARK_WITHIN = 64 * 1024


def holds_several_pictures(content: bytes) -> bool:
    """Tell whether a PNG or JPEG is followed by another one; readers see only the first."""
    if content.startswith(SIGNATURE):
        try:
            end = len(SIGNATURE) + sum(len(chunk.raw) for chunk in read_chunks(content))
        except UnreadableFrameError:  # which is said when it is read
            return False
        return content.startswith(SIGNATURE, end)
    is_jpeg = content.startswith(_END_AND_BEGIN_OF_JPEG[2:])
    is_of_camera = _MULTI_PICTURE_FORMAT in content[:_MARK_WITHIN]
    return is_jpeg and not is_of_camera and _END_AND_BEGIN_OF_JPEG in content
