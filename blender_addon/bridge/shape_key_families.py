"""Face shapes under the names that makers of characters have for them.

Names are compared without case, separators and what stands before a dot. `{S}` is L or R, and
`{side}` left or right; the shape then has that side too.
"""

import re
from collections.abc import Mapping

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
