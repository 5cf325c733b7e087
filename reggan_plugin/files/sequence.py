"""Sequences of frames, named by a folder, a file, or a pattern such as `walk.####.exr`."""

import os
import re
from collections import abc, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from typing import overload

from reggan_plugin.errors import (
    AmbiguousSourceError,
    EmptySourceError,
    RangeOutsideError,
    SourceError,
    UsageError,
)
from reggan_plugin.files.image_format import can_read, frame_suffixes
from reggan_plugin.frozen import frozen

_MOST_DIGITS = 18
"""Of the number of a frame."""
_NUMBER = rf"(-?\d{{1,{_MOST_DIGITS}}})"
_SPAN = re.compile(rf"{_NUMBER}(?:-{_NUMBER}(?:[x:]{_NUMBER})?)?")


_MOST_COUNTED = 1_000_000


@frozen
class FrameRange:
    """A set of frame numbers, of any size in little memory."""

    text: str
    spans: tuple[range, ...]

    def __contains__(self, number: int) -> bool:
        return any(number in span for span in self.spans)

    def __len__(self) -> int:
        return sum(map(len, self.spans))

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self.spans)


NO_NUMBERS = FrameRange(text="", spans=())


def range_from_spans(spans: Iterable[range]) -> FrameRange:
    """Return the range that consists of these spans, which do not overlap, in order."""
    kept = tuple(sorted((span for span in spans if span), key=lambda span: span.start))
    return FrameRange(text=",".join(map(_text_of_span, kept)), spans=kept)


def common_numbers(gaps: FrameRange, wanted: FrameRange) -> FrameRange:
    """Return the numbers of rising spans with step 1 that are also in a range, each once."""
    rising = [span if span.step > 0 else span[::-1] for span in wanted.spans]
    spans = sorted(
        (both for gap in gaps.spans for span in rising if (both := _common(gap, span))),
        key=lambda span: span.start,
    )
    overlap = any(later.start <= earlier[-1] for earlier, later in pairwise(spans))
    if overlap and sum(map(len, spans)) <= _MOST_COUNTED:
        return parse_frame_range(format_frame_range(chain.from_iterable(spans)))
    return range_from_spans(spans)


def parse_frame_range(text: str) -> FrameRange:
    """Read a comma-separated list of numbers and spans, with a step after `x` or `:`.

    Raises:
        UsageError: the text is none, or a step is 0.
    """
    return FrameRange(text=text, spans=tuple(_parse_span(part, text) for part in text.split(",")))


def format_frame_range(numbers: Iterable[int]) -> str:
    """Return the shortest list of spans, such as `1-3,7`."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in spans)


def _parse_span(part: str, text: str) -> range:
    match = _SPAN.fullmatch(part.strip())
    first, last, step = match.groups() if match else (None, None, None)
    if first is None or (step is not None and int(step) == 0):
        raise UsageError(
            f"{text[:80]!r} is not a frame range: {part.strip()[:80]!r} is neither a number nor a "
            "span. Write it like 1001-1100, 1001-1100x2 or 1,5,10-20."
        )
    start, stop = int(first), int(last if last is not None else first)
    step_sign = 1 if stop >= start else -1
    return range(start, stop + step_sign, abs(int(step or 1)) * step_sign)


def _common(gap: range, span: range) -> range:
    """Frames that two rising spans have in common; the first has step 1."""
    low, high = max(gap.start, span.start), min(gap.stop, span.stop)
    first = span.start + -(-(low - span.start) // span.step) * span.step
    return range(first, max(first, high), span.step)


def _text_of_span(span: range) -> str:
    if len(span) == 1:
        return f"{span[0]}"
    return f"{span[0]}-{span[-1]}" + (f"x{span.step}" if span.step != 1 else "")


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


def numbered_groups(pictures: abc.Iterable[str]) -> dict[str, list[tuple[int, str]]]:
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
    """Expression for names that fit a pattern with padding; its group is the number.

    It has as many digits as `####`, `@@@@`, `%04d` or `$F4` ask for, or more: up to 18.
    """
    padding = list(PADDING.finditer(pattern))[-1]
    sign, counted = padding[0][0], padding[0].strip("%d$F")
    width = min(len(padding[0]) if sign in "#@" else int(counted or 1), _MOST_DIGITS)
    digits = rf"(\d{{{width},{_MOST_DIGITS}}}|-\d{{{max(width - 1, 1)},{_MOST_DIGITS}}})"
    before, after = pattern[: padding.start()], pattern[padding.end() :]
    return re.compile(re.escape(before) + digits + re.escape(after))


@frozen
class SourceFrame:
    """A file to work on; `number` is its frame number, or None for a loose picture."""

    path: Path
    number: int | None


class FrameList(abc.Sequence[SourceFrame]):
    """Frames of one folder in order, each made when it is asked for: a farm's chunk needs few."""

    def __init__(self, folder: Path, named: list[Named]) -> None:
        """Hold number and file name of each frame."""
        self._folder, self._named = folder, named

    @overload
    def __getitem__(self, place: int) -> SourceFrame: ...

    @overload
    def __getitem__(self, place: slice) -> "FrameList": ...

    def __getitem__(self, place: int | slice) -> "SourceFrame | FrameList":
        if isinstance(place, slice):
            return FrameList(self._folder, self._named[place])
        number, name = self._named[place]
        return SourceFrame(path=self._folder / name, number=number)

    def __len__(self) -> int:
        return len(self._named)

    @property
    def numbers(self) -> list[int]:
        """Of the numbered ones, rising."""
        return [number for number, _ in self._named if number is not None]

    @property
    def first_loose(self) -> SourceFrame | None:
        """The first one without a number; they come last."""
        numbered = len(self.numbers)
        return self[numbered] if numbered < len(self) else None

    def named(self, names: abc.Set[str]) -> "FrameList":
        """Those whose files have these names."""
        return FrameList(self._folder, [own for own in self._named if own[1] in names])

    def chosen(self, wanted: FrameRange) -> "FrameList":
        """Those whose numbers are in a range."""
        places = {number: i for i, (number, _) in enumerate(self._named) if number is not None}
        if len(wanted) < len(places):
            found = sorted({places[number] for number in wanted if number in places})
        else:
            found = [place for number, place in places.items() if number in wanted]
        return FrameList(self._folder, [self._named[place] for place in found])


@frozen
class Sequence:
    """The frames in order: numbered ones by number, then loose pictures by name.

    `missing` are numbers between the first and the last frame on disk that were asked for and
    have no file, `outside` those before and behind them; `ignored` are files in the folder
    that are not taken.
    """

    frames: FrameList
    folder: Path
    name: str
    missing: FrameRange = NO_NUMBERS
    outside: FrameRange = NO_NUMBERS
    ignored: tuple[Path, ...] = ()

    def part(self, frame_range: str) -> "Sequence":
        """Return the part of it that is in a range; the folder is not listed again.

        Raises:
            RangeOutsideError: the whole range lies before the first frame.
            UsageError: the range cannot be read, or the frames have no numbers.
        """
        return _selected(self, parse_frame_range(frame_range))


LeftOut = abc.Callable[[Path, abc.Set[str]], abc.Set[str]]
"""Of a folder and names of pictures in it, those that are not frames."""


def find_sequence(
    source: str, frame_range: str | None = None, *, left_out: LeftOut | None = None
) -> Sequence:
    """Find the frames that `source` names, or those of them that are in `frame_range`.

    A folder may hold one numbered sequence, loose pictures, or both. Numbers of the range that
    lie beyond the shot are skipped, be it all of them: render managers ask for such chunks. A
    file that exists is taken as it is, whatever its name. `left_out` says which pictures of a
    folder are no frames.

    Raises:
        EmptySourceError: nothing is there.
        RangeOutsideError: the whole range lies before the first frame.
        AmbiguousSourceError: a folder holds several numbered sequences.
        UsageError: the range cannot be read, or the frames have no numbers.
    """
    wanted = None if frame_range is None else parse_frame_range(frame_range)
    path = Path(source)
    is_folder, is_file = _look_up(path)
    folder = path if is_folder else path.parent
    ignored: list[str] = []
    if is_folder:
        named, ignored = _frames_in_folder(path, left_out)
    elif is_file:
        named = [(number_in(path.name), path.name)]
    elif PADDING.search(path.name):
        named = _frames_of_pattern(path)
    elif path.exists():
        raise EmptySourceError(
            f"{source} is no ordinary file, but a device or a pipe. Give a file or a folder, or - "
            "for standard input."
        )
    else:
        raise EmptySourceError(f"{source}: there is no such file or folder. Check the path.")
    frames = FrameList(folder, named)
    sequence = Sequence(
        frames=frames,
        folder=folder,
        name=name_of_source(path),
        missing=_gaps(frames.numbers),
        ignored=tuple(folder / name for name in sorted(ignored)),
    )
    return sequence if wanted is None else _selected(sequence, wanted)


def range_outside(sequence: Sequence, frame_range: str) -> RangeOutsideError:
    """Return the error of a range that holds no frame of a sequence."""
    numbers = format_frame_range(sequence.frames.numbers)
    return RangeOutsideError(
        f"The frame range {frame_range} lies outside of {sequence.name}, which has {numbers}. "
        "Give a range within it."
    )


def picture_names(folder: Path) -> list[str]:
    """Return the names of the pictures in a folder, hidden and temporary files left out.

    Raises:
        SourceError: the folder cannot be listed.
    """
    return [name for name in _own_names(folder) if is_picture(name)]


def sequences_in_folder(folder: Path) -> list[tuple[str, Sequence]]:
    """Name and frames of every numbered sequence in a folder, then of the loose
    pictures together; none if it holds no picture.

    Raises:
        SourceError: the folder cannot be listed.
        AmbiguousSourceError: it holds a number twice.
    """
    names = _own_names(folder)
    pictures = [name for name in names if is_picture(name)]
    ignored = tuple(folder / name for name in sorted(set(names).difference(pictures)))
    found = sequences_of(folder, pictures)
    if not found:
        return []
    (_, first), *others = found
    # One sequence is what its folder is called: so its results and records are found again.
    text = str(folder) if not others else found[0][0]
    return [(text, replace(first, ignored=ignored, name=name_of_source(Path(text)))), *others]


def sequences_of(folder: Path, pictures: abc.Iterable[str]) -> list[tuple[str, Sequence]]:
    """Sequences of some pictures of a folder; see `sequences_in_folder`."""
    names = set(pictures)
    if len(names) == 1:
        (name,) = names
        only = FrameList(folder, [(number_in(name), name)])
        return [(str(folder / name), Sequence(frames=only, folder=folder, name=Path(name).stem))]
    groups, found = numbered_groups(sorted(names, key=natural_key)), []
    for pattern, group in groups.items():
        text, frames = str(folder / pattern), FrameList(folder, _by_number(folder, group, pattern))
        own = Sequence(
            frames=frames,
            folder=folder,
            name=name_of_source(Path(text)),
            missing=_gaps(frames.numbers),
        )
        found.append((text, own))
    taken = {name for group in groups.values() for _, name in group}
    loose: list[Named] = [(None, name) for name in sorted(names - taken, key=natural_key)]
    if loose:
        own = Sequence(frames=FrameList(folder, loose), folder=folder, name=name_of_source(folder))
        found.append((str(folder), own))
    return found


def name_of_source(path: Path) -> str:
    """Name of a sequence: its folder, its file, or the pattern before the number."""
    if path.is_file():
        return path.stem
    folder = path if path.is_dir() else path.parent
    return name_before_number(path) or folder.name or folder.resolve().name


def name_before_number(path: Path) -> str:
    """Return the name of a pattern such as `walk.####.exr`, before its padding; empty of other
    paths.
    """
    if path.is_dir() or not PADDING.search(path.name):
        return ""
    return path.name[: list(PADDING.finditer(path.name))[-1].start()].rstrip("._- ")


def _frames_in_folder(folder: Path, left_out: LeftOut | None) -> tuple[list[Named], list[str]]:
    """Return the frames in order, and the files that are not frames."""
    files = _own_names(folder)
    pictures = [name for name in files if is_picture(name)]
    if not pictures:
        found = ", ".join(sorted({Path(name).suffix or name for name in files}))
        others = f": {found} was found" if found else ""
        raise EmptySourceError(
            f"{folder} holds no picture{others}. "
            f"These are read: {', '.join(frame_suffixes())}. "
            "Name the folder of the rendered frames."
        )
    if left_out is not None:
        made = left_out(folder, set(pictures))
        pictures = [name for name in pictures if name not in made]
        if not pictures:
            raise EmptySourceError(
                f"{folder} holds no picture but results. Name the folder of the source frames."
            )
    sequences = numbered_groups(pictures)
    if len(sequences) > 1:
        raise AmbiguousSourceError(
            f"{folder} holds {len(sequences)} sequences: {', '.join(sequences)}. "
            f"Name one of them: {folder / next(iter(sequences))}"
        )
    numbered: list[Named] = []
    for pattern, group in sequences.items():
        numbered = _by_number(folder, group, pattern)
    if len(pictures) == 1:
        numbered = [(number_in(pictures[0]), pictures[0])]
    taken = {name for _, name in numbered}
    loose = sorted((name for name in pictures if name not in taken), key=natural_key)
    ignored = sorted(set(files).difference(pictures))
    return [*numbered, *((None, name) for name in loose)], ignored


def _frames_of_pattern(pattern: Path) -> list[Named]:
    """Return the files whose name fits, by number."""
    fits = names_of_pattern(pattern.name)
    if not pattern.parent.is_dir():
        raise EmptySourceError(f"{pattern.parent}: there is no such folder. Check the path.")
    matches = ((name, fits.fullmatch(name)) for name in _list_folder(pattern.parent))
    named = [(int(match[1]), name) for name, match in matches if match]
    if not named:
        raise EmptySourceError(f"{pattern}: no file fits. Check the name and the padding.")
    return _by_number(pattern.parent, named, pattern.name)


def _selected(sequence: Sequence, wanted: FrameRange) -> Sequence:
    """Return the part of the sequence that is in the range."""
    frames = sequence.frames
    numbers = frames.numbers
    if not numbers:
        raise UsageError(
            f"The frame range {wanted.text} was given, but {frames[0].path.name} in "
            f"{sequence.folder} has no number. Leave the range out, or name the frames that have "
            "one by a pattern, such as shot.####.png.",
            kind="range-of-no-numbers",
        )
    selected = frames.chosen(wanted)
    highest = max(max(span[0], span[-1]) for span in wanted.spans)
    if not selected and highest < numbers[0]:
        raise range_outside(sequence, wanted.text)
    return replace(
        sequence,
        frames=selected,
        missing=common_numbers(sequence.missing, wanted),
        outside=common_numbers(_around(numbers[0], numbers[-1]), wanted),
        ignored=(*sequence.ignored, *(frame.path for frame in frames[len(numbers) :])),
    )


def _by_number(folder: Path, named: list[tuple[int, str]], pattern: str) -> list[Named]:
    """In order of their numbers, of which no two may be the same."""
    ordered = sorted(named)
    for (number, name), (later, other) in pairwise(ordered):
        if number == later:
            raise AmbiguousSourceError(
                f"{folder} holds frame {number} of {pattern} more than once: {name}, {other}. "
                "Move all but one away."
            )
    return [*ordered]


def _around(first: int, last: int) -> FrameRange:
    """All numbers that a range can name, less those from the first to the last."""
    most = 10**18
    return range_from_spans([range(-most, first), range(last + 1, most)])


def _gaps(numbers: list[int]) -> FrameRange:
    """Gaps between rising numbers."""
    return range_from_spans(range(one + 1, later) for one, later in pairwise(numbers))


def _look_up(path: Path) -> tuple[bool, bool]:
    """Look up a path: is it a folder, and is it a file?"""
    try:
        return path.is_dir(), path.is_file()
    except OSError as error:
        raise SourceError(
            f"{str(path)[:200]} cannot be looked up: {error.strerror}. Check the path."
        ) from error


def _list_folder(folder: Path) -> list[str]:
    """Return the names of all that is no folder."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if not _is_folder(entry)]
    except OSError as error:
        raise SourceError(
            f"{folder} cannot be listed: {error.strerror}. Give yourself the right to read it."
        ) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder. A link to nowhere, a pipe or a device is none: it counts
    as a file, which cannot be read, since a frame that is not there must not go unsaid.
    """
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _own_names(folder: Path) -> list[str]:
    """Return the names of its files, less those of `is_housekeeping`."""
    return [name for name in _list_folder(folder) if not is_housekeeping(name)]
