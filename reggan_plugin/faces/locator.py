"""Finds faces and their six landmarks in whole frames: skin, statues and toons."""

import math
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from reggan_plugin.array_types import CropPlane, Float, Pixels, Plane, SixPoints
from reggan_plugin.backends.devices import Runner
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.errors import ModelCardError
from reggan_plugin.faces.landmarks_and_pose import (
    FINEST_SCALE,
    LANDMARK_NAMES,
    LARGEST_FACE_IN_SHORT_SIDES,
    LARGEST_ON_LEVEL_PX,
    SMALLEST_FRAME_PX,
    FaceLandmarks,
)
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import (
    FaceCrop,
    crop_around_face,
    face_centre_px,
    face_size_px,
    vary_crop,
)
from reggan_plugin.kernels.sampling import sample_bilinear
from reggan_plugin.models.model_card import check_seal, read_card

Gray = Plane

LONGEST_BASE_PX = 4096
"""Larger frames are averaged down to this first, so that memory and time stay bounded."""
OUTSIDE_TONE = 0.5
_BORDER_PX = 1
"""Of this tone, so that what lies beyond the image is read like the image."""

GRAY_WEIGHTS = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_STRIP_ROWS = 256


@frozen(kw_only=False, eq=False)
class Level:
    """A grey image [0, 1] and the frame pixels that one of its pixels spans (x, y)."""

    gray: Gray
    frame_px: tuple[float, float]

    @cached_property
    def surrounded(self) -> Gray:
        """The image with a border of OUTSIDE_TONE."""
        return np.pad(self.gray, _BORDER_PX, constant_values=OUTSIDE_TONE)

    def turned(self, quarters: int) -> "Level":
        """Return the level turned counterclockwise by so many quarters."""
        frame_px = self.frame_px[::-1] if quarters % 2 else self.frame_px
        return Level(np.ascontiguousarray(np.rot90(self.gray, quarters)), frame_px)


@frozen(kw_only=False, eq=False)
class Pyramid:
    """`base` serves samples only; `searched` are the levels for the detector, finest first."""

    base: Level
    searched: tuple[Level, ...]

    def turned(self, quarters: int) -> "Pyramid":
        """Return the frame turned counterclockwise by so many quarters."""
        return Pyramid(
            self.base.turned(quarters), tuple(level.turned(quarters) for level in self.searched)
        )

    def place_back(
        self, points: Float[np.ndarray, "n 2"], quarters: int
    ) -> Float[np.ndarray, "n 2"]:
        """Map points of the frame turned by `quarters` back into the frame, both in pixels."""
        rows, columns = self.base.gray.shape
        width, height = columns * self.base.frame_px[0], rows * self.base.frame_px[1]
        x, y = points.T
        places = ((x, y), (width - y, x), (width - x, height - y), (y, height - x))
        return np.column_stack(places[quarters])

    def sample(self, crop: FaceCrop) -> CropPlane:
        """Return the crop as grey values, taken from the level closest to its resolution."""
        chosen = self.base
        for level in self.searched:
            if crop.scale / max(level.frame_px) >= 0.8:
                chosen = level
        matrix = crop.frame_from_crop / np.array(chosen.frame_px)[:, None]
        matrix[:, 2] += _BORDER_PX
        return sample_bilinear(chosen.surrounded, _centres(crop.side_px), 0.5, matrix)


def build_pyramid(image: Float[np.ndarray, "height width *channels"]) -> Pyramid:
    """Build all levels of a frame, sRGB-encoded in [0, 1]; a tiny frame has none to search.

    A frame without channels is grey already, by `GRAY_WEIGHTS`.
    """
    base = _reduce_to_base(image)
    height, width = base.gray.shape
    levels: list[Level] = []
    scale, source = FINEST_SCALE, base
    while min(height, width) >= SMALLEST_FRAME_PX:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        picture = Image.fromarray(source.gray).resize(size, Image.Resampling.HAMMING)
        before = zip(source.frame_px, source.gray.shape[::-1], size, strict=True)
        across, down = (span * old / new for span, old, new in before)
        source = Level(np.asarray(picture, dtype=np.float32), (across, down))
        levels.append(source)
        if min(height, width) * scale * LARGEST_FACE_IN_SHORT_SIDES <= LARGEST_ON_LEVEL_PX:
            break
        scale /= 2
    return Pyramid(base, tuple(levels))


def _reduce_to_base(image: Float[np.ndarray, "height width *channels"]) -> Level:
    """Return the grey, averaged over square blocks where the frame is larger than the limit."""
    height, width = image.shape[:2]
    block = math.ceil(max(height, width) / LONGEST_BASE_PX)
    if block == 1 and image.ndim == 2:
        return Level(image, (1.0, 1.0))
    rows, columns = math.ceil(height / block), math.ceil(width / block)
    gray = np.empty((rows, columns), dtype=np.float32)
    strip_rows = max(1, _STRIP_ROWS // block)
    for top in range(0, rows, strip_rows):
        strip = image[top * block : (top + strip_rows) * block]
        strip = strip @ GRAY_WEIGHTS if strip.ndim == 3 else strip
        if block > 1:
            pad = (-strip.shape[0] % block, columns * block - width)
            strip = np.pad(strip, ((0, pad[0]), (0, pad[1])), mode="edge")
            strip = strip.reshape(-1, block, columns, block).mean(axis=(1, 3))
        gray[top : top + strip_rows] = strip
    return Level(gray, (float(block), float(block)))


@cache
def _centres(side_px: int) -> Float[np.ndarray, "side_px side_px 2"]:
    """Middles (x, y) of the pixels of a square."""
    centres = np.arange(side_px) + 0.5
    return np.stack(np.meshgrid(centres, centres), axis=-1)


STRIDE_PX = 8
MARGIN_PX = 16
_FLAT = 1.5 / 255
"""A part whose tones differ by no more, a level of 8 bits and a rounding, shows no face."""
_SEEN_CELLS = 8
"""Cells around one that its score depends on (52 px), and one more."""
LEAST_PEAK = 0.65
"""Of a place that is read at all: the fourth root of the detector's probability."""
LEAST_SCORE = 0.8
"""Of a face: the fourth root of the detector's probability times those of two readings.

The detector is the least sure of the three where a face is small, drawn or turned far. Root and
score were chosen on 757 frames of `tests/measurements/locator/everybody.py`, so that frames of
nobody give as many false faces as with the locator of 0.3 and all photographs of people are found.
"""
LEAST_TURNED_SCORE = 0.89
"""Of a face that is found in a frame turned by quarters: three more looks err more often."""
SURE_SCORE = 0.97
"""Of a face because of which a frame is not looked at turned: mouths and eyes of toons that stand
on their heads pass for each other, at less."""
LEAST_FOLLOWED_SCORE = 0.42
"""Of the readings alone, near where a face was found before."""
MOST_PER_LEVEL = 48


@frozen(kw_only=False, eq=False)
class Candidate:
    """Six points in frame pixels, a score in [0, 1], and where the face that they span lies."""

    points: SixPoints
    score: float
    centre_px: Float[np.ndarray, "2"]
    size_px: float


def candidate_from_points(points: SixPoints, score: float) -> Candidate | None:
    """Return the candidate, or None where the points do not span a face at all."""
    if not np.isfinite(points).all() or np.ptp(points, axis=0).min() < 2.0:
        return None
    crop = crop_around_face(points)
    return Candidate(points, score, face_centre_px(crop), face_size_px(crop))


def pad_level(level: Level) -> Float[np.ndarray, "1 1 height width"]:
    """Return the level as the detector's input: a grey margin, sides multiples of the stride."""
    height, width = level.gray.shape
    below, right = (MARGIN_PX + -side % STRIDE_PX for side in (height, width))
    margins = ((MARGIN_PX, below), (MARGIN_PX, right))
    padded = np.pad(level.gray, margins, constant_values=OUTSIDE_TONE)
    return padded[None, None]


def shown_cells(gray: Gray) -> tuple[slice, slice]:
    """Return rows and columns of a padded level's cells beyond which its picture is of one tone.

    All of them where it is of one tone everywhere.
    """
    height, width = (-(-length // STRIDE_PX) for length in gray.shape)
    beyond = height * STRIDE_PX - gray.shape[0], width * STRIDE_PX - gray.shape[1]
    whole = np.pad(gray, ((0, beyond[0]), (0, beyond[1])), mode="edge")
    strips = whole.reshape(height, STRIDE_PX, -1)
    low, high = (  # along planes, not rows, which takes five times as long
        extreme.reduce([columns[:, own::STRIDE_PX] for own in range(STRIDE_PX)])
        for extreme in (np.minimum, np.maximum)
        for columns in [extreme.reduce(strips, axis=1)]
    )
    for axis in (0, 1):  # a step may lie between two cells
        beside = tuple(slice(1, None) if own == axis else slice(None) for own in (0, 1))
        before = tuple(slice(None, -1) if own == axis else slice(None) for own in (0, 1))
        np.minimum(low[before], low[beside], out=low[before])
        np.maximum(high[before], high[beside], out=high[before])
    differs = high - low > _FLAT
    rows, columns = (np.flatnonzero(differs.any(axis=axis)) for axis in (1, 0))
    margin, ends = MARGIN_PX // STRIDE_PX, []
    for some, length in ((rows, height), (columns, width)):
        first, last = (some[0], some[-1] + 1) if some.size else (0, length)
        ends.append(slice(int(first) + margin, int(last) + 1 + margin))
    return ends[0], ends[1]


def read_candidates(
    level: Level,
    scores: Float[np.ndarray, "rows columns"],
    offsets: Float[np.ndarray, "12 rows columns"],
    corner: tuple[int, int],
    least_peak: float,
) -> list[Candidate]:
    """Return the peaks of the score map with their landmarks, in frame pixels, best first.

    The offsets are x, y of the six points in level pixels, counted from the cell's centre. `corner`
    is the first cell's row and column in the whole level.
    """
    padded = np.pad(scores, 1, constant_values=-1.0)
    rows, columns = np.nonzero(scores >= least_peak)
    three = np.arange(3)
    around = padded[rows[:, None, None] + three[:, None], columns[:, None, None] + three]
    is_peak = scores[rows, columns] >= around.max(axis=(1, 2))
    rows, columns = rows[is_peak], columns[is_peak]
    order = np.argsort(-scores[rows, columns], kind="stable")[:MOST_PER_LEVEL]
    found: list[Candidate] = []
    for row, column in zip(rows[order], columns[order], strict=True):
        place = np.array([column + corner[1], row + corner[0]])
        cell = (place + 0.5) * STRIDE_PX - MARGIN_PX
        points = cell + offsets[:, row, column].reshape(6, 2).astype(np.float64)
        score = float(scores[row, column])
        candidate = candidate_from_points(points * np.array(level.frame_px), score)
        if candidate is not None:
            found.append(candidate)
    return found


def drop_repeats(candidates: list[Candidate], *, any_size: bool) -> list[Candidate]:
    """Keep the best of those that share a place, best first.

    With `any_size`, a candidate inside a better one of another size is a repeat as well.
    """
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda one: -one.score):
        for other in kept:
            smaller, larger = sorted((candidate.size_px, other.size_px))
            reach = 0.55 * larger if any_size else 0.35 * smaller
            is_of_its_size = any_size or larger <= 1.8 * smaller
            if is_of_its_size and np.hypot(*(candidate.centre_px - other.centre_px)) < reach:
                break
        else:
            kept.append(candidate)
    return kept


DEFAULT_FOLDER = Path(__file__).parents[1] / "weights" / "face_locator"
DETECTOR_NAME, LANDMARKS_NAME = "detector.onnx", "landmarks.onnx"
CARD_KIND, CARD_SCHEMA = "face-locator", 1

ONE_VIEW = ((1.0, 0.0),)
FIVE_VIEWS = ((1.0, 0.0), (0.92, 0.0), (1.08, 0.0), (1.0, 4.0), (1.0, -4.0))
"""Zoom and turn in degrees of the crops over which a reading is averaged: a seventh less error."""
FIFTEEN_VIEWS = tuple(
    (zoom, turn) for zoom in (0.92, 1.0, 1.08) for turn in (-6.0, -3.0, 0.0, 3.0, 6.0)
)
"""For a face that is followed: a third less jitter than `ONE_VIEW`, then `FIVE_VIEWS`, give."""
_HARDLY = 0.03
"""Parts of a face's size by which it may have moved to be read where it was."""
_HOPELESS_SCORE = 0.02
_MOST_CANDIDATES = 64


class FaceLocator:
    """Searches a frame at several sizes, then reads and confirms landmarks on upright crops.

    Faces from 48 px (the side of `FaceLandmarks.box`) to the full frame, rolled up to about 40
    degrees or, where none of those is there, by any angle. In frames of more than 4096 px the
    smallest face grows with the frame.
    """

    def __init__(self, model: Path | None = None) -> None:
        """Load the two networks, which run on the CPU.

        Args:
            model: folder with `detector.onnx` and `landmarks.onnx`; by default the shipped one.

        Raises:
            ModelCardError: a file is not part of a face locator that this version can run.
            ModelHashError: a file is damaged.
        """
        folder = model or DEFAULT_FOLDER
        self._detector = _load(folder / DETECTOR_NAME)
        self._landmarks = _load(folder / LANDMARKS_NAME)

    def locate(self, image: Float[np.ndarray, "height width *channels"]) -> list[FaceLandmarks]:
        """Return every face of the frame, the one with the largest eye distance first.

        Where none surely stands upright, the frame is looked at turned by a quarter, a half and
        three quarters, too; what the surest of these looks shows is returned.

        Args:
            image: RGB, or grey as `build_pyramid` takes it; sRGB-encoded, float32 in [0, 1], any
                size, without NaN.
        """
        pyramid = build_pyramid(image)
        faces = self._locate_upright(pyramid, LEAST_SCORE)
        if _surest(faces) < SURE_SCORE:
            looks = [
                [
                    FaceLandmarks(pyramid.place_back(face.points, quarters), face.score)
                    for face in self._locate_upright(pyramid.turned(quarters), LEAST_TURNED_SCORE)
                ]
                for quarters in (1, 2, 3)
            ]
            faces = max(faces, *looks, key=_surest)
        return sorted(faces, key=lambda face: -face.eye_distance_px)

    def _locate_upright(self, pyramid: Pyramid, least_score: float) -> list[FaceLandmarks]:
        # another reading, which is at most 1, raises no score
        sure = self.search(pyramid, least_score)
        for views, any_size in ((ONE_VIEW, False), (FIVE_VIEWS, True)):
            read = self.read_landmarks(pyramid, sure, views)
            sure = drop_repeats(
                [one for one in read if one.score >= least_score], any_size=any_size
            )
        return [FaceLandmarks(one.points, one.score) for one in sure]

    def read_near(
        self,
        image: Float[np.ndarray, "height width *channels"],
        points: SixPoints,
        *,
        is_exact: bool = True,
    ) -> FaceLandmarks | None:
        """Return the face that is known to be about there, without a search; None if it is not.

        The score is of the readings alone, so it is comparable with other results of this method
        and not with those of `locate`.

        Args:
            image: a picture as for `locate`, or the part of it around the face.
            points: where the face was lately, in pixels of `image`.
            is_exact: read it twice, in many views. Else a face that hardly moved is read once.
        """
        pyramid = build_pyramid(image)
        guess = candidate_from_points(points, 1.0)
        read = self.read_landmarks(pyramid, [guess] if guess else [], FIVE_VIEWS)
        if guess and read:
            moved_px = np.abs(read[0].points - guess.points).max()
            if is_exact:
                read = self.read_landmarks(pyramid, read, FIFTEEN_VIEWS)
            elif moved_px > _HARDLY * guess.size_px:
                read = self.read_landmarks(pyramid, read, FIVE_VIEWS)
            else:  # as sure as two readings would be
                read = [replace(read[0], score=read[0].score ** 2)]
        return FaceLandmarks(read[0].points, read[0].score) if read else None

    def read_any_way_up(self, image: Pixels, points: SixPoints) -> FaceLandmarks | None:
        """Return the face about there, be it upright, on its side or upside down; None without one.

        Args:
            image: a picture as for `locate`, or the part of it around the face.
            points: where the face would be if it were upright.
        """
        pyramid = build_pyramid(image)
        middle = face_centre_px(crop_around_face(points))
        read: list[Candidate] = []
        for turn in ([[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]]):
            guess = candidate_from_points((points - middle) @ np.array(turn) + middle, 1.0)
            read += self.read_landmarks(pyramid, [guess] if guess else [], ONE_VIEW)
        surest = sorted(read, key=lambda one: -one.score)[:2]
        near = [replace(one, score=1.0) for one in surest]
        read = self.read_landmarks(pyramid, near, FIVE_VIEWS)
        best = max(read, key=lambda one: one.score, default=None)
        if best is None or best.score < LEAST_SCORE:
            return None
        return FaceLandmarks(best.points, best.score)

    def search(self, pyramid: Pyramid, least_peak: float = LEAST_PEAK) -> list[Candidate]:
        """Return the detector's candidates on all levels of at least this score, best first.

        What lies in nothing but one tone is not looked at: half of a head before a plain backdrop.
        """
        found: list[Candidate] = []
        for level in pyramid.searched:
            cells = shown_cells(level.gray)
            wider = [
                slice(max(0, one.start - _SEEN_CELLS), one.stop + _SEEN_CELLS) for one in cells
            ]
            rows, columns = (slice(one.start * STRIDE_PX, one.stop * STRIDE_PX) for one in wider)
            seen = np.ascontiguousarray(pad_level(level)[..., rows, columns])
            maps = self._detector.run({"gray": seen})
            corner = wider[0].start, wider[1].start
            near = tuple(
                slice(max(0, one.start - 1 - first), one.stop + 1 - first)
                for one, first in zip(cells, corner, strict=True)
            )
            scores = np.sqrt(np.sqrt(maps["score"][0, 0]))
            outside = np.ones(scores.shape, bool)
            outside[near] = False
            scores[outside] = 0
            found += read_candidates(level, scores, maps["offsets"][0], corner, least_peak)
        return drop_repeats(found, any_size=False)[:_MOST_CANDIDATES]

    def read_landmarks(
        self, pyramid: Pyramid, candidates: list[Candidate], views: tuple[tuple[float, float], ...]
    ) -> list[Candidate]:
        """Return the candidates with new points, their scores multiplied by the new ones.

        What is certainly no face is left out. Points and scores are means over the views.
        """
        read: list[Candidate] = []
        for one in candidates:
            around = crop_around_face(one.points)
            crops = [vary_crop(around, *view) for view in views]
            samples = np.stack([pyramid.sample(crop) for crop in crops])[:, None]
            result = self._landmarks.run({"crop": samples})
            placed = [
                crop.place(points.astype(np.float64))
                for crop, points in zip(crops, result["points"], strict=True)
            ]
            score = one.score * float(result["score"].mean())
            candidate = candidate_from_points(np.mean(placed, axis=0), score)
            if candidate is not None and score >= _HOPELESS_SCORE:
                read.append(candidate)
        return read


def _surest(faces: list[FaceLandmarks]) -> float:
    return max((face.score for face in faces), default=0.0)


def _load(path: Path) -> Runner:
    check_seal(path)
    runner = open_runner(path, "cpu")
    card = read_card(runner.metadata, str(path))
    expected = {
        "kind": CARD_KIND,
        "schema": CARD_SCHEMA,
        "part": path.stem,
        "landmarks": list(LANDMARK_NAMES),
    }
    for field, value in expected.items():
        if card.get(field) != value:
            raise ModelCardError(
                f"{path}: the card's {field} is {card.get(field)!r}; this version of the locator "
                f"needs {value!r}. Export it again.",
                kind="locator-card",
            )
    return runner
