"""Inputs that a user names: files, folders, patterns and globs, several at once."""

import glob
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from reggan_plugin.errors import EmptySourceError, SourceError, UnsupportedFormatError
from reggan_plugin.files.frame import register_holder
from reggan_plugin.files.image_format import (
    VIDEO_SUFFIXES,
    can_read,
    converting,
    frame_suffixes,
    is_video,
)
from reggan_plugin.files.mesh_suffixes import is_mesh
from reggan_plugin.files.sequence import (
    FrameList,
    Sequence,
    find_sequence,
    is_housekeeping,
    numbered_groups,
    sequences_in_folder,
    sequences_of,
)
from reggan_plugin.files.video import VideoFile
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.frame_record import RECORD_FOLDER, FrameRecord, read_record, record_path


@frozen
class Source:
    """A sequence, or loose pictures of one folder.

    Attributes:
        text: what reports call it: a folder, a file or a pattern.
        home: the folder or pattern that a folder of results is named after.
        shot: all of its frames.
        below: the folder of its results within that folder of results.
        shared: where that lies in a folder that several inputs share.
        is_by_file: whether each picture was named as a file, so that its result is one, too.
    """

    text: str
    home: str
    shot: Sequence
    below: Path = Path()
    shared: Path = Path()
    is_by_file: bool = False
    video: VideoFile | None = None
    """The video whose frames they are."""


@frozen
class Found:
    """The sources of a request, and the results of earlier runs that were passed over.

    `refused` are damaged videos beside others that are sound, `left_out` videos in folders of
    pictures.
    """

    sources: tuple[Source, ...]
    passed_over: tuple[Path, ...] = ()
    refused: tuple[tuple[Path, SourceError], ...] = ()
    left_out: tuple[Path, ...] = ()


def find_sources(inputs: Iterable[str], *, recursive: bool = False) -> Found:
    """Find all sequences and loose pictures that the inputs name, each once, in their order.

    Files of one folder whose names differ in their number alone are a sequence. What an earlier
    run made of the pictures that are named beside it is passed over.

    Args:
        inputs: files, folders, patterns such as `shot.####.exr`, and globs.
        recursive: whether folders within the folders are taken, too.

    Raises:
        EmptySourceError: an input names nothing, or a folder holds no picture.
        AmbiguousSourceError: a number is there twice.
        UnsupportedFormatError: a file's name is none of a picture.
        SourceError: no video can be read, and there is nothing else.
    """
    places = [(text, path) for text in inputs for path in _places(text)]
    roots = {path.resolve(): path for _, path in places if path.is_dir()}
    search = _Search(recursive=recursive, shares_out=len(roots) > 1)
    files: dict[Path, list[str]] = defaultdict(list)
    for text, path in places:
        if path.is_dir():
            if roots.pop(path.resolve(), None):  # or it was named before
                search.add_folder(path)
        elif path.is_file():
            if is_video(path):
                search.add_video(path)
                continue
            if not can_read(path) and is_mesh(path):
                raise UnsupportedFormatError(
                    f"{path} is a mesh, and pictures are rendered here. Change its texture map.",
                    kind="mesh-as-picture",
                    mesh=path,
                )
            if not can_read(path):
                raise UnsupportedFormatError(
                    f"{path} is of a kind that is not read. Give one of "
                    f"{', '.join((*frame_suffixes(), *VIDEO_SUFFIXES))}.{converting(path)}"
                )
            files[path.parent].append(path.name)
        else:
            search.add(Source(text=text, home=text, shot=find_sequence(text)))
    for folder, names in files.items():
        for text, shot in search.without_results(folder, sequences_of(folder, names)):
            is_by_file = len(shot.frames.numbers) < 2
            search.add(Source(text=text, home=text, shot=shot, is_by_file=is_by_file))
    if search.refused and not search.sources:
        raise search.refused[0][1]
    return Found(
        sources=tuple(search.sources),
        passed_over=tuple(search.passed_over),
        refused=tuple(search.refused),
        left_out=tuple(path for path in search.left_out if path.resolve() not in search.seen),
    )


def _places(text: str) -> list[Path]:
    """Paths that an input names; of a glob that no shell expanded, all that match."""
    if not text:
        raise EmptySourceError("'' is no path: an input is empty, as an unset variable makes it.")
    path = Path(text)
    if not glob.has_magic(text) or path.exists():
        return [path]
    # Path.glob takes no absolute patterns.
    fitting = [Path(name) for name in sorted(glob.glob(text, recursive=True))]  # noqa: PTH207
    found = [path for path in fitting if path.is_dir() or can_read(path) or is_video(path)]
    if not found:
        raise EmptySourceError(f"{text}: no picture and no folder fits. Check the pattern.")
    return found


@dataclass(kw_only=True, eq=False)
class _Search:
    """Collects sources, each file once."""

    recursive: bool
    shares_out: bool
    sources: list[Source] = field(default_factory=list)
    passed_over: list[Path] = field(default_factory=list)
    refused: list[tuple[Path, SourceError]] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)

    def add_folder(self, root: Path) -> None:
        """Add the sequences of a folder, and of those within it."""
        before = len(self.sources)
        shared = Path(root.name or root.resolve().name) if self.shares_out else Path()
        folders = list(self._folders(root))
        for folder in folders:
            for text, shot in self.without_results(folder, sequences_in_folder(folder)):
                below = folder.relative_to(root)
                self.add(Source(text=text, home=str(root), shot=shot, below=below, shared=shared))
        videos = [path for folder in folders for path in _source_videos(sorted(folder.iterdir()))]
        if len(self.sources) > before:
            self.left_out += videos
            return
        for path in videos:
            self.add_video(path, root, path.parent.relative_to(root), shared)
        if len(self.sources) == before and not self.refused:
            self._refuse_folder(root, folders)

    def _refuse_folder(self, root: Path, folders: Iterable[Path]) -> None:
        """Say why a folder adds nothing.

        Raises:
            EmptySourceError: always.
        """
        inside = [path for folder in folders for path in folder.iterdir()]
        own = [path for path in inside if not is_housekeeping(path.name)]
        files = [path for path in own if path.is_file()]
        if not any(can_read(path) or is_video(path) for path in files):
            if own and not files and not self.recursive:
                raise EmptySourceError(
                    f"{root} holds no picture itself, but folders.", kind="pictures-in-folders"
                )
            find_sequence(str(root))  # says what is there instead
        raise EmptySourceError(f"{root} holds nothing but what is named elsewhere or made here.")

    def add_video(
        self, path: Path, root: Path | None = None, below: Path = Path(), shared: Path = Path()
    ) -> None:
        """Add the frames of a video, of one below `root` whose results are to lie likewise."""
        if path.resolve() in self.seen:
            return
        self.seen.add(path.resolve())
        try:
            video = VideoFile(path)
        except SourceError as error:
            self.refused.append((path, error))
            return
        register_holder(path, video)
        named = [(number, f"{number:08}.png") for number in range(1, len(video) + 1)]
        shot = Sequence(frames=FrameList(path, [*named]), folder=path.parent, name=path.stem)
        home = str(path if below == Path() else root)
        self.sources.append(
            Source(text=str(path), home=home, shot=shot, below=below, shared=shared, video=video)
        )

    def add(self, source: Source) -> None:
        """Add a source unless its files are there already."""
        files = {Path(os.path.realpath(frame.path)) for frame in source.shot.frames}
        if not files <= self.seen:
            self.seen |= files
            self.sources.append(source)

    def _folders(self, root: Path) -> Iterator[Path]:
        yield root
        if not self.recursive:
            return
        for place, names, _ in os.walk(root):
            names[:] = sorted(name for name in names if not name.startswith("."))
            for name in list(names):
                folder = Path(place, name)
                if not self._may_look(folder):
                    names.remove(name)
                elif (folder / RECORD_FOLDER).is_dir() and not _is_fresh(folder):
                    self.passed_over.append(folder)
                    names.remove(name)
                else:
                    yield folder

    def _may_look(self, folder: Path) -> bool:
        """Tell whether a folder within can be listed; one that cannot is refused by itself."""
        try:
            with os.scandir(folder) as entries:
                next(entries, None)
            (folder / RECORD_FOLDER).is_dir()
        except OSError as error:
            if all(path != folder for path, _ in self.refused):
                fault = SourceError(
                    f"{folder} cannot be listed: {error.strerror}. Give yourself the right to read "
                    "it, or name the folders beside it."
                )
                self.refused.append((folder, fault))
            return False
        return True

    def without_results(
        self, folder: Path, found: list[tuple[str, Sequence]]
    ) -> list[tuple[str, Sequence]]:
        """Return the sequences less what was made of other pictures among them."""
        names = {frame.path.name for _, shot in found for frame in shot.frames}
        made = results_among(folder, names)
        if not made:
            return found
        self.passed_over += [folder / name for name in sorted(made)]
        kept = sequences_of(folder, names - made)
        ignored = found[0][1].ignored
        return [(text, replace(shot, ignored=ignored)) for text, shot in kept]


def find_shot(source: str, frame_range: str | None = None) -> Sequence:
    """Find the frames that `source` names, as `find_sequence`; of a folder less the results that
    lie beside their sources.

    Raises:
        SourceError, UsageError: as `find_sequence`.
    """
    return find_sequence(source, frame_range, left_out=results_among)


def videos_beside(shot: Sequence) -> tuple[Path, ...]:
    """Return the videos in the folder of a shot that are no results; they are not taken."""
    return tuple(_source_videos(shot.ignored))


def _source_videos(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the videos among some files that were not made here."""
    for path in paths:
        if is_video(path) and not is_housekeeping(path.name) and not record_path(path).exists():
            yield path


def one_sequence(text: str) -> Source:
    """Return the one sequence that a folder, a file or a pattern names.

    Raises:
        SourceError, UsageError: as `find_sequence`.
    """
    return Source(text=text, home=text, shot=find_shot(text))


def results_among(folder: Path, names: Set[str]) -> set[str]:
    """Return those of some pictures of a folder that were made of others of them, or are sheets.

    A picture that is not the one that was made counts as a result that somebody retouched, unless
    it has a number among frames that were not made: then it is the frame itself, which was
    delivered later.
    """
    sheets = {sheet_beside(Path(name)).name for name in names} & names
    names = names - sheets
    if not (folder / RECORD_FOLDER).is_dir():
        return sheets
    records = {name: read_record(folder / name) for name in names}
    made = {
        name: record
        for name, record in records.items()
        if record is not None and _name_of_source(record) in names - {name}
    }
    delivered: set[str] = set()
    for group in numbered_groups(names).values() if made else ():
        numbered = {name for _, name in group}
        if not numbered <= made.keys():
            results = numbered & made.keys()
            delivered |= {one for one in results if not made[one].has_bytes_of(folder / one)}
    return sheets | (made.keys() - delivered)


def sheet_beside(picture: Path) -> Path:
    """Return where `sheet` puts a sheet of a picture unless it is told."""
    return picture.with_name(f"{picture.stem}_sheet.png")


def _name_of_source(record: FrameRecord) -> str | None:
    """Return the name of the picture beside it that a result was made of."""
    source = Path(record.source)
    return source.name if source.parent == Path(record.output).parent else None


def _is_fresh(folder: Path) -> bool:
    """Tell whether the pictures of a folder are sources, although records lie in it."""
    frames = [frame for _, shot in sequences_in_folder(folder) for frame in shot.frames]
    return any(not record_path(frame.path).exists() for frame in frames)
