"""The table of named expressions, each one canonical manner, as weights of ARKit face shapes.

Weights are written in a short notation, `mouthSmile 1, jawOpen .18`: a shape that has two sides
stands for both of them unless it names one (`mouthSmileLeft`). 1 is the shape in full; strong
expressions go beyond, to 1.3 at most.

Imports nothing heavy, so that the command line can list the names at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reggan_plugin.controls import ARKIT_SHAPES


def weights_from_notation(text: str) -> Mapping[str, float]:
    """Read `mouthSmile 1, jawOpen .18` as weights of single shapes.

    Raises:
        ValueError: a shape is not known, stands twice, or has no number.
    """
    weights: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, amount = part.partition(" ")
        sides = [name] if name in ARKIT_SHAPES else [name + "Left", name + "Right"]
        for shape in sides:
            if shape not in ARKIT_SHAPES or shape in weights:
                raise ValueError(f"{name!r} in {text!r} is no ARKit shape, or stands twice")
            weights[shape] = float(amount)
    return MappingProxyType(weights)


@dataclass(frozen=True, kw_only=True)
class Expression:
    """One facial expression under the names that other systems know it by.

    Attributes:
        name: what records and folders call it.
        aliases: other words for it.
        action_units: of FACS, the main ones (Du, Tao & Martinez, "Compound facial expressions of
            emotion", PNAS 111(15), 2014, table 1, where it is one of theirs).
        vrm_preset: its name among the presets of VRM 1.0.
        weights: of ARKit face shapes; neutral has none.
        replaces: whether it takes the place of what the face shows. Expressions of a part of the
            face, such as a blink, are laid over it.
        source: where the weights come from, in one line.
    """

    name: str
    aliases: tuple[str, ...] = ()
    action_units: tuple[int, ...] = ()
    vrm_preset: str | None = None
    weights: Mapping[str, float]
    replaces: bool = True
    source: str


_BY_EYE = "action units of CFEE with their frequent companions, strengthened by eye"

BASIC_EXPRESSIONS: tuple[Expression, ...] = (
    Expression(
        name="neutral",
        aliases=("none", "calm"),
        vrm_preset="neutral",
        weights=weights_from_notation(""),
        source="the face at rest: no shape, and all of the source's own expression taken away",
    ),
    Expression(
        name="happy",
        aliases=("joy", "joyful", "happiness", "smile"),
        action_units=(12, 25),
        vrm_preset="happy",
        weights=weights_from_notation(
            "mouthSmile 1, cheekSquint .75, eyeSquint .4, mouthDimple .2, mouthUpperUp .35,"
            " mouthLowerDown .2, jawOpen .2"
        ),
        source=f"{_BY_EYE}; the mouth is open and shows the upper teeth",
    ),
    Expression(
        name="sad",
        aliases=("sorrow", "sadness"),
        action_units=(4, 15),
        vrm_preset="sad",
        weights=weights_from_notation(
            "mouthFrown 1.2, browInnerUp 1.2, browDown .2, eyeSquint .3, cheekSquint .3,"
            " eyeBlink .2, mouthShrugLower .75, mouthShrugUpper .2"
        ),
        source=_BY_EYE,
    ),
    Expression(
        name="angry",
        aliases=("anger",),
        action_units=(4, 7, 24),
        vrm_preset="angry",
        weights=weights_from_notation(
            "browDown 1.3, eyeSquint .5, eyeWide .35, noseSneer .9, mouthPress .7,"
            " mouthFrown .6, mouthShrugLower .4, jawForward .2"
        ),
        source=f"{_BY_EYE}; the lips are pressed together",
    ),
    Expression(
        name="disgusted",
        aliases=("disgust",),
        action_units=(9, 10, 17),
        weights=weights_from_notation(
            "noseSneer 1.25, mouthUpperUp .85, browDown .7, eyeSquint .65, cheekSquint .6,"
            " mouthFrown .45, mouthShrugLower .35, jawOpen .06"
        ),
        source=_BY_EYE,
    ),
    Expression(
        name="afraid",
        aliases=("fear", "fearful"),
        action_units=(1, 4, 20, 25),
        weights=weights_from_notation(
            "browInnerUp 1.2, browOuterUp .5, browDown .2, eyeWide 1.2, mouthStretch 1.15,"
            " mouthLowerDown .5, jawOpen .28"
        ),
        source=f"{_BY_EYE}; the mouth is open and stretched",
    ),
    Expression(
        name="surprised",
        aliases=("surprise",),
        action_units=(1, 2, 25, 26),
        vrm_preset="surprised",
        weights=weights_from_notation(
            "browInnerUp 1.1, browOuterUp 1.15, eyeWide 1, jawOpen .85, mouthFunnel .2"
        ),
        source=f"{_BY_EYE}; the mouth is wide open",
    ),
)
"""Neutral and the six of the paper, in the order of the vector that contract 1 models take."""

OTHER_EXPRESSIONS: tuple[Expression, ...] = (
    Expression(
        name="happy closed",
        aliases=("closed smile", "content"),
        action_units=(6, 12),
        weights=weights_from_notation(
            "mouthSmile 1, cheekSquint .65, eyeSquint .35, mouthDimple .35, mouthPress .15"
        ),
        source="happy with the lips together, by eye",
    ),
)
