"""File names of frames: their numbers, paddings and patterns. Opens and lists nothing."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from reggan_plugin.files.frame import can_read

PADDING = re.compile(r"#+|@+|%0?\d{0,2}d|\$F\d?")
Named = tuple[int | None, str]
"""Number and name of a file."""
_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<number>(?<![^\W_])-\d+|\d+)")
_HIGHEST_NUMBER = 9_999_999
"""Longer numbers are dates and identifiers."""
_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})


def split_name(name: str) -> tuple[str, str]:
    """Stem and suffix, as `Path` has them, in a tenth of its time."""
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem else (name, "")


def number_in(name: str) -> int | None:
    """Return the frame number in a name; None if it has none."""
    match = _NUMBERED.fullmatch(split_name(name)[0])
    return int(match["number"]) if match and int(match["number"]) <= _HIGHEST_NUMBER else None


def is_picture(name: str) -> bool:
    """Tell whether the name is not hidden and ends like that of a frame."""
    return can_read(Path(name))


def is_housekeeping(name: str) -> bool:
    """Tell whether a file is hidden, temporary or made by the operating system."""
    return name.startswith(".") or name.lower() in _SYSTEM_FILES


def natural_key(name: str) -> tuple[list[str | int], str]:
    """So that b10 comes after b9."""
    parts = re.split(r"(\d+)", split_name(name)[0].lower())
    return [int(part) if part.isdecimal() else part for part in parts], name


def numbered_groups(pictures: Iterable[str]) -> dict[str, list[tuple[int, str]]]:
    """Pattern → numbers and names, of all names that differ in their final number only."""
    groups: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    digits: dict[tuple[str, str], int] = {}
    for name in pictures:
        stem, suffix = split_name(name)
        match = _NUMBERED.fullmatch(stem)
        if match and int(match["number"]) <= _HIGHEST_NUMBER:
            key, count = (match["prefix"], suffix), len(match["number"].lstrip("-"))
            groups[key].append((int(match["number"]), name))
            digits[key] = min(count, digits.get(key, count))
    return {
        f"{prefix}{'#' * digits[prefix, suffix]}{suffix}": group
        for (prefix, suffix), group in sorted(groups.items())
        if len(group) > 1
    }


def names_of_pattern(pattern: str) -> re.Pattern[str]:
    """Expression for names that fit a pattern with padding; its group is the number."""
    padding = list(PADDING.finditer(pattern))[-1]
    width = _padding_width(padding[0])
    digits = rf"(\d{{{width},}}|-\d{{{max(width - 1, 1)},}})"
    before, after = pattern[: padding.start()], pattern[padding.end() :]
    return re.compile(re.escape(before) + digits + re.escape(after))


def _padding_width(padding: str) -> int:
    """Return the number of digits that `####`, `@@@@`, `%04d` or `$F4` ask for."""
    digits = padding.strip("%d$F")
    return len(padding) if padding[0] in "#@" else int(digits or 1)
