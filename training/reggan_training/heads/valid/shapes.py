"""ARKit's shapes from VALID's face morphs: one table.

Weights are chosen so that weight 1 moves brows, lids, lips and chin about as far as ICT FaceKit's
shape of the same name does, in eye distances. The morphs' `R` and `L` are the head's own sides.
A `t_` morph of the lower teeth follows the face morph of the same name by the same weight.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class MorphTerm:
    """One morph's share in a shape.

    Attributes:
        morph: name without prefix and `_h`.
        weight: at weight 1 of the shape.
        half: `Left` or `Right` keeps one half of a symmetric morph, fading over the middle.
    """

    morph: str
    weight: float
    half: str | None = None


def _both(morph: str, weight: float) -> tuple[MorphTerm, MorphTerm]:
    return MorphTerm(f"L{morph}", weight), MorphTerm(f"R{morph}", weight)


_SYMMETRIC: Final[dict[str, tuple[MorphTerm, ...]]] = {
    "browInnerUp": _both("sad", 1.05),
    "cheekPuff": _both("blow", 0.9),
    "jawForward": (MorphTerm("JawFront", 1.5),),
    "jawLeft": (MorphTerm("Ljaw", 1.7),),
    "jawOpen": (MorphTerm("AE_AA", 0.7), MorphTerm("Shout", 0.35)),
    "jawRight": (MorphTerm("Rjaw", 1.7),),
    "mouthFunnel": (
        MorphTerm("SH_CH", 0.6),
        MorphTerm("UW_U", 0.4),
        *_both("lipUp", 0.6),
        *_both("lipDown", 0.6),
    ),
    "mouthPucker": (MorphTerm("Kiss", 0.85), MorphTerm("UW_U", 0.2)),
    "mouthShrugLower": (
        MorphTerm("Chin", 0.6),
        MorphTerm("MPB_Down", 1.2),
        *_both("lipDown", -0.35),
        *_both("lipUp", 0.15),
    ),
    "mouthShrugUpper": _both("lipUp", 0.65),
}

_ONE_SIDE: Final[dict[str, tuple[tuple[str, float], ...]]] = {
    "browDown": (("browDown", 0.9), ("{s}browDown", 0.9)),
    "browOuterUp": (("{s}browUp", 1.5), ("browUp", 0.7)),
    "cheekSquint": (("lowLid", 0.75), ("smileClose", 0.3)),
    "eyeBlink": (("eyeClose", 1.0),),
    "eyeLookDown": (("eyeClose", 0.5),),
    "eyeLookIn": (),
    "eyeLookOut": (),
    "eyeLookUp": (("eyeOpen", 1.2),),
    "eyeSquint": (("lowLid", 0.5), ("squint", 0.2)),
    "eyeWide": (("eyeOpen", 1.2),),
    "mouthDimple": (("lipCorner", 1.0), ("smileClose", 0.25)),
    "mouthFrown": (("mouthSad", 0.8), ("lipCorner", 0.3)),
    "mouthLowerDown": (("lipDown", 1.1),),
    "mouthSmile": (("smileClose", 1.3),),
    "mouthStretch": (
        ("smileClose", 0.95),
        ("mouthSad", 1.4),
        ("lipCorner", 0.2),
        ("lipDown", 0.4),
    ),
    "mouthUpperUp": (("lipUp", 1.05),),
    "noseSneer": (
        ("disgust", 1.0),
        ("lipUp", 0.35),
        ("lipDown", 0.4),
        ("nostril", 0.7),
        ("browDown", 0.4),
    ),
}

_SPLIT: Final[dict[str, tuple[tuple[str, float], ...]]] = {
    "mouthPress": (("MPB_Up", 1.0), ("MPB_Down", 1.0)),
}


def _terms_by_shape() -> dict[str, tuple[MorphTerm, ...]]:
    table = dict(_SYMMETRIC)
    for side in ("Left", "Right"):
        letter = side[0]
        for name, shares in _ONE_SIDE.items():
            table[name + side] = tuple(
                MorphTerm(letter + morph.format(s=letter), weight) for morph, weight in shares
            )
        for name, shares in _SPLIT.items():
            table[name + side] = tuple(MorphTerm(morph, weight, side) for morph, weight in shares)
    return dict(sorted(table.items()))


TERMS_BY_SHAPE: Final[dict[str, tuple[MorphTerm, ...]]] = _terms_by_shape()
"""ARKit name to the morphs that make it. Not there, since no morph answers to them: mouthClose,
mouthLeft and mouthRight, mouthRollLower and mouthRollUpper, tongueOut."""
