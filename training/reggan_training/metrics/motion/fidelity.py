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
LEAST_STEP = -0.02
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
    """Whether a model's motion grows along the full true one, one motion for each intensity.

    At the first, 0, nothing may move at all; no step may fall, and the last must be above it.
    """
    grown = [explained_motion(motion, true, region).projection for motion in motions]
    steps = np.diff(grown)
    starts_at_rest = not np.any(motions[0])
    return bool(starts_at_rest and (steps >= LEAST_STEP).all() and grown[-1] > -LEAST_STEP)
