"""What ends a wait: signals (Ctrl-C, SIGTERM of a farm, Ctrl-Break), or a disk that is silent.

After a signal the current frame is finished. A second one ends the process, also where the main
thread is inside native code and Python's own handlers wait for it.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import TypeVar

from reggan_plugin.errors import StalledError

_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")
"""The last is what a Windows program can send to another one that it started."""
_GRACE_S = 2.0
"""From a second signal on, before the process is ended where nothing else has ended it."""
_DONE = 0
"""Wakes the watcher when there is nothing to watch any more; no signal has this number."""
_SIGNALS = tuple(signal.Signals[name] for name in _NAMES if hasattr(signal, name))


class Interrupted(BaseException):
    """A job was stopped by a signal after the current frame."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.exit_code = _exit_code(signal_number)


class StopRequest:
    """The request of a signal to stop the job."""

    signal_number: int | None = None

    def is_made(self) -> bool:
        """Tell whether a signal came."""
        return self.signal_number is not None

    def raise_if_made(self) -> None:
        """Raise `Interrupted` if a signal came."""
        if self.signal_number is not None:
            raise Interrupted(self.signal_number)


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Take the first of these signals as a request; a second one acts as it usually does.

    Where the usual act does not end the process within two seconds, it is ended: Python runs
    handlers between its own instructions, and native code may never come back to one. But Python
    writes the number of every signal to the wake-up pipe at once, from C, and a thread reads
    them. It runs whenever native code lets go of the interpreter's lock, as ONNX Runtime does.

    Outside the main thread, where Python takes no signals, the request is never made.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    usual = {number: signal.getsignal(number) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in usual.items():
            signal.signal(number, handler)

    def take(number: int, _: FrameType | None) -> None:
        request.signal_number = number
        restore()

    ours, theirs = os.pipe()
    if os.name != "nt":  # there it need not be set
        os.set_blocking(theirs, False)
    before = signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    done = threading.Event()
    threading.Thread(target=_watch, args=(ours, done), daemon=True).start()
    try:
        for number in _SIGNALS:
            signal.signal(number, take)
        yield request
    finally:
        signal.set_wakeup_fd(before)
        done.set()
        with suppress(OSError):
            os.write(theirs, bytes([_DONE]))
        os.close(theirs)
        restore()


def _watch(ours: int, done: threading.Event) -> None:
    """Read signals until `done`; end the process some time after the second."""
    count = 0
    try:
        while (read := os.read(ours, 1)) and read[0] != _DONE:
            count += read[0] in _SIGNALS
            if count == 2:
                if not done.wait(_GRACE_S):
                    os.write(2, b"Ended by a second signal; what is finished is kept.\n")
                    os._exit(_exit_code(read[0]))
                return
    finally:
        os.close(ours)


def _exit_code(signal_number: int) -> int:
    """Exit code of a signal, as shells have it; SIGBREAK counts as SIGINT."""
    is_break = signal.Signals(signal_number).name == "SIGBREAK"
    return 128 + (signal.SIGINT if is_break else signal_number)


DEFAULT_STALL_S = 120.0
_STALLS_IN_A_ROW = 3
_SHORT_S = 5.0
"""The timeout after that many stalls, and once the job is to stop."""
_LOOK_EVERY_S = 0.2

Result = TypeVar("Result")


@dataclass(eq=False)
class IoTimeout:
    """Runs blocking I/O with a timeout.

    No program can end a read from a dead network folder. So each call has a thread of its own
    that does not keep the process alive, and is left behind if it does not come back. After
    three such in a row the timeout is short, until one call succeeds again: a folder that is
    gone for good must not hold a thousand frames for two minutes each.

    Attributes:
        limit_s: seconds to wait at most.
        stopped: once it returns true, the wait is short.
    """

    limit_s: float = DEFAULT_STALL_S
    stopped: Callable[[], bool] = lambda: False
    _stalls: int = field(default=0, init=False)

    def call(self, what: str, function: Callable[[], Result]) -> Result:
        """Call `function`; returns or raises what it does.

        Args:
            what: names the file or folder in the error.
            function: may go on for ever; what it does after the limit is lost.

        Raises:
            StalledError: it did not come back in time.
        """
        outcome: list[Result] = []
        fault: list[BaseException] = []
        done = threading.Event()

        def run() -> None:
            try:
                outcome.append(function())
            except BaseException as error:  # noqa: BLE001 - raised where the call was made
                fault.append(error)
            finally:
                done.set()

        threading.Thread(target=run, daemon=True).start()
        begin = time.monotonic()
        while not done.wait(_LOOK_EVERY_S):
            waited = time.monotonic() - begin
            if waited > self._limit_now():
                self._stalls += 1
                raise StalledError(
                    f"{what} did not answer within {waited:.0f} s: its disk or network stalls, or "
                    "it is no ordinary file. Check it."
                )
        self._stalls = 0
        if fault:
            raise fault.pop()
        return outcome.pop()

    def _limit_now(self) -> float:
        hurries = self._stalls >= _STALLS_IN_A_ROW or self.stopped()
        return min(self.limit_s, _SHORT_S) if hurries else self.limit_s
