"""Shape keys of each expression, found by the names that faces usually come with.

Known are ARKit's 52 blend shapes, also under the names of other makers, the presets of VRM 0 and 1
(also as VRoid names them) and the plain names of the expressions. A key that shows a whole
expression is taken before a combination.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .face_shapes import ARKIT_NAMES, SIDED_SHAPES
from .name_words import words_of
from .shape_key_families import shape_of_family
from .vocabulary import EXPRESSION_NAMES

WORDS: Mapping[str, tuple[str, ...]] = {
    "neutral": ("none", "calm"),
    "happy": ("joy", "joyful", "happiness", "smile", "fun"),
    "sad": ("sorrow", "sadness"),
    "angry": ("anger",),
    "disgusted": ("disgust",),
    "afraid": ("fear", "fearful"),
    "surprised": ("surprise",),
}
"""Other names of an expression, the likeliest first: the runtime's aliases, and VRM 0's `fun`."""

COMBINATIONS: Mapping[str, Mapping[str, float]] = {
    # cheeks raised and lip corners pulled (6 + 12), lips parted (25)
    "happy": {"mouthSmile": 0.9, "cheekSquint": 0.7, "eyeSquint": 0.25, "mouthLowerDown": 0.3}
    | {"mouthUpperUp": 0.25},
    # inner brows raised and drawn together (1 + 4), lip corners down (15), chin raised (17)
    "sad": {"browInnerUp": 1.0, "browDown": 0.25, "mouthFrown": 0.9, "mouthShrugLower": 0.4},
    # brows lowered (4), lids tightened (7) and upper lids raised (5), lips pressed (24)
    "angry": {"browDown": 1.0, "eyeSquint": 0.5, "eyeWide": 0.3, "mouthPress": 0.7}
    | {"noseSneer": 0.25, "mouthFrown": 0.3},
    # nose wrinkled (9), upper lip raised (10), chin raised (17)
    "disgusted": {"noseSneer": 1.0, "mouthUpperUp": 0.6, "mouthShrugLower": 0.5}
    | {"browDown": 0.3, "cheekSquint": 0.5, "eyeSquint": 0.5, "mouthFrown": 0.3},
    # brows raised and drawn together (1 + 2 + 4), lids raised (5), lips stretched and parted
    "afraid": {"browInnerUp": 1.0, "browOuterUp": 0.4, "browDown": 0.3, "eyeWide": 0.9}
    | {"mouthStretch": 0.8, "mouthLowerDown": 0.4, "jawOpen": 0.2},
    # brows raised (1 + 2), lids raised (5), jaw dropped and lips parted (25 + 26)
    "surprised": {"browInnerUp": 1.0, "browOuterUp": 1.0, "eyeWide": 0.7, "jawOpen": 0.6}
    | {"mouthLowerDown": 0.1, "mouthFunnel": 0.2},
}
"""Weights of ARKit's blend shapes, both sides alike; the numbers are action units of the Facial
Action Coding System (Ekman, Friesen and Hager, 2002)."""

_PART_OF_FACE = frozenset(
    {"eye", "eyes", "brow", "brows", "eyebrow", "eyebrows", "mouth", "lip", "lips", "jaw"}
    | {"cheek", "nose", "tongue", "teeth", "mth", "brw", "ha"}  # the last three as VRoid has them
)
_EXPRESSION_OF_WORD = {word: name for name, words in WORDS.items() for word in (name, *words)}
_SHAPE_OF_LETTERS = {name.lower(): name for name in (*ARKIT_NAMES, *SIDED_SHAPES)}
"""Without sides too: some faces have one key for both."""
_LONGEST_FIRST = sorted(_SHAPE_OF_LETTERS, key=len, reverse=True)


@dataclass(frozen=True, kw_only=True)
class KeyWeight:
    """A line of the mapping table: in this expression this key has this value."""

    expression: str
    key: str
    weight: float


def recognise(names: Sequence[str]) -> list[KeyWeight]:
    """The mapping for an object with shape keys of these names, in the order of the expressions.

    An expression of which nothing is recognised has no line.
    """
    whole: dict[str, str] = {}
    for name in sorted(names, key=_likelihood):  # stable: of two alike the first
        expression = whole_expression(name)
        if expression is not None:
            whole.setdefault(expression, name)
    keys: dict[str, list[str]] = {}
    for name in names:
        shape = arkit_shape(name)
        if shape is not None:
            keys.setdefault(shape, []).append(name)
    rows: list[KeyWeight] = []
    for expression in EXPRESSION_NAMES[1:]:
        if expression in whole:
            rows.append(KeyWeight(expression=expression, key=whole[expression], weight=1.0))
            continue
        rows += [
            KeyWeight(expression=expression, key=key, weight=weight)
            for shape, weight in COMBINATIONS[expression].items()
            for side in (shape, f"{shape}Left", f"{shape}Right")
            for key in keys.get(side, ())
        ]
    return rows


def expression_keys(names: Iterable[str], rows: Iterable[KeyWeight] = ()) -> list[str]:
    """The keys that are 0 on a neutral face: those of the table, and all that are recognised.

    Others shape the character itself and keep their values.
    """
    mapped = {row.key for row in rows}
    return [
        name
        for name in names
        if name in mapped or arkit_shape(name) is not None or whole_expression(name) is not None
    ]


def arkit_shape(name: str) -> str | None:
    """The ARKit blend shape of a key such as `eyeBlinkLeft`, `EyeBlink_L` or `Face.eye_blink.L`."""
    if (shape := shape_of_family(name)) is not None:
        return shape
    side = re.search(r"[._\- ]([LR])$", name, re.IGNORECASE)
    if side is not None:
        name = name[: side.start()] + {"l": "Left", "r": "Right"}[side[1].lower()]
    letters = re.sub(r"[^a-z]", "", name.lower())
    return next((_SHAPE_OF_LETTERS[k] for k in _LONGEST_FIRST if letters.endswith(k)), None)


def whole_expression(name: str) -> str | None:
    """The expression of a key such as `happy`, `Fcl_ALL_Joy` or `Surprised`.

    One that names a part of the face, such as `Fcl_MTH_Joy` or `mouthSmile`, shows that part only.
    """
    words = words_of(name)
    if not words or _PART_OF_FACE & set(words):
        return None
    return _EXPRESSION_OF_WORD.get(words[-1])


def _likelihood(name: str) -> int:
    """Distance of a key's last word from the name of its expression: 0 is that name."""
    expression = whole_expression(name)
    known = (expression, *WORDS[expression]) if expression else ()
    return known.index(words_of(name)[-1]) if expression else 0
