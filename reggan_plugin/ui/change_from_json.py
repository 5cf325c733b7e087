"""A request of the page: a face and an expression, read from its JSON."""

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from reggan_plugin.errors import UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.frozen import frozen
from reggan_plugin.limits import MOST_COORDINATE_PX
from reggan_plugin.vocabulary.expression import (
    NO_PRESETS,
    ExpressionMix,
    OwnPresets,
    resolve_expression,
)
from reggan_plugin.vocabulary.face_shapes import MAX_INTENSITY

_MOST_NAMES = 128
_DECIMALS = 4


@frozen
class SliderValues:
    """An expression, as the sliders of the page say it.

    Attributes:
        weights: by name of an expression or ARKit shape, 0 to 1.5; without zeros.
        intensity: multiplies them all.
        adds: whether named expressions are laid over what the face shows.
        own: presets of one's own that `weights` may name.
        by_face: in place of `weights`: those of single faces, 0 is the largest.
    """

    weights: Mapping[str, float]
    intensity: float = 1.0
    adds: bool = False
    own: OwnPresets = field(default_factory=lambda: NO_PRESETS)
    by_face: Mapping[int, "SliderValues"] = field(default_factory=dict)

    @property
    def mix(self) -> ExpressionMix:
        """The expression as the model takes it.

        Raises:
            UsageError: a product of weight and intensity is out of range.
        """
        weights = {name: self.intensity * weight for name, weight in self.weights.items()}
        by_face = {face: change.mix for face, change in self.by_face.items()}
        return ExpressionMix(weights, self.adds, self.own, by_face)


def change_from_json(asked: Any, own: OwnPresets = NO_PRESETS) -> SliderValues:
    """Read `{"weights": {"happy": 0.6}, "intensity": 0.8, "adds": false}`.

    Raises:
        UsageError: it is no such object; the message says what is expected.
    """
    found = asked if isinstance(asked, dict) else {}
    weights, adds = found.get("weights"), found.get("adds", False)
    if not isinstance(weights, dict) or len(weights) > _MOST_NAMES or not isinstance(adds, bool):
        raise UsageError(
            'The page asked for no expression; expected {"weights": {"happy": 0.6}, '
            '"intensity": 0.8, "adds": false}. Load the page again.'
        )
    intensity = _number("intensity", found.get("intensity", 1.0))
    named = {
        resolve_expression(str(word), own): _number(str(word), weight)
        for word, weight in weights.items()
    }
    return SliderValues(
        weights={name: weight for name, weight in named.items() if weight},
        intensity=intensity,
        adds=adds,
        own=own,
    )


def each_from_json(
    others: Any, change: SliderValues, choice: FaceChoice, own: OwnPresets = NO_PRESETS
) -> tuple[SliderValues, FaceChoice]:
    """Read what other faces are asked for, `{"0": {"weights": …}}`, beside the chosen one.

    Raises:
        UsageError: it is no such object, or the chosen face has no number.
    """
    if not others:
        return change, choice
    chosen = 0 if choice.which == "largest" else choice.which
    is_of_faces = isinstance(others, dict) and len(others) <= _MOST_NAMES
    if not is_of_faces or not isinstance(chosen, int) or not choice.needs_locator:
        raise UsageError("The page asked for no faces with a number each. Load the page again.")
    if not all(face.isdecimal() and len(face) < 5 for face in others):
        raise UsageError("The page asked for faces without a number. Load the page again.")
    by_face = {int(face): change_from_json(of, own) for face, of in others.items()}
    by_face = {face: of for face, of in sorted({**by_face, chosen: change}.items()) if of.weights}
    each = SliderValues(weights={}, own=own, by_face=by_face)
    return each, FaceChoice(which=tuple(by_face) or "largest")


def choice_from_json(asked: Any) -> FaceChoice:
    """Read which face is meant: an index, largest first, `{"box": [x, y, w, h]}`, or `"whole"`.

    Raises:
        UsageError: it is none of these.
    """
    if asked == "whole":
        return FaceChoice(whole_image=True)
    if type(asked) is int and asked >= 0:
        return FaceChoice(which=asked or "largest")
    box = asked.get("box") if isinstance(asked, dict) else None
    numbers = box if isinstance(box, list) and len(box) == 4 else []
    finite = [float(v) for v in numbers if isinstance(v, int | float) and math.isfinite(v)]
    if len(finite) != 4 or min(finite[2:]) <= 0 or max(map(abs, finite)) > MOST_COORDINATE_PX:
        raise UsageError(
            f"{str(asked)[:80]!r} says no face; expected an index, a box of four numbers, "
            "or the whole image."
        )
    x, y, width, height = (round(v, 1) for v in finite)
    return FaceChoice(box=(x, y, width, height))


def _number(name: str, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= MAX_INTENSITY:  # also true for NaN
        raise UsageError(f"{name} is {value!r}; it goes from 0 to {MAX_INTENSITY}.")
    return round(float(value), _DECIMALS)
