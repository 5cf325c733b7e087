"""A recorded performance that the page scrubs through."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

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
