"""What a user names as frames: a folder, a file, or a pattern such as `walk.####.exr`."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from reggan_plugin.errors import AmbiguousSourceError, EmptySourceError, SourceError, UsageError
from reggan_plugin.files.frame import FRAME_SUFFIXES, can_read
from reggan_plugin.files.frame_range import FrameRange, format_frame_range, parse_frame_range

_PADDING = re.compile(r"#+|@+|%0?\d{0,2}d|\$F\d?")
_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<number>(?<![^\W_])-\d+|\d+)")
_HIGHEST_NUMBER = 9_999_999
"""Longer numbers are dates and identifiers."""
_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})


@dataclass(frozen=True, kw_only=True)
class SourceFrame:
    """A file to work on; `number` is its frame number, or None for a loose picture."""

    path: Path
    number: int | None


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """The frames in order: numbered ones by number, then loose pictures by name.

    `missing` are numbers between the first and the last frame on disk that were asked for and
    have no file; `ignored` are files in the folder that are not taken.
    """

    frames: tuple[SourceFrame, ...]
    folder: Path
    name: str
    missing: tuple[int, ...] = ()
    ignored: tuple[Path, ...] = ()


def find_sequence(source: str, frame_range: str | None = None) -> Sequence:
    """Find the frames that `source` names, or those of them that are in `frame_range`.

    A folder may hold one numbered sequence, loose pictures, or both. Numbers of the range that
    lie beyond the shot are skipped, be it all of them: render managers ask for such chunks. A
    file that exists is taken as it is, whatever its name.

    Raises:
        EmptySourceError: nothing is there, or the whole range lies before the first frame.
        AmbiguousSourceError: a folder holds several numbered sequences.
        UsageError: the range cannot be read, or the frames have no numbers.
    """
    wanted = None if frame_range is None else parse_frame_range(frame_range)
    path = Path(source)
    is_folder, is_file = _look_up(path)
    if is_folder:
        frames, ignored = _frames_in_folder(path)
    elif is_file:
        frames, ignored = [SourceFrame(path=path, number=_frame_number(path))], []
    elif _PADDING.search(path.name):
        frames, ignored = _frames_of_pattern(path), []
    else:
        raise EmptySourceError(f"{source}: there is no such file or folder. Check the path.")
    folder = path if is_folder else path.parent
    sequence = Sequence(
        frames=tuple(frames),
        folder=folder,
        name=_name_of(path),
        missing=tuple(_gaps(frames)),
        ignored=tuple(sorted(ignored)),
    )
    return sequence if wanted is None else _selected(sequence, wanted)


def default_output_folder(source: str, label: str) -> Path:
    """Where results go unless told: `<name>_<label>` beside the folder or files of `source`."""
    path = Path(source)
    named_by_folder = path.is_dir() or (not path.is_file() and not _pattern_name(path))
    if named_by_folder:
        folder = path if path.is_dir() else path.parent
        parent = folder.parent if folder.name not in ("", "..") else folder.resolve().parent
    else:
        parent = path.parent
    return parent / f"{_name_of(path)}_{label}"


def _frames_in_folder(folder: Path) -> tuple[list[SourceFrame], list[Path]]:
    """The frames in order, and the files that are not frames."""
    files = [path for path in _list_folder(folder) if not _is_housekeeping(path)]
    pictures = [path for path in files if can_read(path)]
    if not pictures:
        found = ", ".join(sorted({path.suffix or path.name for path in files})) or "nothing"
        raise EmptySourceError(
            f"{folder} holds no picture: {found} was found. "
            f"These are read: {', '.join(FRAME_SUFFIXES)}. Name the folder of the rendered frames."
        )
    sequences = _numbered_groups(pictures)
    if len(sequences) > 1:
        raise AmbiguousSourceError(
            f"{folder} holds {len(sequences)} sequences: {', '.join(sequences)}. "
            f"Name one of them: {folder / next(iter(sequences))}"
        )
    numbered = next(iter(sequences.values()), [])
    if len(pictures) == 1:
        numbered = [SourceFrame(path=pictures[0], number=_frame_number(pictures[0]))]
    taken = {frame.path for frame in numbered}
    loose = sorted((path for path in pictures if path not in taken), key=_natural_key)
    ignored = [path for path in files if not can_read(path)]
    return [*numbered, *(SourceFrame(path=path, number=None) for path in loose)], ignored


def _numbered_groups(pictures: Iterable[Path]) -> dict[str, list[SourceFrame]]:
    """Pattern → frames by number, of all names that differ in their final number only."""
    groups = defaultdict(list)
    for path in pictures:
        number = _frame_number(path)
        match = _NUMBERED.fullmatch(path.stem)
        if number is not None and match:
            groups[match["prefix"], path.suffix].append(SourceFrame(path=path, number=number))
    return {
        f"{prefix}{_hashes(frames)}{suffix}": _by_number(frames)
        for (prefix, suffix), frames in sorted(groups.items())
        if len(frames) > 1
    }


def _frames_of_pattern(pattern: Path) -> list[SourceFrame]:
    """The files whose name fits, by number."""
    padding = list(_PADDING.finditer(pattern.name))[-1]
    width = _padding_width(padding[0])
    digits = rf"(\d{{{width},}}|-\d{{{max(width - 1, 1)},}})"
    before, after = pattern.name[: padding.start()], pattern.name[padding.end() :]
    name = re.compile(re.escape(before) + digits + re.escape(after))
    if not pattern.parent.is_dir():
        raise EmptySourceError(f"{pattern.parent}: there is no such folder. Check the path.")
    matches = ((path, name.fullmatch(path.name)) for path in _list_folder(pattern.parent))
    frames = [SourceFrame(path=path, number=int(match[1])) for path, match in matches if match]
    if not frames:
        raise EmptySourceError(f"{pattern}: no file fits. Check the name and the padding.")
    return _by_number(frames)


def _selected(sequence: Sequence, wanted: FrameRange) -> Sequence:
    """The part of the sequence that is in the range."""
    numbers = {frame.number: frame for frame in sequence.frames if frame.number is not None}
    if not numbers:
        raise UsageError(
            f"The frame range {wanted.text} was given, but the pictures in {sequence.folder} are "
            "not numbered. Leave the range out.",
            kind="range-of-no-numbers",
        )
    loose = [frame.path for frame in sequence.frames if frame.number is None]
    selected = tuple(frame for number, frame in numbers.items() if number in wanted)
    highest = max(max(span[0], span[-1]) for span in wanted.spans)
    if not selected and highest < min(numbers):
        raise EmptySourceError(
            f"The frame range {wanted.text} lies before {sequence.name}, which has "
            f"{format_frame_range(numbers)}. Give a range within it."
        )
    return replace(
        sequence,
        frames=selected,
        missing=tuple(number for number in sequence.missing if number in wanted),
        ignored=(*sequence.ignored, *loose),
    )


def _by_number(frames: list[SourceFrame]) -> list[SourceFrame]:
    """In order of their numbers, of which no two may be the same."""
    ordered = sorted(frames, key=lambda frame: (frame.number or 0, frame.path.name))
    number, count = Counter(frame.number for frame in frames).most_common(1)[0]
    if count > 1:
        names = ", ".join(frame.path.name for frame in ordered if frame.number == number)
        raise AmbiguousSourceError(
            f"{ordered[0].path.parent} holds frame {number} more than once: {names}. "
            "Move all but one away."
        )
    return ordered


def _gaps(frames: Iterable[SourceFrame]) -> list[int]:
    """Numbers between the first and the last frame that have no file."""
    numbers = {frame.number for frame in frames if frame.number is not None}
    return [n for n in range(min(numbers), max(numbers)) if n not in numbers] if numbers else []


def _look_up(path: Path) -> tuple[bool, bool]:
    """Whether it is a folder, and whether it is a file."""
    try:
        return path.is_dir(), path.is_file()
    except OSError as error:
        raise SourceError(
            f"{str(path)[:200]} cannot be looked up: {error.strerror}. Check the path."
        ) from error


def _list_folder(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError as error:
        raise SourceError(
            f"{folder} cannot be listed: {error.strerror}. Give yourself the right to read it."
        ) from error


def _is_housekeeping(path: Path) -> bool:
    """Whether a file is hidden, temporary or made by the operating system."""
    return path.name.startswith(".") or path.name.lower() in _SYSTEM_FILES


def _frame_number(path: Path) -> int | None:
    match = _NUMBERED.fullmatch(path.stem)
    return int(match["number"]) if match and int(match["number"]) <= _HIGHEST_NUMBER else None


def _hashes(frames: Iterable[SourceFrame]) -> str:
    """The padding of these frames: as many # as the shortest number has digits."""
    matches = (_NUMBERED.fullmatch(frame.path.stem) for frame in frames)
    return "#" * min(len(match["number"].lstrip("-")) for match in matches if match)


def _padding_width(padding: str) -> int:
    """How many digits `####`, `@@@@`, `%04d` or `$F4` ask for."""
    digits = padding.strip("%d$F")
    return len(padding) if padding[0] in "#@" else int(digits or 1)


def _name_of(path: Path) -> str:
    """What a sequence is called: its folder, its file, or the pattern before the number."""
    if path.is_file():
        return path.stem
    folder = path if path.is_dir() else path.parent
    return _pattern_name(path) or folder.name or folder.resolve().name


def _pattern_name(path: Path) -> str:
    if path.is_dir() or not _PADDING.search(path.name):
        return ""
    return path.name[: list(_PADDING.finditer(path.name))[-1].start()].rstrip("._- ")


def _natural_key(path: Path) -> tuple[list[str | int], str]:
    """So that b10 comes after b9."""
    parts = re.split(r"(\d+)", path.stem.lower())
    return [int(part) if part.isdecimal() else part for part in parts], path.name
