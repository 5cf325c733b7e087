"""Landmarks in space, from eyes and mouth or from a box."""

import numpy as np
import pytest

from blender_addon.bridge.errors import BridgeError
from blender_addon.bridge.projection import (
    CHIN_BELOW_CROWN,
    FRONTS,
    LANDMARK_NAMES,
    MOUTH_BELOW_CROWN,
    PROPORTIONS,
    box_down_to,
    likeliest_front,
    mouth_above_chin,
    points_from_box,
    points_from_eyes_and_mouth,
)
from reggan_plugin.faces import landmarks_and_pose as runtime
from reggan_plugin.faces.landmarks_and_pose import CANONICAL_FACE
from reggan_training.heads.anatomy.assets import read_assets
from reggan_training.heads.anatomy.head_shape import (
    CHIN,
    MOUTH_CORNERS,
    NOSE_TIP,
    head_skin,
    sample_shape,
    shaped_body,
)
from reggan_training.heads.makehuman.family import eye_fronts, fitted_eyes

from ..shared_data import SHARED_DATA

ASSETS = SHARED_DATA / "makehuman"


def test_names_and_proportions_are_those_of_the_runtime() -> None:
    assert runtime.LANDMARK_NAMES == LANDMARK_NAMES == tuple(PROPORTIONS)
    ours, theirs = np.array(list(PROPORTIONS.values())), CANONICAL_FACE.copy()
    theirs[LANDMARK_NAMES.index("nose_tip"), 2] = 0.49  # as its docstring says of true depth
    np.testing.assert_array_equal(ours, theirs)


def test_a_face_of_usual_proportions_is_met_from_three_points() -> None:
    turn = np.array([[0.6, -0.8, 0], [0, 0, 1], [-0.8, -0.6, 0]]) * 0.06  # any rotation and size
    face = np.array(list(PROPORTIONS.values())) * [1, -1, 1] @ turn + [4, 5, 6]
    mouth = (face[3] + face[4]) / 2
    found = points_from_eyes_and_mouth(tuple(face[0]), tuple(face[1]), tuple(mouth))
    if np.linalg.det(turn) < 0:
        pytest.fail("a mirrored face is no test")
    np.testing.assert_allclose(found, face, atol=0.1 * 0.06)
    np.testing.assert_allclose(found[:2], face[:2], atol=1e-9)


def test_three_points_on_a_line_are_refused() -> None:
    for mouth in ((0.0, 0.0, 0.0), (5.0, 0.0, 0.0)):
        with pytest.raises(BridgeError, match="Choose another object or bone"):
            points_from_eyes_and_mouth((1, 0, 0), (-1, 0, 0), mouth)
    with pytest.raises(BridgeError, match="triangle"):
        points_from_eyes_and_mouth((1, 0, 0), (1, 0, 0), (0, 0, -1))


@pytest.mark.parametrize("front", FRONTS)
def test_the_face_is_at_the_front_of_its_box(front: str) -> None:
    forward, up = (np.array(axis) for axis in FRONTS[front])
    low, high = (-1.0, -1.1, -1.2), (3.0, 2.9, 3.4)
    points = dict(zip(LANDMARK_NAMES, points_from_box(low, high, front), strict=True))
    corner = np.where(forward > 0, high, low)
    nose = np.array(points["nose_tip"])
    assert nose @ forward == pytest.approx(corner @ forward)
    to_left = np.subtract(points["left_eye"], points["right_eye"])
    np.testing.assert_allclose(np.cross(up, forward), to_left / np.linalg.norm(to_left), atol=1e-9)
    heights = [np.dot(points[name], up) for name in ("left_eye", "nose_tip", "mouth_left", "chin")]
    assert heights == sorted(heights, reverse=True)
    for point in points.values():
        assert all(a <= x <= b for a, x, b in zip(low, point, high, strict=True))


def test_neck_and_hair_do_not_stretch_the_face() -> None:
    bare, neck = (
        points_from_box((-0.09, -0.09, bottom), (0.09, 0.09, 0.12), "-Y")
        for bottom in (-0.12, -0.3)
    )
    hair = points_from_box((-0.2, -0.09, -0.12), (0.2, 0.09, 0.12), "-Y")
    np.testing.assert_allclose(neck, bare, atol=0.01)
    np.testing.assert_allclose(hair, bare, atol=0.01)
    with pytest.raises(BridgeError, match="flat"):
        points_from_box((0, 0, 0), (1, 0, 1), "-Y")


@pytest.mark.parametrize("front", FRONTS)
def test_a_mouth_or_a_chin_takes_a_beard_out_of_the_box(front: str) -> None:
    low, high = (-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)
    bare = dict(zip(LANDMARK_NAMES, points_from_box(low, high, front), strict=True))
    up = np.array(FRONTS[front][1])
    bearded = tuple(np.array(low) - 0.8 * up)
    mouth = tuple(np.add(bare["mouth_left"], bare["mouth_right"]) / 2)
    for known, share in ((mouth, MOUTH_BELOW_CROWN), (bare["chin"], CHIN_BELOW_CROWN)):
        box = box_down_to(bearded, high, front, known, share)
        np.testing.assert_allclose(box, (low, high), atol=1e-9)
    for height in (5.0, 0.9, -9.0):  # above the head, at its crown, at its feet
        assert box_down_to(low, high, front, tuple(height * up), 0.9) == (low, high)


def test_a_mouth_is_between_eyes_and_chin() -> None:
    face = {name: (x, -z, -y) for name, (x, y, z) in PROPORTIONS.items()}
    eyes_and_chin = (face["left_eye"], face["right_eye"], face["chin"])
    assert mouth_above_chin(*eyes_and_chin)[2] == pytest.approx(face["mouth_left"][2])


def test_the_front_looks_towards_minus_y_with_the_crown_up() -> None:
    assert likeliest_front(FRONTS) == "-Y"
    y_up = {name: (_tipped(forward), _tipped(up)) for name, (forward, up) in FRONTS.items()}
    assert likeliest_front(y_up) == "+Z"


def _tipped(axis: tuple[float, float, float]) -> tuple[float, float, float]:
    """An axis of a mesh with y up, as an importer lays it into Blender's world."""
    return axis[0], -axis[2], axis[1]


@pytest.mark.skipif(not ASSETS.is_dir(), reason=f"no head assets at {ASSETS}")
def test_boxes_of_real_heads_are_nearly_right() -> None:
    assets = read_assets(ASSETS)
    _, rows = head_skin(assets.base)
    for seed in (0, 1):
        body = shaped_body(assets, sample_shape(np.random.default_rng(seed)))
        points = body[[NOSE_TIP, *MOUTH_CORNERS.values(), CHIN]]
        true = np.concatenate([eye_fronts(fitted_eyes(assets, body)), points])
        skin = body[rows]
        skin = skin[skin[:, 2] > true[5, 2] - 0.01]  # from the chin up
        box = (tuple(skin.min(axis=0)), tuple(skin.max(axis=0)))
        eye_distance = np.linalg.norm(true[0] - true[1])
        off = np.linalg.norm((np.array(points_from_box(*box, "-Y")) - true)[:, [0, 2]], axis=1)
        assert off.max() < 0.4 * eye_distance, seed
        middle = tuple((true[3] + true[4]) / 2)
        by_parts = points_from_eyes_and_mouth(tuple(true[0]), tuple(true[1]), middle)
        off = np.linalg.norm((np.array(by_parts) - true)[:5, [0, 2]], axis=1)
        assert off.max() < 0.15 * eye_distance, seed
