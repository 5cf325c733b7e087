"""Share of the true motion that a model found, and tears in its own motion."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from reggan_training.metrics.motion.face import TrueFace

LARGEST_COVER = 0.5
"""A fold under more cover than this is not seen."""


@dataclass(frozen=True)
class Explained:
    """Two shares of the true motion t that a motion m explains; both are 1 for m = t.

    Attributes:
        projection: Σ m·t / Σ t·t. 0.5 for half the motion; noise and folds leave it as it is, and
            too much motion raises it above 1.
        without_error: 1 − Σ |m − t|² / Σ |t|². Anything wrong lowers it, but half the motion
            still has 0.75. Below 0 for what is worse than no motion.
    """

    projection: float
    without_error: float

    @property
    def share(self) -> float:
        """The lower of the two, which neither noise, nor too much nor too little motion raises."""
        return min(self.projection, self.without_error)


def explained_motion(
    made: Float[np.ndarray, "2 side side"],
    true: Float[np.ndarray, "2 side side"],
    region: Bool[np.ndarray, "side side"],
) -> Explained:
    """Compare two motions in a region; NaN where nothing truly moves."""
    m, t = made[:, region].astype(np.float64), true[:, region].astype(np.float64)
    whole = float((t * t).sum())
    if whole == 0:
        return Explained(float("nan"), float("nan"))
    error = float(((m - t) ** 2).sum())
    return Explained(float((m * t).sum()) / whole, 1.0 - error / whole)


def end_point_error(
    made: Float[np.ndarray, "2 side side"], face: TrueFace, region: Bool[np.ndarray, "side side"]
) -> Float[np.ndarray, " pixels"]:
    """Distance between made and true motion at each pixel of a region, in eye distances."""
    difference = (made - face.motion)[:, region]
    return np.asarray(np.hypot(*difference) / face.eye_distance)


def count_folds(
    motion: Float[np.ndarray, "2 side side"], cover: Float[np.ndarray, "side side"]
) -> int:
    """Count cells between four pixels in which the picture is turned over or collapses.

    The map q → q + m(q) is bilinear in a cell, so it keeps its orientation there exactly if
    det(I + ∇m) > 0 at all four corners, with differences along the cell's own edges. Cells that
    are hidden under cover at every corner do not count.

    Args:
        motion: in parts of the crop's side.
        cover: how much of each pixel is paint.
    """
    side_px = motion.shape[-1]
    x, y = motion.astype(np.float64) * side_px
    right = (1 + np.diff(x, axis=1), np.diff(y, axis=1))  # [rows, columns - 1] along +x
    down = (np.diff(x, axis=0), 1 + np.diff(y, axis=0))  # [rows - 1, columns] along +y
    is_folded = np.zeros((side_px - 1, side_px - 1), dtype=bool)
    for row in (slice(None, -1), slice(1, None)):
        for column in (slice(None, -1), slice(1, None)):
            xx, xy = (one[row] for one in right)
            yx, yy = (one[:, column] for one in down)
            is_folded |= xx * yy - xy * yx <= 0
    hidden = cover > LARGEST_COVER
    is_hidden = hidden[:-1, :-1] & hidden[1:, :-1] & hidden[:-1, 1:] & hidden[1:, 1:]
    return int((is_folded & ~is_hidden).sum())


@dataclass(frozen=True)
class Overlap:
    """Sizes in pixels; their quotient is taken over many faces, where single ones are empty."""

    intersection: int
    union: int

    @property
    def share(self) -> float:
        """Intersection over union; NaN if both are empty."""
        return self.intersection / self.union if self.union else float("nan")


def cover_overlap(
    cover: Float[np.ndarray, "side side"],
    is_uncovered: Bool[np.ndarray, "side side"],
    region: Bool[np.ndarray, "side side"],
) -> Overlap:
    """Compare cover above one half with the truth, in a region."""
    made = (cover > LARGEST_COVER) & region
    true = is_uncovered & region
    return Overlap(int((made & true).sum()), int((made | true).sum()))
