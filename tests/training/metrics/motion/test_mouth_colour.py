import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from reggan_training.heads.head import Part
from reggan_training.metrics.motion.face import TrueFace, changed_region
from reggan_training.metrics.motion.quantities import (
    colour_error,
    count_oversaturated,
    teeth_within_hues,
)

TEAL = np.array([0.35, 0.75, 0.75], dtype=np.float32)[:, None, None]
GREY = np.array([0.6, 0.6, 0.6], dtype=np.float32)[:, None, None]


def test_teal_teeth_are_told_from_true_ones(
    face: TrueFace, blurred: Callable[[np.ndarray], np.ndarray]
) -> None:
    teeth = face.shows(Part.TEETH)
    everywhere = np.ones_like(teeth)
    teal = np.where(teeth, TEAL * face.target.mean(axis=0), face.target)
    slightly = np.where(teeth, 0.96 * face.target, face.target)
    assert teeth_within_hues(face.target, face) > 0.97
    assert teeth_within_hues(slightly, face) > 0.97
    assert teeth_within_hues(teal, face) == 0
    assert colour_error(face.target, face, everywhere) == 0
    assert 0 < colour_error(slightly, face, everywhere) < 8
    assert colour_error(teal, face, teeth) > 15
    soft, lips = blurred(face.target), face.source  # the lips are where teeth should be
    assert 0 < colour_error(soft, face, everywhere) < colour_error(lips, face, everywhere)
    assert colour_error(lips, face, everywhere) > 15


def test_teeth_in_shade_are_not_of_another_hue(face: TrueFace) -> None:
    shaded = np.where(face.shows(Part.TEETH), 0.6 * face.target, face.target)
    assert teeth_within_hues(shaded, face) > 0.97


def test_stone_has_stone_teeth(face: TrueFace) -> None:
    teeth = face.shows(Part.TEETH)
    stone = dataclasses.replace(face, target=np.where(teeth, GREY, face.target))
    assert teeth_within_hues(np.where(teeth, 0.9 * GREY, face.target), stone) == 1
    assert teeth_within_hues(face.target, stone) < 0.1  # ivory in a stone mouth


def test_a_closed_mouth_has_no_teeth_to_judge(face: TrueFace) -> None:
    closed = dataclasses.replace(
        face, parts=np.zeros_like(face.parts), is_visible=np.ones_like(face.is_visible)
    )
    assert np.isnan(teeth_within_hues(face.target, closed))
    assert np.isnan(colour_error(face.target, closed, face.is_head))


@pytest.mark.parametrize("bead", [(1.0, 0.05, 0.05), (0.0, 0.8, 0.8), (0.1, 0.1, 1.0)])
def test_beads_are_more_saturated_than_anything_true(
    face: TrueFace, bead: tuple[float, float, float]
) -> None:
    region = changed_region(face)
    beaded = face.target.copy()
    beaded[:, 85, 50:60:3] = np.array(bead)[:, None]
    assert count_oversaturated(face.target, face, region) == 0
    assert count_oversaturated(face.source, face, region) == 0
    assert count_oversaturated(beaded, face, region) == 4


def test_a_saturated_background_allows_nothing(face: TrueFace) -> None:
    sky = np.array([0.0, 0.2, 1.0], dtype=np.float32)[:, None, None]
    outside = dataclasses.replace(
        face,
        source=np.where(face.is_head, face.source, sky),
        target=np.where(face.is_head, face.target, sky),
    )
    beaded = outside.target.copy()
    beaded[:, 85, 60] = (0.0, 0.2, 1.0)
    assert count_oversaturated(beaded, outside, changed_region(outside)) == 1
