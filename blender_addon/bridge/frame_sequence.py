"""The frames that an artist means by one file, a folder, or a pattern such as `shot.####.exr`."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from .errors import BridgeError

_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<number>(?<![^\W_])-\d+|\d+)")
_HIGHEST_NUMBER = 9_999_999
"""Longer numbers are dates and identifiers."""
READ = (".bmp", ".exr", ".jpeg", ".jpg", ".png", ".tga", ".tif", ".tiff", ".webp")
"""Endings of the frames that the bundled runtime reads."""
RECORDS = ".reggan"
"""Folder that the runtime leaves beside its results."""
_PROBES = ("1111111", "2222222")


@dataclass(frozen=True, kw_only=True)
class FrameSequence:
    """A value for `--frames`, and the files that it stands for.

    Attributes:
        source: a folder, a file, or a pattern.
        files: by frame number; none for a picture without a number. Of a folder, its longest
            sequence: whether there may be others is for the runtime to say.
    """

    source: str
    files: dict[int, Path]

    def nearest(self, frame: int) -> Path:
        """Return the file of a frame, or of the one nearest to it.

        Raises:
            BridgeError: the folder holds no numbered picture.
        """
        path = Path(self.source)
        if not self.files and path.is_file():
            return path
        if not self.files:
            raise BridgeError(f"{path} holds no numbered frame. Choose a frame of a sequence.")
        return self.files[min(self.files, key=lambda number: abs(number - frame))]


def sequence_from_path(path: Path, endings: Collection[str]) -> FrameSequence:
    """Return the whole sequence that a file belongs to, all of a folder, or what fits a pattern.

    Args:
        path: the file, the folder or the pattern.
        endings: what names of pictures in a folder end in, in lower case.

    Raises:
        BridgeError: nothing is there, or it cannot be listed.
    """
    if path.is_dir():
        sequences = _sequences(path).items()
        pictures = (files for (_, end), files in sequences if end.lower() in endings)
        return FrameSequence(source=str(path), files=max(pictures, key=len, default={}))
    if path.is_file():
        match = _match_number(path)
        if match is None:
            return FrameSequence(source=str(path), files={})
        files = _sequences(path.parent)[match["prefix"], path.suffix]
        digits = min(
            len(name["number"].lstrip("-")) for name in map(_match_number, files.values()) if name
        )
        pattern = path.with_name(f"{match['prefix']}{'#' * digits}{path.suffix}")
        return FrameSequence(source=str(pattern), files=files)
    files = _fitting(path)
    if not files:
        raise BridgeError(
            f"There is no frame at {path}. Choose one frame of the sequence, its folder, or a "
            "pattern such as //render/shot.####.exr."
        )
    return FrameSequence(source=str(path), files=files)


def sequences_below(folder: Path, endings: Collection[str]) -> list[FrameSequence]:
    """Return every numbered sequence of a folder; of one without pictures, those of its subfolders.

    So cameras and view layers that were rendered beside each other are found. Folders with results
    of an earlier run are passed over.

    Args:
        folder: the folder.
        endings: what names of pictures end in, in lower case.

    Raises:
        BridgeError: it cannot be listed.
    """
    own = _all_of_folder(folder, endings)
    if own:
        return own
    inner = (one for one in _listed(folder) if one.is_dir() and not (one / RECORDS).is_dir())
    return [found for one in inner for found in _all_of_folder(one, endings)]


def _all_of_folder(folder: Path, endings: Collection[str]) -> list[FrameSequence]:
    sequences = {
        key: files for key, files in _sequences(folder).items() if key[1].lower() in endings
    }
    if len(sequences) == 1:
        (files,) = sequences.values()
        return [FrameSequence(source=str(folder), files=files)]
    return [sequence_from_path(next(iter(files.values())), endings) for files in sequences.values()]


def pattern_from_output(path_of_frame: Callable[[int], str]) -> Path:
    """Return the pattern of a scene's output, with as many # as its frame numbers have digits at
    least.

    Args:
        path_of_frame: the path that a frame is rendered to.

    Raises:
        BridgeError: every frame is rendered to the same file.
    """
    one, other = (path_of_frame(int(probe)) for probe in _PROBES)
    position = next(
        (i for i, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1), -1
    )
    if position < 0:
        raise BridgeError(
            f"The scene renders all frames into one file, {Path(one).name}. Render single frames: "
            "in the Output properties choose PNG or OpenEXR as file format."
        )
    end = position + len(_PROBES[0])
    before, after = one[:position], one[end:]
    padding = len(path_of_frame(0)) - len(before) - len(after)
    return Path(f"{before}{'#' * padding}{after}")


def shown_number(path: Path) -> int:
    """Return the frame number that Blender reads from a name: its last digits; 0 if there are
    none.
    """
    return int(re.findall(r"\d+", f"0.{path.stem}")[-1])


def range_text(first: int, last: int, step: int) -> str:
    """Return a frame range as `--range` takes it."""
    return f"{first}-{last}x{step}" if step > 1 else f"{first}-{last}"


def _fitting(pattern: Path) -> dict[int, Path]:
    """Return the files whose name fits a pattern, by number."""
    paddings = list(re.finditer("#+", pattern.name))
    if not paddings or not pattern.parent.is_dir():
        return {}
    start, end = paddings[-1].span()
    width = end - start
    digits = rf"(\d{{{width},}}|-\d{{{max(width - 1, 1)},}})"
    name = re.compile(re.escape(pattern.name[:start]) + digits + re.escape(pattern.name[end:]))
    fits = ((path, name.fullmatch(path.name)) for path in _listed(pattern.parent))
    return {int(match[1]): path for path, match in fits if match}


def _sequences(folder: Path) -> dict[tuple[str, str], dict[int, Path]]:
    """Files by number, of all whose names have this beginning and this end."""
    sequences: dict[tuple[str, str], dict[int, Path]] = {}
    for path in _listed(folder):
        match = _match_number(path)
        if match is not None:
            files = sequences.setdefault((match["prefix"], path.suffix), {})
            files[int(match["number"])] = path
    return sequences


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise BridgeError(
            f"{folder} cannot be listed: {error.strerror}. Give yourself the right to read it."
        ) from error


def _match_number(path: Path) -> re.Match[str] | None:
    """`prefix` and `number` of a frame's name; None if it has no number."""
    match = _NUMBERED.fullmatch(path.stem)
    return match if match and int(match["number"]) <= _HIGHEST_NUMBER else None
