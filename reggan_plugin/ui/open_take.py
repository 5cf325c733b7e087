"""A recorded performance that the page scrubs through."""

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.curves.read_take import read_take
from reggan_plugin.curves.retargeting import Retargeting, retargeted
from reggan_plugin.curves.take import Take
from reggan_plugin.curves.take_on_shot import TakeCurve
from reggan_plugin.errors import UsageError


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenTake:
    """A take, row by row.

    Attributes:
        path: as a command should name it.
        take: as read.
    """

    path: Path
    take: Take

    def weights(self, row: int, fitted: Retargeting) -> dict[str, float]:
        """Return what a row asks for, by name of a shape or an expression.

        Raises:
            UsageError: the take has no such row.
        """
        if not 0 <= row < len(self.take.times_s):
            raise UsageError(
                f"{self.path.name} has no row {row}; expected 0 to {len(self.take.times_s) - 1}."
            )
        take, here = self.take, slice(row, row + 1)
        one = replace(take, weights=take.weights[here], times_s=take.times_s[here], frames=None)
        curve = TakeCurve(retargeted(one, fitted), np.zeros(1), take.names)
        weights = curve.mix_at(0).intensities
        return {name: round(weight, 4) for name, weight in weights.items() if weight}

    def document(self) -> dict[str, Any]:
        """Return what the page says of it."""
        unknown = [f"Not known: {', '.join(self.take.unknown)}."] if self.take.unknown else []
        return {
            "name": self.path.name,
            "kind": self.take.kind,
            "rows": len(self.take.times_s),
            "fps": round(self.take.rate_fps, 3),
            "notes": [*unknown, *map(str, self.take.notes)],
        }


def open_take(file: Path, named: Path | None = None) -> OpenTake:
    """Read a take; `named` is what the user knows it by, if it is not the file's own path.

    Raises:
        SourceError, MissingExtraError: as `read_take`.
    """
    return OpenTake(path=named or file, take=read_take(file))


class TakeInUse:
    """The one take of the page; a new one takes its place."""

    def __init__(self, take: OpenTake | None = None) -> None:
        """Begin with a take, or with none."""
        self._lock = threading.Lock()
        self._take = take

    @property
    def now(self) -> OpenTake | None:
        """The take, if one is open."""
        return self._take

    def needed(self) -> OpenTake:
        """Return the take.

        Raises:
            UsageError: none is open.
        """
        if self._take is None:
            raise UsageError("No recorded performance is open. Open one first.")
        return self._take

    def replace(self, take: OpenTake) -> OpenTake:
        """Put a take in place of the one before."""
        with self._lock:
            self._take = take
        return take
