"""Squares of a face and its parts: they go along with the face, however it lies in the picture."""

import math

import numpy as np
import pytest

from reggan_plugin.rig.dense_landmarks import COUNT, eye_rows, rows_of
from reggan_training.landmarks.part_networks import (
    FACE_SIDE,
    LAYOUT,
    PARTS,
    Square,
    face_frame,
    face_square,
    part_square,
)

SCALE, ROLL, SHIFT = 80.0, 0.3, np.array([200.0, 170.0])
TURN = np.array([[math.cos(ROLL), -math.sin(ROLL)], [math.sin(ROLL), math.cos(ROLL)]])


def mean_face() -> np.ndarray:
    """Landmarks of which those that a face is placed by lie as in `LAYOUT`; eye distances."""
    points = np.random.default_rng(1).normal(0, 0.2, (COUNT, 2)) + np.array([0, 0.6])
    for side, middle in (("right", LAYOUT[0]), ("left", LAYOUT[1])):
        ring = np.arange(24) * math.tau / 24
        points[eye_rows(side)] = middle + 0.2 * np.column_stack([np.cos(ring), np.sin(ring)])
        points[rows_of("iris", side)] = (
            middle + 0.08 * np.column_stack([np.cos(ring), np.sin(ring)])[::3]
        )
        points[rows_of("pupil", side)] = middle
        points[rows_of("brow", side)] = middle + np.array([0, -0.35]) + points[:9] * [0.3, 0.05]
    points[rows_of("nose")[0]] = LAYOUT[2]
    points[rows_of("lip_outer_upper")[[0, -1]]] = LAYOUT[3:5]
    points[rows_of("jaw")[7]] = LAYOUT[5]
    return points


def placed(points: np.ndarray) -> np.ndarray:
    return SCALE * points @ TURN.T + SHIFT


def test_a_face_is_found_where_it_was_put() -> None:
    frame = face_frame(placed(mean_face()))
    assert frame.eye_px == pytest.approx(SCALE)
    assert frame.roll == pytest.approx(ROLL)
    np.testing.assert_allclose(frame.origin, SHIFT, atol=1e-9)
    np.testing.assert_allclose(frame.axes, TURN)
    assert face_square(frame).side_px == pytest.approx(FACE_SIDE * SCALE)


@pytest.mark.parametrize("name", PARTS)
def test_a_square_goes_along_with_a_face_that_turns_grows_and_moves(name: str) -> None:
    before = part_square(name, mean_face(), face_frame(mean_face()))
    after = part_square(name, placed(mean_face()), face_frame(placed(mean_face())))
    np.testing.assert_allclose(after.centre, placed(before.centre[None])[0], atol=1e-9)
    assert after.side_px == pytest.approx(SCALE * before.side_px)
    assert after.roll == pytest.approx(before.roll + ROLL)


def test_the_middle_of_a_square_is_drawn_in_the_middle_and_its_corner_in_the_corner() -> None:
    square = Square(centre=SHIFT, side_px=50.0, roll=ROLL)
    to_pixels = square.to_pixels(96)
    corner = SHIFT + TURN @ np.array([-25.0, -25.0])
    np.testing.assert_allclose(to_pixels @ [*SHIFT, 1], (48, 48))
    np.testing.assert_allclose(to_pixels @ [*corner, 1], (0, 0), atol=1e-9)
    assert square.wider(1.4).side_px == pytest.approx(70)
