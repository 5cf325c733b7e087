"""Frames of one folder in order: paths and frame numbers."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from reggan_plugin.files.frame_names import Named
from reggan_plugin.files.frame_range import FrameRange


@dataclass(frozen=True, kw_only=True)
class SourceFrame:
    """A file to work on; `number` is its frame number, or None for a loose picture."""

    path: Path
    number: int | None


class FrameList(Sequence[SourceFrame]):
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

    def named(self, names: Set[str]) -> "FrameList":
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
