"""The shape or expression that a column of a take means, however its tool writes it."""

import re
from functools import cache

from reggan_plugin.vocabulary.expression import NAMED_EXPRESSIONS, key_of
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, NEUTRAL

UNUSED = ""
"""Of columns that are known and drive nothing here: turns of head and eyes, the tongue."""

_PREFIX = re.compile(r"^.*[.:/|]")
"""`blendShape1.`, `head_geo:`, and the like."""
_VENDOR_PREFIX = re.compile(
    r"^((blendshapes?|face|facial|arkit|bs)_+)?(m_f\d+_\d+_\d+_)?", re.IGNORECASE
)
_SIDES = {"_l": "left", "_r": "right", "l": "left", "r": "right"}
_BY_LETTERS = {shape.lower(): shape for shape in ARKIT_SHAPES}
_BOTH = {"browinnerup": "browInnerUp", "cheekpuff": "cheekPuff"}
"""Shapes in the middle that some tools have for each side."""
_POSE = re.compile(
    r"(head|(left|right)?eye)_?(yaw|pitch|roll|pos|rot|position|rotation)?_?[xyz]?"
    r"|tongueout|blendshapecount|timecode|timestamp|trackingstatus"
)
_EXPRESSIONS = {
    key_of(word).replace(" ", ""): expression.name
    for expression in NAMED_EXPRESSIONS.values()
    for word in (expression.name, *expression.aliases, expression.vrm_preset or "")
    if word
}


@cache
def name_from_column(column: str) -> str | None:
    """Return the ARKit shape or the expression that a column means.

    Any case; `Left`, `_L` or `L` at the end; behind prefixes of meshes.

    Returns:
        `UNUSED` for what is known and drives nothing; None for what is not known.
    """
    word = _PREFIX.sub("", column.strip())
    bare = _VENDOR_PREFIX.sub("", word).replace(" ", "").replace("-", "_").lower()
    for text in (bare, bare.replace("_", "")):
        shape = _shape_of(text)
        if shape is not None:
            return shape
    if _POSE.fullmatch(bare):
        return UNUSED
    name = _EXPRESSIONS.get(bare.replace("_", ""))
    return UNUSED if name == NEUTRAL else name


def _shape_of(text: str) -> str | None:
    if text in _BY_LETTERS:
        return _BY_LETTERS[text]
    for ending, side in _SIDES.items():
        stem = text.removesuffix(ending)
        if stem == text:
            continue
        if stem + side in _BY_LETTERS:
            return _BY_LETTERS[stem + side]
        if stem in _BOTH:
            return _BOTH[stem]
    for side in ("left", "right"):
        if text.endswith(side) and text.removesuffix(side).rstrip("_") in _BOTH:
            return _BOTH[text.removesuffix(side).rstrip("_")]
    return None
