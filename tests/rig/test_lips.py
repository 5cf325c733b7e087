"""Shut lips have one line: none lies over the other, and none is rolled over its edge."""

import numpy as np
import pytest

from reggan_plugin.rig.layout import LIP_PAIRS, rows_of
from reggan_plugin.rig.opened_mouth import overlap, parting, without_rolled_lips
from reggan_plugin.rig.template import is_lower, template
from tests.rig.drawn_face import placed

DOWN = np.array([0.0, 1.0])
AXES = np.eye(2)
EYE = 0.234


def test_every_vertex_of_a_lip_is_of_the_lip_that_moves_it() -> None:
    lower = is_lower(template())[:, None].astype(np.float32)
    marks = template().at_landmarks(lower)[:, 0]
    assert marks[LIP_PAIRS[0]].max() == 0
    assert marks[LIP_PAIRS[1]].min() == 1
    assert marks[rows_of("nose")].max() == 0
    assert marks[rows_of("jaw")[6:9]].min() == 1


@pytest.mark.parametrize("share", [0.02, 0.08])
def test_lips_that_overlap_are_made_to_meet(share: float) -> None:
    house = template()
    before = placed(house.landmarks)
    before[LIP_PAIRS[1], 1] = before[LIP_PAIRS[0], 1]
    marks = before.copy()
    marks[LIP_PAIRS[1], 1] -= share * EYE
    wanted = overlap(before, marks, DOWN)
    np.testing.assert_allclose(wanted[:, 1], share * EYE, rtol=1e-4)
    moved = marks + house.at_landmarks(parting(house, wanted))
    left = moved[LIP_PAIRS[1], 1] - moved[LIP_PAIRS[0], 1]
    assert np.abs(left).max() < 0.25 * share * EYE


def test_lips_that_are_apart_are_left() -> None:
    marks = placed(template().landmarks)
    marks[LIP_PAIRS[1], 1] = marks[LIP_PAIRS[0], 1] + 0.05
    assert not overlap(marks, marks, DOWN).any()


def test_lips_whose_landmarks_overlap_in_the_source_are_left_so() -> None:
    marks = placed(template().landmarks)
    marks[LIP_PAIRS[1], 1] = marks[LIP_PAIRS[0], 1] - 0.02
    assert not overlap(marks, marks, DOWN).any()


def test_a_lip_that_is_rolled_over_its_edge_comes_back() -> None:
    house = template()
    marks = placed(house.landmarks)
    here = np.column_stack([placed(house.rest), house.rest[:, 2]])
    edge = marks[LIP_PAIRS[1], 1].mean()
    front = is_lower(house) & (np.abs(house.rest[:, 0]) < 0.15)
    front &= (here[:, 1] > edge + 0.01) & (here[:, 1] < edge + 0.04)
    there = here.copy()
    there[front, 1] = edge - 0.02
    kept = without_rolled_lips(house, here, there, marks, marks, AXES, EYE)
    assert kept[front, 1].min() > edge
    np.testing.assert_array_equal(kept[~front], there[~front])
