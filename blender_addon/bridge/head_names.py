"""Parts of a character's head by their names: things worn on it, eyes, mouth."""

import re
from collections.abc import Iterable
from typing import Literal

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

Side = Literal["left", "right"]
_WORN = frozenset(
    {"wig", "hat", "hats", "cap", "beanie", "helmet", "hood", "headband", "headset", "headphones"}
    | {"ponytail", "braid", "braids", "bangs", "fringe", "bun", "bow", "ribbon", "veil", "turban"}
    | {"hijab", "crown", "horn", "horns", "glasses", "goggles", "earring", "earrings", "scarf"}
    | {"collar", "beard", "mustache", "moustache"}
)
_HAIR, _NO_HAIR = ("hair", "haare"), ("chair", "armchair", "wheelchair")
_HAIR_ELSEWHERE = ("髪", "волос", "pelo_", "cheveux")
_NO_EYEBALL = frozenset(
    {"lid", "lids", "eyelid", "eyelids", "brow", "brows", "eyebrow", "lash", "lashes", "eyelash"}
    | {"upper", "lower", "top", "bottom", "inner", "outer", "corner", "blink", "tear", "bag"}
    | {"target", "ik", "ctrl", "control", "look", "aim", "master", "socket", "highlight"}
)
_STROKES = frozenset(
    {"lash", "lashes", "eyelash", "eyelashes", "brow", "brows", "eyebrow", "eyebrows"}
    | {"eyeline", "eyelines", "eyeliner", "lidline", "tearline", "occlusion", "highlight"}
)
_EYE = frozenset({"eye", "eyeball"})
_LIPS = frozenset({"mouth", "lip", "lips"})
_JAW = frozenset({"jaw", "mandible", "chin"})
_SIDES: dict[str, Side] = {"l": "left", "left": "left", "r": "right", "right": "right"}


def words_of(name: str) -> list[str]:
    """Its words in small letters, in their order: `J_Adj_L_FaceEye` has j, adj, l, face, eye."""
    return [word.lower() for word in _WORD.findall(name)]


def is_worn(name: str) -> bool:
    """Tell whether a name says hair, hat, glasses, …: what sits on a head and is no part of its
    face.
    """
    words = words_of(name)
    is_hair = any(
        word.startswith(_HAIR) or word.endswith(_HAIR) for word in words if word not in _NO_HAIR
    )
    lowered = name.lower()
    return is_hair or bool(_WORN & set(words)) or any(w in lowered for w in _HAIR_ELSEWHERE)


def hides_face(name: str) -> bool:
    """Tell whether a name says something that lies before skin: what is worn, lashes, brows, …"""
    return is_worn(name) or bool(_STROKES & set(words_of(name)))


def eye_side(name: str) -> Side | None:
    """Of which side the eyeball of this name is; None if it is none, or has no side."""
    words = words_of(name)
    if not _EYE & set(words) or _NO_EYEBALL & set(words):
        return None
    return next((_SIDES[word] for word in words if word in _SIDES), None)


def eye_pair(names: Iterable[str]) -> tuple[str, str] | None:
    """Left and right eyeball among names, those of the fewest words; None unless both are there."""
    found: dict[Side, str] = {}
    for name in sorted(names, key=lambda name: (len(words_of(name)), name)):
        side = eye_side(name)
        if side is not None:
            found.setdefault(side, name)
    return (found["left"], found["right"]) if len(found) == 2 else None


def lips_among(names: Iterable[str]) -> list[str]:
    """Names of parts around the mouth."""
    return [name for name in names if _LIPS & set(words_of(name))]


def jaw_among(names: Iterable[str]) -> list[str]:
    """Names of what moves the chin."""
    return [name for name in names if _JAW & set(words_of(name))]
