"""The primaries that an EXR says it has, where they are not those that frames are taken for."""

import math
import struct

from reggan_plugin.errors import Remark
from reggan_plugin.files.exr.container import ExrPart

_REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
_REC709_IDS = ("lin_rec709_scene", "unknown")
"""Source: ASWF Color Interop Forum, texture asset colour space identifiers."""
_KNOWN = {
    "ACEScg": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),
    "ACES2065-1": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770, 0.32168, 0.33767),
    '"Linear Rec.2020"': (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    '"Linear P3-D65"': (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
}
"""Colour space of the built-in OpenColorIO config, as typed → x, y of red, green, blue, white.
Source: SMPTE ST 2065-1, Academy S-2014-004, ITU-R BT.2020, SMPTE RP 431-2."""
_TOLERANCE = 2e-3


def primaries_notice(part: ExrPart) -> Remark | None:
    """Return the notice for a part that declares other primaries than Rec. 709 with D65, or
    None.
    """
    space = part.text("colorInteropID")
    if not space:
        attribute = part.attributes.get("chromaticities")
        if attribute is None or len(attribute.value) != 32:
            return None
        found = struct.unpack("<8f", attribute.value)
        if _same(found, _REC709):
            return None
        names = (name for name, known in _KNOWN.items() if _same(found, known))
        space = next(names, "with the name of its space")
    elif space in _REC709_IDS:
        return None
    return Remark(
        "its header says that its colours are not linear Rec. 709, for which they are taken",
        "colours-are-declared",
        space=space,
    )


def _same(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(
        math.isclose(a, b, rel_tol=0, abs_tol=_TOLERANCE) for a, b in zip(one, other, strict=True)
    )
