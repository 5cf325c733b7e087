"""The expressions as the panels offer them, and blends such as `happy:0.6+surprised:0.3`."""

from collections.abc import Mapping

from .errors import BridgeError

EXPRESSION_NAMES = ("neutral", "happy", "sad", "angry", "disgusted", "afraid", "surprised")
MAX_INTENSITY = 1.5
"""The most that may be asked of an expression; 1 is the full expression."""


def shares_from_blend(blend: str) -> Mapping[str, float]:
    """How much of each expression a blend asks for, by name; one without a number counts as 1.

    Raises:
        BridgeError: a name is unknown or stands twice, or a share is no number from 0 to 1.5.
    """
    shares: dict[str, float] = {}
    for part in blend.split("+"):
        word, colon, amount = (text.strip() for text in part.partition(":"))
        name = word.lower()
        if name not in EXPRESSION_NAMES or name in shares:
            found = f"{name!r} twice" if name in shares else f"{word!r}"
            raise BridgeError(
                f"The blend {blend!r} names {found}. Name each of {', '.join(EXPRESSION_NAMES)} "
                "at most once, as in happy:0.6+surprised:0.3."
            )
        shares[name] = _share(amount, blend) if colon else 1.0
    return shares


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
