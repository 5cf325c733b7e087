"""A recorded performance that the page scrubs through, and how takes and the camera are fitted to
the face on the page: by sliders, kept for a character.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.curves.retargeting import (
    GROUPS,
    Retargeting,
    retargeted,
    retargeting_from_table,
    table_learnt_from,
)
from reggan_plugin.curves.take import Take
from reggan_plugin.curves.take_on_shot import TakeCurve
from reggan_plugin.errors import UsageError
from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES


@frozen(eq=False)
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
        return {
            "name": self.path.name,
            "kind": self.take.kind,
            "rows": len(self.take.times_s),
            "fps": round(self.take.rate_fps, 3),
            "notes": list(map(str, self.take.notices)),
        }


_NAME = "[A-Za-z0-9_-]{1,40}"


def _keep_nothing(_: str, __: Mapping[str, Any]) -> Path:
    """Refuse to keep a character.

    Raises:
        UsageError: always.
    """
    raise UsageError("The page was started without settings to keep a character in.")


@dataclass(kw_only=True)
class CharacterFit:
    """Gains, offsets and asymmetry as the sliders say them.

    Attributes:
        characters: tables of the settings file, by name.
        keep: writes a table into it; returns the file.
        table: what the sliders say, as `[character.NAME]` has it.
        fitted: the same, read.
    """

    characters: dict[str, Any] = field(default_factory=dict)
    keep: Callable[[str, Mapping[str, Any]], Path] = _keep_nothing
    table: Mapping[str, Any] = field(default_factory=dict)
    fitted: Retargeting = field(default_factory=Retargeting)

    def set(self, table: Any) -> None:
        """Let takes be fitted by a table.

        Raises:
            UsageError: it is none.
        """
        self.fitted = retargeting_from_table(table, "This fit")
        self.table = table

    def save(self, name: Any) -> Path:
        """Keep what the sliders say for a character; returns the file.

        Raises:
            UsageError: the name is none, or the file cannot take it.
            OutputError: it cannot be written.
        """
        if not isinstance(name, str) or not re.fullmatch(_NAME, name):
            raise UsageError(
                f"{str(name)[:80]!r} is no name of a character; expected letters, digits, _ and -, "
                "such as hero."
            )
        path = self.keep(name, self.table)
        self.characters[name] = self.table
        return path

    def learn(self, take: Take) -> None:
        """Learn gains from a take in which each part of the face moves as far as it goes.

        Raises:
            UsageError: nothing moves enough.
        """
        self.set(table_learnt_from(take))

    def document(self) -> dict[str, Any]:
        """Return what the page shows."""
        return {
            "characters": self.characters,
            "table": self.table,
            "words": list(GROUPS),
            "shapes": list(ARKIT_SHAPES),
        }
