"""Smoothing keeps motion as it is and takes the readings' noise away."""

from itertools import pairwise

import numpy as np
import pytest

from reggan_plugin.faces.smoothing import Points, smooth_path

FACE = np.array([[60, 40], [30, 40], [45, 55], [55, 68], [35, 68], [45, 85]], dtype=np.float64)
STILL = np.eye(3)


def moved(x: float, y: float = 0.0) -> np.ndarray:
    motion = np.eye(3)
    motion[:2, 2] = x, y
    return motion


def jitter(path: list[Points], truth: list[Points]) -> float:
    errors = np.array(path) - np.array(truth)
    return float(np.sqrt((np.diff(errors, axis=0) ** 2).mean()))


@pytest.mark.parametrize("times", [list(range(20)), [1, 2, 3, 7, 8, 9, 15, 16]])
def test_a_ramp_stays_a_ramp_up_to_its_ends_even_without_known_motion(times: list[int]) -> None:
    ramp = [FACE + time * np.array([3.0, -1.5]) for time in times]
    smooth = smooth_path(times, ramp, [STILL] * (len(times) - 1))
    assert np.allclose(smooth, ramp, atol=1e-9)


def test_a_shaking_head_keeps_its_motion_in_full() -> None:
    offsets = 20 * np.sin(np.arange(30) * 1.3)  # five frames a period: a plain filter kills it
    shake = [FACE + np.array([offset, 0.0]) for offset in offsets]
    known = [moved(b - a) for a, b in pairwise(offsets)]
    times = list(range(30))
    assert np.allclose(smooth_path(times, shake, known), shake, atol=1e-9)
    plain = smooth_path(times, shake, [STILL] * 29)
    assert np.ptp([points[0, 0] for points in plain[6:-6]]) < 10


def test_noise_of_the_readings_goes_while_the_camera_jitters() -> None:
    random = np.random.default_rng(0)
    camera = random.normal(0, 2.0, (40, 2))
    truth = [FACE + offset for offset in camera]
    readings = [points + random.normal(0, 1.0, (6, 2)) for points in truth]
    known = [moved(*(b - a)) for a, b in pairwise(camera)]
    smooth = smooth_path(list(range(40)), readings, known)
    assert jitter(smooth, truth) < 0.15 * jitter(readings, truth)


def test_nothing_lags_forward_or_backward() -> None:
    random = np.random.default_rng(1)
    path = [FACE + random.normal(0, 5.0, (6, 2)) for _ in range(17)]
    motions = [moved(*random.normal(0, 3.0, 2)) for _ in range(16)]
    times = list(range(17))
    forward = smooth_path(times, path, motions)
    back = smooth_path(times, path[::-1], [np.linalg.inv(one) for one in motions[::-1]])
    assert np.allclose(forward, back[::-1], atol=1e-9)


def test_a_step_is_answered_alike_on_both_sides() -> None:
    step = [FACE + (10.0 if time >= 10 else 0.0) for time in range(20)]
    smooth = np.array(smooth_path(list(range(20)), step, [STILL] * 19)) - FACE
    assert np.allclose(smooth + smooth[::-1], 10.0, atol=1e-9)


def test_one_frame_is_left_as_it_is() -> None:
    assert np.array_equal(smooth_path([7], [FACE], []), [FACE])
