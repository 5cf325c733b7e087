"""Blends such as `happy:0.6+surprised:0.3`, and how much of an expression may be asked for."""

import csv
from collections.abc import Mapping
from pathlib import Path

from .errors import BridgeError
from .vocabulary import ALL_EXPRESSIONS, EXPRESSION_NAMES, SHAPE_NAMES

MAX_INTENSITY = 1.5
"""The most that may be asked of an expression; 1 is the full expression."""
MOST_SLIDERS = 8
"""Expressions of a blend that have one."""
_NAMES = {name.lower(): name for name in (*ALL_EXPRESSIONS, *SHAPE_NAMES)}


def shares_from_blend(blend: str, *, has_presets: bool = False) -> Mapping[str, float]:
    """Share of each expression in a blend, by name; one without a number counts as 1.

    Args:
        blend: as it is typed.
        has_presets: names that are not known here may be those of one's own expressions.

    Raises:
        BridgeError: a name is unknown or stands twice, or a share is no number from 0 to 1.5.
    """
    shares: dict[str, float] = {}
    for part in blend.split("+"):
        word, colon, amount = (text.strip() for text in part.partition(":"))
        name = _NAMES.get(_key(word)) or (word if has_presets and word else None)
        if name is None or name in shares:
            found = f"{name!r} twice" if name in shares else f"{word!r}"
            raise BridgeError(
                f"The blend {blend!r} names {found}. Name each of {', '.join(EXPRESSION_NAMES)}, "
                "or another of the menu, at most once, as in happy:0.6+surprised:0.3."
            )
        shares[name] = _share(amount, blend) if colon else 1.0
    return shares


def blend_from_shares(shares: Mapping[str, float]) -> str:
    """Return the blend of these shares, as `shares_from_blend` reads it."""
    return "+".join(f"{name}:{round(share, 3):g}" for name, share in shares.items())


def names_are_alike(one: str, other: str) -> bool:
    """Tell whether the runtime takes two names for one."""
    return _key(one) == _key(other)


def _key(word: str) -> str:
    """As names are compared: in small letters, with single spaces."""
    return " ".join(word.lower().replace("_", " ").replace("-", " ").split())


def _share(amount: str, blend: str) -> float:
    try:
        share = float(amount)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= MAX_INTENSITY:  # also true of NaN
        raise BridgeError(
            f"The blend {blend!r} has {amount!r} after a colon; expected a number from 0 to "
            f"{MAX_INTENSITY}, as in happy:0.6+surprised:0.3."
        )
    return share


def write_curve(path: Path, weights: Mapping[int, Mapping[str, float]]) -> None:
    """Write how much of each expression and face shape is wanted at every frame.

    Args:
        path: the .csv file.
        weights: by frame, then by name; to three decimals, 0 to 1.5.

    Raises:
        BridgeError: something is more than 1.5.
    """
    rows = [
        (frame, name, round(value, 3))
        for frame, by_name in sorted(weights.items())
        for name, value in by_name.items()
    ]
    for frame, name, value in rows:
        if value > MAX_INTENSITY:
            raise BridgeError(
                f"At frame {frame} the intensity asks for {value:g} of {name}; the most is "
                f"{MAX_INTENSITY}. Lower the intensity there, or the blend."
            )
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("frame", "expression", "value"), *rows])
