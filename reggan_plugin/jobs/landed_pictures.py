"""Pictures that other programs write into a folder, one after another: which are complete."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from reggan_plugin.files.sequence import picture_names
from reggan_plugin.jobs.frame_record import FileState, state_of

SETTLE_S = 3.0
"""Default of `--settle`: how long size and time of a picture must stay."""


@dataclass(frozen=True, kw_only=True)
class _Sight:
    """A file as it was seen, and since when it has been like this."""

    state: FileState
    since_s: float


class LandingFolder:
    """Looks at a folder again and again; a picture has landed once its size and time stay.

    An empty file is the mark by which a renderer claims a frame, and has not landed.
    """

    def __init__(
        self, folder: Path, settle_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Know of no file yet.

        Args:
            folder: what is looked at; the folders within it are not.
            settle_s: how long size and time of a file must stay.
            clock: seconds; those of the disk may run differently and are only compared with
                each other.
        """
        self.folder = folder
        self._settle_s, self._clock = settle_s, clock
        self._sights: dict[str, _Sight] = {}
        self._dealt_with: dict[str, FileState] = {}

    def look(self) -> None:
        """List the folder and the state of every picture in it.

        Raises:
            SourceError: it cannot be listed.
        """
        now_s, sights = self._clock(), {}
        for name in picture_names(self.folder):
            state = state_of(self.folder / name)
            if state is not None and state.size:
                before = self._sights.get(name)
                if before is None or before.state != state:
                    before = _Sight(state=state, since_s=now_s)
                sights[name] = before
        self._sights = sights

    @property
    def landed(self) -> set[str]:
        """Names of the pictures that are complete."""
        now_s = self._clock()
        sights = self._sights.items()
        return {name for name, sight in sights if now_s - sight.since_s >= self._settle_s}

    @property
    def waiting(self) -> set[str]:
        """Those that are complete and have not been dealt with as they are now."""
        done = self._dealt_with
        return {name for name in self.landed if done.get(name) != self._sights[name].state}

    def set_aside(self, names: Iterable[str]) -> None:
        """Deal with pictures no more unless they change."""
        self._dealt_with |= {name: self._sights[name].state for name in names}
