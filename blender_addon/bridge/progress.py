"""Progress of a worker, from the JSON lines that it writes to stderr.

The lines are described in `reggan_plugin/jobs/results.py`; those that do not begin with `{` are
text for people, of which the last few are kept in case that they say why it failed.
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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


class ProgressReader:
    """Takes stderr as bytes, in pieces of any size, and knows how far the worker is."""

    def __init__(self) -> None:
        self.done = 0
        self.total = 0
        self.message = ""
        self.error = ""
        self.notices: list[str] = []
        self._begun = b""
        self._text: deque[str] = deque(maxlen=_KEPT_LINES)

    def feed(self, piece: bytes) -> None:
        """Take the next bytes; a line counts once its end has come."""
        *lines, self._begun = (self._begun + piece).split(b"\n")
        self._begun = self._begun[-_LONGEST_LINE_BYTES:]
        for line in lines:
            self._take(line)

    def skip(self) -> None:
        """Forget the line that has begun, as what follows it was not read."""
        self._begun = b""

    def end(self) -> None:
        """Take what came without a line's end: a killed process stops anywhere."""
        self._take(self._begun)
        self._begun = b""

    def last_words(self) -> str:
        """Return the last lines that were not JSON, oldest first."""
        return "\n".join(self._text)

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
        if kind == "started":
            self.done, self.total = 0, int(event.get("frames", 0))
        elif kind in _DOING:
            self.done, self.total = int(event.get("done", 0)), int(event.get("frames", 0))
            self.message = f"{_DOING[kind]}: {self.done} of {self.total}"
        elif kind == "step":
            self.done, self.total = int(event.get("done", 0)), int(event.get("frames", 0))
            self.message = str(event.get("message", ""))
        elif kind == "notice":
            self.notices.append(with_remedy(event))
        elif kind == "error":
            self.error = with_remedy(event)
        if kind == "frame" and event.get("outcome") == "failed":
            self.notices.append(with_remedy(event))
