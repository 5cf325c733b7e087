"""The files that the page may show: those named on the command line, samples, and uploads.

The page knows them by number alone, so that no request can name another file.
"""

import re
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.files.image_format import VIDEO_SUFFIXES, can_read, image_formats, is_video
from reggan_plugin.files.mesh_suffixes import GLTF_SUFFIXES
from reggan_plugin.files.video import VideoFile
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.input_files import Source, find_sources, one_sequence
from reggan_plugin.limits import MOST_UPLOAD_BYTES, MOST_UPLOADED_BYTES

_LONGEST_NAME = 200
HEAD_SUFFIXES = (*GLTF_SUFFIXES, ".obj")
_BESIDE_HEADS = (".bin", ".mtl")
_RESERVED = frozenset('/\\:*?"<>|')


@frozen
class OpenShot:
    """Frames that were opened together, or a head, which has two pictures of one file.

    Attributes:
        source: what `render --frames` takes for them, or the head's file.
        first: number of the first file; the others follow.
        paths: the files.
        is_uploaded: whether they lie in the page's own folder, which nobody else knows.
        is_sample: whether they came along.
        is_head: whether it is a head: its picture from the front, then its map.
        texture: the map of a head whose file names none.
        video: the clip whose frames they are.
    """

    source: Path
    first: int
    paths: tuple[Path, ...]
    is_uploaded: bool = False
    is_sample: bool = False
    is_head: bool = False
    texture: Path | None = None
    video: VideoFile | None = None

    @property
    def is_users_own(self) -> bool:
        """True if results may go beside it."""
        return not (self.is_uploaded or self.is_sample)


def is_head(path: Path) -> bool:
    """Tell whether the name is that of a head's file."""
    return path.suffix.lower() in HEAD_SUFFIXES


def frames_of(source: Path) -> Source:
    """Find the frames of a clip, or of the one sequence that a folder, file or pattern names.

    Raises:
        SourceError: it holds no frame.
        MissingExtraError: it is a clip, and what reads it is not installed.
    """
    text = str(source)
    return find_sources([text]).sources[0] if is_video(source) else one_sequence(text)


def refuse_odd_name(name: str) -> None:
    """Refuse names of uploads that are more than a file's name.

    Raises:
        UsageError: it leads elsewhere, or no system takes it.
    """
    allowed = name.isprintable() and not set(name) & _RESERVED and not name.startswith(".")
    if not (allowed and 0 < len(name.encode()) <= _LONGEST_NAME):
        raise UsageError(f"{name[:80]!r} cannot be the name of an upload. Rename the file.")


class OpenFiles:
    """Files by number, in the order in which they were opened."""

    def __init__(
        self,
        samples: tuple[Path, ...] = (),
        *,
        most_file_bytes: int = MOST_UPLOAD_BYTES,
        most_bytes: int = MOST_UPLOADED_BYTES,
    ) -> None:
        """Open nothing yet.

        Args:
            samples: folders of frames that the page may open by name.
            most_file_bytes: of one upload.
            most_bytes: of all uploads.
        """
        self._samples = {path.name: path for path in samples}
        self._folder = tempfile.TemporaryDirectory(prefix="reggan-page-")
        self._lock = threading.Lock()
        self._shots: list[OpenShot] = []
        self._drops: dict[str, Path] = {}
        self._uploaded_bytes = 0
        self.most_file_bytes, self._most_bytes = most_file_bytes, most_bytes

    @property
    def sample_names(self) -> tuple[str, ...]:
        """Names that `open_sample` takes."""
        return tuple(self._samples)

    @property
    def shots(self) -> tuple[OpenShot, ...]:
        """All that is open."""
        return tuple(self._shots)

    def path(self, number: int) -> Path:
        """Return the file with a number.

        Raises:
            UsageError: there is none.
        """
        shot = self.shot_of(number)
        return shot.paths[number - shot.first]

    def shot_of(self, number: int) -> OpenShot:
        """Shot that the file with a number was opened with.

        Raises:
            UsageError: there is none.
        """
        for shot in self._shots:
            if 0 <= number - shot.first < len(shot.paths):
                return shot
        raise UsageError(f"There is no open file {number}. Load the page again, or open the file.")

    def open(self, source: Path, *, is_uploaded: bool = False, is_sample: bool = False) -> OpenShot:
        """Open a picture, a folder of frames, a pattern, a clip, or a head.

        Raises:
            SourceError: it holds no frame.
            MissingExtraError: it is a clip, and what reads it is not installed.
        """
        if is_head(source):
            return self._open_head(source, is_uploaded=is_uploaded)
        found = frames_of(source)
        shot = OpenShot(
            source=source,
            first=0,
            paths=tuple(frame.path for frame in found.shot.frames),
            is_uploaded=is_uploaded,
            is_sample=is_sample,
            video=found.video,
        )
        return self._add(shot)

    def _open_head(
        self, source: Path, *, is_uploaded: bool, texture: Path | None = None
    ) -> OpenShot:
        if not source.is_file():
            raise SourceError(f"There is no file {source}. Check the path.")
        return self._add(
            OpenShot(
                source=source,
                first=0,
                paths=(source, source),
                is_uploaded=is_uploaded,
                is_head=True,
                texture=texture,
            )
        )

    def _add(self, shot: OpenShot) -> OpenShot:
        with self._lock:
            counted = replace(shot, first=self._count())
            self._shots.append(counted)
        return counted

    def open_sample(self, name: str) -> OpenShot:
        """Open frames that come along.

        Raises:
            UsageError: there is no such sample.
        """
        if name not in self._samples:
            raise UsageError(f"{name!r} is no sample; there are {', '.join(self._samples)}.")
        return self.open(self._samples[name], is_sample=True)

    def place_of_upload(self, drop: str, name: str) -> Path:
        """Path for a file that is uploaded with others in one `drop`.

        Raises:
            UsageError: the name is none of a picture's file, or that of another one of the drop.
        """
        refuse_odd_name(name)
        if not (drop.isalnum() and len(drop) <= 64):
            raise UsageError(f"{drop[:80]!r} is no name of a drop. Load the page again.")
        is_of_head = Path(name).suffix.lower() in (*HEAD_SUFFIXES, *_BESIDE_HEADS)
        if not (is_of_head or can_read(Path(name)) or is_video(Path(name))):
            read = ", ".join(one.name for one in image_formats())
            raise UsageError(
                f"{name} is no picture that is read. Export it as one: {read}. Heads are read as "
                f"GLB, VRM, glTF and OBJ, clips as {', '.join(VIDEO_SUFFIXES)}."
            )
        with self._lock:
            if drop not in self._drops:
                folder = Path(self._folder.name) / f"{len(self._drops)}" / "frames"
                folder.mkdir(parents=True)
                self._drops[drop] = folder
            place = self._drops[drop] / name
        if place.exists():
            raise UsageError(
                f"Two of the dropped files are called {name}. Drop their folders one after the "
                "other."
            )
        return place

    def count_upload(self, size_bytes: int) -> None:
        """Count bytes that are about to be written.

        Raises:
            SourceError: there are too many.
        """
        with self._lock:
            if self._uploaded_bytes + size_bytes > self._most_bytes:
                raise SourceError(
                    f"More than {self._most_bytes >> 20} MiB were dropped on the page. Start it "
                    "on the folder instead: reggan-plugin ui FOLDER."
                )
            self._uploaded_bytes += size_bytes

    def open_drop(self, drop: str) -> OpenShot:
        """Open what was uploaded in one drop.

        Raises:
            UsageError: nothing was, or a head or a clip with another or with pictures.
            SourceError: it holds no frame.
        """
        folder = self._drops.get(drop)
        if folder is None:
            raise UsageError("Nothing was uploaded. Drop the file again.")
        files = sorted(folder.iterdir())
        heads = [path for path in files if is_head(path)]
        clips = [path for path in files if is_video(path)]
        if len(heads) > 1 or (clips and len(files) > 1):
            names = ", ".join(path.name for path in [*clips, *heads][:5])
            raise UsageError(
                f"{names} came with other files, and one head, one clip or the pictures of a shot "
                "are opened at a time. Drop each by itself."
            )
        if heads:
            pictures = [path for path in files if can_read(path)]
            is_obj = heads[0].suffix.lower() == ".obj"
            texture = pictures[0] if is_obj and len(pictures) == 1 else None
            return self._open_head(heads[0], is_uploaded=True, texture=texture)
        return self.open(files[0] if len(files) == 1 else folder, is_uploaded=True)

    def without_folder(self, text: str) -> str:
        """Return a sentence that calls uploads by their names, without the page's own folder."""
        own = re.escape(self._folder.name) + r"[/\\]\d+[/\\]frames[/\\]"
        short = re.escape(tempfile.gettempdir()) + r"[/\\]reggan-(?:take|save)-[^/\\]+[/\\]"
        return re.sub(f"{own}|{short}", "", text)

    def close(self) -> None:
        """Remove all uploads."""
        self._folder.cleanup()

    def _count(self) -> int:
        return sum(len(shot.paths) for shot in self._shots)
