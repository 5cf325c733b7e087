"""Which identities are trained on, chosen by, and tested on: one rule for every part."""

from typing import Literal

Split = Literal["train", "validation", "test"]
TRAINING_STYLE = "photo"
"""The only style that training sees; all others are out of distribution and for testing."""


def split_of(identity: str) -> Split:
    """Return the split of `<style>_<number>`, such as `photo_00017`.

    Photographic skin: numbers ending in 9 or 0 are tested on, in 8 chosen by, the rest trained
    on. Every identity of another style is tested on.

    Raises:
        ValueError: `identity` is not `<style>_<number>`.
    """
    style, separator, number = identity.rpartition("_")
    if not separator or not number.isdigit():
        raise ValueError(f"{identity!r} is not <style>_<number>")
    if style != TRAINING_STYLE:
        return "test"
    last_digit = int(number) % 10
    if last_digit in (0, 9):
        return "test"
    return "validation" if last_digit == 8 else "train"
