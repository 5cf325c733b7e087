"""Steady positions of a face over its uninterrupted stretch, without lag.

What is smoothed is not where the face is but how far its landmarks are off: the readings of the
neighbouring frames are first carried along with the face to the frame in question
(`faces/motion_between_frames.py`), and a straight line is fitted through them in time. A head
that shakes or a camera that jitters so keeps its motion in full, while the noise is averaged out.
The weights are symmetric, so nothing lags; at the ends of a stretch the line still fits a steady
change exactly. Crops follow landmarks linearly, so that smoothing either is the same.

Chosen by `tests/measurements/flicker.py`: plain filters of the same width make a jittered camera
worse than no smoothing at all.
"""

from collections.abc import Sequence

import numpy as np

from reggan_plugin.array_types import Float, SixPoints

SIGMA_FRAMES = 2.0
"""Width of the weights in time. Twice as wide changes the flicker by less than 0.1 %."""
REACH = 3.0
"""Times that width: frames further away do not count."""
DESCRIPTION = f"motion-compensated local line, Gaussian weights, sigma {SIGMA_FRAMES:g} frames"

Points = SixPoints


def smooth_path(
    times: Sequence[float], readings: Sequence[Points], motions: Sequence[Float[np.ndarray, "3 3"]]
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
    around = frames_around(times, motions, index)
    lags = np.array([(times[one] - times[index]) / SIGMA_FRAMES for one, _ in around])
    carried = [carried_along(readings[one], carry) for one, carry in around]
    gauss = np.exp(-(lags**2) / 2)
    return np.asarray(np.tensordot(line_shares(lags, gauss), np.stack(carried), 1))


def frames_around(
    times: Sequence[float], motions: Sequence[Float[np.ndarray, "3 3"]], index: int
) -> list[tuple[int, Float[np.ndarray, "3 3"]]]:
    """Return the places of the frames that count at one, it first, and how a face moves from each
    to it.
    """
    reach = REACH * SIGMA_FRAMES
    around = [(index, np.eye(3))]
    for step in (-1, 1):
        carry = np.eye(3)
        other = index + step
        while 0 <= other < len(times) and abs(times[other] - times[index]) <= reach:
            carry = carry @ (motions[other] if step < 0 else np.linalg.inv(motions[other - 1]))
            around.append((other, carry))
            other += step
    return around


def carried_along(
    points: Float[np.ndarray, "points 2"], motion: Float[np.ndarray, "3 3"]
) -> Float[np.ndarray, "points 2"]:
    """Return places after a motion of the face."""
    return np.asarray(points @ motion[:2, :2].T + motion[:2, 2])


def line_shares(
    lags: Float[np.ndarray, "*rows n"], weights: Float[np.ndarray, "*rows n"]
) -> Float[np.ndarray, "*rows n"]:
    """Share of each neighbour in the value at lag 0 of the line through them all."""
    sum_0, sum_1, sum_2 = ((weights * lags**k).sum(axis=-1, keepdims=True) for k in (0, 1, 2))
    determinant = sum_0 * sum_2 - sum_1**2
    has_line = determinant > 1e-9
    line = weights * (sum_2 - sum_1 * lags) / np.where(has_line, determinant, 1.0)
    return np.where(has_line, line, weights / sum_0)


def on_the_way(
    before: Float[np.ndarray, "*shape"], after: Float[np.ndarray, "*shape"], share: float
) -> Float[np.ndarray, "*shape"]:
    """Landmarks on the straight way from one frame to another, `share` of it gone."""
    return np.asarray((1 - share) * before + share * after)
