"""The state of a face in one picture, and the habits of an identity in each expression."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.heads.anatomy.actions import ACTIONS

JITTER = 0.12
"""Standard deviation of how much more or less an identity uses an action, as a share."""
MAX_GAZE_DEG = 30.0


@dataclass(frozen=True, kw_only=True)
class FaceState:
    """An expression, its intensity, and what a face does besides.

    Attributes:
        expression: one of `EXPRESSION_NAMES`.
        intensity: 0 = neutral, 1 = full.
        eye_closure: 0 = as the expression has the lids, 1 = both eyes shut.
        mouth_open: 0 = as the expression has the mouth, 1 = wide open as in speech.
        gaze_yaw_deg: positive = both eyes turn to the avatar's own left.
        gaze_pitch_deg: positive = both eyes turn up.
    """

    expression: str = "neutral"
    intensity: float = 0.0
    eye_closure: float = 0.0
    mouth_open: float = 0.0
    gaze_yaw_deg: float = 0.0
    gaze_pitch_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.expression not in EXPRESSION_NAMES:
            raise ValueError(f"{self.expression!r} is not one of {', '.join(EXPRESSION_NAMES)}")
        if not 0 <= self.intensity <= 1.5:
            raise ValueError(f"intensity is {self.intensity}; 0 to 1.5 is drawn")
        if not (0 <= self.eye_closure <= 1 and 0 <= self.mouth_open <= 1):
            raise ValueError("eye_closure and mouth_open are shares from 0 to 1")
        if max(abs(self.gaze_yaw_deg), abs(self.gaze_pitch_deg)) > MAX_GAZE_DEG:
            raise ValueError(f"gaze beyond {MAX_GAZE_DEG} degrees")

    def to_json(self) -> dict[str, Any]:
        """The state as plain values; `FaceState(**values)` is equal to it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class ExpressionHabits:
    """The habits of one identity in its expressions, the same in all its pictures.

    Attributes:
        smile: teeth shown, or lips closed.
        anger: lips pressed, or teeth bared.
        gain: factor on an action by its name in `actions.py`; 1 where it has none.
        lean: by action, how much more the left side does it, as a share of its strength.
    """

    smile: Literal["open", "closed"] = "open"
    anger: Literal["pressed", "bared"] = "pressed"
    gain: Mapping[str, float] = field(default_factory=dict)
    lean: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The habits as plain values; `ExpressionHabits(**values)` is equal to them."""
        return asdict(self)


def sample_habits(random: np.random.Generator) -> ExpressionHabits:
    """Habits drawn at random: three smiles in four show teeth, half of all anger does."""
    gain = np.clip(1 + JITTER * random.standard_normal(len(ACTIONS)), 0.7, 1.3)
    lean = np.clip(0.05 * random.standard_normal(len(ACTIONS)), -0.12, 0.12)
    return ExpressionHabits(
        smile="open" if random.random() < 0.75 else "closed",
        anger="pressed" if random.random() < 0.5 else "bared",
        gain={name: round(float(v), 3) for name, v in zip(ACTIONS, gain, strict=True)},
        lean={name: round(float(v), 3) for name, v in zip(ACTIONS, lean, strict=True)},
    )
