"""What the program does for a model, before and after it answers; a card may say otherwise."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from reggan_plugin.faces.turned_heads import FADE_DEG
from reggan_plugin.vocabulary.face_shapes import CONTROLS

Backdrop = Literal["grey", "continued"]
STRENGTHS = {
    "cheekPuff": 1.1,
    "cheekSquint": 1.1,
    "eyeLookIn": 1.45,
    "eyeLookOut": 1.4,
    "eyeLookUp": 1.35,
    "eyeSquint": 1.15,
    "mouthClose": 0.8,
    "mouthDimple": 1.15,
    "mouthFrown": 1.05,
    "mouthFunnel": 1.15,
    "mouthLowerDown": 1.25,
    "mouthPucker": 1.1,
    "mouthRollLower": 1.15,
    "mouthRollUpper": 1.1,
    "mouthShrugUpper": 1.25,
    "mouthSmile": 1.05,
    "mouthStretch": 1.1,
    "mouthUpperUp": 1.1,
}
"""By shape, of either side. Networks that learn from errors go less than the whole way where they
are not sure. Each is at most the factor with which the default model explains most of the rigs'
motion, on ten held-out heads; shapes that gain less than 0.04 of it are left. Models of other
trainings, which learn from the same losses, are asked alike (docs/expressions_measured.md)."""
_MOST_STRENGTH = 10.0


def _is_in(value: object, low: float, high: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and low <= value <= high  # type: ignore[operator, arg-type]


def _require(holds: bool, name: str, expected: str) -> None:
    if not holds:
        raise ValueError(f"its handling's {name} has to be {expected}")


@dataclass(frozen=True, kw_only=True)
class Handling:
    """How a model is asked, and what of its answers is mended; the defaults are of contract 2.

    Attributes:
        strengths: by shape, of either side, what its weight is multiplied by; 1 where it is left
            out.
        backdrop: what a model sees behind transparent pixels: middle grey, or colours that run on.
        fade_deg: beyond the card's `max_yaw_deg`, the turn over which the effect fades to nothing.
        lifts_spectacles: whether it is shown faces without them.
        least_area: of the source, for a cell of the target, below which a motion is all but
            collapsed and gets smoothed; 0 leaves folds.
        evens_lips: whether the line of closed lips is made even.
        mouth_depth: how much the power of brightness is more than 1 in a painted mouth, below that
            of its teeth. A painter that is not sure where teeth end and the dark begins answers
            with a mean of both, so that its mouths are flat.
        greenest: most of green in paint between blue, 0, and red, 1; None leaves the colours of
            paint as they are. 0.5 is a hue of 30°. The default model's teeth go up to 60°, which
            looks green; bounded, more of them have the hues of true ones (docs/results.md).
    """

    strengths: Mapping[str, float] = field(default_factory=lambda: STRENGTHS)
    backdrop: Backdrop = "grey"
    fade_deg: float = FADE_DEG
    lifts_spectacles: bool = True
    least_area: float = 0.3
    evens_lips: bool = True
    mouth_depth: float = 0.3
    greenest: float | None = 0.5

    def __post_init__(self) -> None:
        shapes = {name.removesuffix("Left").removesuffix("Right") for name in CONTROLS}
        strengths = self.strengths.items()
        _require(all(k in shapes for k, _ in strengths), "strengths", "names of face shapes")
        _require(all(_is_in(v, 0, _MOST_STRENGTH) for _, v in strengths), "strengths", "0 to 10")
        _require(self.backdrop in ("grey", "continued"), "backdrop", "grey or continued")
        _require(_is_in(self.fade_deg, 1e-6, 180), "fade_deg", "more than 0, up to 180")
        _require(_is_in(self.least_area, 0, 1), "least_area", "0 to 1")
        _require(_is_in(self.mouth_depth, 0, 3), "mouth_depth", "0 to 3")
        greenest = self.greenest
        _require(greenest is None or _is_in(greenest, 0, 1), "greenest", "null or 0 to 1")
        for name in ("lifts_spectacles", "evens_lips"):
            _require(isinstance(getattr(self, name), bool), name, "true or false")

    def document(self, usual: "Handling") -> dict[str, Any]:
        """What differs from the usual, as plain JSON."""
        own, other = asdict(self), asdict(usual)
        return {name: value for name, value in own.items() if value != other[name]}

    def with_document(self, found: Mapping[str, Any]) -> "Handling":
        """The same with what a card replaces.

        Raises:
            ValueError: it replaces what is not known, or by what cannot be.
        """
        unknown = set(found) - {one.name for one in fields(self)}
        if unknown:
            raise ValueError(f"its handling names {', '.join(sorted(unknown))}, which is not known")
        return Handling(**{**asdict(self), **found})


PICTURE_HANDLING = Handling(
    strengths={},
    backdrop="continued",
    lifts_spectacles=False,
    least_area=0.0,
    evens_lips=False,
    mouth_depth=0.0,
    greenest=None,
)
"""Of contract 1, whose pictures are taken as they are."""
RIG_HANDLING = Handling(
    strengths={}, least_area=0.0, evens_lips=False, mouth_depth=0.0, greenest=None
)
"""Geometry has no folds, its lips meet, and its teeth have the colours of teeth."""
