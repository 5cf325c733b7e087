"""Places that might be faces: read from the detector's maps, and thinned out."""

from dataclasses import dataclass

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.faces.face_crop import crop_around_face, face_centre_px, face_size_px
from reggan_plugin.faces.pyramid import OUTSIDE_TONE, Level

STRIDE_PX = 8
MARGIN_PX = 16
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


@dataclass(frozen=True, eq=False)
class Candidate:
    """Six points in frame pixels, a score in [0, 1], and where the face that they span lies."""

    points: Float[np.ndarray, "6 2"]
    score: float
    centre_px: Float[np.ndarray, "2"]
    size_px: float


def candidate_from_points(points: Float[np.ndarray, "6 2"], score: float) -> Candidate | None:
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


def read_candidates(
    level: Level,
    scores: Float[np.ndarray, "rows columns"],
    offsets: Float[np.ndarray, "12 rows columns"],
) -> list[Candidate]:
    """Return the peaks of the score map with their landmarks, in frame pixels, best first.

    Peaks under LEAST_PEAK are left out.

    The offsets are x, y of the six points in level pixels, counted from the cell's centre.
    """
    rows, columns = np.nonzero(_is_peak(scores) & (scores >= LEAST_PEAK))
    order = np.argsort(-scores[rows, columns], kind="stable")[:MOST_PER_LEVEL]
    found: list[Candidate] = []
    for row, column in zip(rows[order], columns[order], strict=True):
        cell = (np.array([column, row]) + 0.5) * STRIDE_PX - MARGIN_PX
        points = cell + offsets[:, row, column].reshape(6, 2).astype(np.float64)
        score = float(scores[row, column])
        candidate = candidate_from_points(points * np.array(level.frame_px), score)
        if candidate is not None:
            found.append(candidate)
    return found


def _is_peak(
    scores: Float[np.ndarray, "rows columns"],
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return true where no neighbour among the eight is higher."""
    padded = np.pad(scores, 1, constant_values=-1.0)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return np.asarray(scores >= windows.max(axis=(2, 3)))


def drop_repeats(candidates: list[Candidate], *, any_size: bool) -> list[Candidate]:
    """Keep the best of those that share a place, best first.

    With `any_size`, a candidate inside a better one of another size is a repeat as well.
    """
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda one: -one.score):
        if not any(_share_place(candidate, other, any_size) for other in kept):
            kept.append(candidate)
    return kept


def _share_place(one: Candidate, other: Candidate, any_size: bool) -> bool:
    smaller, larger = sorted((one.size_px, other.size_px))
    if not any_size and larger > 1.8 * smaller:
        return False
    reach = 0.55 * larger if any_size else 0.35 * smaller
    return float(np.hypot(*(one.centre_px - other.centre_px))) < reach
