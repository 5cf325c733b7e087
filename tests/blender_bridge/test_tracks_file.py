"""Tracks from Blender are read by the runtime's own reader."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blender_addon.bridge.errors import BridgeError
from blender_addon.bridge.projection import CameraView, SeenFace, Status, face_box, face_in_view
from blender_addon.bridge.tracks_file import (
    other_faces,
    text_from_tracks,
    tracks_from_faces,
    write_tracks,
)
from blender_addon.bridge.whole_file import write_whole
from reggan_plugin.faces.landmarks_and_pose import FaceLandmarks
from reggan_plugin.faces.tracks_file import read_tracks

FACE = ((60.0, 40.0), (40.0, 40.0), (50.0, 53.0), (58.0, 63.5), (42.0, 63.5), (50.0, 77.0))
POINTS = ((0.5, 0, 0), (-0.5, 0, 0), (0, -0.66, 0.5), (0.4, -1.2, 0), (-0.4, -1.2, 0), (0, -1.9, 0))


def flat_view(
    depth: float = 1.0, written_px: tuple[int, int, int, int] = (0, 0, 100, 100)
) -> CameraView:
    """10 units of the world across 100 pixels, from any depth."""
    rows = [[0.2, 0, 0, 0], [0, 0.2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    return CameraView(
        clip_from_world=rows,
        depth_from_world=(0, 0, -1, depth),
        width_px=100,
        height_px=100,
        written_px=written_px,
    )


def seen(status: Status = "given", score: float = 1.0) -> SeenFace:
    return SeenFace(status=status, landmarks=FACE, score=score)


def text_of(frames: Mapping[int, SeenFace], **others: Any) -> str:
    return text_from_tracks(tracks_from_faces(frames, **others))


def test_the_runtime_reads_what_was_seen(tmp_path: Path) -> None:
    path = tmp_path / "Datei ü" / "tracks.json"
    frames = {
        1001: seen(score=0.5),
        1002: seen("occluded"),
        1003: SeenFace(status="behind", landmarks=None),
        1004: SeenFace(status="given", landmarks=(FACE[0], FACE[0], *FACE[2:])),
        1005: SeenFace(status="outside", landmarks=tuple((x * 1e7, y) for x, y in FACE)),
        -1: seen("outside"),
    }
    write_tracks(path, text_of(frames, source="Szene ü", cuts=[1003]))
    tracks = read_tracks(path)
    assert list(tracks.frames) == ["-1", "1001", "1002", "1003", "1004", "1005"]
    assert tracks.cuts == ("1003",)
    assert tracks.exposure_ev is None  # measured on the frames by `render`
    (face,) = tracks.frames["1001"].faces
    assert face.landmarks is not None
    np.testing.assert_array_equal(face.landmarks, FACE)
    assert (face.status, face.score) == ("given", 0.5)
    statuses = [tracks.frames[str(frame)].faces[0].status for frame in (1002, 1003, 1004, 1005)]
    assert statuses == ["occluded", "behind", "given", "outside"]
    assert (
        tracks.frames["1004"].faces[0].landmarks is None
    )  # both eyes in one place: the box places it
    assert [f for f in tracks.frames if tracks.chosen_at("all", f)] == ["1001", "1004"]


def test_heads_of_other_numbers_stay(tmp_path: Path) -> None:
    path = tmp_path / "tracks.json"
    assert other_faces(path, 0) == {}
    write_tracks(path, text_of({1: seen(), 2: seen()}, face=0))
    others = other_faces(path, 1)
    write_tracks(path, text_of({1: seen("occluded")}, face=1, others=others))
    assert [(f.face, f.status) for f in read_tracks(path).frames["1"].faces] == [
        (0, "given"),
        (1, "occluded"),
    ]
    assert [entry["face"] for entry in other_faces(path, 1)["1"]] == [0]


@pytest.mark.parametrize("text", ["[]", "{}", '{"kind": "notes"}', "no json", '{"kind": 1, "a"'])
def test_other_files_are_not_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.json"
    path.write_text(text)
    with pytest.raises(BridgeError, match="Name another file, or delete it"):
        other_faces(path, 0)


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BridgeError, match="cannot be written"):
        write_tracks(tmp_path / "file" / "tracks.json", text_of({1: seen()}))
    with pytest.raises(UnicodeEncodeError):
        write_tracks(tmp_path / "tracks.json", "begun \ud800")
    assert list(tmp_path.glob("*tracks*")) == []
    write_tracks(tmp_path / "tracks.json", text_of({1: seen()}))
    assert [path.name for path in tmp_path.iterdir() if "tracks" in path.name] == ["tracks.json"]
    assert json.loads((tmp_path / "tracks.json").read_text())["kind"] == "reggan-tracks"
    usual = tmp_path / "usual"
    usual.touch()
    assert (tmp_path / "tracks.json").stat().st_mode == usual.stat().st_mode  # others read it too


def test_the_box_is_that_of_the_runtime() -> None:
    np.testing.assert_allclose(face_box(FACE), FaceLandmarks(np.array(FACE)).box, atol=1)


def test_points_fall_where_the_view_says() -> None:
    face = face_in_view(flat_view(), POINTS)
    assert face.landmarks is not None
    assert face.landmarks[0] == pytest.approx((55, 50))
    assert face.landmarks[5] == pytest.approx((50, 69))
    cropped = face_in_view(flat_view(written_px=(20, 30, 60, 50)), POINTS)
    assert cropped.landmarks is not None
    assert cropped.landmarks[0] == pytest.approx((35, 20))


@pytest.mark.parametrize(
    ("view", "shift", "hidden", "status"),
    [
        (flat_view(), 0.0, 0, "given"),
        (flat_view(depth=0.2), 0.0, 0, "behind"),  # the tip of the nose is
        (flat_view(), 6.0, 0, "given"),  # half of its box shows
        (flat_view(), 7.0, 0, "outside"),
        (flat_view(written_px=(0, 0, 30, 100)), 0.0, 0, "outside"),
        (flat_view(), 0.0, 3, "given"),
        (flat_view(), 0.0, 4, "occluded"),
        (flat_view(), 7.0, 6, "outside"),
    ],
)
def test_a_face_that_cannot_be_seen_is_marked(
    view: CameraView, shift: float, hidden: int, status: Status
) -> None:
    points = [(x + shift, y, z) for x, y, z in POINTS]
    face = face_in_view(view, points, [i < hidden for i in range(6)])
    assert face.status == status
    if status != "behind":
        assert face.score == pytest.approx(1 - hidden / 6)


def test_a_file_that_cannot_take_its_name_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "taken", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
