import json

import numpy as np
import pytest

from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.avatars.avatar_look import STYLES, AvatarCamera, sample_look
from reggan_training.avatars.framing import camera_pose, head_turn, pixels_from_points
from reggan_training.avatars.identity_plan import plan_identity
from reggan_training.avatars.texture_noise import layered_noise, smooth_noise


@pytest.mark.parametrize("style", STYLES)
def test_a_plan_is_the_same_every_time_and_fit_for_json(style: str) -> None:
    first, second = (plan_identity(style, 1003, 5) for _ in range(2))
    assert json.dumps(first.to_json()) == json.dumps(second.to_json())
    assert first.views == second.views
    assert first.name == f"{style}_01003"


def test_another_number_style_or_seed_is_another_head() -> None:
    shapes = [
        plan_identity(style, number, seed).shape
        for style, number, seed in (("skin", 1, 0), ("skin", 2, 0), ("clay", 1, 0), ("skin", 1, 1))
    ]
    assert all(first != second for first in shapes for second in shapes if first is not second)


def test_half_of_the_heads_look_near_the_camera_and_none_turns_further_than_agreed() -> None:
    looks = [plan_identity("skin", number, 0).look for number in range(400)]
    yaw = np.array([look.yaw_deg for look in looks])
    pitch = np.array([look.pitch_deg for look in looks])
    assert np.abs(yaw).max() <= 45
    assert np.abs(pitch).max() <= 20
    # normal(0, 8) has 99 % within 20.6; of uniform(-45, 45) 54 % lie outside
    assert 0.2 < (np.abs(yaw) > 20.6).mean() < 0.35
    assert abs(yaw.mean()) < 3


def test_unknown_style_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of skin"):
        sample_look(
            "wood", np.random.default_rng(0), femininity=0.5, age=0.5, ancestry={"asian": 1.0}
        )


def test_default_views_are_the_contract_of_the_set() -> None:
    views = plan_identity("skin", 1000, 0).views
    assert len(views) == 15
    assert len({view.stem for view in views}) == 15
    assert [view.state.expression for view in views[:7]] == list(EXPRESSION_NAMES)
    assert [view.state.intensity for view in views[:7]] == [0.0] + [1.0] * 6
    assert [view.state.expression for view in views[7:13]] == list(EXPRESSION_NAMES[1:])
    assert all(0.2 <= view.state.intensity <= 0.75 for view in views[7:13])
    for view in views[13:]:
        assert view.state.eye_closure > 0 or view.state.mouth_open > 0
        assert view.state.intensity <= 0.6
    assert len({view.state.gaze_yaw_deg for view in views}) == 1


def test_positive_yaw_turns_the_face_to_the_right_of_the_picture_and_pitch_up() -> None:
    camera = AvatarCamera(
        focal_length_mm=80, roll_deg=0, head_height=0.8, shift_right=0.0, shift_up=0.0
    )
    pose = camera_pose(camera, chin_m=-0.1, crown_m=0.1)
    nose = np.array([[0.0, -0.05, 0.0]])

    def seen(yaw_deg: float, pitch_deg: float) -> np.ndarray:
        motion = head_turn(yaw_deg, pitch_deg)
        return pixels_from_points(nose @ motion[:3, :3].T + motion[:3, 3], pose, 80, 200)[0]

    np.testing.assert_allclose(seen(0, 0), [100, 100], atol=1e-6)
    assert seen(20, 0)[0] > 110
    assert seen(0, 15)[1] < 92


def test_the_camera_shows_the_head_as_high_as_its_look_says() -> None:
    camera = AvatarCamera(
        focal_length_mm=50, roll_deg=0, head_height=0.5, shift_right=0.1, shift_up=0.0
    )
    pose = camera_pose(camera, chin_m=-0.12, crown_m=0.12)
    ends = pixels_from_points(np.array([[0, 0, -0.12], [0, 0, 0.12]]), pose, 50, 400)
    assert ends[0, 1] - ends[1, 1] == pytest.approx(200)
    assert ends[0, 0] == pytest.approx(240)  # a tenth of the side to the right


def test_noise_is_the_same_for_a_seed_and_of_unit_strength() -> None:
    first, second = (
        layered_noise((40, 60), 6, 3, np.random.default_rng(3), widening=2.0) for _ in range(2)
    )
    assert np.array_equal(first, second)
    assert first.shape == (40, 60)
    assert smooth_noise((64, 64), 8, np.random.default_rng(0)).std() == pytest.approx(1.0)
