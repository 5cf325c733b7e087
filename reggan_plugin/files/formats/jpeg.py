"""JPEG: compressed again with the quantisation, subsampling and metadata of the original.

Its stamp is a comment. Source: ITU-T T.81, annex B.
"""

import io
import re
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reggan_plugin.array_types import Pixels, UInt8
from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError
from reggan_plugin.files.image_format import (
    LEFT_OUT,
    STAMP_KEY,
    THUMBNAIL_LEFT_OUT,
    Frame,
    ImageFormat,
    begins_with,
    byte_faults,
    bytes_left_out,
    change_samples,
    changed_pixels,
    library_faults,
    notices_of_previews,
    pixels_from_samples,
    unlinked,
    without_thumbnail,
)
from reggan_plugin.files.orientation import upright_frame
from reggan_plugin.frozen import frozen
from reggan_plugin.limits import MOST_SCANNED_PIXELS, MOST_SCANS, refuse_oversize, refuse_too_short

if TYPE_CHECKING:
    from PIL import JpegImagePlugin

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


@frozen
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


@frozen
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


_MULTI_PICTURE = b"MPF\0"
_HUFFMAN_CODED = (0xC0, 0xC1, PROGRESSIVE)
"""Baseline, extended and progressive."""
_START_OF_SCAN = b"\xff\xda"
_EXIF_ORIENTATION = 274
_MOST_PIXELS_PER_BYTE = 512
"""Every block of 8x8 pixels takes a bit at least."""
_MOST_PADDING_BYTES = 64
"""Between a picture's last block and its end marker."""
_NOT_YET = {"L": 77, "RGB": (77, 203, 131)}
"""Pixels of a last row that was not decoded yet."""
_OTHER_SIZE = "is damaged: it holds {} than a picture of its size. Render or copy it again."
_READ_AHEAD_BYTES = 16
"""Without which libjpeg does not decode the last block."""


@frozen(eq=False)
class StoredJpeg:
    """The file, and how it was compressed."""

    content: bytes
    metadata: list[Segment]
    samples: UInt8[np.ndarray, "height width channels"]
    save_options: dict[str, Any]

    def encode(self, before: Pixels, after: Pixels) -> bytes:
        """Return the file compressed again, or as it was if nothing differs; see `StoredImage`."""
        if not changed_pixels(before, after).any():
            return self.content
        samples = self.samples.copy()
        change_samples(samples, before, after)
        from PIL import Image  # formats are listed without it

        stream = io.BytesIO()
        Image.fromarray(samples if samples.shape[2] == 3 else samples[..., 0]).save(
            stream, "JPEG", optimize=True, **self.save_options
        )
        written = read_segments(stream.getvalue())
        coding = [segment for segment in written.segments if not segment.is_metadata]
        return SegmentedJpeg(segments=self.metadata + coding, scans=written.scans).to_bytes()


def decode(content: bytes) -> Frame:
    """Read a grey, YCbCr or RGB JPEG of 8 bits."""
    read = read_segments(content)
    segments = read.segments
    scans = read.scans.count(_START_OF_SCAN)
    header = _refuse_unwritable(segments, len(content), scans)
    with byte_faults():
        end = len(content) - len(read.scans) + end_of_picture(read, header)
    from PIL import JpegImagePlugin  # formats are listed without it

    with library_faults():
        stream = _WatchedStream(content, end)
        image = JpegImagePlugin.JpegImageFile(stream)
        if scans == 1 and header.marker != PROGRESSIVE:
            stream.image = image
        samples = np.asarray(image)
        stream.refuse_surplus()
        save_options = _save_options(image, segments)
    samples = samples if samples.ndim == 3 else samples[..., None]
    metadata, had_credentials = segments_without(
        [
            segment
            for segment in segments
            if segment.is_metadata and not segment.data.startswith(_MULTI_PICTURE)
        ]
    )
    notices = ["JPEG is lossy: a changed frame is compressed again with the same settings"]
    if had_credentials:
        notices.append(LEFT_OUT)
    small = [_without_thumbnail(segment) for segment in metadata]
    if small != metadata:
        metadata = small
        notices.append(THUMBNAIL_LEFT_OUT)
    notices += notices_of_previews(*(segment.data for segment in metadata))
    if any(segment.data.startswith(_MULTI_PICTURE) for segment in segments):
        notices.append("a JPEG of several pictures (MPO) is written with its first one only")
    elif behind := len(content[end + 2 :].strip(b"\0")):
        notices.append(bytes_left_out(behind))
    if JpegImagePlugin.get_sampling(image) < 0 and samples.shape[2] == 3:
        notices.append("unusual chroma subsampling is written as 4:4:4")
    frame = Frame(
        pixels=pixels_from_samples(samples),
        notices=tuple(notices),
        original=StoredJpeg(
            content=content, metadata=metadata, samples=samples, save_options=save_options
        ),
    )
    return upright_frame(frame, _orientation_of(image))


class _WatchedStream(io.BytesIO):
    """Gives a decoder no end marker until the last row of its picture is there.

    libjpeg makes up what is missing, leaves out what is too much, and Pillow passes on none of its
    warnings. A picture of several scans is not decoded before its end, so it is not watched.
    """

    image: "JpegImagePlugin.JpegImageFile | None" = None
    """To watch, once its header is read."""

    def __init__(self, content: bytes, end: int) -> None:
        super().__init__(content[:end] + bytes(_READ_AHEAD_BYTES) + content[end:])
        self._late, self._end = end - _MOST_PADDING_BYTES, end + _READ_AHEAD_BYTES
        self._is_padding = not content[max(0, self._late) : end].strip(b"\x00\xff")
        self._given = 0

    def read(self, size: int | None = -1) -> bytes:
        """Return bytes up to the next place where the picture is looked at."""
        if self.image is None or size is None:
            return super().read(size)
        at = self.tell()
        if at == 0:
            for place in _last_row(self.image):
                self.image.im.putpixel(place, _NOT_YET[self.image.mode])
        elif at == self._end:
            pixels = map(self.image.im.getpixel, _last_row(self.image))
            if all(pixel == _NOT_YET[self.image.mode] for pixel in pixels):
                raise UnreadableFrameError(_OTHER_SIZE.format("less"))
        stop = next(one for one in (self._late, self._end, at + size) if one > at)
        self._given = max(at, stop)
        return super().read(min(size, stop - at))

    def refuse_surplus(self) -> None:
        """Refuse a picture that was done before its data ended.

        Raises:
            UnreadableFrameError: it was.
        """
        if self.image is not None and self._given <= self._late and not self._is_padding:
            raise UnreadableFrameError(_OTHER_SIZE.format("more"))


def _last_row(image: "JpegImagePlugin.JpegImageFile") -> list[tuple[int, int]]:
    width, height = image.size
    return [(column, height - 1) for column in {0, width // 2, width - 1}]


def _refuse_unwritable(segments: list[Segment], size_bytes: int, scans: int) -> Segment:
    """Raise for a JPEG that is sound but cannot be written as it was, or that is too short.

    Returns its frame header.
    """
    header = next((segment for segment in segments if segment.is_frame_header), None)
    if header is None or len(header.data) < 6:
        raise UnreadableFrameError("is damaged: the JPEG has no frame header. Render it again.")
    precision, height, width, components = struct.unpack(">BHHB", header.data[:6])
    refuse_oversize(height, width, components)
    refuse_too_short(height, width, size_bytes, _MOST_PIXELS_PER_BYTE)
    if scans > MOST_SCANS or scans * height * width > MOST_SCANNED_PIXELS:
        raise UnsupportedFormatError(
            f"is a JPEG of {scans} scans; at most {MOST_SCANS}, and {MOST_SCANNED_PIXELS:,} pixels "
            "in all scans together, are read. Save it again: magick IN OUT.jpg"
        )
    if components == 4:
        raise UnsupportedFormatError(
            "is a CMYK JPEG. Convert it to RGB: magick IN -colorspace sRGB OUT.jpg"
        )
    if header.marker not in _HUFFMAN_CODED or precision != 8:
        raise UnsupportedFormatError(
            f"is a JPEG of {precision} bits in coding process {header.marker - 0xC0}. "
            "Save it as a baseline or progressive JPEG of 8 bits, or as PNG: magick IN OUT.png"
        )
    return header


def _save_options(
    image: "JpegImagePlugin.JpegImageFile", segments: list[Segment]
) -> dict[str, Any]:
    """Options of Pillow that compress as the original was."""
    from PIL import JpegImagePlugin

    header = next(segment for segment in segments if segment.is_frame_header)
    components = [header.data[i : i + 3] for i in range(6, len(header.data), 3)]
    tables = [image.quantization[component[2]] for component in components]
    distinct = len({component[2] for component in components})  # the last one serves the rest
    interval = next((segment.data for segment in segments if segment.marker == 0xDD), b"")
    return {
        "qtables": tables[:distinct],
        "subsampling": max(JpegImagePlugin.get_sampling(image), 0),
        "progressive": header.marker == PROGRESSIVE,
        "keep_rgb": _is_rgb(image, bytes(component[0] for component in components)),
        "restart_marker_blocks": int.from_bytes(interval, "big"),
    }


def _is_rgb(image: "JpegImagePlugin.JpegImageFile", component_ids: bytes) -> bool:
    """Tell whether the components are no YCbCr, by the rule of libjpeg
    (default_decompress_parms).
    """
    if "jfif" in image.info:
        return False
    if "adobe" in image.info:
        return image.info.get("adobe_transform") == 0
    return component_ids == b"RGB"


def _orientation_of(image: "JpegImagePlugin.JpegImageFile") -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except (SyntaxError, TypeError, ValueError):  # damaged EXIF, which is kept as it is
        return 1


_APP11 = 0xEB


_APP1, _EXIF = 0xE1, b"Exif\0\0"


_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"


_JUMBF = b"JP"


_NAMED_WITHIN_BYTES = 64
"""A JUMBF box says this soon whether it is C2PA's."""


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


def _is_jumbf(segment: Segment) -> bool:
    return segment.marker == _APP11 and segment.data.startswith(_JUMBF)


def _unlinked_segment(segment: Segment) -> Segment:
    if segment.marker != _APP1 or not segment.data.startswith(_JPEG_XMP):
        return segment
    return Segment(marker=segment.marker, raw=segment.raw[:4] + unlinked(segment.data))


def _without_thumbnail(segment: Segment) -> Segment:
    if segment.marker != _APP1 or not segment.data.startswith(_EXIF):
        return segment
    raw, begin = segment.raw, 4 + len(_EXIF)
    return Segment(marker=segment.marker, raw=raw[:begin] + without_thumbnail(raw[begin:]))


_COMMENT = 0xFE


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
    decode=lambda content, _: decode(content),
    stamp=_stamped,
)
