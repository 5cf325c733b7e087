"""Work inside Blender that is done in small steps, so that the interface answers in between."""

import time
from collections.abc import Generator
from dataclasses import replace

from .progress import Progress

BUDGET_S = 0.01
"""After so long no other step is begun; one step may take longer, where Blender does."""


class SteppedJob:
    """Runs a generator of progress bit by bit; looks like a `Job` from outside."""

    def __init__(self, title: str, steps: Generator[Progress, None, None]) -> None:
        """Take steps of which none has run; what they leave behind stands in their `finally`."""
        self.title = title
        self.results: list[Progress] = []
        self._steps = steps
        self._latest = Progress()

    def poll(self) -> Progress:
        """Go on for a moment.

        Raises:
            BridgeError: a step cannot be done.
        """
        until = time.monotonic() + BUDGET_S
        while self._latest.state == "running":
            try:
                self._latest = next(self._steps)
            except StopIteration:
                self._latest = replace(self._latest, state="done")
                self.results.append(self._latest)
            if time.monotonic() > until:
                break
        return self._latest

    def cancel(self) -> None:
        """Stop here."""
        if self._latest.state == "running":
            self._steps.close()
            self._latest = replace(self._latest, state="cancelled", message="Cancelled.")

    def kill(self) -> None:
        """The same, as nothing of it runs elsewhere."""
        self.cancel()

    def wait(self) -> Progress:
        """Its end, however long that takes. For Blender without a window."""
        while self.poll().state == "running":
            pass
        return self._latest
