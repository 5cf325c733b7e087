"""Which identities are held out of training: the same ones for every run and every measure."""

import re

VALID_HELD_OUT = frozenset({"Asian_F_1", "Black_M_2", "Hispanic_M_1", "MENA_M_3", "White_F_2"})
"""Of VALID's 28 heads: five of five ancestries; chosen once, by name."""

SPLIT_FAMILIES = ("ict", "makehuman", "valid")
"""Families whose identities are divided. A user's own head is never held out."""
_NUMBER = re.compile(r"(\d+)$")


def is_held_out(family: str, identity: str) -> bool:
    """Whether a head is for testing only.

    Of families that sample identities these are the numbers whose last two digits are 90 to 99.
    """
    if family == "valid":
        return identity in VALID_HELD_OUT
    number = last_two_digits(family, identity)
    return number is not None and number >= 90


def last_two_digits(family: str, identity: str) -> int | None:
    """Return the number that decides, of families that sample identities; None for others."""
    number = _NUMBER.search(identity)
    return int(number[1]) % 100 if number and family in ("ict", "makehuman") else None
