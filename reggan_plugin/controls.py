"""The control vector of a face: ARKit face shapes, and how much of the source's own is taken away.

A request is a weight for each of `ARKIT_SHAPES` and for `neutral`. With source weights s, requested
weights a and rest r the face asked for has the weights clip((1 - r) s + a, 0, 1.5): shapes alone
*add*, `neutral` = 1 *replaces*, `neutral` = 1 alone *neutralises*.

Imports nothing, so that the command line can list the names at once.
Source: Apple, ARKit, `ARFaceAnchor.BlendShapeLocation`; `tongueOut` is left out.
"""

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

MAX_WEIGHT = 1.5
"""Largest weight of a shape that a model is asked for; 1 is the shape in full."""


def mirrored_name(name: str) -> str:
    """Return the name of a shape in the mirror: `jawLeft` for `jawRight`, else itself."""
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(side):
            return name.removesuffix(side) + other
    return name
