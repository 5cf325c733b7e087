"""The actions that faces are moved by, and which morphs and pose units make each.

An *action* is a morph (lower case, below `expression/units/`) or a pose unit of the rig
(CamelCase), or a pair of them for the left and the right side.
"""

from collections.abc import Mapping

_UNITS = "expression/units/caucasian"
ACTIONS: Mapping[str, tuple[str, ...]] = {
    **{
        f"brows-{how}": (f"{_UNITS}/eyebrows-left-{how}", f"{_UNITS}/eyebrows-right-{how}")
        for how in ("down", "extern-up", "inner-up", "up")
    },
    **{
        f"eyes-{how}": (f"{_UNITS}/eye-left-{how}", f"{_UNITS}/eye-right-{how}")
        for how in ("closure", "opened-up", "slit")
    },
    **{
        f"nose-{how}": (f"{_UNITS}/nose-left-{how}", f"{_UNITS}/nose-right-{how}")
        for how in ("dilatation", "elevation")
    },
    **{
        f"mouth-{how}": (f"{_UNITS}/mouth-{how}",)
        for how in (
            *("compression", "corner-puller", "depression", "depression-retraction"),
            *("elevation", "eversion", "open", "parling", "part-later", "protusion"),
            *("pursing", "retraction", "upward-retraction"),
        )
    },
    "nose-compression": (f"{_UNITS}/nose-compression",),
    "nose-depression": (f"{_UNITS}/nose-depression",),
    "platysma": (f"{_UNITS}/neck-platysma",),
    **{
        name: (f"Left{name}", f"Right{name}")
        for name in (
            *("BrowDown", "OuterBrowUp", "InnerBrowUp", "UpperLidOpen", "UpperLidClosed"),
            *("LowerLidUp", "CheekUp"),
        )
    },
    **{
        f"Mouth{name}": (f"MouthLeft{name}", f"MouthRight{name}")
        for name in ("PullUp", "PullSide", "PullDown", "Platysma")
    },
    **{
        name: (name,)
        for name in (
            *("NoseWrinkler", "CheeksPump", "CheeksSuck", "NasolabialDeepener", "ChinDown"),
            *("ChinForward", "lowerLipUp", "lowerLipDown", "lowerLipBackward"),
            *("lowerLipForward", "UpperLipUp", "UpperLipBackward", "UpperLipForward"),
            *("UpperLipStretched", "JawDrop", "JawDropStretched", "LipsKiss"),
        )
    },
}
