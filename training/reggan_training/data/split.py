"""Which identities, and which heads, train, choose or test: the same for every run and measure."""

import hashlib
import re
from collections.abc import Collection
from typing import Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

RENDERED_STYLES = ("skin", "stone", "metal", "clay", "toon", "painted", "unlit")
TRACED_STYLES = RENDERED_STYLES[:4]
"""Those that Cycles draws: what is drawn, painted or unlit has no use for traced light."""
STYLES = (*RENDERED_STYLES, "photograph")
"""Styles of faces; `photograph` is a real person."""
TRAINING_STYLES = ("skin", "photograph")
"""Styles that training sees by default; all others are out of distribution and for testing."""
_OLD_STYLES = {"photo": "skin", "bronze": "metal"}
_LAST_NUMBER = re.compile(r"(\d+)\D*$")
VALID_HELD_OUT = frozenset({"Asian_F_1", "Black_M_2", "Hispanic_M_1", "MENA_M_3", "White_F_2"})
"""Of VALID's 28 heads: five of five ancestries; chosen once, by name."""
SPLIT_FAMILIES = ("ict", "makehuman", "valid")
"""Families whose identities are divided. A user's own head is never held out."""
_NUMBER = re.compile(r"(\d+)$")


def style_of(name: str) -> str:
    """Return the style in `<style>_<number>`; without one it is `photograph`.

    The older set's `photo` and `bronze` are `skin` and `metal`.
    """
    word = name.partition("_")[0]
    style = _OLD_STYLES.get(word, word)
    return style if style in STYLES else "photograph"


def named_in_style(stem: str) -> str:
    """Name an identity by its file: `photograph_` before it if it has no style."""
    word = stem.partition("_")[0]
    has_style = "_" in stem and (word in STYLES or word in _OLD_STYLES)
    return stem if has_style else f"photograph_{stem}"


def split_of(name: str, training_styles: Collection[str] = TRAINING_STYLES) -> Split:
    """Return the split of an identity such as `skin_01017` or `photograph_kdefA_F07`.

    Of the styles to train on, numbers ending in 9 or 0 are tested on, in 8 chosen by, the rest
    trained on; a name without a number is put by a hash of it, in the same proportions. Every
    identity of another style is tested on.
    """
    if style_of(name) not in training_styles:
        return "test"
    number = _LAST_NUMBER.search(name)
    last_digit = int(number[1]) % 10 if number else stable_hash(name) % 10
    if last_digit in (0, 9):
        return "test"
    return "validation" if last_digit == 8 else "train"


def stable_hash(name: str) -> int:
    """Return a number that is the same for a name on every machine and in every process."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


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
