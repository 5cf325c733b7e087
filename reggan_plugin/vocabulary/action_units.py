"""Action units of FACS as weights of ARKit face shapes.

Source: agreed between the table of ICT-FaceKit's README (MIT) and public maps. No map gives 10,
17, 23, 25 and 26 as they stand here: these are choices of ours. 11 has no ARKit shape, and 19,
the tongue, is none of the shapes that models take.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from reggan_plugin.errors import UnknownExpressionError
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, mirrored_name

_NOTATION = {
    "1": "browInnerUp 1",
    "2": "browOuterUp 1",
    "4": "browDown 1",
    "5": "eyeWide 1",
    "6": "cheekSquint 1",
    "7": "eyeSquint 1",
    "9": "noseSneer 1",
    "10": "mouthUpperUp 1",
    "12": "mouthSmile 1",
    "14": "mouthDimple 1",
    "15": "mouthFrown 1",
    "16": "mouthLowerDown 1",
    "17": "mouthShrugLower 1, mouthShrugUpper .4",
    "18": "mouthPucker 1",
    "20": "mouthStretch 1",
    "22": "mouthFunnel 1",
    "23": "mouthPress .5, mouthRollLower .2, mouthRollUpper .2",
    "24": "mouthPress 1",
    "25": "mouthLowerDown .3, mouthUpperUp .15, jawOpen .06",
    "26": "jawOpen .35",
    "27": "jawOpen .9",
    "28": "mouthRollLower 1, mouthRollUpper 1",
    "29": "jawForward 1",
    "30L": "jawLeft 1",
    "30R": "jawRight 1",
    "33": "cheekPuff 1",
    "43": "eyeBlink 1",
    "45": "eyeBlink 1",
    "61": "eyeLookOutLeft 1, eyeLookInRight 1",
    "62": "eyeLookInLeft 1, eyeLookOutRight 1",
    "63": "eyeLookUp 1",
    "64": "eyeLookDown 1",
}


def weights_from_notation(text: str) -> Mapping[str, float]:
    """Read `mouthSmile 1, AU25 .5, jawOpen .18` as weights of single shapes.

    A shape with two sides stands for both, unless it names one (`mouthSmileLeft`). What several
    parts ask of one shape adds up.

    Raises:
        ValueError: a part is not known, stands twice, or has no number.
    """
    weights: dict[str, float] = {}
    seen: set[str] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, amount = part.partition(" ")
        if name in seen:
            raise ValueError(f"{name!r} stands twice in {text!r}")
        seen.add(name)
        for shape, weight in _weights_of_part(name, text).items():
            weights[shape] = weights.get(shape, 0.0) + float(amount) * weight
    return MappingProxyType(weights)


def _weights_of_part(name: str, text: str) -> Mapping[str, float]:
    if name.startswith("AU"):
        return WEIGHTS_FROM_ACTION_UNIT[name.removeprefix("AU")]
    if name in ARKIT_SHAPES:
        return {name: 1.0}
    sides = (name + "Left", name + "Right")
    if sides[0] not in ARKIT_SHAPES:
        raise ValueError(f"{name!r} in {text!r} is no ARKit shape")
    return dict.fromkeys(sides, 1.0)


def _with_sides() -> dict[str, Mapping[str, float]]:
    """All units; `12L` and `12R` are the sides of those whose shapes have two."""
    units: dict[str, Mapping[str, float]] = {}
    for unit, notation in _NOTATION.items():
        weights = weights_from_notation(notation)
        units[unit] = weights
        if all(
            mirrored_name(shape) in weights and mirrored_name(shape) != shape for shape in weights
        ):
            for letter, side in (("L", "Left"), ("R", "Right")):
                one = {shape: weight for shape, weight in weights.items() if shape.endswith(side)}
                units[unit + letter] = MappingProxyType(one)
    return units


WEIGHTS_FROM_ACTION_UNIT: Mapping[str, Mapping[str, float]] = MappingProxyType(_with_sides())
"""Weights by the number of a unit, `12`, or of one side of it, `12L`: the face's own left."""

_WORD = re.compile(r"AU\s*0*(\d+)\s*([LR]?)", re.IGNORECASE)


def is_action_unit(word: str) -> bool:
    """True if a word is written like an action unit: `AU12`, `au6l`."""
    return _WORD.fullmatch(word.strip()) is not None


def action_unit_weights(word: str) -> Mapping[str, float]:
    """Weights of the shapes that show an action unit in full.

    Args:
        word: `AU12`, or one side of it: `AU12L`, `AU12R`.

    Raises:
        UnknownExpressionError: no such unit has ARKit shapes, or it has no sides.
    """
    match = _WORD.fullmatch(word.strip())
    weights = WEIGHTS_FROM_ACTION_UNIT.get(match[1] + match[2].upper()) if match else None
    if weights is None:
        sided = match is not None and match[1] in WEIGHTS_FROM_ACTION_UNIT
        found = f"AU{match[1]} has no sides" if match and sided else "no ARKit shapes show it"
        found = found if match else "it is not AU and a number, with L or R for one side"
        units = ", ".join(unit for unit in _NOTATION)
        raise UnknownExpressionError(
            f"{word.strip()!r} is no action unit that can be asked for: {found}. Units: {units}; "
            "of those with two sides also one, such as AU12L.",
            kind="unknown-action-unit",
        )
    return weights
