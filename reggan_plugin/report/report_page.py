"""The page of a report: one file, or for long shots one file and thumbnails beside it; the look of
a frame and its flicker.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from reggan_plugin.drawing.contact_sheet import CELL_PX, View, encoded_picture, view_of_face
from reggan_plugin.drawing.web_page import html_from_parts
from reggan_plugin.errors import OutputError, OutputExistsError, StalledError, UnreadableFrameError
from reggan_plugin.file_safety import refuse_other_kind, write_atomically
from reggan_plugin.files.frame import Frame, Reading, read_content
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import FaceCrop
from reggan_plugin.jobs.frame_record import sha256_of
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout
from reggan_plugin.kernels.sampling import block_means
from reggan_plugin.report.shot_check import FATAL, PROBLEMS, CheckedFrame, is_altered
from reggan_plugin.transfer.display_picture import display_picture

_REDUCED = 4
_JPEG_QUALITY = 82
_RIM = slice(round(0.04 * CELL_PX), round(0.06 * CELL_PX))
"""Just inside the margin in which a model's mask is 0 on every side, 4 % of the crop."""
_VISIBLE_CHANGE = 4 / 255


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
    crop = _crop_of_largest_face(checked)
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


def _crop_of_largest_face(checked: CheckedFrame) -> FaceCrop | None:
    faces = checked.record.faces if checked.record else ()
    if not faces:
        return None
    x, y, width, height = max((face.box_px for face in faces), key=lambda box: box[2] * box[3])
    scale = max(width, height, 1.0) / CELL_PX
    return FaceCrop(np.array([[scale, 0.0, x], [0.0, scale, y]]), CELL_PX)


def _touches_rim(change: View) -> bool:
    """Tell whether the change is still visible just inside any side of the square."""
    size = np.abs(change).max(axis=2)
    sides = (size[_RIM], size[::-1][_RIM], size[:, _RIM].T, size[:, ::-1][:, _RIM].T)
    return any(float(side.mean()) > _VISIBLE_CHANGE for side in sides)


def _thumbnail(frame: Frame | None) -> bytes | None:
    return None if frame is None else _jpeg(display_picture(frame, longest_px=CELL_PX)[0])


def _jpeg(view: View) -> bytes:
    return encoded_picture(view, "JPEG", quality=_JPEG_QUALITY)


VISIBLE_LEVELS = 2.0
"""8-bit levels on average over the part of the face that is changed."""
_CHANGED = 2 / 255

Seen = TypeVar("Seen")


@frozen
class Flicker:
    """Distance of a frame from the mean of its two neighbours, in 8-bit levels.

    It is the mean over the part of the face that is changed. A steady movement or fade gives 0;
    a jump, or a single odd frame, does not.
    """

    change: float
    """Of what the output adds to the input."""
    picture: float
    """Of the input itself: movement, noise and light."""

    @property
    def is_visible(self) -> bool:
        """True if the change jumps visibly, and more than the picture."""
        return self.change > max(VISIBLE_LEVELS, self.picture)


def with_flicker(
    frames: Iterable[Seen], look_of: Callable[[Seen], tuple[int | None, FrameLook]]
) -> Iterator[tuple[Seen, Flicker | None]]:
    """Each frame with its flicker; no more than three are held at a time.

    Args:
        frames: in order.
        look_of: the number of a frame, and how it looks.
    """
    before: Seen | None = None
    here: Seen | None = None
    for after in frames:
        if here is not None:
            around = None if before is None else [look_of(one) for one in (before, here, after)]
            yield here, None if around is None else _flicker_of(around)
        before, here = here, after
    if here is not None:
        yield here, None


def _flicker_of(around: Sequence[tuple[int | None, FrameLook]]) -> Flicker | None:
    """Of the frame in the middle of three; None unless all are at equal distances and show a face.

    So are those of a shot of which every other frame is there.
    """
    (before, _), (here, _), (after, _) = around
    if before is None or here is None or after is None or here - before != after - here:
        return None
    changes = [look.change for _, look in around if look.change is not None]
    faces = [look.face for _, look in around if look.face is not None]
    if not len(changes) == len(faces) == 3:
        return None
    changed = np.max([np.abs(change).max(axis=2) for change in changes], axis=0) > _CHANGED
    if not changed.any():
        return Flicker(change=0.0, picture=0.0)
    jumps = (one[1] - (one[0] + one[2]) / 2 for one in (changes, faces))
    change, picture = (float(np.abs(jump)[changed].mean()) * 255 for jump in jumps)
    return Flicker(change=change, picture=picture)


MOST_INSIDE = 1000
"""Frames of which the page holds the thumbnails; of longer shots they lie beside it."""
_OWN_MARK = b'content="reggan-plugin report"'
_HEAD_BYTES = 65536
_FOLDER_MARK = "thumbnails-of-reggan-plugin"
_THUMBNAIL = re.compile(r"\d+-(before|after)\.jpg")


def refuse_foreign_page(path: Path) -> None:
    """Refuse to replace a file that is no page of a report.

    Raises:
        UsageError: the name ends otherwise.
        OutputExistsError: what is there is something else.
    """
    refuse_other_kind(path, ".html")
    if not path.exists():
        return
    head = b""
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    if _OWN_MARK not in head:
        raise OutputExistsError(
            f"{path} exists and is no report of reggan-plugin's, so it is not replaced. Name "
            "another file, or move it away.",
            kind="foreign-page",
        )


class ReportPage:
    """Collects the frames of a page, thumbnails on disk where there are many."""

    def __init__(self, path: Path, entries: int) -> None:
        """Begin a page of so many entries.

        Raises:
            OutputExistsError: its folder of thumbnails is somebody else's.
            OutputError: that cannot be written.
        """
        self._path = path
        self._beside = path.with_name(f"{path.stem}.thumbnails") if entries > MOST_INSIDE else None
        self._frames: list[dict[str, Any]] = []
        self._seconds = 0.0
        self._devices: set[str] = set()
        self._kept = 0
        if self._beside is not None:
            _make_thumbnail_folder(self._beside)

    def kept(self, look: FrameLook) -> FrameLook:
        """Return the look of the next frame with its thumbnails where the page will find them.

        Raises:
            OutputError: they cannot be written.
        """
        number, self._kept = self._kept, self._kept + 1
        if self._beside is None:
            return look
        return replace(
            look,
            before=_put(self._beside, f"{number:06d}-before.jpg", look.before),
            after=_put(self._beside, f"{number:06d}-after.jpg", look.after),
        )

    def add(self, checked: CheckedFrame, look: FrameLook, flicker: Flicker | None) -> None:
        """Put a frame on the page."""
        record = checked.record
        if record is not None:
            self._seconds += record.seconds
            self._devices |= {record.device} if record.device else set()
        self._frames.append(
            {
                "name": checked.name,
                "count": checked.count,
                "problems": checked.problems,
                "note": checked.note,
                "before": look.before,
                "after": look.after,
                "numbers": _numbers(checked, flicker),
                "flicker": flicker and [round(flicker.change, 3), round(flicker.picture, 3)],
            }
        )

    def write(self, title: str, source: str) -> None:
        """Write the page, which loads nothing but its own thumbnails.

        Raises:
            OutputError: it cannot be written.
        """
        count = sum(frame["count"] for frame in self._frames)
        facts = [f"{count} frames of {source}", f"{self._seconds:.0f} s of work"]
        data = {
            "title": title,
            "facts": [*facts, *sorted(self._devices)],
            "problems": PROBLEMS,
            "fatal": FATAL,
            "frames": self._frames,
        }
        folder = Path(__file__).parent / "shot_page"
        html = html_from_parts(folder, data, images_beside=self._beside is not None)
        write_atomically(self._path, html.encode())


def _make_thumbnail_folder(folder: Path) -> None:
    """Make an empty folder of ours."""
    try:
        folder.mkdir(exist_ok=True)
        names = {path.name for path in folder.iterdir()}
        if names and _FOLDER_MARK not in names:
            raise OutputExistsError(
                f"{folder} exists and holds no thumbnails of reggan-plugin's. Name another page, "
                "or move the folder away.",
                kind="foreign-page",
            )
        (folder / _FOLDER_MARK).touch()
        for name in filter(_THUMBNAIL.fullmatch, names):
            (folder / name).unlink()
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written: {error.strerror}. Name another page."
        ) from error


def _put(folder: Path, name: str, content: bytes | str | None) -> str | None:
    if not isinstance(content, bytes):
        return content
    try:
        (folder / name).write_bytes(content)
    except OSError as error:
        raise OutputError(
            f"{folder / name} cannot be written: {error.strerror}. Name another page."
        ) from error
    return f"{folder.name}/{name}"


def _numbers(checked: CheckedFrame, flicker: Flicker | None) -> list[str]:
    """Return the facts of a frame, in words."""
    record = checked.record
    if record is None:
        return []
    words = [" ".join(f"{name} {value:g}" for name, value in record.expression.items())]
    for face in record.faces:
        parts = [f"face {face.face} {face.status}"]
        parts += [] if face.score is None else [f"score {face.score:.2f}"]
        parts += [] if face.yaw_deg is None else [f"yaw {face.yaw_deg:+.0f}°"]
        parts += [] if face.share == 1.0 else [f"{face.share:.0%} of the intensity"]
        words.append(", ".join(parts))
    if flicker is not None:
        words.append(f"flicker {flicker.change:.1f} (picture {flicker.picture:.1f})")
    return [*words, f"{record.seconds:.1f} s", *record.warnings]
