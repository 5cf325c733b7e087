"""Which face shapes the keys of a character make, found by the names that faces usually come with.

Known are ARKit's 52 blend shapes, also under the names of other makers.

Names are compared without case, separators and what stands before a dot. `{S}` is L or R, and
`{side}` left or right; the shape then has that side too.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .vocabulary import ARKIT_NAMES, SHAPE_NAMES, SIDED_SHAPES

FAMILIES: Mapping[str, Mapping[str, str]] = {
    "VALID": {
        "{S}eyeClose": "eyeBlink",
        "{S}eyeOpen": "eyeWide",
        "{S}lowLid": "eyeSquint",
        "{S}browUp": "browOuterUp",
        "{S}browDown": "browDown",
        "{S}sad": "browInnerUp",
        "{S}disgust": "noseSneer",
        "{S}lipUp": "mouthUpperUp",
        "{S}lipDown": "mouthLowerDown",
        "{S}lipCorner": "mouthDimple",
        "{S}smileClose": "mouthSmile",
        "{S}mouthSad": "mouthFrown",
        "{S}jaw": "jaw",
        "{S}blow": "cheekPuff",
        "JawFront": "jawForward",
        "AE_AA": "jawOpen",
        "SH_CH": "mouthFunnel",
        "Kiss": "mouthPucker",
        "Chin": "mouthShrugLower",
    },
    "Character Creator": {
        "Brow_Raise_Inner_{S}": "browInnerUp",
        "Brow_Raise_Outer_{S}": "browOuterUp",
        "Brow_Drop_{S}": "browDown",
        "Cheek_Raise_{S}": "cheekSquint",
        "Cheek_Puff_{S}": "cheekPuff",
        "Mouth_Down_Lower_{S}": "mouthLowerDown",
        "Mouth_Up_Upper_{S}": "mouthUpperUp",
        "Mouth_Roll_In_Lower": "mouthRollLower",
        "Mouth_Roll_In_Upper": "mouthRollUpper",
        "V_Open": "jawOpen",
    },
    "VRoid": {
        "Fcl_EYE_Close_{S}": "eyeBlink",
        "Fcl_EYE_Close": "eyeBlink",
        "Fcl_EYE_Surprised": "eyeWide",
        "Fcl_BRW_Angry": "browDown",
        "Fcl_BRW_Sorrow": "browInnerUp",
        "Fcl_BRW_Surprised": "browOuterUp",
        "Fcl_MTH_A": "jawOpen",
        "Fcl_MTH_U": "mouthPucker",
        "Fcl_MTH_O": "mouthFunnel",
        "Fcl_MTH_Fun": "mouthSmile",
        "Fcl_MTH_Sorrow": "mouthFrown",
    },
    "Ready Player Me": {"eyesClosed": "eyeBlink", "mouthOpen": "jawOpen"},
    "MakeHuman": {
        "{side}EyeClosed": "eyeBlink",
        "{side}EyeOpened": "eyeWide",
        "{side}BrowDown": "browDown",
        "{side}OuterBrowUp": "browOuterUp",
        "{side}InnerBrowUp": "browInnerUp",
        "{side}CheekUp": "cheekSquint",
        "{side}MouthCornerPuller": "mouthSmile",
        "JawDrop": "jawOpen",
        "lipsKiss": "mouthPucker",
        "lipFunneler": "mouthFunnel",
        "NoseWrinkler": "noseSneer",
        "ChinForward": "jawForward",
    },
}
"""By the maker. Where a maker has no shape of ARKit's, the one that moves most alike stands."""

_BESIDE: Mapping[str, Mapping[str, float]] = {
    "{S}smileOpen": {"mouthSmile": 1.0, "mouthUpperUp": 0.3},
    "{S}squint": {"eyeSquint": 1.0},
    "{S}pityful": {"browInnerUp": 1.0},
    "{S}{S}browUp": {"browOuterUp": 1.0},
    "{S}{S}browDown": {"browDown": 1.0},
    "{S}nostril": {"noseSneer": 0.5},
    "{S}lipSide": {"mouthStretch": 0.6},
    "Shout": {"jawOpen": 1.0, "mouthStretch": 0.4, "mouthUpperUp": 0.3},
    "Chew": {"jawOpen": 0.3},
    "MPB_Up": {"mouthRollUpper": 0.5},
    "MPB_Down": {"mouthRollLower": 0.5},
    "FV": {"mouthRollLower": 0.7},
    "S": {"mouthStretch": 0.3},
    "AO_a": {"jawOpen": 0.6, "mouthFunnel": 0.3},
    "Ax_E": {"jawOpen": 0.4, "mouthStretch": 0.3},
    "TD_I": {"jawOpen": 0.2, "mouthStretch": 0.3},
    "UH_OO": {"mouthFunnel": 0.6, "jawOpen": 0.2},
    "UW_U": {"mouthPucker": 0.8},
    "H_EST": {"jawOpen": 0.25},
    "KG": {"jawOpen": 0.2},
}
"""Of VALID's heads, what moves like shapes of ARKit's, one or several: enough to drive a picture,
while a character's own shapes are made of the keys above alone. Chosen by eye."""

_UNITS: Mapping[int, str] = {
    **{1: "browInnerUp", 2: "browOuterUp", 4: "browDown", 5: "eyeWide", 6: "cheekSquint"},
    **{7: "eyeSquint", 9: "noseSneer", 10: "mouthUpperUp", 12: "mouthSmile", 14: "mouthDimple"},
    **{15: "mouthFrown", 16: "mouthLowerDown", 17: "mouthShrugLower", 18: "mouthPucker"},
    **{20: "mouthStretch", 22: "mouthFunnel", 24: "mouthPress", 26: "jawOpen", 45: "eyeBlink"},
}
"""Action units of FACS, by which Rocketbox and others name shapes: `AU_12_LipCornerPuller_L`."""
_UNIT = re.compile(r"(?:^|[._\- ])AU[_\- ]?0*(\d{1,2})(?![0-9])", re.IGNORECASE)
_SIDE = re.compile(r"(?:left|right)$|[._\- ][LR]$|(?<=[a-z0-9])[LR]$", re.IGNORECASE)
_IN_THE_MIDDLE = ("browInnerUp", "cheekPuff", "jawOpen", "mouthPucker", "mouthFunnel")
_MIDDLE_ENDINGS = ("Lower", "Upper", "Forward")

_SHAPE_OF_LETTERS = {name.lower(): name for name in (*ARKIT_NAMES, *SIDED_SHAPES)}
"""Without sides too: some faces have one key for both."""
_LONGEST_FIRST = sorted(_SHAPE_OF_LETTERS, key=len, reverse=True)


def shape_of_family(name: str) -> str | None:
    """Return the ARKit shape that a key of one of these makers means; a sided one without its side
    if the key moves both.
    """
    unit = _UNIT.search(name)
    if unit is not None and int(unit[1]) in _UNITS:
        side = _SIDE.search(name)
        letter = side[0].strip("._- ")[0].lower() if side else ""
        return _with_side(_UNITS[int(unit[1])], {"l": "Left", "r": "Right"}.get(letter, ""))
    return _BY_KEY.get(_key(name.rpartition(".")[2])) or _BY_KEY.get(_key(name))


def _with_side(shape: str, side: str) -> str:
    is_single = shape in _IN_THE_MIDDLE or shape.endswith(_MIDDLE_ENDINGS)
    return shape if is_single else shape + side


def _key(name: str) -> str:
    return re.sub(r"[^a-z]", "", re.sub(r"_h$", "", name).lower())


def _entries() -> dict[str, str]:
    found: dict[str, str] = {}
    for family in FAMILIES.values():
        for pattern, shape in family.items():
            for side in ("Left", "Right"):
                name = pattern.format(S=side[0], side=side)
                found[_key(name)] = _with_side(shape, side if name != pattern else "")
    return found


_BY_KEY = _entries()
_MAKER_OF = {
    _key(pattern.format(S=side[0], side=side)): maker
    for maker, family in FAMILIES.items()
    for pattern in family
    for side in ("Left", "Right")
}


def _beside() -> dict[str, dict[str, float]]:
    found = {}
    for pattern, shapes in _BESIDE.items():
        for letter, word in (("L", "Left"), ("R", "Right")):
            name = pattern.format(S=letter)
            side = word if name != pattern else ""
            found[_key(name)] = {
                one: weight
                for shape, weight in shapes.items()
                for one in sides_of(_with_side(shape, side))
            }
    return found


@dataclass(frozen=True, kw_only=True)
class KeyWeight:
    """A line of the mapping table: this face shape in full is this key at this value."""

    shape: str
    key: str
    weight: float


def recognise(names: Sequence[str]) -> list[KeyWeight]:
    """Return the mapping for an object with shape keys of these names, in the order of the shapes.

    ARKit's own names count before those that makers have for something alike, keys of one side
    before a key of both, which makes both, and keys of the maker who has named most of them before
    another's. A shape of which nothing is recognised has no line.
    """
    makers = Counter(_MAKER_OF.get(_key(name.rpartition(".")[2])) for name in names)
    found: dict[str, dict[tuple[bool, bool, int], list[str]]] = {}
    for name in names:
        shape = arkit_shape(name)
        if shape is not None:
            of_both = shape in SIDED_SHAPES
            maker = _MAKER_OF.get(_key(name.rpartition(".")[2]))
            likeness = (shape_of_family(name) is not None, of_both, -makers[maker] if maker else 0)
            for side in (f"{shape}Left", f"{shape}Right") if of_both else (shape,):
                found.setdefault(side, {}).setdefault(likeness, []).append(name)
    return [
        KeyWeight(shape=shape, key=key, weight=1.0)
        for shape in SHAPE_NAMES
        if shape in found
        for key in found[shape][min(found[shape])]
    ]


def sides_of(shape: str) -> tuple[str, ...]:
    """Return the shapes of both sides, of one that has none; else the shape itself."""
    return (f"{shape}Left", f"{shape}Right") if shape in SIDED_SHAPES else (shape,)


def driving_table(names: Iterable[str]) -> list[KeyWeight]:
    """Return which face shapes keys of these names move, and how far; unknown ones move none.

    Here the value is that of the shape where the key is 1. Each key has a line.
    """
    rows = []
    for name in names:
        shape = arkit_shape(name)
        moved = dict.fromkeys(sides_of(shape), 1.0) if shape in _KNOWN else {}
        if not moved and name.endswith("_h"):
            moved = _MORE.get(_key(name.rpartition(".")[2]), {})
        rows += [KeyWeight(shape=one, key=name, weight=weight) for one, weight in moved.items()]
        if not moved:
            rows.append(KeyWeight(shape="", key=name, weight=0.0))
    return rows


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


_KNOWN = frozenset((*SHAPE_NAMES, *SIDED_SHAPES))
_MORE = _beside()
