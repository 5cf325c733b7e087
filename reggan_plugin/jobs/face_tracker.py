"""Track faces: detect near the last position, search the whole frame only when that fails.

Searching the whole frame takes most of a track's time. It is also done in the first frame, where
the picture changes, every so often for faces that come in, and more often as long as there is none.
Whether such a face was there in the frames before is then looked for near it alone
(`ShotDetections.look_back`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from reggan_plugin.array_types import Float
from reggan_plugin.faces.detection import Detection, patch_around, patch_crop
from reggan_plugin.faces.detector_candidates import LEAST_FOLLOWED_SCORE
from reggan_plugin.faces.face_crop import crop_around_face, face_centre_px, face_size_px
from reggan_plugin.faces.filled_gaps import MOST_FILLED
from reggan_plugin.faces.linking import Thumbnail, is_changed
from reggan_plugin.faces.locator import FaceLocator
from reggan_plugin.faces.smoothing import Points
from reggan_plugin.files.frame import Encoding, Frame
from reggan_plugin.imaging.colour import LUMA_WEIGHTS
from reggan_plugin.imaging.crop import region_of
from reggan_plugin.transfer.display_picture import display_picture, exposure_of

SEARCH_EVERY = 12
"""Frames from one search of the whole picture to the next: half a second."""
_SEARCH_WITHOUT_FACE = 3
"""As long as no face is known: a shot may fade in, or its first frame be damaged."""
_AROUND = 1.6
"""Side of what is looked at near a face, in sides of its patch."""
_LONGEST_NEAR_PX = 512
_ONE_PLACE_SIZES = 0.5
_THUMBNAIL = (32, 18)
_THUMBNAIL_SOURCE_PX = 128


@dataclass(frozen=True, kw_only=True, eq=False)
class Observation:
    """The faces of one frame; points are in pixels of the picture as displayed."""

    detections: tuple[Detection, ...]
    thumbnail: Thumbnail
    searched: bool
    """True if the whole picture was searched, so that no face can have been missed."""
    exposure_ev: float | None
    """Of the largest face, in stops; None without one, or if the frame is not scene-linear."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Known:
    """The last position of a face, and its age in frames."""

    points: Points
    missed: int = 0


class FaceTracker:
    """Looks at the frames of a shot in order."""

    def __init__(self) -> None:
        self._locator = FaceLocator()
        self._known: list[_Known] = []
        self._shown: Thumbnail | None = None
        self._since_search = self._found_nothing = 0

    def observe(self, frame: Frame) -> Observation:
        """Find the faces of the next frame."""
        thumbnail = thumbnail_of(frame)
        is_other = is_changed(self._shown, thumbnail)
        places = [] if is_other else [known.points for known in self._known]
        near = self.look_near(frame, places)
        expected = sum(known.missed == 0 for known in self._known)
        every = SEARCH_EVERY if self._known else min(self._found_nothing, _SEARCH_WITHOUT_FACE)
        is_due = self._shown is None or self._since_search + 1 >= every
        searched = is_due or is_other or len(near) < expected
        detections = self._search(frame, near) if searched else near
        self._shown = thumbnail
        self._since_search = 0 if searched else self._since_search + 1
        self._found_nothing = 0 if detections else self._found_nothing + searched
        self._remember(detections)
        return Observation(
            detections=detections,
            thumbnail=thumbnail,
            searched=searched,
            exposure_ev=_exposure(frame, detections),
        )

    def look_near(
        self, frame: Frame, places: Iterable[Points], beside: Sequence[Detection] = ()
    ) -> tuple[Detection, ...]:
        """Return the faces that are about where other frames show them, each once.

        `beside` are those that are known already; they are not among the result.
        """
        seen = (self._read(frame, points) for points in places)
        return _each_once((one for one in seen if one is not None), beside)

    def _search(self, frame: Frame, near: Sequence[Detection]) -> tuple[Detection, ...]:
        image, factor = display_picture(frame)
        origin = _origin(frame)
        found = [face.points * factor + origin for face in self._locator.locate(image)]
        return (*near, *self.look_near(frame, found, beside=near))

    def _read(self, frame: Frame, points: Points) -> Detection | None:
        """Return the face near `points`, read from the part of the frame around it."""
        origin = _origin(frame)
        crop = patch_crop(points - origin)
        around = crop.resized(round(_AROUND * crop.side_px))
        region = region_of(around, *frame.pixels.shape[:2])
        corner = np.array([region[1].start, region[0].start])
        if frame.pixels[region].size == 0:
            return None
        image, factor = display_picture(frame, region, _LONGEST_NEAR_PX)
        face = self._locator.read_near(image, (points - origin - corner) / factor)
        if face is None or face.score < LEAST_FOLLOWED_SCORE:
            return None
        return Detection(
            points=face.points * factor + corner + origin,
            score=face.score,
            patch=patch_around(image, face.points),
        )

    def _remember(self, detections: Sequence[Detection]) -> None:
        """Keep where faces are, and for a few frames where lost ones were."""
        lost = [
            _Known(points=known.points, missed=known.missed + 1)
            for known in self._known
            if known.missed < MOST_FILLED
            and not any(_is_one_place(known.points, one.points) for one in detections)
        ]
        self._known = [*(_Known(points=one.points) for one in detections), *lost]


def thumbnail_of(frame: Frame) -> Thumbnail:
    """Return the whole picture in a few cells, grey."""
    step = max(1, max(frame.pixels.shape[:2]) // _THUMBNAIL_SOURCE_PX)
    image, _ = display_picture(frame, (slice(None, None, step), slice(None, None, step)))
    gray = Image.fromarray(image @ np.array(LUMA_WEIGHTS, dtype=np.float32))
    return np.asarray(gray.resize(_THUMBNAIL, Image.Resampling.BOX), dtype=np.float32)


def _each_once(seen: Iterable[Detection], beside: Sequence[Detection]) -> tuple[Detection, ...]:
    """Of those in one place, the most certain one; none where one of `beside` is."""
    kept: list[Detection] = []
    for one in sorted(seen, key=lambda detection: -detection.score):
        if not any(_is_one_place(one.points, other.points) for other in (*beside, *kept)):
            kept.append(one)
    return tuple(kept)


def _is_one_place(one: Points, other: Points) -> bool:
    crops = crop_around_face(one), crop_around_face(other)
    distance = np.hypot(*(face_centre_px(crops[0]) - face_centre_px(crops[1])))
    return bool(distance < _ONE_PLACE_SIZES * max(map(face_size_px, crops)))


def _exposure(frame: Frame, detections: Sequence[Detection]) -> float | None:
    if frame.encoding is not Encoding.SCENE_LINEAR or not detections:
        return None
    largest = max(detections, key=lambda detection: detection.size_px)
    region = region_of(patch_crop(largest.points - _origin(frame)), *frame.pixels.shape[:2])
    return exposure_of(frame, region)


def _origin(frame: Frame) -> Float[np.ndarray, "2"]:
    """(x, y) of the first pixel in the picture as displayed."""
    return np.array(frame.origin_px[::-1], dtype=np.float64)
