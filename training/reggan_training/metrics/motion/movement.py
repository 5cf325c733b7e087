"""Share of the true motion that a model found, and tears in its own motion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from reggan_training.metrics.image_distance import psnr_db
from reggan_training.metrics.motion.face import MotionPlanes, PixelMask, Planes, TrueFace

LARGEST_COVER = 0.5
"""A fold under more cover than this is not seen."""

LARGEST_PSNR_DB = 60.0
"""That of an error of a quarter of an 8-bit level; equal pictures have it too."""
INTENSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
LARGEST_FALL = 0.02
"""A projection that falls by no more than this from one intensity to the next still rises."""


@dataclass(frozen=True)
class MotionShares:
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


def explained_motion(made: MotionPlanes, true: MotionPlanes, region: PixelMask) -> MotionShares:
    """Compare two motions in a region; NaN where nothing truly moves."""
    m, t = made[:, region].astype(np.float64), true[:, region].astype(np.float64)
    whole = float((t * t).sum())
    if whole == 0:
        return MotionShares(float("nan"), float("nan"))
    error = float(((m - t) ** 2).sum())
    return MotionShares(float((m * t).sum()) / whole, 1.0 - error / whole)


def end_point_error(
    made: MotionPlanes, face: TrueFace, region: PixelMask
) -> Float[np.ndarray, " pixels"]:
    """Distance between made and true motion at each pixel of a region, in eye distances."""
    difference = (made - face.motion)[:, region]
    return np.asarray(np.hypot(*difference) / face.eye_distance)


def count_folds(motion: MotionPlanes, cover: Float[np.ndarray, "side side"]) -> int:
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
    cover: Float[np.ndarray, "side side"], is_uncovered: PixelMask, region: PixelMask
) -> Overlap:
    """Compare cover above one half with the truth, in a region."""
    made = (cover > LARGEST_COVER) & region
    true = is_uncovered & region
    return Overlap(int((made & true).sum()), int((made | true).sum()))


def region_psnr_db(made: Planes, true: Planes, region: PixelMask) -> float:
    """PSNR over the pixels of a region, at most `LARGEST_PSNR_DB`; NaN where it is empty."""
    if not region.any():
        return float("nan")
    ours, truth, where = (
        torch.from_numpy(np.ascontiguousarray(one))[None] for one in (made, true, region[None])
    )
    return min(float(psnr_db(ours, truth, where)[0]), LARGEST_PSNR_DB)


def cross_fade(source: Planes, full: Planes, intensity: float) -> Planes:
    """Fade between two pictures: the cheap way to a part of an expression, two faces in one."""
    return source + np.float32(intensity) * (full - source)


def motion_rises(motions: Sequence[MotionPlanes], true: MotionPlanes, region: PixelMask) -> bool:
    """Tell whether a model's motion grows along the full true one, from none at intensity 0.

    No step may fall by more than `LARGEST_FALL`, and the last must be above nothing by more.

    Args:
        motions: at each of `INTENSITIES` but the first: at 0 the runtime asks no model.
        true: at full intensity.
        region: where the truth moves.
    """
    grown = [explained_motion(motion, true, region).projection for motion in motions]
    steps = np.diff([0.0, *grown])
    return bool((steps >= -LARGEST_FALL).all() and grown[-1] > LARGEST_FALL)
