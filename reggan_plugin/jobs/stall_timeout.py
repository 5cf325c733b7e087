"""`--stall-timeout`: how long a disk or a network folder may keep a job waiting."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from reggan_plugin.errors import StalledError

DEFAULT_STALL_S = 120.0
_STALLS_IN_A_ROW = 3
_SHORT_S = 5.0
"""The timeout after that many stalls, and once the job is to stop."""
_LOOK_EVERY_S = 0.2

Result = TypeVar("Result")


class IoTimeout:
    """Runs blocking I/O with a timeout.

    No program can end a read from a dead network folder. So each call has a thread of its own
    that does not keep the process alive, and is left behind if it does not come back. After
    three such in a row the timeout is short, until one call succeeds again: a folder that is
    gone for good must not hold a thousand frames for two minutes each.
    """

    def __init__(
        self, limit_s: float = DEFAULT_STALL_S, stopped: Callable[[], bool] = lambda: False
    ) -> None:
        """Wait for `limit_s` seconds at most; not as long once `stopped()` is true."""
        self._limit_s, self.stopped = limit_s, stopped
        self._stalls = 0

    def call(self, what: str, function: Callable[[], Result]) -> Result:
        """Call `function`; returns or raises what it does.

        Args:
            what: names the file or folder in the error.
            function: may go on for ever; what it does after the limit is lost.

        Raises:
            StalledError: it did not come back in time.
        """
        call = _Call(function)
        begin = time.monotonic()
        while not call.done.wait(_LOOK_EVERY_S):
            waited = time.monotonic() - begin
            if waited > self._limit_now():
                self._stalls += 1
                raise StalledError(
                    f"{what} did not answer within {waited:.0f} s: its disk or network stalls, or "
                    "it is no ordinary file. Check it."
                )
        self._stalls = 0
        return call.result()

    def _limit_now(self) -> float:
        hurries = self._stalls >= _STALLS_IN_A_ROW or self.stopped()
        return min(self._limit_s, _SHORT_S) if hurries else self._limit_s


class _Call(Generic[Result]):
    """A call in a thread of its own."""

    def __init__(self, function: Callable[[], Result]) -> None:
        self.done = threading.Event()
        self._function = function
        self._outcome: list[Result] = []
        self._error: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def result(self) -> Result:
        """Return result of the call; raises its error."""
        if self._error is not None:
            raise self._error
        return self._outcome.pop()

    def _run(self) -> None:
        try:
            self._outcome.append(self._function())
        except BaseException as error:  # noqa: BLE001 - raised where the call was made
            self._error = error
        finally:
            self.done.set()
