"""The plan and the folder of a character's pictures."""

import json
import math
import shlex
from pathlib import Path

import numpy as np
import pytest

from blender_addon.bridge.character_set import (
    begin_set,
    finish_set,
    pictures_to_render,
    training_command,
)
from blender_addon.bridge.character_views import (
    camera_pose,
    direction,
    face_frame,
    file_stem,
    lamps,
    landmarks_in_view,
    plan_views,
)
from blender_addon.bridge.errors import BridgeError
from blender_addon.bridge.face_points import points_from_eyes_and_mouth
from blender_addon.bridge.vectors import Point
from reggan_training.data.split import named_in_style, style_of

POINTS = points_from_eyes_and_mouth((0.03, 0.0, 0.0), (-0.03, 0.0, 0.0), (0.0, 0.0, -0.07))
FACE = face_frame(POINTS)  # looks along -y


def plan(count: int) -> list:  # type: ignore[type-arg]
    return plan_views("Toon_ü 1", count, max_yaw_deg=35, max_pitch_deg=12)


def test_views_cover_the_range_from_the_front_on() -> None:
    views = plan(40)
    assert (views[0].yaw_deg, views[0].pitch_deg) == (0, 0)
    assert plan(5) == views[:5]
    yaws = [view.yaw_deg for view in views]
    assert min(yaws) < -30
    assert max(yaws) > 30
    assert all(abs(yaw) <= 35 for yaw in yaws)
    few = [view.yaw_deg for view in views[:6]]
    assert min(few) < -10 < 10 < max(few)
    assert len({view.name for view in views}) == 40


def test_no_name_is_taken_for_that_of_a_style() -> None:
    for character in ("toon_hero", "stone", "skin_01", "Ä b/c", "…", "a" * 300):
        (view,) = plan_views(character, 1, max_yaw_deg=1, max_pitch_deg=1)
        assert style_of(named_in_style(view.name)) == "photograph"
        assert len(view.name) < 70
        assert "/" not in view.name
    assert file_stem("…") == "character"


def test_directions_are_the_faces_own() -> None:
    np.testing.assert_allclose(FACE.forward, (0, -1, 0), atol=1e-9)
    np.testing.assert_allclose(direction(FACE, 90, 0), (1, 0, 0), atol=1e-9)
    np.testing.assert_allclose(direction(FACE, 0, 90), (0, 0, 1), atol=1e-9)


def test_the_face_is_in_the_middle_of_every_picture() -> None:
    for view in plan(12):
        pose = np.array(camera_pose(FACE, view))
        np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)
        assert np.linalg.det(pose) == pytest.approx(1)
        local = np.linalg.inv(pose) @ [*FACE.middle, 1]
        assert local[:2] == pytest.approx([0, 0], abs=1e-9)
        assert local[2] < 0
        pixels = landmarks_in_view(POINTS, FACE, view, 200)
        middle = np.mean([pixels[n] for n in ("left_eye", "right_eye")], axis=0)
        assert abs(middle[0] - 100) < 3
        assert pixels["left_eye"][0] > pixels["right_eye"][0]
    front = landmarks_in_view(POINTS, FACE, plan(1)[0], 200)
    assert math.dist(front["left_eye"], front["right_eye"]) == pytest.approx(40, abs=0.5)


def test_lamps_shine_from_both_sides() -> None:
    for view in plan(12):
        key, fill = lamps(FACE, view)
        assert key["towards"][0] * fill["towards"][0] <= 0
        assert key["strength"] > fill["strength"] > 0


def made(out: Path, *names: str) -> list[Path]:
    paths = [out / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"picture")
    return paths


def test_only_what_is_missing_is_rendered(tmp_path: Path) -> None:
    views = plan(2)
    made(tmp_path, f"happy/{views[0].name}.png")
    missing = pictures_to_render(tmp_path, views, ["neutral", "happy"])
    assert [(number, name) for number, name, _ in missing] == [
        (0, "neutral"),
        (1, "neutral"),
        (1, "happy"),
    ]


def test_a_set_goes_on_only_as_it_was_begun(tmp_path: Path) -> None:
    out = tmp_path / "set"
    begin_set(out, {"size": 1}, replaces=False)
    (picture,) = made(out, "happy/a.png")
    begin_set(out, {"size": 1}, replaces=False)
    with pytest.raises(BridgeError, match="tick Render All Again"):
        begin_set(out, {"size": 2}, replaces=False)
    assert picture.exists()
    begin_set(out, {"size": 2}, replaces=True)
    assert not picture.exists()


def test_pictures_of_others_are_never_taken_away(tmp_path: Path) -> None:
    (picture,) = made(tmp_path, "happy/a.png")
    with pytest.raises(BridgeError, match="Choose a new folder"):
        begin_set(tmp_path, {}, replaces=True)
    assert picture.read_bytes() == b"picture"
    with pytest.raises(BridgeError, match="cannot be written"):
        begin_set(picture, {}, replaces=False)


def test_landmarks_are_written_for_the_pictures_that_are_there(tmp_path: Path) -> None:
    views = plan(2)
    begin_set(tmp_path, {}, replaces=False)
    made(tmp_path, f"happy/{views[0].name}.png", f"neutral/{views[0].name}.png")
    points: list[Point] = list(POINTS)
    finish_set(tmp_path, points, views, 100)
    sheet = json.loads((tmp_path / "landmarks.json").read_text(encoding="utf-8"))
    assert sorted(sheet[views[0].name]) == ["happy", "neutral"]
    assert sheet[views[1].name] == {}


def test_the_command_names_folder_and_model() -> None:
    words = shlex.split(training_command(Path("/a b/it's ü"), ""))
    assert words[:2] == ["reggan-plugin", "train"]
    assert words[words.index("--data") + 1] == "/a b/it's ü"
    assert words[words.index("--init-from") + 1] == "sargan"
    assert "own.onnx" in training_command(Path("set"), "own.onnx")
