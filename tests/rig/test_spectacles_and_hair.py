"""What stands before a face: crumbs of its mask go, edges stay."""

import numpy as np
import pytest

from reggan_plugin.rig.dense_landmarks import COUNT, eye_rows, rows_of
from reggan_plugin.rig.spectacles_and_hair import (
    front_matte,
    head_matte,
    seen_brows,
    whole_brows,
    without_holes,
)


def test_a_fringe_is_before_the_face_up_to_its_edge_in_the_picture() -> None:
    picture = np.full((192, 192, 3), 0.7, np.float32)
    picture[:60] = 0.1
    label = np.zeros((3, 48, 48), np.float32)
    label[2, :14] = 1  # coarse: to row 56
    matte = front_matte(picture, label)
    assert matte is not None
    assert matte[:52].min() > 0.9
    assert matte[61:].max() < 0.1
    assert front_matte(picture, np.zeros_like(label)) is None


def test_holes_of_a_head_are_filled_and_what_is_beside_it_is_not() -> None:
    head = np.zeros((32, 32), np.float32)
    head[4:28, 4:28] = 0.9
    head[10:14, 10:14] = 0.2  # a beard
    head[20:28, 16:18] = 0.3  # open to what is beside
    filled = without_holes(head)
    assert np.allclose(filled[10:14, 10:14], 0.9, atol=0.005)
    filled[10:14, 10:14] = 0.2
    assert np.array_equal(filled, head)


def test_a_head_ends_at_its_edge_in_the_picture_though_only_its_hue_changes_there() -> None:
    skin, backdrop = np.array([0.7, 0.5, 0.3]), np.array([0.3, 0.5, 0.7])  # of one mean
    picture = np.random.default_rng(0).normal(0, 0.02, (192, 192, 3)) + backdrop
    picture[:, :98] += skin - backdrop
    label = np.zeros((48, 48), np.float32)
    label[:, :24] = 1  # coarse: to column 96
    matte = head_matte(picture.astype(np.float32), label)[..., 0]
    assert matte[:, :92].min() > 0.9
    assert matte[:, 101:].max() < 0.1
    assert head_matte(picture.astype(np.float32), np.ones_like(label)).min() == 1


def face_with_brows() -> np.ndarray:
    """Landmarks of a face whose eyes lie a fifth of the crop apart, brows above them."""
    places = np.full((COUNT, 2), 0.5)
    for side, middle in (("right", 0.4), ("left", 0.6)):
        places[eye_rows(side)] = (middle, 0.4)
        away = -1 if side == "right" else 1
        places[rows_of("brow", side), 0] = middle + away * np.linspace(0.08, -0.06, 9)
        places[rows_of("brow", side), 1] = 0.34
    return places


@pytest.mark.parametrize(("hair", "is_carried"), [(0.35, True), (0.45, False)])
def test_a_brow_whose_tail_lies_beside_hair_moves_as_a_whole(
    hair: float, *, is_carried: bool
) -> None:
    """A brow that is mostly beneath a fringe is held with it."""
    label = np.zeros((3, 64, 64), np.float32)
    label[1] = 1
    label[:, :, : int(hair * 64)] = np.array([0, 0, 1])[:, None, None]
    tail = int(0.34 * 96), int(0.33 * 96)
    places = face_with_brows()
    carried = whole_brows(places, seen_brows(places, label), 96)
    assert (carried[tail] > 0.9) == is_carried
    assert carried[int(0.34 * 96), int(0.67 * 96)] > 0.9  # the other one is seen
    assert carried[int(0.6 * 96)].max() == 0


def test_the_tail_of_a_brow_goes_on_by_a_step_beyond_its_last_landmark() -> None:
    carried = whole_brows(face_with_brows(), ["right"], 960)
    step = 0.14 / 8
    assert carried[int(0.34 * 960), int((0.32 - step) * 960)] > 0.9
    assert carried[int(0.34 * 960), int((0.32 - step - 0.04) * 960)] < 0.01
