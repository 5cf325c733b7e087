"""What faces are asked to do, before any mesh is moved."""

import json

import numpy as np
import pytest

from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.heads.anatomy.actions import ACTIONS
from reggan_training.heads.anatomy.expressions import action_weights, unit_weights, wrinkle_amounts
from reggan_training.heads.anatomy.eyeball import IRIS_DEG, eye_part, eye_points
from reggan_training.heads.anatomy.face_state import ExpressionHabits, FaceState, sample_habits
from reggan_training.heads.anatomy.head_shape import HeadShape, sample_shape
from reggan_training.heads.anatomy.rig import rotations_from_vectors, vectors_from_rotations

FULL = [name for name in EXPRESSION_NAMES if name != "neutral"]


@pytest.mark.parametrize("expression", FULL)
def test_every_action_grows_with_the_intensity_from_nothing(expression: str) -> None:
    habits = sample_habits(np.random.default_rng(0))
    none, half, whole = (
        action_weights(FaceState(expression=expression, intensity=level), habits)
        for level in (0.0, 0.5, 1.0)
    )
    assert none == {}
    assert whole
    assert half == pytest.approx({name: weight / 2 for name, weight in whole.items()})


def test_expressions_differ_most_of_all_anger_and_disgust() -> None:
    habits = ExpressionHabits()
    vectors = {
        name: np.array(
            [
                action_weights(FaceState(expression=name, intensity=1.0), habits).get(action, 0.0)
                for action in ACTIONS
            ]
        )
        for name in FULL
    }
    cosines = {
        (first, second): float(
            vectors[first]
            @ vectors[second]
            / np.linalg.norm(vectors[first])
            / np.linalg.norm(vectors[second])
        )
        for first in FULL
        for second in FULL
        if first < second
    }
    assert max(cosines.values()) < 0.7
    assert cosines["angry", "disgusted"] < 0.35


def test_habits_are_drawn_from_the_seed_and_survive_json() -> None:
    first, again, other = (sample_habits(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first == again != other
    assert ExpressionHabits(**json.loads(json.dumps(first.to_json()))) == first


def test_shape_is_drawn_from_the_seed_and_survives_json() -> None:
    first, again, other = (sample_shape(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first == again != other
    assert HeadShape(**json.loads(json.dumps(first.to_json()))) == first
    people = [
        weight
        for name, weight in first.target_weights().items()
        if name.startswith("macrodetails/") and "universal" not in name
    ]
    assert sum(people) == pytest.approx(1.0)


def test_toons_go_further_than_skin() -> None:
    plain, toon = (
        sample_shape(np.random.default_rng(1), exaggeration=factor) for factor in (1.0, 1.35)
    )
    assert toon.sliders["nose-hump"] == pytest.approx(1.35 * plain.sliders["nose-hump"], abs=1e-3)


def test_lean_moves_the_sides_against_each_other() -> None:
    units = unit_weights({"CheekUp": 1.0, "JawDrop": 1.0}, ExpressionHabits(lean={"CheekUp": 0.1}))
    assert units == pytest.approx({"LeftCheekUp": 1.1, "RightCheekUp": 0.9, "JawDrop": 1.0})


def test_wrinkles_stay_between_none_and_whole() -> None:
    assert set(wrinkle_amounts({}).values()) == {0.0}
    deep = wrinkle_amounts(dict.fromkeys(ACTIONS, 3.0))
    assert set(deep.values()) == {1.0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"expression": "bored"},
        {"intensity": -0.1},
        {"eye_closure": 1.1},
        {"mouth_open": 2.0},
        {"gaze_yaw_deg": 80.0},
    ],
)
def test_impossible_states_are_refused(wrong: dict[str, float | str]) -> None:
    with pytest.raises(ValueError, match=r"is not one|0 to|from 0|gaze"):
        FaceState(**wrong)  # type: ignore[arg-type]


def test_unknown_sliders_are_refused() -> None:
    with pytest.raises(ValueError, match="nose-size"):
        HeadShape(sliders={"nose-size": 0.5})


def test_rotation_vectors_come_back() -> None:
    vectors = np.random.default_rng(0).normal(0, 0.8, (20, 3))
    mats = rotations_from_vectors(vectors)
    np.testing.assert_allclose(np.linalg.det(mats), 1)
    np.testing.assert_allclose(vectors_from_rotations(mats), vectors, atol=1e-9)


def test_eyeball_looks_where_it_should_and_shows_it_in_uv() -> None:
    part = eye_part("eye_left")
    points = eye_points(np.zeros(3), 0.015, 20.0, 10.0)
    pole = part.faces[np.linalg.norm(part.uv[part.uv_faces] - 0.5, axis=2).min(axis=1) < 1e-6]
    gaze = points[pole[0, 0]] / np.linalg.norm(points[pole[0, 0]])
    assert gaze[0] > 0.3  # to the avatar's own left
    assert gaze[2] > 0.15  # and up
    assert gaze[1] < -0.9
    angle = np.rad2deg(np.arccos(np.clip(points @ gaze / np.linalg.norm(points, axis=1), -1, 1)))
    shown = 360 * np.linalg.norm(part.uv - 0.5, axis=1)
    np.testing.assert_allclose(shown, angle, atol=1e-3)
    assert 20 < IRIS_DEG < 30
