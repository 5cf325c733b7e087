"""Ctrl-C, a farm's SIGTERM, Ctrl-Break on Windows: finish the frame in hand, then stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")
"""The last is what a Windows program can send to another one that it started."""
_SIGNALS = tuple(signal.Signals[name] for name in _NAMES if hasattr(signal, name))


class Interrupted(BaseException):
    """A job was stopped by a signal after the frame in hand."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        is_break = signal.Signals(signal_number).name == "SIGBREAK"
        self.exit_code = 128 + (signal.SIGINT if is_break else signal_number)


class StopRequest:
    """What a signal asks of the job."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def is_made(self) -> bool:
        """Whether a signal came."""
        return self.signal_number is not None

    def raise_if_made(self) -> None:
        """Raise `Interrupted` if a signal came."""
        if self.signal_number is not None:
            raise Interrupted(self.signal_number)


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Take the first of these signals as a request; a second one acts as it usually does.

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

    for number in _SIGNALS:
        signal.signal(number, take)
    try:
        yield request
    finally:
        restore()
