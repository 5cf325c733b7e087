"""ARKit's face shapes, how their names are spelled, and the control vector that they make.

A request is a weight for each of `ARKIT_SHAPES` and for `neutral`. With source weights s, requested
weights a and rest r the face asked for has the weights clip((1 - r) s + a, 0, 1.5): shapes alone
*add*, `neutral` = 1 *replaces*. All that is known of s is an open mouth, unless
`ExpressionMix.relaxed` asks to read the rest.

Imports nothing heavy, so that the command line can list the names at once.
Source: Apple, ARKit, `ARFaceAnchor.BlendShapeLocation`; `tongueOut` is left out.
"""

import re
from itertools import accumulate, takewhile

MAX_INTENSITY = 1.5
"""1 is the full expression, or the shape in full."""


_BOTH_SIDES = [
    "browDown",
    "browOuterUp",
    "cheekSquint",
    "eyeBlink",
    "eyeLookDown",
    "eyeLookIn",
    "eyeLookOut",
    "eyeLookUp",
    "eyeSquint",
    "eyeWide",
    "mouthDimple",
    "mouthFrown",
    "mouthLowerDown",
    "mouthPress",
    "mouthSmile",
    "mouthStretch",
    "mouthUpperUp",
    "noseSneer",
]
_MIDDLE = [
    "browInnerUp",
    "cheekPuff",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthFunnel",
    "mouthLeft",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
]

ARKIT_SHAPES: tuple[str, ...] = tuple(
    sorted([*_MIDDLE, *(name + side for name in _BOTH_SIDES for side in ("Left", "Right"))])
)
"""The 51 face shapes, in alphabetical order. *Left* is the face's own left."""

NEUTRAL = "neutral"
CONTROLS: tuple[str, ...] = (*ARKIT_SHAPES, NEUTRAL)
"""Entries of a control vector, in the order that models are trained with."""

SHUT_MOUTH = "shutMouth"
"""Asked for like a shape: shuts an open mouth, as named expressions do first, and reads no face."""

MAX_WEIGHT = MAX_INTENSITY
"""Largest weight of a shape that a model is asked for; 1 is the shape in full."""


def mirrored_name(name: str) -> str:
    """Return the name of a shape in the mirror: `jawLeft` for `jawRight`, else itself."""
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(side):
            return name.removesuffix(side) + other
    return name


_NOT_OF_A_SIDE = ("jaw", "mouth")
"""What `jawLeft` and `mouthLeft` move *to* a side."""
SHAPE_FROM_KEY = {shape.lower(): shape for shape in (*ARKIT_SHAPES, SHUT_MOUTH)}


def shapes_of(word: str) -> tuple[str, ...]:
    """Return the ARKit shape that `word` names in any case, `shutMouth` or `neutral`; empty if it
    names none.

    `mouthSmile` names both sides.
    """
    key = word.strip().lower()
    if key in (NEUTRAL, *SHAPE_FROM_KEY):
        return (SHAPE_FROM_KEY.get(key, NEUTRAL),)
    if key in _NOT_OF_A_SIDE or key + "left" not in SHAPE_FROM_KEY:
        return ()
    return SHAPE_FROM_KEY[key + "left"], SHAPE_FROM_KEY[key + "right"]


HALVED_SHAPES = ("browInnerUp", "cheekPuff")
"""Shapes that some files split into a left and a right half."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SIDE_LETTERS = {"l": "left", "r": "right"}


def _names_by_spelling() -> dict[str, str]:
    """Shapes by their names in small letters, the side in full or as a letter, last or first."""
    spellings: dict[str, str] = {}
    for name in ARKIT_SHAPES:
        side = next((side for side in ("Left", "Right") if name.endswith(side)), "")
        sides = [side] if side or name not in HALVED_SHAPES else ["", "Left", "Right"]
        stem = name.removesuffix(side).lower()
        for word in (side.lower() for side in sides):
            spellings |= dict.fromkeys((stem + word, stem + word[:1], word + stem), name)
    return spellings


_NAME_FROM_SPELLING = _names_by_spelling()
_LONGEST_SPELLING = max(map(len, _NAME_FROM_SPELLING))


def shape_from_name(text: str) -> str | None:
    """Return the ARKit shape that a file's name for a morph, curve or column means, or None.

    Letters' case, separators and prefixes do not count, and sides may be letters:
    `blendShape1.browDown_L`, `Face.M_F00_EyeBlinkRight`, `MOUTH_SMILE_LEFT`. The halves of
    `browInnerUp` and `cheekPuff` both mean the whole shape. A combination of two shapes is none.
    """
    words = [word.lower() for word in _WORD.findall(text)]
    words = [_SIDE_LETTERS.get(word, word) for word in words]
    lengths = accumulate(map(len, reversed(words)))
    near_end = sum(1 for _ in takewhile(lambda length: length <= _LONGEST_SPELLING, lengths))
    for start in range(len(words) - near_end, len(words)):
        name = _NAME_FROM_SPELLING.get("".join(words[start:]))
        if name is not None:
            prefix = "".join(words[:start])
            is_combination = any(other in prefix for other in _NAME_FROM_SPELLING)
            return None if is_combination else name
    return None
