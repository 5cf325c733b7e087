"""JPEG. Its stamp is a comment."""

import struct

from reggan_plugin.files.frame_data import Frame
from reggan_plugin.files.image_format import STAMP_KEY, ImageFormat, Wanted, begins_with
from reggan_plugin.files.jpeg.segments import SOI, Segment, SegmentedJpeg, read_segments

_COMMENT = 0xFE


def _decode(content: bytes, wanted: Wanted) -> Frame:  # noqa: ARG001
    from reggan_plugin.files.jpeg.jpeg_file import decode

    return decode(content)


def _stamped(content: bytes, text: str) -> bytes:
    value = text.encode("ascii")
    data = STAMP_KEY.encode() + b" " + value
    own = Segment(marker=_COMMENT, raw=struct.pack(">BBH", 0xFF, _COMMENT, len(data) + 2) + data)
    jpeg = read_segments(content)
    others = [
        segment
        for segment in jpeg.segments
        if not (segment.marker == _COMMENT and segment.data.startswith(STAMP_KEY.encode()))
    ]
    application = [one for one in others if one.is_metadata and one.marker != _COMMENT]
    # Before other comments: many readers show the last one alone, which stays the user's.
    comments = [one for one in others if one.marker == _COMMENT]
    coding = [one for one in others if not one.is_metadata]
    segments = [*application, own, *comments, *coding]
    return SegmentedJpeg(segments=segments, scans=jpeg.scans).to_bytes()


FORMAT = ImageFormat(
    name="JPEG",
    suffixes=(".jpg", ".jpeg"),
    recognises=begins_with(SOI + b"\xff"),
    media_type="image/jpeg",
    decode=_decode,
    stamp=_stamped,
)
