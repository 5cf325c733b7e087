"""The names that the panels offer, as `reggan-plugin expressions` lists them."""

from collections.abc import Mapping

SIDED_SHAPES = (
    *("browDown", "browOuterUp", "cheekSquint", "eyeBlink", "eyeLookDown", "eyeLookIn"),
    *("eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide", "mouthDimple", "mouthFrown"),
    *("mouthLowerDown", "mouthPress", "mouthSmile", "mouthStretch", "mouthUpperUp", "noseSneer"),
)
_SINGLE = (
    *("browInnerUp", "cheekPuff", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose"),
    *("mouthFunnel", "mouthLeft", "mouthPucker", "mouthRight", "mouthRollLower"),
    *("mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "tongueOut"),
)
ARKIT_NAMES = (*(name + side for name in SIDED_SHAPES for side in ("Left", "Right")), *_SINGLE)
"""The 52 of Apple's ARFaceAnchor.BlendShapeLocation."""


EXPRESSION_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Basic": ("neutral", "happy", "sad", "angry", "disgusted", "afraid", "surprised"),
    "Compound": (
        *("happily surprised", "happily disgusted", "happily sad", "happily fearful"),
        *("sadly fearful", "sadly angry", "sadly surprised", "sadly disgusted"),
        *("fearfully angry", "fearfully surprised", "fearfully disgusted"),
        *("angrily surprised", "angrily disgusted", "disgustedly surprised"),
        *("appalled", "hatred", "awed"),
    ),
    "More": (
        *("happy closed", "angry closed", "laughing", "relaxed", "contempt", "smirk"),
        *("smirk right", "skeptical", "confused", "concentrated", "tired", "pain", "crying"),
        *("shouting", "snarl", "grimace", "pout", "kiss", "puffed cheeks"),
    ),
    "Eyes and speech": (
        *("blink", "blink left", "blink right", "wink left", "wink right"),
        *("look up", "look down", "look left", "look right", "brows up"),
        *("aa", "ih", "ou", "ee", "oh", "mbp", "fv", "th", "dnt", "kg", "ch", "sz", "rw"),
    ),
}
"""By the headings of the menu. All but the basic ones need a model with face shapes."""
EXPRESSION_NAMES = EXPRESSION_GROUPS["Basic"]
"""Those that every model knows."""
ALL_EXPRESSIONS = tuple(name for names in EXPRESSION_GROUPS.values() for name in names)

_BEGINNINGS = {
    "Brows": ("brow",),
    "Eyes": ("eye",),
    "Cheeks and nose": ("cheek", "nose"),
    "Mouth": ("mouth",),
    "Jaw": ("jaw",),
}
SHAPE_GROUPS: Mapping[str, tuple[str, ...]] = {
    group: tuple(sorted(name for name in ARKIT_NAMES if name.startswith(beginnings)))
    for group, beginnings in _BEGINNINGS.items()
}
"""Face shapes by the part of the face that they move. No model moves the tongue."""
SHAPE_NAMES = tuple(name for names in SHAPE_GROUPS.values() for name in names)

FIT_WORDS = ("brows", "blink", "lids", "gaze", "cheeks", "nose", "jaw", "smile", "mouth")
"""Words for several shapes, where a take is fitted to a face."""


def menu_of_expressions() -> list[tuple[str, str, str]]:
    """Entries of a menu as Blender takes them: headings have no identifier."""
    items = []
    for group, names in EXPRESSION_GROUPS.items():
        items.append(("", group, ""))
        items += [
            (enum_identifier(name), name.capitalize(), f"Make the face show: {name}")
            for name in names
        ]
    return items


def enum_identifier(name: str) -> str:
    """Return a name as an identifier of a menu's entry; basic ones stay as they are."""
    return name.replace(" ", "_")


def name_from_identifier(identifier: str) -> str:
    """Return the name of a menu's entry."""
    return identifier.replace("_", " ")


def side_of_shape(name: str) -> tuple[str, str]:
    """Return a shape without its side, and `Left`, `Right` or nothing."""
    for side in ("Left", "Right"):
        if name.endswith(side):
            return name.removesuffix(side), side
    return name, ""


def mirrored_shape(name: str) -> str:
    """Return the shape of the other side; of a single one itself."""
    stem, side = side_of_shape(name)
    return stem + {"Left": "Right", "Right": "Left", "": ""}[side]


def words_of_shape(name: str) -> str:
    """Return a shape as a slider is labelled: `Brow Outer Up Left`."""
    spaced = "".join(f" {letter}" if letter.isupper() else letter for letter in name)
    return spaced[0].upper() + spaced[1:]
