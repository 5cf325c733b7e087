"""Which face shapes the keys of a character make, found by the names that faces usually come with.

Known are ARKit's 52 blend shapes, also under the names of other makers.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .face_shapes import ARKIT_NAMES, SIDED_SHAPES
from .shape_key_families import shape_of_family
from .vocabulary import SHAPE_NAMES

_SHAPE_OF_LETTERS = {name.lower(): name for name in (*ARKIT_NAMES, *SIDED_SHAPES)}
"""Without sides too: some faces have one key for both."""
_LONGEST_FIRST = sorted(_SHAPE_OF_LETTERS, key=len, reverse=True)


@dataclass(frozen=True, kw_only=True)
class KeyWeight:
    """A line of the mapping table: this face shape in full is this key at this value."""

    shape: str
    key: str
    weight: float


def recognise(names: Sequence[str]) -> list[KeyWeight]:
    """Return the mapping for an object with shape keys of these names, in the order of the shapes.

    ARKit's own names count before those that makers have for something alike, and keys of one side
    before a key of both, which makes both. A shape of which nothing is recognised has no line.
    """
    found: dict[str, dict[tuple[bool, bool], list[str]]] = {}
    for name in names:
        shape = arkit_shape(name)
        if shape is not None:
            of_both = shape in SIDED_SHAPES
            likeness = (shape_of_family(name) is not None, of_both)
            for side in (f"{shape}Left", f"{shape}Right") if of_both else (shape,):
                found.setdefault(side, {}).setdefault(likeness, []).append(name)
    return [
        KeyWeight(shape=shape, key=key, weight=1.0)
        for shape in SHAPE_NAMES
        if shape in found
        for key in found[shape][min(found[shape])]
    ]


def expression_keys(names: Iterable[str], rows: Iterable[KeyWeight] = ()) -> list[str]:
    """Return the keys that are 0 on a neutral face: those of the table, and all that are
    recognised.

    Others shape the character itself and keep their values.
    """
    mapped = {row.key for row in rows}
    return [name for name in names if name in mapped or arkit_shape(name) is not None]


def arkit_shape(name: str) -> str | None:
    """Return the ARKit blend shape of a key such as `eyeBlinkLeft`, `EyeBlink_L` or
    `Face.eye_blink.L`.
    """
    if (shape := shape_of_family(name)) is not None:
        return shape
    side = re.search(r"[._\- ]([LR])$", name, re.IGNORECASE)
    if side is not None:
        name = name[: side.start()] + {"l": "Left", "r": "Right"}[side[1].lower()]
    letters = re.sub(r"[^a-z]", "", name.lower())
    return next((_SHAPE_OF_LETTERS[k] for k in _LONGEST_FIRST if letters.endswith(k)), None)
