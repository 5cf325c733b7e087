"""The turn of a head from its six landmarks, and what it leaves of an intensity."""

import numpy as np
import pytest
from jaxtyping import Float

from reggan_plugin.faces.face_finder import FaceChoice, FaceFinder
from reggan_plugin.faces.landmarks_and_pose import (
    CANONICAL_FACE,
    LOCATED_GAIN,
    YAW_GAIN,
    FaceLandmarks,
    HeadPose,
    head_pose_from_landmarks,
    intensity_share,
)
from reggan_plugin.faces.tracks import FaceStatus, TrackedFace

HEAD = np.array(
    [
        [0.5, 0, 0],
        [-0.5, 0, 0],
        [0, 0.66, 0.49],
        [0.4, 1.18, 0.07],
        [-0.4, 1.18, 0.07],
        [0, 1.86, 0],
    ]
)
"""The mean head in distances of its eyes: x to its own left, y down, z towards the camera."""
NECK = np.array([0.0, 0.8, -1.3])


def seen_points(
    head: Float[np.ndarray, "6 3"],
    yaw_deg: float,
    pitch_deg: float = 0.0,
    roll_deg: float = 0.0,
    *,
    camera: float = 12.0,
    eye_distance_px: float = 70.0,
) -> FaceLandmarks:
    """Turn a head about its neck and look at it from `camera` eye distances away."""
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    about_z = np.array(
        [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    )
    turned = (head - NECK) @ (about_z @ about_x @ about_y).T + NECK
    projected = turned[:, :2] * camera / (camera - turned[:, 2:])
    return FaceLandmarks(projected * eye_distance_px + [320.0, 180.0])


@pytest.mark.parametrize("yaw_deg", [-60.0, -20.0, 0.0, 10.0, 45.0])
@pytest.mark.parametrize("roll_deg", [-30.0, 0.0, 15.0])
def test_the_canonical_face_from_afar_is_recovered(yaw_deg: float, roll_deg: float) -> None:
    """But for the gain, which makes up for what renders have and the canonical face lacks."""
    pose = head_pose_from_landmarks(
        seen_points(CANONICAL_FACE, yaw_deg, roll_deg=roll_deg, camera=1e6)
    )
    assert pose.yaw_deg == pytest.approx(YAW_GAIN * yaw_deg, abs=0.2)
    assert pose.pitch_deg == pytest.approx(0.0, abs=0.5)


def test_to_the_heads_own_left_is_positive_and_up_is_positive() -> None:
    level = seen_points(HEAD, 0.0).points
    left = seen_points(HEAD, 30.0)
    assert left.points[2, 0] > level[2, 0]  # the nose goes to the right of the picture
    assert head_pose_from_landmarks(left).yaw_deg > 20
    up = seen_points(HEAD, 0.0, 20.0)
    assert up.points[2, 1] < level[2, 1]
    assert head_pose_from_landmarks(up).pitch_deg > 5


@pytest.mark.parametrize(
    ("low_deg", "high_deg", "allowed_deg"), [(0, 10, 3.0), (10, 25, 5.0), (25, 45, 7.5)]
)
def test_yaw_of_different_heads_in_perspective(
    low_deg: float, high_deg: float, allowed_deg: float
) -> None:
    """Mean absolute error over 150 heads that differ as the generator's do, 2 % of jitter."""
    random = np.random.default_rng(3)
    spread = np.array([[0, 0, 0], [0, 0, 0], [0.01, 0.11, 0.1]] + [[0.05, 0.12, 0.1]] * 3)
    errors = []
    for _ in range(150):
        yaw_deg = random.uniform(low_deg, high_deg) * random.choice([-1, 1])
        own = HEAD + random.normal(0, 1, (6, 3)) * spread
        pitch_deg, roll_deg = random.uniform(-20, 20), random.uniform(-15, 15)
        face = seen_points(own, yaw_deg, pitch_deg, roll_deg, camera=random.uniform(8, 20))
        jittered = FaceLandmarks(face.points + random.normal(0, 0.02 * 70, (6, 2)))
        errors.append(head_pose_from_landmarks(jittered).yaw_deg - yaw_deg)
    assert np.abs(errors).mean() < allowed_deg


def test_size_and_place_in_the_picture_do_not_matter() -> None:
    near, far = seen_points(HEAD, 25.0), seen_points(HEAD, 25.0, eye_distance_px=9.0)
    moved = FaceLandmarks(far.points + np.array([1000.0, -50.0]))
    assert head_pose_from_landmarks(near).yaw_deg == pytest.approx(
        head_pose_from_landmarks(moved).yaw_deg
    )


def test_the_intensity_falls_in_a_straight_line_over_ten_degrees() -> None:
    turns = [0.0, -25.0, 25.1, 27.5, -30.0, 34.9, 35.0, -80.0]
    shares = [intensity_share(turn, 25.0) for turn in turns]
    assert shares == pytest.approx([1.0, 1.0, 0.99, 0.75, 0.5, 0.01, 0.0, 0.0])
    assert intensity_share(80.0, None) == intensity_share(None, 25.0) == 1.0


def test_landmarks_know_their_yaw_and_boxes_do_not() -> None:
    canonical = np.array(
        [[0.63, 0.3], [0.37, 0.3], [0.5, 0.48], [0.6, 0.62], [0.4, 0.62], [0.5, 0.81]]
    )
    finder = FaceFinder(canonical, 64)
    turned = seen_points(HEAD, 30.0)
    crop = finder.crop_of(turned)
    pose = head_pose_from_landmarks(turned)
    assert isinstance(pose, HeadPose)
    assert crop.yaw_deg == pose.yaw_deg
    assert crop.moved(3, 4).scaled(2).resized(80).yaw_deg == pose.yaw_deg
    assert finder.crop_of(turned, is_located=True).yaw_deg == LOCATED_GAIN * pose.yaw_deg
    gains: dict[FaceStatus, float] = {"found": LOCATED_GAIN, "filled": LOCATED_GAIN, "given": 1.0}
    for status, gain in gains.items():
        tracked = TrackedFace(face=0, landmarks=turned.points, box_px=(0, 0, 9, 9), status=status)
        assert finder._crop_of_tracked(tracked).yaw_deg == pytest.approx(gain * pose.yaw_deg)
    box = FaceChoice(box=(10, 10, 50, 50))
    assert finder.place((200, 200), box, ())[0].yaw_deg is None
