"""Action units of FACS as weights of ARKit face shapes.

Source: agreed between the table of ICT-FaceKit's README (MIT) and public maps. No map gives 10,
17, 23, 25 and 26 as they stand here: these are choices of ours. 11 has no ARKit shape, and 19,
the tongue, is none of the shapes that models take.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from reggan_plugin.errors import UnknownExpressionError
from reggan_plugin.vocabulary.face_shapes import mirrored_name, shapes_of

_WEIGHTS: dict[str, dict[str, float]] = {
    "1": {"browInnerUp": 1.0},
    "2": {"browOuterUp": 1.0},
    "4": {"browDown": 1.0},
    "5": {"eyeWide": 1.0},
    "6": {"cheekSquint": 1.0},
    "7": {"eyeSquint": 1.0},
    "9": {"noseSneer": 1.0},
    "10": {"mouthUpperUp": 1.0},
    "12": {"mouthSmile": 1.0},
    "14": {"mouthDimple": 1.0},
    "15": {"mouthFrown": 1.0},
    "16": {"mouthLowerDown": 1.0},
    "17": {"mouthShrugLower": 1.0, "mouthShrugUpper": 0.4},
    "18": {"mouthPucker": 1.0},
    "20": {"mouthStretch": 1.0},
    "22": {"mouthFunnel": 1.0},
    "23": {"mouthPress": 0.5, "mouthRollLower": 0.2, "mouthRollUpper": 0.2},
    "24": {"mouthPress": 1.0},
    "25": {"mouthLowerDown": 0.3, "mouthUpperUp": 0.15, "jawOpen": 0.06},
    "26": {"jawOpen": 0.35},
    "27": {"jawOpen": 0.9},
    "28": {"mouthRollLower": 1.0, "mouthRollUpper": 1.0},
    "29": {"jawForward": 1.0},
    "30L": {"jawLeft": 1.0},
    "30R": {"jawRight": 1.0},
    "33": {"cheekPuff": 1.0},
    "43": {"eyeBlink": 1.0},
    "45": {"eyeBlink": 1.0},
    "61": {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0},
    "62": {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0},
    "63": {"eyeLookUp": 1.0},
    "64": {"eyeLookDown": 1.0},
}


def _with_sides() -> dict[str, Mapping[str, float]]:
    """All units; `12L` and `12R` are the sides of those whose shapes have two."""
    units: dict[str, Mapping[str, float]] = {}
    for unit, table in _WEIGHTS.items():
        weights = {shape: amount for word, amount in table.items() for shape in shapes_of(word)}
        units[unit] = MappingProxyType(weights)
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
    """Tell whether a word is written like an action unit: `AU12`, `au6l`."""
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
        units = ", ".join(_WEIGHTS)
        raise UnknownExpressionError(
            f"{word.strip()!r} is no action unit that can be asked for: {found}. Units: {units}; "
            "of those with two sides also one, such as AU12L.",
            kind="unknown-action-unit",
        )
    return weights
