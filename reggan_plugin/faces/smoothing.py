"""Steady positions of a face over its uninterrupted stretch, without lag.

What is smoothed is not where the face is but how far its landmarks are off: the readings of the
neighbouring frames are first carried along with the face to the frame in question
(`faces/registration.py`), and a straight line is fitted through them in time. A head that shakes
or a camera that jitters so keeps its motion in full, while the readings' noise is averaged out.
The weights are symmetric, so nothing lags; at the ends of a stretch the line still fits a steady
change exactly. Crops follow landmarks linearly, so that smoothing either is the same.

Chosen by `tests/measurements/flicker.py`: plain filters of the same width make a jittered camera
worse than no smoothing at all.
"""

import math
from collections.abc import Sequence

import numpy as np

from reggan_plugin.array_types import Float

SIGMA_FRAMES = 2.0
"""Width of the weights in time. Twice as wide changes the flicker by less than 0.1 %."""
_REACH = 3.0
DESCRIPTION = f"motion-compensated local line, Gaussian weights, sigma {SIGMA_FRAMES:g} frames"

Points = Float[np.ndarray, "6 2"]


def smooth_path(
    times: Sequence[float],
    readings: Sequence[Points],
    motions: Sequence[Float[np.ndarray, "3 3"]],
) -> list[Points]:
    """Return the landmarks at each time, from the readings around it.

    Args:
        times: frame numbers, rising.
        readings: landmarks in pixels, one set for each time.
        motions: how the face moves from each time to the next, in pixels; one fewer. Identity
            leaves a plain filter, which flattens fast motion.
    """
    return [_fitted(times, readings, motions, index) for index in range(len(times))]


def _fitted(
    times: Sequence[float],
    readings: Sequence[Points],
    motions: Sequence[Float[np.ndarray, "3 3"]],
    index: int,
) -> Points:
    """Return the line's value at one time."""
    reach = _REACH * SIGMA_FRAMES
    lags, carried = [0.0], [readings[index]]
    for step in (-1, 1):
        carry = np.eye(3)
        other = index + step
        while 0 <= other < len(times) and abs(times[other] - times[index]) <= reach:
            carry = carry @ (motions[other] if step < 0 else np.linalg.inv(motions[other - 1]))
            lags.append((times[other] - times[index]) / SIGMA_FRAMES)
            carried.append(readings[other] @ carry[:2, :2].T + carry[:2, 2])
            other += step
    return np.asarray(np.tensordot(_weights(np.array(lags)), np.stack(carried), 1))


def _weights(lags: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Share of each neighbour in the value at lag 0 of the line through them all."""
    gauss = np.exp(-(lags**2) / 2)
    sum_0, sum_1, sum_2 = (float((gauss * lags**power).sum()) for power in (0, 1, 2))
    determinant = sum_0 * sum_2 - sum_1**2
    if math.isclose(determinant, 0.0, abs_tol=1e-9):
        return gauss / sum_0
    return np.asarray(gauss * (sum_2 - sum_1 * lags) / determinant)


def on_the_way(before: Points, after: Points, share: float) -> Points:
    """Landmarks on the straight way from one frame to another, `share` of it gone."""
    return np.asarray((1 - share) * before + share * after)
