"""The marker segments of a JPEG file. Source: ITU-T T.81, annex B."""

from dataclasses import dataclass

from reggan_plugin.errors import UnreadableFrameError

SOI = b"\xff\xd8"
_SOS = 0xDA
_DHT, _JPG_EXTENSION, _DAC = 0xC4, 0xC8, 0xCC


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A marker with its parameters; `raw` is what stands in the file."""

    marker: int
    raw: bytes

    @property
    def data(self) -> bytes:
        """The parameters, without marker and length."""
        return self.raw[4:]

    @property
    def is_metadata(self) -> bool:
        """APPn or a comment: nothing that the pixels depend on, save for Adobe's transform."""
        return 0xE0 <= self.marker <= 0xEF or self.marker == 0xFE

    @property
    def is_frame_header(self) -> bool:
        """SOFn, whose number is the coding process."""
        return 0xC0 <= self.marker <= 0xCF and self.marker not in (_DHT, _JPG_EXTENSION, _DAC)


@dataclass(frozen=True, kw_only=True)
class SegmentedJpeg:
    """The segments before the first scan, and everything from there on."""

    segments: list[Segment]
    scans: bytes

    def to_bytes(self) -> bytes:
        """Return the file."""
        return SOI + b"".join(segment.raw for segment in self.segments) + self.scans


def read_segments(content: bytes) -> SegmentedJpeg:
    """Cut a JPEG file into its segments.

    Raises:
        UnreadableFrameError: the file ends before its first scan.
    """
    segments: list[Segment] = []
    position = len(SOI)
    while True:
        while content[position : position + 2] == b"\xff\xff":  # fill bytes
            position += 1
        header = content[position : position + 4]
        end = position + 2 + int.from_bytes(header[2:], "big")
        if len(header) < 4 or header[0] != 0xFF or end > len(content):
            raise UnreadableFrameError(
                f"is truncated or damaged: no JPEG scan was found in its {len(content)} bytes. "
                "Render or copy it again."
            )
        if header[1] == _SOS:
            return SegmentedJpeg(segments=segments, scans=content[position:])
        segments.append(Segment(marker=header[1], raw=content[position:end]))
        position = end
