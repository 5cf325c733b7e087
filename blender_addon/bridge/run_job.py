"""A job: the workers that one press of a button runs, one after another, each in a process.

A process's streams go to files, which can be read without waiting on every system, and which take
any amount of output. No threads. Its progress is read from the JSON lines that it writes to stderr,
those of `reggan_plugin/jobs/results_and_events.py`. Lines that do not begin with `{` are text for
people, of which the last few are kept in case that they say why it failed.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from .errors import BridgeError
from .find_runtime import Runtime
from .remedies import with_remedy

State = Literal["running", "done", "failed", "cancelled"]
_KEPT_LINES = 40
_LONGEST_LINE_BYTES = 1 << 16
_DOING = {
    "frame": "Changing",
    "tracked": "Looking for faces",
    "checked": "Checking",
    "projected": "Following the head",
}


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A worker at one moment."""

    state: State = "running"
    done: int = 0
    total: int = 0
    """0 while it is not known."""
    message: str = ""
    """What it is doing; once it failed, why, and what to do about it."""
    notices: tuple[str, ...] = ()
    """What the user should know although nothing failed."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    """What the command printed as JSON, once it has ended."""

    @property
    def factor(self) -> float:
        """Between 0 and 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


GRACE_S = 10.0
"""How long a cancelled worker may take to finish the current frame."""
_PIECE_BYTES = 1 << 16
_FURTHEST_BEHIND_BYTES = 1 << 20
_PAUSE_S = 0.05
_NICENESS = 10


def start_process(
    runtime: Runtime,
    arguments: Sequence[str],
    folder: Path,
    *,
    stdin: int = subprocess.DEVNULL,
    gives_way: bool = True,
) -> "subprocess.Popen[bytes]":
    """Start `reggan-plugin` with these arguments in `folder`, made if it is not there.

    Its output goes to `stdout.txt` and `stderr.txt` there. Paths among the arguments must be
    absolute. One that gives way to Blender has less of a processor that both want.

    Raises:
        BridgeError: the runtime's Python cannot be started, or `folder` cannot be written.
    """
    command = [str(runtime.python), *runtime.program, *arguments]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "stdout.txt").open("wb") as out, (folder / "stderr.txt").open("wb") as err:
            process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=out,
                stderr=err,
                cwd=folder,
                env=dict(runtime.environment),
                **_apart_from_blender(gives_way=gives_way),
            )
    except OSError as error:
        raise BridgeError(
            f"{runtime.python} could not be started in {folder}: {error.strerror or error}. "
            "Check the runtime in the add-on's preferences, and that this folder can be written."
        ) from error
    if gives_way and sys.platform != "win32":
        with suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
    return process


class RuntimeProcess:
    """A process of `reggan-plugin`, from its start to its end."""

    def __init__(self, runtime: Runtime, arguments: Sequence[str], folder: Path) -> None:
        """Start it; see `start_process`."""
        self._process = start_process(runtime, arguments, folder)
        self._runtime = runtime
        self._folder = folder
        self._stderr = (folder / "stderr.txt").open("rb")
        self._done = self._total = 0
        self._message = self._error = ""
        self._notices: list[str] = []
        self._begun = b""  # of a line whose end has not come
        self._text: deque[str] = deque(maxlen=_KEPT_LINES)  # lines that are no JSON
        self._cancelled_at: float | None = None
        self._end: Progress | None = None

    def poll(self) -> Progress:
        """Progress. Never waits; reads little at a time, the newest first if it is behind."""
        if self._end is not None:
            return self._end
        grace_s = GRACE_S + self._runtime.clears_away_s
        if self._cancelled_at is not None and time.monotonic() > self._cancelled_at + grace_s:
            self._process.kill()
        code = self._process.poll()  # before reading: nothing is written after this
        self._read_news()
        if code is not None:
            self._feed(b"\n")  # a killed process stops anywhere
            self._stderr.close()
            self._end = self._progress_at_end(code)
            return self._end
        return self._progress("running", self._message)

    def cancel(self) -> None:
        """Ask it to stop after the current frame; asked again, or too slow, it is killed."""
        if self._end is not None:
            return
        if self._cancelled_at is not None:
            self._process.kill()
            return
        self._cancelled_at = time.monotonic()
        try:
            self._process.send_signal(_STOP)
        except OSError:  # on Windows, where Blender has no console to send it through
            self._process.kill()

    def kill(self) -> None:
        """End it at once and let go of it; its current frame is lost."""
        self._process.kill()
        self._process.wait()
        self._stderr.close()

    def _read_news(self) -> None:
        behind = os.fstat(self._stderr.fileno()).st_size - self._stderr.tell()
        if behind > _FURTHEST_BEHIND_BYTES:
            self._stderr.seek(-_PIECE_BYTES, os.SEEK_END)
            self._begun = b""  # what follows it was not read
        while piece := self._stderr.read(_PIECE_BYTES):
            self._feed(piece)

    def _feed(self, piece: bytes) -> None:
        """Take the next bytes; a line counts once its end has come."""
        *lines, self._begun = (self._begun + piece).split(b"\n")
        self._begun = self._begun[-_LONGEST_LINE_BYTES:]
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").strip()
        if not text.startswith("{"):
            if text:
                self._text.append(text)
            return
        try:
            event = json.loads(text)
        except ValueError:  # a line that was cut off, or somebody else's
            self._text.append(text)
            return
        if isinstance(event, dict):
            self._take_event(event)

    def _take_event(self, event: Mapping[str, Any]) -> None:
        kind = event.get("event")
        if kind in ("started", "step", *_DOING):
            self._done, self._total = int(event.get("done", 0)), int(event.get("frames", 0))
        if kind in _DOING:
            self._message = f"{_DOING[kind]}: {self._done} of {self._total}"
        elif kind == "step":
            self._message = str(event.get("message", ""))
        elif kind == "error":
            self._error = with_remedy(event)
        if kind == "notice" or (kind == "frame" and event.get("outcome") == "failed"):
            self._notices.append(with_remedy(event))

    def _progress_at_end(self, code: int) -> Progress:
        if code == 0:
            return self._progress("done", self._message)
        if self._cancelled_at is not None:
            return self._progress("cancelled", "Cancelled.")
        words = self._error or self._runtime.reason_from_end("\n".join(self._text), code)
        return self._progress("failed", words)

    def _progress(self, state: Any, message: str) -> Progress:
        return Progress(
            state=state,
            done=self._done,
            total=self._total,
            message=message,
            notices=tuple(self._notices),
            summary={} if state == "running" else self._summary(),
        )

    def _summary(self) -> dict[str, Any]:
        """Its output as one JSON object."""
        try:
            document = json.loads((self._folder / "stdout.txt").read_bytes())
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}


if sys.platform == "win32":
    _STOP = signal.CTRL_BREAK_EVENT

    def _apart_from_blender(*, gives_way: bool) -> dict[str, Any]:
        """No window of its own, and a group that Ctrl-Break reaches alone."""
        startup = subprocess.STARTUPINFO()
        startup.dwFlags |= subprocess.STARTF_USESHOWWINDOW
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
        if gives_way:
            flags |= subprocess.BELOW_NORMAL_PRIORITY_CLASS
        return {"creationflags": flags, "startupinfo": startup}

else:
    _STOP = signal.SIGTERM

    def _apart_from_blender(*, gives_way: bool) -> dict[str, Any]:  # noqa: ARG001
        """Return a group of its own: Ctrl-C in Blender's terminal is Blender's."""
        return {"start_new_session": True}


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """One run of `reggan-plugin`."""

    arguments: Sequence[str]
    title: str
    """What the artist reads while it runs: "Render happy"."""
    folder: Path
    """For the worker's output; a fresh one for each request."""
    runtime: Runtime | None = None
    """The runtime that runs it, if not the job's own."""
    if_failed: Callable[[str], None] | None = None
    """Told why this failed: the job goes on then, and ends well."""
    objection: Callable[[], str] | None = None
    """Asked when this has ended: why the job is not to go on; empty if it is."""


class Job:
    """Runs requests in turn; the first that does not end well ends it."""

    def __init__(self, runtime: Runtime, requests: Sequence[JobRequest]) -> None:
        if not requests:
            raise ValueError("a job needs a request")
        self._runtime = runtime
        self._waiting = list(requests)
        self._of = len(requests)
        self._is_cancelled = False
        self.results: list[Progress] = []
        """The ends of the requests that have ended, in their order."""
        self._start_next()

    def poll(self) -> Progress:
        """Progress of the whole job. Never waits.

        Raises:
            BridgeError: the next request's worker cannot be started.
        """
        progress = self._worker.poll()
        if progress.state == "running":
            return self._of_all(progress)
        if progress.state == "failed" and self._request.if_failed is not None:
            self._request.if_failed(progress.message)
            progress = replace(progress, state="done", message="")
        if progress.state == "done" and self._request.objection is not None:
            objection = self._request.objection()
            progress = replace(progress, state="failed" if objection else "done", message=objection)
        if len(self.results) + len(self._waiting) < self._of:
            self.results.append(progress)
        if progress.state != "done" or not self._waiting:
            return progress
        if self._is_cancelled:
            return replace(progress, state="cancelled", message="Cancelled.")
        self._start_next()
        return self._of_all(Progress())

    def cancel(self) -> None:
        """Ask the worker to stop, and start no other; asked again, stop it at once."""
        self._is_cancelled = True
        self._worker.cancel()

    def kill(self) -> None:
        """End it at once and let go of it."""
        self._is_cancelled = True
        self._worker.kill()

    def wait(self) -> Progress:
        """Return the job's end, however long that takes. For Blender without a window."""
        while (progress := self.poll()).state == "running":
            time.sleep(_PAUSE_S)
        return progress

    def _start_next(self) -> None:
        self._request = request = self._waiting.pop(0)
        self.title = request.title
        runtime = request.runtime or self._runtime
        self._worker = RuntimeProcess(runtime, request.arguments, request.folder)

    def _of_all(self, progress: Progress) -> Progress:
        """With several requests each counts a hundred parts."""
        if self._of == 1:
            return progress
        done = round(100 * (len(self.results) + progress.factor))
        return replace(progress, done=done, total=100 * self._of)
