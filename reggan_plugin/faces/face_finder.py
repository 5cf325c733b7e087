"""Find the face, in order of trust: given, located, or the whole picture."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.array_types import Float, Pixels, SixPoints
from reggan_plugin.errors import Remark, SourceError, UsageError
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.faces.landmarks_and_pose import (
    FAR_FROM_HUMAN,
    LANDMARK_NAMES,
    FaceLandmarks,
    distance_from_human,
    head_pose_from_landmarks,
    located_yaw_deg,
)
from reggan_plugin.faces.locator import FaceLocator
from reggan_plugin.faces.tracks import FaceStatus, TrackedFace, Tracks, WhichFaces
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import (
    FaceCrop,
    crop_around_face,
    crop_from_box,
    crop_from_landmarks,
    crop_of_whole_image,
    face_size_px,
)
from reggan_plugin.json_and_toml import read_json
from reggan_plugin.limits import is_coordinate

_LARGEST_CROP = 8.0
"""A crop may be this many times as large as the frame before it is taken for a slip."""
_SMALLEST_CROP_PX = 4.0
LEAST_ROLL_DEG = 15.0
"""A box on a face that is rolled less stays upright: whoever drew it saw that it fits."""
_FARTHEST_IN_BOX = 0.5
"""Sides of a box from its middle to that of a face that is meant by it: boxes are drawn by hand."""
_OF_BOX = [0, 1, 3, 4]
"""Landmarks whose mean is the middle of `FaceLandmarks.box`."""


@frozen
class FaceChoice:
    """The faces to change, and the source of their places.

    Attributes:
        box: x, y, width, height in pixels, brows to below the chin. It is not searched for; the
            face in it may have any roll.
        landmarks: a JSON file of points (see `read_landmarks`); no locator is used.
        tracks: the faces of the whole shot; no locator is used.
        whole_image: take the largest square in the middle.
        which: of the located faces, the largest, all, or those at one index or several, largest
            first; of tracks, the largest over the shot, all, or by identity.
    """

    box: tuple[float, float, float, float] | None = None
    landmarks: Path | None = None
    tracks: Tracks | None = None
    whole_image: bool = False
    which: WhichFaces = "largest"

    def __post_init__(self) -> None:
        is_box = self.box is None or (
            isinstance(self.box, Sequence | np.ndarray)
            and len(self.box) == 4
            and all(isinstance(one, Real) for one in self.box)
        )
        if not (
            is_box
            and isinstance(self.landmarks, Path | None)
            and isinstance(self.tracks, Tracks | None)
            and isinstance(self.whole_image, bool)
        ):
            raise UsageError(
                f"{self!r:.200} says in no known way where the face is; expected four numbers of a "
                "box, the Path of landmarks, tracks, or True for the whole image."
            )
        numbers = self.which if isinstance(self.which, tuple) else (self.which,)
        is_named = all(
            one in ("largest", "all") if isinstance(one, str) else type(one) is int and one >= 0
            for one in numbers
        )
        if not (numbers and is_named):
            raise UsageError(
                f"{self.which!r:.200} names no face; give 'largest', 'all', a number (0 is the "
                "largest face) or several."
            )
        if sum(self._givers()) > 1:
            raise UsageError(
                "Of a box, landmarks, tracks and the whole image, at most one can say where the "
                "face is.",
                kind="two-places-of-face",
            )

    @property
    def needs_locator(self) -> bool:
        """True if nobody says where the face is."""
        return not any(self._givers())

    def _givers(self) -> tuple[bool, ...]:
        given = (self.box, self.landmarks, self.tracks)
        return (*(one is not None for one in given), self.whole_image)


class ChosenFaces(tuple[FaceCrop, ...]):
    """Crops of the faces that are meant; `there` are the numbers of all in the frame."""

    there: Sequence[int] = ()

    @classmethod
    def of(cls, crops: Iterable[FaceCrop], there: Sequence[int]) -> "ChosenFaces":
        """Choose crops of the faces that are there."""
        chosen = cls(crops)
        chosen.there = there
        return chosen


class FaceFinder:
    """Finds the crops of a frame as a choice asks, for one model."""

    def __init__(self, canonical: SixPoints, side_px: int) -> None:
        self._canonical, self._side_px = canonical, side_px
        self._given: dict[Path, dict[str, list[FaceLandmarks]]] = {}

    def find(
        self, image: Float[np.ndarray, "height width *channels"], choice: FaceChoice
    ) -> ChosenFaces:
        """Locate faces in a picture as `FaceLocator.locate` takes it, largest first."""
        faces = self._locator.locate(image)
        return self._chosen_crops(faces, choice, "found")

    def turned_as_seen(self, crop: FaceCrop, image: Pixels, place: FaceCrop) -> FaceCrop:
        """Return a box's crop with the roll and the yaw of the face in it; as it is where none is
        seen.

        Args:
            crop: of the box, upright.
            image: what surrounds it (sRGB-encoded, [0, 1]).
            place: the crop in that picture.
        """
        points = place.place(self._canonical * self._side_px)
        face = self._locator.read_any_way_up(image, points)
        if face is None:
            return crop
        seen, size = crop_around_face(face.points), face_size_px(crop_around_face(points))
        away = float(np.hypot(*(face.points[_OF_BOX] - points[_OF_BOX]).mean(axis=0)))
        if away > _FARTHEST_IN_BOX * size or not 0.5 < face_size_px(seen) / size < 2.0:
            return crop
        yaw_deg = located_yaw_deg(face)
        across, down = seen.frame_from_crop[:, 0]
        roll_deg = math.degrees(math.atan2(down, across))
        if abs(roll_deg) > LEAST_ROLL_DEG:
            middle = crop.place(
                self._canonical[_OF_BOX].mean(axis=0, keepdims=True) * self._side_px
            )
            crop = crop.rolled(roll_deg, middle[0])
        return replace(crop, yaw_deg=yaw_deg)

    @cached_property
    def _locator(self) -> FaceLocator:
        return FaceLocator()

    def place(
        self,
        shape: tuple[int, int],
        choice: FaceChoice,
        names: tuple[str, ...],
        origin_px: tuple[int, int] = (0, 0),
    ) -> ChosenFaces:
        """Crops that are given: by box, by landmarks, by tracks, or the whole picture.

        Args:
            shape: (height, width) of the frame's pixels.
            choice: says where, in the picture as it is displayed.
            names: what landmarks or tracks may call the frame, best first.
            origin_px: (row, column) of the first pixel in the picture as displayed.

        Raises:
            UsageError: a given crop is far larger than the frame, or outside of it.
            SourceError: the landmarks file cannot be used or does not name the frame, or the frame
                was not tracked.
        """
        if choice.whole_image:
            return ChosenFaces.of([crop_of_whole_image(*shape, self._side_px)], [0])
        if choice.box is not None:
            box = crop_from_box(choice.box, self._canonical, self._side_px)
            given = ChosenFaces.of([box], [0])
        elif choice.tracks is not None:
            faces = choice.tracks.chosen_at(choice.which, *names)
            there = [face.face for face in choice.tracks.chosen_at("all", *names)]
            given = ChosenFaces.of(map(self._crop_of_tracked, faces), there)
        else:
            given = self._chosen_crops(self._given_faces(choice, names), choice, "given")
        crops = [crop.moved(-origin_px[1], -origin_px[0]) for crop in given]
        for crop in crops:
            _check_lies_in(crop, *shape, origin_px, choice.box)
        return ChosenFaces.of(crops, given.there)

    def _given_faces(self, choice: FaceChoice, names: tuple[str, ...]) -> list[FaceLandmarks]:
        path = choice.landmarks
        assert path is not None, "without a box or a whole image there is a file"
        if path not in self._given:
            self._given[path] = read_landmarks(path)
        table = self._given[path]
        known = next((name for name in (*names, "*") if name in table), None)
        if known is None:
            there = ", ".join([*table][:3]) or "no frame"
            who = f"Frame {' or '.join(names)}" if names else "A picture without a name"
            raise SourceError(
                f"{who} is not in {path}, which names {there}{', ...' if len(table) > 3 else ''}. "
                'Add it, with [] if it shows no face; "*" stands for all others.'
            )
        return table[known]

    def _crop_of_tracked(self, face: TrackedFace) -> FaceCrop:
        if face.landmarks is None:
            crop = crop_from_box(face.box_px, self._canonical, self._side_px)
        else:
            is_located = face.status in ("found", "filled")
            crop = self.crop_of(FaceLandmarks(face.landmarks), is_located=is_located)
        in_shot = None if face.in_shot is None else _in_crop(face.in_shot, crop)
        return replace(crop, face=face.face, score=face.score, status=face.status, in_shot=in_shot)

    def _chosen_crops(
        self, faces: list[FaceLandmarks], choice: FaceChoice, status: FaceStatus
    ) -> ChosenFaces:
        by_size = dict(enumerate(sorted(faces, key=lambda face: -face.eye_distance_px)))
        named = choice.which if isinstance(choice.which, tuple) else (choice.which,)
        named = (0,) if choice.which == "largest" else named
        crops = (
            replace(
                self.crop_of(face, is_located=status == "found"),
                face=place,
                score=face.score if status == "found" else None,
                status=status,
            )
            for place, face in by_size.items()
            if choice.which == "all" or place in named
        )
        return ChosenFaces.of(crops, list(by_size))

    def crop_of(self, face: FaceLandmarks, *, is_located: bool = False) -> FaceCrop:
        """Place the crop of a face by its landmarks; `is_located` if our locator found them."""
        yaw_deg = located_yaw_deg(face) if is_located else head_pose_from_landmarks(face).yaw_deg
        crop = crop_from_landmarks(face, self._canonical, self._side_px)
        return replace(crop, yaw_deg=yaw_deg)


def _in_crop(face: FaceInShot, crop: FaceCrop) -> FaceInShot:
    """Return what a shot says of a face, from pixels of the picture to parts of the crop's side."""
    to_crop = crop.crop_from_frame / crop.side_px
    return replace(
        face,
        places=face.places @ to_crop[:, :2].T + to_crop[:, 2],
        sigma=face.sigma / (crop.scale * crop.side_px),
    )


_MOST_LOOKED_AT = 2_000


def read_landmarks(path: Path) -> dict[str, list[FaceLandmarks]]:
    """Read `{frame: {left_eye: [x, y], ...}}`, or a list of such faces for a frame.

    A frame is named by its file name or its number; `*` stands for every other frame. The
    points alone, without a frame, stand for every frame. All six names are needed.

    Raises:
        SourceError: not JSON, or a point is missing; the message names frame and point.
    """
    try:
        content = read_json(path)
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(f"{path} cannot be read as landmarks: {error}") from error
    if isinstance(content, dict) and "left_eye" in content:
        content = {"*": content}
    if not isinstance(content, dict):
        raise SourceError(f'{path} holds no object; expected {{"<frame>": {{"left_eye": [x, y], …')
    return {
        str(frame): [
            _face(path, frame, face) for face in (value if isinstance(value, list) else [value])
        ]
        for frame, value in content.items()
    }


def notices_of_landmarks(path: Path) -> list[str]:
    """Warn of faces in a landmarks file whose proportions are no person's.

    Of many faces some are looked at, evenly: a slip is in all of them.

    Raises:
        SourceError: as `read_landmarks`.
    """
    given = [(frame, face) for frame, each in read_landmarks(path).items() for face in each]
    looked_at = given[:: 1 + len(given) // _MOST_LOOKED_AT]
    far = list(
        dict.fromkeys(
            frame for frame, face in looked_at if distance_from_human(face) > FAR_FROM_HUMAN
        )
    )
    if not far:
        return []
    more = f" and {len(far) - 1} more" if far[1:] else ""
    where = "" if far == ["*"] else f", frame {far[0]}{more}"
    text = (
        f"{path.name}{where}: these landmarks are far from a human face's, so the result may be "
        "odd. Check their order: left is the face's own left, in a picture on the right."
    )
    return [Remark(text, "unusual-landmarks", source=path, frames=len(far))]


def _face(path: Path, frame: str, points: Any) -> FaceLandmarks:
    for name in LANDMARK_NAMES:
        point: Any = points.get(name) if isinstance(points, dict) else None
        is_pair = isinstance(point, list) and len(point) == 2
        if not is_pair or not all(map(is_coordinate, point)):
            raise SourceError(
                f"{path}, frame {frame!r}: {name} is missing, or is no [x, y] in pixels; every "
                f"face needs {', '.join(LANDMARK_NAMES)}."
            )
    found = np.array([points[name] for name in LANDMARK_NAMES], np.float64)
    return FaceLandmarks(found)


def _check_lies_in(
    crop: FaceCrop,
    height: int,
    width: int,
    origin_px: tuple[int, int],
    box: tuple[float, float, float, float] | None,
) -> None:
    """Refuse a given face that cannot be one of a frame, in the numbers that were given."""
    size_px = crop.scale * crop.side_px
    low, high = crop.corners().min(axis=0), crop.corners().max(axis=0)
    outside = low[0] >= width or low[1] >= height or high[0] <= 0 or high[1] <= 0
    too_large = (high - low).max() > _LARGEST_CROP * max(height, width, 16)
    if size_px >= _SMALLEST_CROP_PX and not outside and not too_large:
        return
    top, left = origin_px
    if box is not None:
        given = f"The face box {','.join(f'{value:g}' for value in box)}"
    else:
        shown = [(f"{x + left:.0f}, {y + top:.0f}") for x, y in (low, high)]
        first, last = shown
        given = f"The given face, whose crop reaches from ({first}) to ({last}),"
    if size_px < _SMALLEST_CROP_PX:
        raise UsageError(
            f"{given} is too small: expected a face of at least {_SMALLEST_CROP_PX:g} pixels. Give "
            "box or landmarks in the frame's pixels."
        )
    reach = f"from ({left}, {top}) to ({left + width}, {top + height})" if top or left else ""
    raise UsageError(
        f"{given} {'lies outside of' if outside else 'is far larger than'} the frame, which "
        f"{f'reaches {reach}' if reach else f'is {width}x{height}'}. Give box or landmarks in the "
        "frame's pixels, from its top-left corner."
    )
