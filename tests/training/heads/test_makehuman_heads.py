"""MakeHuman heads from the real assets, where they are there: what the motion promises."""

import numpy as np
import pytest

from reggan_plugin.errors import SourceError
from reggan_training.heads.anatomy.eyes import eye_points
from reggan_training.heads.anatomy.head_shape import HeadShape, sample_shape
from reggan_training.heads.head import HeadMesh, Part
from reggan_training.heads.makehuman.family import MakeHumanFamily
from reggan_training.rendering.rasterising import HeadScene, frontal_camera

from ...shared_data import SHARED_DATA

needs_assets = pytest.mark.skipif(
    not (SHARED_DATA / "heads/faceunits01").is_dir(), reason=f"no head assets below {SHARED_DATA}"
)


@pytest.fixture(scope="module")
def family() -> MakeHumanFamily:
    return MakeHumanFamily(SHARED_DATA / "makehuman", SHARED_DATA / "heads/faceunits01")


@pytest.fixture(scope="module")
def head(family: MakeHumanFamily) -> HeadMesh:
    return family.head("mh-7-00001")


def part_vertices(head: HeadMesh, part: Part) -> np.ndarray:
    return np.unique(head.triangles[head.parts == part])


@needs_assets
def test_the_same_name_gives_the_same_head(family: MakeHumanFamily, head: HeadMesh) -> None:
    again = MakeHumanFamily(SHARED_DATA / "makehuman", SHARED_DATA / "heads/faceunits01").head(
        "mh-7-00001"
    )
    np.testing.assert_array_equal(again.rest, head.rest)
    other = family.head("mh-7-00002")
    assert np.abs(other.rest[:5000] - head.rest[:5000]).max() > 0.02


@needs_assets
def test_eyes_are_one_unit_apart_about_the_origin(head: HeadMesh) -> None:
    left, right, nose, mouth_left, mouth_right, chin = head.landmarks(head.rest)
    assert left[0] - right[0] == pytest.approx(1.0, abs=0.01)
    np.testing.assert_allclose((left + right)[:2], 0, atol=0.02)
    assert chin[1] < mouth_left[1] < nose[1] < 0
    assert mouth_left[0] > 0 > mouth_right[0]


@needs_assets
def test_no_weight_is_the_head_at_rest(head: HeadMesh) -> None:
    np.testing.assert_array_equal(head.vertices({"jawOpen": 0.0}), head.rest)
    with pytest.raises(KeyError, match="tongueOut"):
        head.vertices({"tongueOut": 1.0})


@needs_assets
def test_the_jaw_takes_the_lower_teeth_along_rigidly(head: HeadMesh) -> None:
    teeth = part_vertices(head, Part.TEETH)
    moved = head.vertices({"jawOpen": 1.0})
    way = np.linalg.norm(moved - head.rest, axis=1)[teeth]
    assert (way == 0).sum() > 500  # the upper row
    lower = teeth[way > 0.05]
    assert len(lower) > 500
    for points in (head.rest, moved):
        assert points[lower][:, 1].max() < points[teeth[way == 0]][:, 1].max()
    before, after = (
        np.linalg.norm(p[lower[:200]] - p[lower[-1]], axis=1) for p in (head.rest, moved)
    )
    np.testing.assert_allclose(before, after, atol=1e-4)


@needs_assets
def test_the_eye_turns_about_its_centre(head: HeadMesh) -> None:
    eyes = part_vertices(head, Part.EYE)
    left = eyes[head.rest[eyes, 0] > 0]
    front = left[head.eye_angle[left].argmin()]
    moved = head.vertices({"eyeLookOutLeft": 1.0})
    assert moved[front, 0] > head.rest[front, 0] + 0.05
    centre = head.rest[[left[head.eye_angle[left].argmax()], front]].mean(axis=0)
    way = [np.linalg.norm(points[left] - centre, axis=1) for points in (head.rest, moved)]
    np.testing.assert_allclose(way[1], way[0], atol=0.02)
    np.testing.assert_array_equal(moved[head.left_eye_vertices], head.rest[head.left_eye_vertices])


@needs_assets
def test_a_weight_of_one_side_leaves_the_other(head: HeadMesh) -> None:
    moved = head.vertices({"mouthSmileLeft": 1.0})
    way = np.linalg.norm(moved - head.rest, axis=1)
    skin = part_vertices(head, Part.SKIN)
    assert way[skin][head.rest[skin, 0] > 0.4].max() > 0.15
    assert way[skin][head.rest[skin, 0] < -0.6].max() < 0.02


@needs_assets
def test_a_name_of_another_family_is_refused(family: MakeHumanFamily) -> None:
    with pytest.raises(SourceError, match="mh-SEED-NUMBER"):
        family.head("ict-1")
    with pytest.raises(ValueError, match="how many"):
        family.identities(None, 0)


@needs_assets
def test_shut_eyes_and_lips_hide_eyeballs_and_teeth(family: MakeHumanFamily) -> None:
    for name in ("mh-7-00001", "mh-7-00003"):
        head = family.head(name)
        blink = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
        open_px, shut_px = (seen_px(head, weights, Part.EYE) for weights in ({}, blink))
        assert shut_px < 0.03 * open_px
        assert seen_px(head, {}, Part.TEETH) <= 2
        assert seen_px(head, {"jawOpen": 0.5}, Part.TEETH) > 20


def seen_px(head: HeadMesh, weights: dict[str, float], part: Part) -> int:
    camera = frontal_camera(head.landmarks(head.rest))
    scene = HeadScene(camera.view(head.vertices(weights)), head.triangles, camera)
    triangle = scene.cast((0.0, 0.0, 1.0, 1.0), 256).triangle
    return int((head.parts[triangle[triangle >= 0]] == part).sum())


def test_shape_is_drawn_from_the_seed_and_unknown_sliders_are_refused() -> None:
    first, again, other = (sample_shape(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first == again != other
    people = [
        weight
        for name, weight in first.target_weights().items()
        if name.startswith("macrodetails/") and "universal" not in name
    ]
    assert sum(people) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="nose-size"):
        HeadShape(sliders={"nose-size": 0.5})


def test_an_eyeball_looks_to_the_left_and_up() -> None:
    points = eye_points(np.zeros(3), 0.015, 20.0, 10.0)
    gaze = points[np.linalg.norm(points, axis=1).argmax()]
    assert gaze[0] > 0.3 * 0.015
    assert gaze[2] > 0.15 * 0.015
