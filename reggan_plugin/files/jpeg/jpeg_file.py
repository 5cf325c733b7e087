"""JPEG: compressed again with the quantisation, subsampling and metadata of the original."""

import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, JpegImagePlugin

from reggan_plugin.array_types import Float, UInt8
from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError
from reggan_plugin.files.credentials_left_out import LEFT_OUT, segments_without
from reggan_plugin.files.damaged_files import byte_faults, library_faults
from reggan_plugin.files.frame_data import Frame
from reggan_plugin.files.jpeg.segments import (
    PROGRESSIVE,
    Segment,
    SegmentedJpeg,
    end_of_picture,
    read_segments,
)
from reggan_plugin.files.orientation import upright_frame
from reggan_plugin.files.samples import change_samples, changed_pixels, pixels_from_samples
from reggan_plugin.limits import MOST_SCANNED_PIXELS, MOST_SCANS, refuse_oversize, refuse_too_short

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


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredJpeg:
    """The file, and how it was compressed."""

    content: bytes
    metadata: list[Segment]
    samples: UInt8[np.ndarray, "height width channels"]
    save_options: dict[str, Any]

    def encode(
        self,
        before: Float[np.ndarray, "height width 3"],
        after: Float[np.ndarray, "height width 3"],
    ) -> bytes:
        """Return the file compressed again, or as it was if nothing differs; see `StoredImage`."""
        if not changed_pixels(before, after).any():
            return self.content
        samples = self.samples.copy()
        change_samples(samples, before, after)
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
    if any(segment.data.startswith(_MULTI_PICTURE) for segment in segments):
        notices.append("a JPEG of several pictures (MPO) is written with its first one only")
    if JpegImagePlugin.get_sampling(image) < 0 and samples.shape[2] == 3:
        notices.append("unusual chroma subsampling is written as 4:4:4")
    frame = Frame(
        pixels=pixels_from_samples(samples),
        notices=tuple(notices),
        original=StoredJpeg(
            content=content,
            metadata=metadata,
            samples=samples,
            save_options=save_options,
        ),
    )
    return upright_frame(frame, _orientation_of(image))


class _WatchedStream(io.BytesIO):
    """Gives a decoder no end marker until the last row of its picture is there.

    libjpeg makes up what is missing, leaves out what is too much, and Pillow passes on none of its
    warnings. A picture of several scans is not decoded before its end, so it is not watched.
    """

    image: JpegImagePlugin.JpegImageFile | None = None
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


def _last_row(image: JpegImagePlugin.JpegImageFile) -> list[tuple[int, int]]:
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


def _save_options(image: JpegImagePlugin.JpegImageFile, segments: list[Segment]) -> dict[str, Any]:
    """Options of Pillow that compress as the original was."""
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


def _is_rgb(image: JpegImagePlugin.JpegImageFile, component_ids: bytes) -> bool:
    """Tell whether the components are no YCbCr, by the rule of libjpeg
    (default_decompress_parms).
    """
    if "jfif" in image.info:
        return False
    if "adobe" in image.info:
        return image.info.get("adobe_transform") == 0
    return component_ids == b"RGB"


def _orientation_of(image: JpegImagePlugin.JpegImageFile) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except (SyntaxError, TypeError, ValueError):  # damaged EXIF, which is kept as it is
        return 1
