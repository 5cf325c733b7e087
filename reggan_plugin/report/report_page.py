"""The page of a report: one file, or for long shots one file and thumbnails beside it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from reggan_plugin.drawing.web_page import html_from_parts
from reggan_plugin.errors import OutputError, OutputExistsError
from reggan_plugin.file_safety import refuse_other_kind, write_atomically
from reggan_plugin.report.flicker import Flicker
from reggan_plugin.report.frame_look import FrameLook
from reggan_plugin.report.shot_check import FATAL, PROBLEMS, CheckedFrame

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
