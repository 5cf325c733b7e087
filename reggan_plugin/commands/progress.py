"""Progress on stderr: a bar, plain lines, JSON lines, or the lines of Open Job Description."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from functools import wraps
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import click

from reggan_plugin.commands.command_group_and_terminal import unguarded
from reggan_plugin.commands.options.options_and_settings_file import (
    AddOption,
    grouped_option,
    options_as,
)
from reggan_plugin.commands.remedies import remedy_for, with_remedy
from reggan_plugin.errors import RegganError, counted
from reggan_plugin.files.frame import name_of_frame
from reggan_plugin.files.image_format import is_video
from reggan_plugin.jobs.results_and_events import (
    SAYING,
    Event,
    Failed,
    Finished,
    FrameChecked,
    FrameDone,
    FrameEncoded,
    FrameTracked,
    Notice,
    OneFrame,
    Report,
    ShotTracked,
    Started,
    document_from_event,
)
from reggan_plugin.json_and_toml import json_text

_EACH_S = 1.0
"""Between lines of frames in a log."""
_FASTEST = 500.0
"""Frames a second that somebody may work on; beyond, they are skipped."""
_STAGES = {
    **{"frame": "Rendering", "tracked": "Tracking"},
    **{"checked": "Checking", "encoded": "Encoding"},
}
"""What a bar says, by event."""
Run = TypeVar("Run", bound=Callable[..., Any])
ProgressStyle = Literal["auto", "plain", "json", "openjd", "quiet"]


def style_options(heading: str) -> AddOption:
    """Add `--progress` and `--quiet`; the command takes both as `style`."""
    return options_as(
        "style",
        lambda style, quiet: "quiet" if quiet else style,
        grouped_option(
            heading,
            "--progress",
            "style",
            type=click.Choice(["auto", "plain", "json", "openjd"]),
            default="auto",
            help="On stderr: a bar on a terminal, elsewhere a line a second (auto); a line for "
            "every frame (plain); or lines for programs.",
        ),
        quiet_option(heading),
    )


def quiet_option(heading: str) -> AddOption:
    """Add `--quiet` under a heading of the help."""
    return grouped_option(
        heading, "-q --quiet", is_flag=True, help="Say nothing but results and what failed."
    )


@contextmanager
def progress_on_stderr(style: ProgressStyle, *, as_json: bool) -> Iterator[Report]:
    """Give a job something to report to; an error that ends it is reported too, and raised.

    Where a program reads the result `as_json`, it reads the progress so too, unless told.
    """
    report: Report
    match "json" if as_json and style == "auto" else style:
        case "json":
            report = _write_json
        case "openjd":
            report = _write_openjd
        case "quiet":
            report = _write_failures
        case "auto" if sys.stderr.isatty():
            report = _ProgressBar()
        case "auto":
            report = _LineASecond()
        case _:
            report = _write_plain
    try:
        yield report
    except RegganError as error:
        report(Failed(message=error.remark, exit_code=error.exit_code))
        raise


def errors_as_events(command: Run) -> Run:
    """Let a command with `--json` write the error that ends it as an event, too."""

    @wraps(command)
    def run(*arguments: Any, as_json: bool, **options: Any) -> Any:
        with progress_on_stderr("auto" if as_json else "plain", as_json=as_json):
            return command(*arguments, as_json=as_json, **options)

    return cast(Run, run)


@contextmanager
def bar_of(label: str) -> Iterator[Callable[[float], None]]:
    """Yield a bar with the time that is left, on a terminal alone; takes the share that is done."""
    stream = unguarded(sys.stderr)
    if not stream.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=1000, label=label, file=stream) as bar:
        yield lambda share: bar.update(round(1000 * share) - bar.pos)


def without_bar(_: str) -> AbstractContextManager[Callable[[float], None]]:
    """Take the share that is done, and show nothing."""
    return nullcontext(lambda _: None)


def libraries_on_stderr() -> AbstractContextManager[object]:
    """Send what libraries print to stderr, so that stdout holds results alone.

    OpenEXR prints what it finds in a damaged file, just where `--json` goes.
    """
    return redirect_stdout(sys.stderr)


def _write_json(event: Event) -> None:
    document = document_from_event(event)
    if isinstance(event, SAYING):
        document["remedy"] = remedy_for(event.message or "") or None
    _write(json_text(document))


def _write_openjd(event: Event) -> None:
    """Lines that a worker of Open Job Description reads on either stream.

    Source: github.com/OpenJobDescription/openjd-specifications, How-Jobs-Are-Run, stdout messages
    """
    match event:
        case FrameDone() | FrameTracked() | FrameChecked() | FrameEncoded():
            _write(f"openjd_progress: {100 * event.done / event.frames:.1f}")
            _write(f"openjd_status: {_one_line(_text_from_event(event))}")
        case Failed():
            _write(f"openjd_fail: {_one_line(with_remedy(event.message))}")
        case _:
            _write(f"openjd_status: {_one_line(_text_from_event(event))}")


def _write_failures(event: Event) -> None:
    if isinstance(event, FrameDone) and event.result.outcome == "failed":
        _write(_text_from_event(event))


def _write_plain(event: Event) -> None:
    if not isinstance(event, Failed):  # which every command prints as its last line
        _write(_text_from_event(event))


class _LineASecond:
    """Plain lines, of frames at most one a second; all that failed, and the last of each stage."""

    _last_s = -_EACH_S

    def __call__(self, event: Event) -> None:
        if isinstance(event, OneFrame):
            is_failed = isinstance(event, FrameDone) and event.result.outcome == "failed"
            is_said = is_failed or (isinstance(event, FrameTracked) and event.message)
            now_s = time.monotonic()
            if not is_said and event.done < event.frames and now_s - self._last_s < _EACH_S:
                return
            self._last_s = now_s
        _write_plain(event)


class _ProgressBar:
    """A bar for a person, which says what is done; notices and failures are printed at the end."""

    def __init__(self) -> None:
        self._bar: click._termui_impl.ProgressBar[float] | None = None
        self._label, self._begin_s, self._done = "", 0.0, 0
        self._for_the_end: list[str] = []

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                _write(_text_from_event(event))
            case FrameDone() | FrameTracked() | FrameChecked() | FrameEncoded():
                self._advance(_STAGES[event.event], event.done, event.frames)
                if isinstance(event, FrameDone) and event.result.outcome == "failed":
                    self._for_the_end.append(_text_from_event(event))
            case ShotTracked():
                self._end()
                _write(_text_from_event(event))
            case Notice():
                self._for_the_end.append(_text_from_event(event))
            case Finished():
                self._end()
                for line in (*self._for_the_end, _text_from_event(event)):
                    _write(line)
                self._for_the_end = []
            case Failed():
                self._end()

    def _advance(self, label: str, done: int, frames: int) -> None:
        """Draw the bar of a stage, which begins with its first frame."""
        if self._bar is None or label != self._label:
            self._end()
            self._label, self._begin_s = label, time.monotonic()
            self._bar = click.progressbar(
                length=frames,
                label=label,
                show_pos=True,
                item_show_func=_rate,
                file=unguarded(sys.stderr),
            )
            self._done = done - 1
            self._bar.update(self._done)
        seconds = time.monotonic() - self._begin_s
        self._bar.update(done - self._done, done / seconds if seconds > 0 else None)
        self._done = done

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.render_finish()
            self._bar = None


def _rate(rate: float | None) -> str | None:
    """Return the speed of work; frames that are only skipped have none."""
    return None if rate is None or rate > _FASTEST else f"{rate:.1f} frames/s"


def _text_from_event(event: Event) -> str:
    match event:
        case FrameEncoded():
            return f"[{event.done}/{event.frames}] {event.source.name} encoded"
        case Started():
            model = f" by {event.model}" if event.model else ""
            device = f" on {event.device}" if event.device else ""  # a reader of faces names none
            processes = f" in {event.processes} processes" if event.processes > 1 else ""
            folder, frames = event.out, counted(event.frames, "frame")
            where = "this folder" if folder == Path() else folder
            return f"To {where}: {frames}{model}{device}{processes}"
        case Notice():
            about = f", {name_of_frame(event.source)}" if event.source else ""
            return f"Note{about}: {with_remedy(event.message)}"
        case FrameDone():
            reason = f": {with_remedy(event.message)}" if event.message else ""
            result = event.result
            name, new, outcome = name_of_frame(result.source), result.output.name, result.outcome
            has_name = new != name and not is_video(result.output)
            to = f" to {new}" if outcome in ("written", "copied") and has_name else ""
            return f"[{event.done}/{event.frames}] {name} {outcome}{to}{reason}"
        case FrameTracked():
            found = with_remedy(event.message or "") or f"faces: {event.faces}"
            return f"[{event.done}/{event.frames}] {name_of_frame(event.source)} {found}"
        case FrameChecked():
            found = ", ".join(event.problems) or "good"
            return f"[{event.done}/{event.frames}] {event.source.name} {found}"
        case ShotTracked():
            frames = counted(event.frames, "frame")
            return (
                f"{'Interrupted' if event.interrupted else 'Tracked'}: {frames}, "
                f"faces: {event.faces}, cuts: {len(event.cuts)}, {event.without_face} without a "
                f"face, {event.unreadable} unreadable, {event.seconds:.1f} s"
            )
        case Finished():
            counts = (
                f"{event.written} written, {event.copied} copied, {event.skipped} skipped, "
                f"{event.failed} failed"
            )
            return (
                f"{'Interrupted' if event.interrupted else 'Done'}: {counts}, {event.seconds:.1f} s"
            )
        case Failed():
            return with_remedy(event.message)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _write(line: str) -> None:
    click.echo(line.replace("\n", "\\n"), err=True)
