"""The tracks of a shot: where each face is in every frame, in a file that people may edit.

`reggan-plugin track` writes it, `reggan-plugin render --tracks` reads it, and any program may
write one of its own (JSON, UTF-8, at most 128 MiB):

    {
      "kind": "reggan-tracks",
      "schema": 1,
      "source": "shot/",
      "smoothing": "by hand",
      "exposure_ev": 0.5,
      "size": [1920, 1080],
      "cuts": ["1043"],
      "frames": {
        "1001": {"file": "shot.1001.exr", "faces": [
          {"face": 0, "status": "found", "score": 0.98,
           "landmarks": {"left_eye": [702.1, 310.5], "right_eye": [...], "nose_tip": [...],
                         "mouth_left": [...], "mouth_right": [...], "chin": [...]},
           "box": [520.0, 250.0, 310.0, 310.0]}]},
        "1002": {"note": "cannot be read", "faces": []}
      }
    }

`kind`, `schema`, `frames` and in every frame `faces` are needed, the rest may be left out.

- A frame is named by its number, or by its file name where it has none. A frame that is not
  named at all was not tracked, and `render` refuses it; one with `"faces": []` shows no face.
- `face` is the face's identity: the same number in every frame of a shot, once a frame. `render
  --face largest` takes, between two cuts, the face whose median box is the largest (0 where it is
  absent); `--face 2` the face with this number.
- `landmarks` place the face: [x, y] in pixels from the top-left corner of the picture as it is
  displayed (of an EXR's display window), pixel centres at halves. *Left* is the face's own left.
- `box` is [x, y, width, height], brows to below the chin. It places the face where there are no
  landmarks; beside landmarks it is a by-product that nobody reads. One of the two is needed.
- `status`: `found` in this frame; `filled` from its neighbours; `given` by a person or a 3D scene.
  Of `occluded`, `outside` (of the picture) and `behind` (the camera) the face is left unchanged.
- `dense` are the landmarks of a model that lays a rig over faces, smoothed, and what is the same
  of the character's mouth in all of the shot; see `_dense_entry` in `faces/tracks_file.py`. Delete
  it where you move `landmarks` a little; where they are far away, it is left out by itself. Without
  it each frame finds its own.
- `score` is the confidence from 0 to 1, by default 1.
- `size` is the width and height of the pictures that the places are of. A frame of another size is
  refused; without it none is.
- `exposure_ev` brings scene-linear faces of the whole shot to display brightness; null measures.
- `cuts` name the first frame after each cut: identity and smoothing end there.
- `file` finds a frame of which only the file's name is known.
- `source`, `smoothing` and `note` are for people.

Fields that are not known are ignored, so that a program may keep its own beside these.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np

from reggan_plugin.array_types import SixPoints
from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.faces.landmarks_and_pose import FaceLandmarks
from reggan_plugin.frozen import frozen

SCHEMA = 1
FaceStatus = Literal["found", "filled", "given", "occluded", "outside", "behind"]
STATUSES: tuple[FaceStatus, ...] = ("found", "filled", "given", "occluded", "outside", "behind")
VISIBLE: frozenset[FaceStatus] = frozenset({"found", "filled", "given"})
Box = tuple[float, float, float, float]
WhichFaces = Literal["largest", "all"] | int | tuple[int, ...]
"""The faces that are meant: by size over the shot, or by number."""


@frozen(eq=False)
class TrackedFace:
    """One face in one frame, in pixels of the picture as displayed.

    Attributes:
        face: its identity over the shot.
        landmarks: the six points; None where only the box is known.
        box_px: x, y, width, height; brows to below the chin.
        score: the locator's confidence in [0, 1].
        status: how the position is known, or why the face cannot be seen.
        in_shot: its dense landmarks, and what its frames together say of it; None where the shot
            was tracked for the six landmarks alone.
    """

    face: int
    landmarks: SixPoints | None
    box_px: Box
    score: float = 1.0
    status: FaceStatus = "given"
    in_shot: FaceInShot | None = None

    @property
    def size_px(self) -> float:
        """Mean side of the box."""
        return (self.box_px[2] + self.box_px[3]) / 2


@frozen(eq=False)
class TrackedFrame:
    """The faces of one frame, by identity; `note` says what was wrong with it."""

    faces: tuple[TrackedFace, ...]
    file: str | None = None
    note: str | None = None


@frozen(eq=False)
class Tracks:
    """All faces of a shot.

    Attributes:
        frames: in the order of the shot, by frame number as text (`"1001"`, without padding)
            or file name; see `frame_key`.
        cuts: the keys of the first frames after each cut.
        exposure_ev: stops for the whole shot; None for frames that are not scene-linear.
        source: what was tracked.
        smoothing: what was done to the positions; None if nothing.
        picture_px: (height, width) of the pictures; None if it is not known.
    """

    frames: Mapping[str, TrackedFrame]
    cuts: tuple[str, ...] = ()
    exposure_ev: float | None = None
    source: str | None = None
    smoothing: str | None = None
    picture_px: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        unknown = [cut for cut in self.cuts if cut not in self.frames]
        if unknown:
            raise ValueError(f"cuts {unknown} are no frames of these tracks")

    @cached_property
    def numbers(self) -> list[int]:
        """The identities of all faces."""
        return sorted({face.face for frame in self.frames.values() for face in frame.faces})

    @property
    def largest(self) -> set[int]:
        """The identities that `largest` means, one at most between two cuts."""
        return {face for face in self._largest_by_frame.values() if face is not None}

    def chosen_at(self, which: WhichFaces, *names: int | str) -> tuple[TrackedFace, ...]:
        """Return the visible faces of a frame that are meant, by identity.

        `largest` is the face with the largest median box between the cuts around this frame. A
        frame without it counts as 0, so a face that comes close for a moment is not meant.

        Raises:
            SourceError: the frame was not tracked.
        """
        key = self.key_of(*names)
        seen = tuple(face for face in self.frames[key].faces if face.status in VISIBLE)
        wanted = self._largest_by_frame[key] if which == "largest" else which
        named = wanted if isinstance(wanted, tuple) else (wanted,)
        return tuple(face for face in seen if wanted == "all" or face.face in named)

    def refuse_unknown(self, which: WhichFaces) -> None:
        """Refuse a face number that no frame has, where frames have faces.

        Raises:
            UsageError: there are faces, but not this one.
        """
        numbers = self.numbers
        asked = which if isinstance(which, tuple) else (which,)
        unknown = [face for face in asked if isinstance(face, int) and face not in numbers]
        if numbers and unknown:
            raise UsageError(
                f"Face {unknown[0]} is not in the tracks, which hold "
                f"{', '.join(map(str, numbers))}. Give one of these, or the largest.",
                kind="face-not-in-tracks",
            )

    def refuse_other_size(self, picture_px: tuple[int, int]) -> None:
        """Refuse a picture in which these places lie elsewhere.

        Args:
            picture_px: (height, width) of the picture as it is displayed.

        Raises:
            SourceError: it has another size than the pictures that were tracked.
        """
        if self.picture_px is None or picture_px == self.picture_px:
            return
        found, wanted = (f"{width}x{height}" for height, width in (picture_px, self.picture_px))
        raise SourceError(
            f"The picture is {found}, but the tracks are of pictures of {wanted}. Give pictures "
            "of that size, or track the shot at the size of these.",
            kind="tracks-of-other-size",
        )

    def key_of(self, *names: int | str | None) -> str:
        """Return the key of the frame that has one of these names, or was read from such a file.

        Args:
            names: best first; None is none.

        Raises:
            SourceError: the frame was not tracked.
        """
        known = [str(name) for name in names if name is not None]
        for key in map(frame_key, known):
            if key in self.frames:
                return key
        for name in known:
            if name in self._key_by_file:
                return self._key_by_file[name]
        keys = list(self.frames)
        extent = f"{keys[0]} to {keys[-1]}" if keys else "no frame"
        raise SourceError(
            f"Frame {' or '.join(known)} is not in the tracks, which hold {extent}. "
            "Track the whole shot again.",
            kind="frame-not-in-tracks",
        )

    def stretches(self) -> list[list[str]]:
        """Return the keys of the frames, divided at the cuts."""
        keys = list(self.frames)
        cuts = set(self.cuts)
        starts = [0, *(i for i, key in enumerate(keys) if i and key in cuts), len(keys)]
        return [keys[begin:end] for begin, end in pairwise(starts)]

    @cached_property
    def _key_by_file(self) -> dict[str, str]:
        return {frame.file: key for key, frame in self.frames.items() if frame.file is not None}

    @cached_property
    def _largest_by_frame(self) -> dict[str, int | None]:
        table: dict[str, int | None] = {}
        for keys in self.stretches():
            largest = _largest_face([self.frames[key] for key in keys])
            table.update(dict.fromkeys(keys, largest))
        return table


def frame_key(name: int | str) -> str:
    """Key of a frame in `Tracks.frames`: its number without padding, or its name."""
    text = str(name)
    return str(int(text)) if text.removeprefix("-").isdecimal() and len(text) <= 12 else text


def face_from_landmarks(
    face: int, points: SixPoints, score: float, status: FaceStatus
) -> TrackedFace:
    """Return the face with its box, rounded to what a file keeps: a thousandth of a pixel."""
    kept = points.astype(np.float64).round(3)
    x, y, width, height = (round(value, 3) for value in FaceLandmarks(kept).box)
    return TrackedFace(
        face=face,
        landmarks=kept,
        box_px=(x, y, width, height),
        score=round(score, 4),
        status=status,
    )


def _largest_face(frames: Sequence[TrackedFrame]) -> int | None:
    """Return the identity with the largest median size; of two as large, the one with the largest
    sum.
    """
    sizes: dict[int, list[float]] = defaultdict(list)
    for frame in frames:
        for face in frame.faces:
            if face.status in VISIBLE:
                sizes[face.face].append(face.size_px)

    def rank(face: int) -> tuple[float, float, int]:
        absent = [0.0] * (len(frames) - len(sizes[face]))
        return -float(np.median([*sizes[face], *absent])), -sum(sizes[face]), face

    return min(sizes, key=rank, default=None)
