"""Everything that makes one identity, drawn from the set's seed, its style and its number."""

import zlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from reggan_training.avatars.avatar_look import AvatarLook, sample_look
from reggan_training.avatars.views import PlannedView, sample_views
from reggan_training.heads.anatomy.face_state import ExpressionHabits, sample_habits
from reggan_training.heads.anatomy.head_shape import HeadShape, sample_shape
from reggan_training.heads.worn.facial_strands import BrowStyle, sample_brow_style

PLAN_VERSION = 3
"""Raised when the same seed would give another picture."""
_PURPOSES = ("shape", "habits", "look", "views", "brows", "hair", "beard", "glasses")


@dataclass(frozen=True, kw_only=True, eq=False)
class IdentityPlan:
    """The plan of an identity, before anything is built."""

    name: str
    seed: int
    style: str
    number: int
    shape: HeadShape
    habits: ExpressionHabits
    look: AvatarLook
    brow_style: BrowStyle
    views: tuple[PlannedView, ...]

    def generator(self, purpose: str) -> np.random.Generator:
        """The random numbers of one purpose, independent of those of the others."""
        return _generator(self.seed, self.style, self.number, purpose)

    def to_json(self) -> dict[str, Any]:
        """All parameters as plain values."""
        return {
            "plan_version": PLAN_VERSION,
            "seed": self.seed,
            "number": self.number,
            "shape": self.shape.to_json(),
            "habits": self.habits.to_json(),
            "look": asdict(self.look),
            "brow_style": asdict(self.brow_style),
        }


def identity_name(style: str, number: int) -> str:
    """`skin_01000`."""
    return f"{style}_{number:05d}"


def plan_identity(style: str, number: int, seed: int) -> IdentityPlan:
    """The plan that this seed, style and number always give."""
    shape = sample_shape(_generator(seed, style, number, "shape"))
    look = sample_look(
        style,
        _generator(seed, style, number, "look"),
        femininity=1 - shape.gender,
        age=max(shape.age, 0.0),
        ancestry=shape.ancestry,
    )
    return IdentityPlan(
        name=identity_name(style, number),
        seed=seed,
        style=style,
        number=number,
        shape=shape,
        habits=sample_habits(_generator(seed, style, number, "habits")),
        look=look,
        brow_style=sample_brow_style(_generator(seed, style, number, "brows"), shape.gender),
        views=sample_views(_generator(seed, style, number, "views"), look),
    )


def _generator(seed: int, style: str, number: int, purpose: str) -> np.random.Generator:
    stream = zlib.crc32(style.encode()), number, _PURPOSES.index(purpose)
    return np.random.default_rng([seed, *stream])
