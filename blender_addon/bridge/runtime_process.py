"""A `reggan-plugin` process that runs beside Blender: started, looked at, stopped.

Its streams go to files, which can be read without waiting on every system, and which take any
amount of output. No threads.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import BridgeError
from .progress import Progress, ProgressReader
from .runtime import Runtime

GRACE_S = 10.0
"""How long a cancelled worker may take to finish the current frame."""
_PIECE_BYTES = 1 << 16
_FURTHEST_BEHIND_BYTES = 1 << 20
_PAUSE_S = 0.05
_NICENESS = 10


def start(runtime: Runtime, arguments: Sequence[str], folder: Path) -> "RuntimeProcess":
    """Run `reggan-plugin` with these arguments; see `start_process`."""
    return RuntimeProcess(start_process(runtime, arguments, folder), folder, runtime)


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
    if gives_way:
        _give_way_to_blender(process)
    return process


class RuntimeProcess:
    """A process of `reggan-plugin`, from its start to its end."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path, runtime: Runtime) -> None:
        self._process = process
        self._runtime = runtime
        self._folder = folder
        self._stderr = (folder / "stderr.txt").open("rb")
        self._reader = ProgressReader()
        self._cancelled_at: float | None = None
        self._end: Progress | None = None

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def poll(self) -> Progress:
        """Progress. Never waits; reads little at a time, the newest first if it is behind."""
        if self._end is not None:
            return self._end
        if self._cancelled_at is not None and time.monotonic() > self._cancelled_at + GRACE_S:
            self._process.kill()
        code = self._process.poll()  # before reading: nothing is written after this
        self._read_news()
        if code is not None:
            self._reader.end()
            self._stderr.close()
            self._end = self._progress_at_end(code)
            return self._end
        return self._progress("running", self._reader.message)

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

    def wait(self) -> Progress:
        """Its end, however long that takes. For Blender without a window."""
        while (progress := self.poll()).state == "running":
            time.sleep(_PAUSE_S)
        return progress

    def _read_news(self) -> None:
        behind = os.fstat(self._stderr.fileno()).st_size - self._stderr.tell()
        if behind > _FURTHEST_BEHIND_BYTES:
            self._stderr.seek(-_PIECE_BYTES, os.SEEK_END)
            self._reader.skip()
        while piece := self._stderr.read(_PIECE_BYTES):
            self._reader.feed(piece)

    def _progress_at_end(self, code: int) -> Progress:
        if code == 0:
            return self._progress("done", self._reader.message)
        if self._cancelled_at is not None:
            return self._progress("cancelled", "Cancelled.")
        words = self._reader.error or self._runtime.reason_from_end(self._reader.last_words(), code)
        return self._progress("failed", words)

    def _progress(self, state: Any, message: str) -> Progress:
        return Progress(
            state=state,
            done=self._reader.done,
            total=self._reader.total,
            message=message,
            notices=tuple(self._reader.notices),
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

    def _give_way_to_blender(process: "subprocess.Popen[bytes]") -> None:
        """Give way to Blender, as a process that was started so."""

else:
    _STOP = signal.SIGTERM

    def _apart_from_blender(*, gives_way: bool) -> dict[str, Any]:  # noqa: ARG001
        """Return a group of its own: Ctrl-C in Blender's terminal is Blender's."""
        return {"start_new_session": True}

    def _give_way_to_blender(process: "subprocess.Popen[bytes]") -> None:
        """Let Blender draw first where both want the processor; alone, it has all of it."""
        with suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
