"""The marker segments of a JPEG file. Source: ITU-T T.81, annex B."""

import re
from dataclasses import dataclass

from reggan_plugin.errors import UnreadableFrameError

SOI = b"\xff\xd8"
PROGRESSIVE = 0xC2
_SOS, _EOI, _DRI = 0xDA, 0xD9, 0xDD
_WITHIN_SCANS = (0xC4, 0xDA, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE)
"""Markers that may follow a scan: tables, the next scan, metadata."""
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""One that ends what is coded; fill bytes and restarts do not."""
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_COEFFICIENTS = 64
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
            raise _damaged(f"no JPEG scan was found in its {len(content)} bytes")
        if header[1] == _SOS:
            return SegmentedJpeg(segments=segments, scans=content[position:])
        segments.append(Segment(marker=header[1], raw=content[position:end]))
        position = end


def end_of_picture(read: SegmentedJpeg, header: Segment) -> int:
    """Return where in its scans a picture's end marker stands; what follows is no part of it.

    Raises:
        UnreadableFrameError: there is none, scans are missing that the picture needs, or the data
            break off between restarts.
    """
    restarts = next((one.data for one in read.segments if one.marker == _DRI), b"")
    # Bits of each component's coefficients that are still to come; at first all are.
    missing = {number: [-1] * _COEFFICIENTS for number in header.data[6::3]}
    scans, at = read.scans, 0
    while scans[at + 1] != _EOI:
        marker, end = scans[at + 1], at + 2 + int.from_bytes(scans[at + 2 : at + 4], "big")
        data = scans[at + 4 : end]
        if marker == _SOS:
            is_part = header.marker == PROGRESSIVE
            first, last, bits = data[-3:] if is_part else (0, 63, 0)
            for number in set(data[1:-3:2]) & set(missing):
                part = slice(first, min(last + 1, _COEFFICIENTS))
                if is_part and {max(0, bit) for bit in missing[number][part]} != {bits >> 4}:
                    raise _damaged("its scans do not follow from each other")
                missing[number][part] = [bits & 15] * len(missing[number][part])
        following = _MARKER.search(scans, end)
        if following is None or scans[following.start() + 1] not in (*_WITHIN_SCANS, _EOI):
            found = "nothing" if following is None else f"a marker {following[0].hex().upper()}"
            raise _damaged(f"{found} stands where the end marker should be")
        at = following.start()
        if marker == _DRI:
            restarts = data
        for place, restart in enumerate(_RESTART.finditer(scans, end, at)):
            if not any(restarts) or restart[1][0] & 7 != place & 7:
                raise _damaged(f"a marker {restart[0].hex().upper()} breaks off its data")
    if any(map(any, missing.values())):
        raise _damaged("its end marker comes before its last scan")
    return at


def _damaged(fault: str) -> UnreadableFrameError:
    return UnreadableFrameError(f"is truncated or damaged: {fault}. Render or copy it again.")
