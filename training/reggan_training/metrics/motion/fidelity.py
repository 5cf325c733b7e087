"""Distance to the true picture in decibels, and the ways between source and full expression."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float

from reggan_training.metrics.image_distance import psnr_db
from reggan_training.metrics.motion.movement import explained_motion

LARGEST_PSNR_DB = 60.0
"""That of an error of a quarter of an 8-bit level; equal pictures have it too."""
INTENSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
LARGEST_FALL = 0.02
"""A projection that falls by no more than this from one intensity to the next still rises."""


def region_psnr_db(
    made: Float[np.ndarray, "3 side side"],
    true: Float[np.ndarray, "3 side side"],
    region: Bool[np.ndarray, "side side"],
) -> float:
    """PSNR over the pixels of a region, at most `LARGEST_PSNR_DB`; NaN where it is empty."""
    if not region.any():
        return float("nan")
    ours, truth, where = (
        torch.from_numpy(np.ascontiguousarray(one))[None] for one in (made, true, region[None])
    )
    return min(float(psnr_db(ours, truth, where)[0]), LARGEST_PSNR_DB)


def cross_fade(
    source: Float[np.ndarray, "3 side side"],
    full: Float[np.ndarray, "3 side side"],
    intensity: float,
) -> Float[np.ndarray, "3 side side"]:
    """The cheap way to a part of an expression, which shows two faces in one."""
    return source + np.float32(intensity) * (full - source)


def motion_rises(
    motions: Sequence[Float[np.ndarray, "2 side side"]],
    true: Float[np.ndarray, "2 side side"],
    region: Bool[np.ndarray, "side side"],
) -> bool:
    """True if a model's motion grows along the full true one, from none at intensity 0.

    No step may fall by more than `LARGEST_FALL`, and the last must be above nothing by more.

    Args:
        motions: at each of `INTENSITIES` but the first: at 0 the runtime asks no model.
        true: at full intensity.
        region: where the truth moves.
    """
    grown = [explained_motion(motion, true, region).projection for motion in motions]
    steps = np.diff([0.0, *grown])
    return bool((steps >= -LARGEST_FALL).all() and grown[-1] > LARGEST_FALL)
