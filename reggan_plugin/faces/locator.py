"""Finds faces and their six landmarks in whole frames: skin, statues and toons."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.backends.choose_device import open_runner
from reggan_plugin.backends.runner import Runner
from reggan_plugin.errors import ModelCardError
from reggan_plugin.faces.detector_candidates import (
    LEAST_SCORE,
    LEAST_TURNED_SCORE,
    SURE_SCORE,
    Candidate,
    candidate_from_points,
    drop_repeats,
    pad_level,
    read_candidates,
)
from reggan_plugin.faces.face_crop import crop_around_face, face_centre_px, vary_crop
from reggan_plugin.faces.landmarks import LANDMARK_NAMES, FaceLandmarks
from reggan_plugin.faces.pyramid import Pyramid, build_pyramid
from reggan_plugin.models.model_card import check_seal, read_card

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
        found = _at_least(least_score, self.search(pyramid))
        read = _at_least(least_score, self.read_landmarks(pyramid, found, ONE_VIEW))
        upright = self.read_landmarks(pyramid, drop_repeats(read, any_size=False), FIVE_VIEWS)
        kept = drop_repeats(_at_least(least_score, upright), any_size=True)
        return [FaceLandmarks(one.points, one.score) for one in kept]

    def read_near(
        self, image: Float[np.ndarray, "height width 3"], points: Float[np.ndarray, "6 2"]
    ) -> FaceLandmarks | None:
        """Return the face that is known to be about there, without a search; None if it is not.

        The score is of the readings alone, so it is comparable with other results of this method
        and not with those of `locate`.

        Args:
            image: a picture as for `locate`, or the part of it around the face.
            points: where the face was lately, in pixels of `image`.
        """
        pyramid = build_pyramid(image)
        guess = candidate_from_points(points, 1.0)
        near = self.read_landmarks(pyramid, [guess] if guess else [], FIVE_VIEWS)
        read = self.read_landmarks(pyramid, near, FIFTEEN_VIEWS)
        return FaceLandmarks(read[0].points, read[0].score) if read else None

    def read_any_way_up(
        self, image: Float[np.ndarray, "height width 3"], points: Float[np.ndarray, "6 2"]
    ) -> FaceLandmarks | None:
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

    def search(self, pyramid: Pyramid) -> list[Candidate]:
        """Return the detector's candidates on all levels, best first."""
        found: list[Candidate] = []
        for level in pyramid.searched:
            maps = self._detector.run({"gray": pad_level(level)})
            scores = np.sqrt(np.sqrt(maps["score"][0, 0]))
            found += read_candidates(level, scores, maps["offsets"][0])
        return drop_repeats(found, any_size=False)[:_MOST_CANDIDATES]

    def read_landmarks(
        self, pyramid: Pyramid, candidates: list[Candidate], views: tuple[tuple[float, float], ...]
    ) -> list[Candidate]:
        """Return the candidates with new points, their scores multiplied by the new ones.

        What is certainly no face is left out. Points and scores are means over the views.
        """
        read: list[Candidate] = []
        for one in candidates:
            crops = [vary_crop(crop_around_face(one.points), *view) for view in views]
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


def _at_least(score: float, candidates: list[Candidate]) -> list[Candidate]:
    """Leave out candidates of lower scores; another reading, which is at most 1, raises none."""
    return [one for one in candidates if one.score >= score]


def _surest(faces: list[FaceLandmarks]) -> float:
    return max((face.score for face in faces), default=0.0)


def _load(path: Path) -> Runner:
    check_seal(path)
    runner = open_runner(path, "cpu")
    _check_card(path, runner.metadata)
    return runner


def _check_card(path: Path, metadata: Mapping[str, str]) -> None:
    card = read_card(metadata, str(path))
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
