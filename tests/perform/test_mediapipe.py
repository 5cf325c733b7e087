"""MediaPipe itself, where it and a landmarker are at hand; they are no part of the gate."""

import importlib.util

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.perform.mediapipe_landmarker import MediaPipeReader, reading_from_points
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

from ..sample_frames import SAMPLES
from ..shared_data import SHARED_DATA

TASKS = sorted((SHARED_DATA.parent / "tools/landmarker").glob("*.task"))


@pytest.mark.skipif(
    importlib.util.find_spec("mediapipe") is None or not TASKS,
    reason="needs MediaPipe and its model",
)
def test_it_reads_the_sample_and_its_mirror_with_sides_exchanged() -> None:
    with Image.open(SAMPLES / "avatar_png/avatar.1001.png") as one:
        picture = np.array(one.convert("RGB"))
    reader = MediaPipeReader(TASKS[0])
    try:
        [face], [mirrored] = reader.read(picture), reader.read(picture[:, ::-1])
        assert reader.read(np.zeros((64, 64, 3), np.uint8)) == []
    finally:
        reader.close()
    assert face.weights.shape == (len(ARKIT_SHAPES),)
    assert face.turn_deg[0] == pytest.approx(-mirrored.turn_deg[0], abs=4)
    assert face.lips_gap < 0.05
    assert 0.1 < face.lids_gap.min() < 0.6


def test_turns_are_to_the_head_s_own_left_up_and_to_its_right_shoulder() -> None:
    random = np.random.default_rng(1)
    points = random.uniform(0, 100, (478, 3))
    yaw, roll = np.radians(20), np.radians(10)
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_z = np.array(
        [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    )
    matrix = np.eye(4)
    for turn, expected in ((about_y, (20, 0, 0)), (about_z, (0, 0, 10))):
        matrix[:3, :3] = 2.0 * turn
        found = reading_from_points(points, np.zeros(len(ARKIT_SHAPES)), matrix).turn_deg
        assert found == pytest.approx(expected, abs=1e-6)
