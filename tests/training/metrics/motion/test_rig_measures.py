"""What `tests.measurements.rig_on_heads` measures, on shapes whose answer is known."""

import numpy as np
import pytest

from reggan_plugin.rig.dense_landmarks import COUNT, eye_rows, rows_of
from tests.measurements.rig_measures import (
    bend,
    edge_distance,
    landmark_errors,
    moved_forward,
    onto_worn_brow,
)
from tests.measurements.rig_on_heads import BOUNDS, Found
from tests.measurements.spectacles import moved_px

SIDE_PX = 128


def disc(radius: float, right: float = 0.0) -> np.ndarray:
    """A disc with soft edges, in the middle of a picture."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] + 0.5 - SIDE_PX / 2
    return np.clip(radius + 0.5 - np.hypot(x - right, y), 0, 1).astype(np.float32)


def test_distance_between_outlines_is_that_of_discs() -> None:
    assert edge_distance(disc(30), disc(30)) < 0.02
    assert edge_distance(disc(33), disc(30)) == pytest.approx(3, abs=0.3)
    assert np.isnan(edge_distance(np.zeros((SIDE_PX, SIDE_PX), np.float32), disc(30)))


def test_a_brow_that_turns_and_grows_does_not_bend() -> None:
    line = np.column_stack([np.linspace(0, 1, 9), 0.2 * np.linspace(-1, 1, 9) ** 2])
    turned = 1.3 * line @ np.array([[0.8, 0.6], [-0.6, 0.8]]) + 0.4
    assert np.abs(bend(line, turned)).max() < 1e-9
    arched = line * [1, 2]
    assert np.abs(bend(line, arched)).max() > 0.02


def test_a_brow_lies_in_the_middle_of_the_hair_that_is_worn_there() -> None:
    hair = np.zeros((SIDE_PX, SIDE_PX), bool)
    hair[40:46:2, 20:60] = True  # strands with skin between them
    line = np.column_stack([np.linspace(22, 58, 9), np.full(9, 50.0)]) / SIDE_PX
    moved = onto_worn_brow(line, hair)
    assert moved[:, 1] * SIDE_PX == pytest.approx(np.full(9, 42.5), abs=0.1)
    assert (np.diff(moved[:, 0]) > 0).all()
    assert onto_worn_brow(line[::-1], hair)[0, 0] > 0.4
    hair[:, 35:] = False  # beneath a fringe
    assert onto_worn_brow(line, hair) is line


def test_a_place_goes_where_the_backward_motion_comes_from() -> None:
    motion = np.zeros((2, SIDE_PX, SIDE_PX), np.float32)
    motion[1] = 0.05
    moved = moved_forward(np.array([[0.5, 0.5]]), motion)
    assert moved == pytest.approx(np.array([[0.5, 0.45]]), abs=1e-5)


def test_landmarks_that_slide_along_an_edge_have_no_error_across() -> None:
    true = np.random.default_rng(0).uniform(0.3, 0.7, (COUNT, 2))
    turn = np.arange(24) * 2 * np.pi / 24
    ring = np.column_stack([np.cos(turn), -0.999 * np.sin(turn)])
    for side, x in (("right", 0.3), ("left", 0.7)):
        true[eye_rows(side)] = ring * 0.05 + [x, 0.3]
    found = true.copy()
    found[eye_rows("right")] = np.roll(found[eye_rows("right")], 1, axis=0)
    found[rows_of("jaw")] += [0.0, 0.004]
    errors = landmark_errors(found, true, 0.4, np.ones(len(true), bool))
    assert errors["lids across"].max() < 0.001
    assert errors["jaw"] == pytest.approx(np.full(15, 0.01))
    assert errors["nose"].max() == 0


def test_of_a_pixel_that_a_rim_covers_in_part_only_that_part_has_to_stay() -> None:
    far, cover = np.full((1, 4), 2.0), np.array([[0.0, 0.5, 1.0, 0.5]])
    assert moved_px(far, cover, cover) == 0
    assert moved_px(far, np.ones((1, 4)), cover) == 0
    assert moved_px(far, np.zeros((1, 4)), cover) == 2
    assert moved_px(far, np.array([[1.0, 0.5, 0.5, 0.5]]), cover) == pytest.approx(0.5)


def test_shares_are_pooled_over_requests() -> None:
    found = Found()
    for error, motion in ((1.0, 2.0), (0.0, 8.0)):
        figures = {"error face": error, "motion face": motion}
        found.requests.append(("ict", "a head", "happy", figures))
    assert found.explained("ict") == pytest.approx(0.9)
    assert found.explained("all") == pytest.approx(0.9)
    assert np.isnan(found.explained("valid"))


def test_every_bound_is_one_of_the_figures() -> None:
    names = Found().figures("all")
    over = " over the model beside it"
    assert all(bound.name.removesuffix(over) in names for bound in BOUNDS)
