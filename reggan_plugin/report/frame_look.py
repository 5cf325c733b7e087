"""The look of a rendered frame and of its source, reduced to what a report shows and checks."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from reggan_plugin.drawing.contact_sheet import CELL_PX, View, encoded_picture, view_of_face
from reggan_plugin.errors import StalledError, UnreadableFrameError
from reggan_plugin.files.frame import Frame, Reading, read_content
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import FaceCrop, region_of
from reggan_plugin.jobs.frame_record import sha256_of
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout
from reggan_plugin.kernels.sampling import block_means
from reggan_plugin.report.shot_check import CheckedFrame, is_altered
from reggan_plugin.transfer.display_picture import display_picture

_REDUCED = 4
_JPEG_QUALITY = 82
_RIM = slice(round(0.04 * CELL_PX), round(0.06 * CELL_PX))
"""Just inside the margin in which a model's mask is 0 on every side, 4 % of the crop."""
_VISIBLE_CHANGE = 4 / 255
_MOST_SIDES = 2
"""Sides of the square around a face, by the picture's longest: what is wider takes gigabytes."""


@frozen(eq=False)
class FrameLook:
    """A frame reduced to what a report needs; pictures are sRGB-encoded in [0, 1].

    Attributes:
        before, after: JPEG thumbnails, of the face or else of the whole frame, or the places of
            their files; None where the frame's file cannot be read.
        face, change: the input's largest face, and output − input there, averaged to a few
            pixels; None without a face.
        touches_rim: whether the change reaches the border of the square around the face.
        is_altered: whether the output has other bytes than its record says.
        fault: why the frame's files cannot be shown.
    """

    before: bytes | str | None = None
    after: bytes | str | None = None
    face: View | None = None
    change: View | None = None
    touches_rim: bool = False
    is_altered: bool = False
    fault: str | None = None


def look_at(checked: CheckedFrame, reading: Reading, io_timeout: IoTimeout) -> FrameLook:
    """Read a frame's source and output as they were rendered, and reduce them."""
    before, after, fault = None, None, None
    other_bytes = False

    def read(path: Path) -> bytes:
        return io_timeout.call(str(path), lambda: read_content(path))

    try:
        if checked.source is not None:
            before = reading.decode(read(checked.source), checked.source)
        if checked.output.is_file():
            content = read(checked.output)
            other_bytes = is_altered(checked, sha256_of(content))
            after = reading.decode(content, checked.output)
    except (UnreadableFrameError, StalledError) as error:
        fault = str(error)
    look = _look(checked, before, after, fault)
    return replace(look, is_altered=other_bytes)


def _look(
    checked: CheckedFrame, before: Frame | None, after: Frame | None, fault: str | None
) -> FrameLook:
    crop = None if before is None else _crop_of_largest_face(checked, before)
    if before is None or crop is None:
        return FrameLook(before=_thumbnail(before), after=_thumbnail(after), fault=fault)
    exposure_ev = (checked.record.exposure_ev if checked.record else None) or 0.0
    face = view_of_face(before, before.pixels, crop, exposure_ev)
    if after is None or after.pixels.shape != before.pixels.shape:
        return FrameLook(before=_jpeg(face), fault=fault)
    edited = view_of_face(after, after.pixels, crop, exposure_ev)
    change = edited - face
    return FrameLook(
        before=_jpeg(face),
        after=_jpeg(edited),
        face=block_means(face, _REDUCED),
        change=block_means(change, _REDUCED),
        touches_rim=_touches_rim(change),
    )


def _crop_of_largest_face(checked: CheckedFrame, before: Frame) -> FaceCrop | None:
    """Return the square of a face; None if there is none, or the picture is too small for it, as
    one that has taken the place of what was rendered.
    """
    faces = checked.record.faces if checked.record else ()
    if not faces:
        return None
    x, y, width, height = max((face.box_px for face in faces), key=lambda box: box[2] * box[3])
    scale = max(width, height, 1.0) / CELL_PX
    crop = FaceCrop(np.array([[scale, 0.0, x], [0.0, scale, y]]), CELL_PX)
    size = before.pixels.shape[:2]
    rows, columns = region_of(crop, *size)
    is_in_picture = rows.start < rows.stop and columns.start < columns.stop
    return crop if is_in_picture and max(width, height) <= _MOST_SIDES * max(size) else None


def _touches_rim(change: View) -> bool:
    """Tell whether the change is still visible just inside any side of the square."""
    size = np.abs(change).max(axis=2)
    sides = (size[_RIM], size[::-1][_RIM], size[:, _RIM].T, size[:, ::-1][:, _RIM].T)
    return any(float(side.mean()) > _VISIBLE_CHANGE for side in sides)


def _thumbnail(frame: Frame | None) -> bytes | None:
    return None if frame is None else _jpeg(display_picture(frame, longest_px=CELL_PX)[0])


def _jpeg(view: View) -> bytes:
    return encoded_picture(view, "JPEG", quality=_JPEG_QUALITY)
