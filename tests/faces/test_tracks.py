"""Tracks: what they say of a frame, on disk and edited by hand."""

import json
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reggan_plugin.errors import OutputError, SourceError
from reggan_plugin.faces.face_finder import FaceChoice, FaceFinder
from reggan_plugin.faces.face_in_shot import CharacterMouth, FaceInShot
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.faces.tracks import (
    FaceStatus,
    TrackedFace,
    TrackedFrame,
    Tracks,
    face_from_landmarks,
)
from reggan_plugin.faces.tracks_file import read_tracks, write_tracks
from reggan_plugin.jobs.render_job import _notices_of_largest
from reggan_plugin.limits import MOST_TRACKS_BYTES
from reggan_plugin.rig.dense_landmarks import COUNT, eye_rows, rows_of

FACE = np.array([[63, 30], [37, 30], [50, 48], [60, 62], [40, 62], [50, 81]], dtype=np.float64)


def face(number: int, size: float = 1.0, status: FaceStatus = "found") -> TrackedFace:
    return face_from_landmarks(number, FACE * size + 0.12345, 0.98765, status)


def tracks(*frames: tuple[TrackedFace, ...], cuts: tuple[str, ...] = ()) -> Tracks:
    return Tracks(
        frames={str(1001 + i): TrackedFrame(faces=own) for i, own in enumerate(frames)}, cuts=cuts
    )


def test_portraits_are_not_called_a_shot_whose_faces_are_left() -> None:
    own = tracks((face(0), face(1, 0.5)), (face(2),), (face(3),), cuts=("1002", "1003"))
    (said,) = _notices_of_largest(own)
    assert "they are no shot" in said


def plain(tracks: Tracks) -> object:
    faces = {
        key: [
            (
                f.face,
                f.status,
                f.score,
                f.box_px,
                None if f.landmarks is None else f.landmarks.tolist(),
            )
            for f in frame.faces
        ]
        for key, frame in tracks.frames.items()
    }
    rest = {key: (frame.file, frame.note) for key, frame in tracks.frames.items()}
    whole = tracks.exposure_ev, tracks.source, tracks.smoothing, tracks.picture_px
    return faces, rest, tracks.cuts, *whole


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = Tracks(
        frames={
            "-1": TrackedFrame(faces=(face(0), face(3, 0.5, "filled")), file="a.-1.png"),
            "0": TrackedFrame(faces=(), note="cannot be read"),
            "portrait.png": TrackedFrame(
                faces=(TrackedFace(face=1, landmarks=None, box_px=(1.5, 2.0, 30.0, 40.0)),)
            ),
        },
        cuts=("portrait.png",),
        exposure_ev=-1.5,
        source="shot/",
        smoothing="by hand",
        picture_px=(540, 960),
    )
    write_tracks(written, tmp_path / "t.json")
    assert plain(read_tracks(tmp_path / "t.json")) == plain(written)
    assert json.loads((tmp_path / "t.json").read_text())["schema"] == 1


def dense(points: np.ndarray) -> FaceInShot:
    """Dense landmarks of a face: those of lids and of the mouth's corners around the six."""
    places = np.random.default_rng(0).normal(points.mean(axis=0), 20, (COUNT, 2))
    for side, row in (("left", 0), ("right", 1)):
        places[eye_rows(side)] = points[row]
    places[rows_of("lip_outer_upper")[[0, -1]]] = points[[4, 3]]
    mouth = CharacterMouth(tooth=(1.5, 1.25, 1.0), stone=0.25, is_drawn=True, gap=0.1)
    return FaceInShot(places=places, sigma=np.linspace(0.2, 3.0, COUNT), mouth=mouth)


def dense_tracks(path: Path) -> FaceInShot:
    """Write a face with dense landmarks, and return them."""
    own = face(0)
    assert own.landmarks is not None
    written = dense(own.landmarks)
    write_tracks(tracks((replace(own, in_shot=written),)), path)
    return written


def test_dense_landmarks_are_kept_to_a_hundredth_of_a_pixel(tmp_path: Path) -> None:
    written = dense_tracks(tmp_path / "t.json")
    (found,) = read_tracks(tmp_path / "t.json").frames["1001"].faces
    assert found.in_shot is not None
    assert np.allclose(found.in_shot.places, written.places, atol=0.01)
    assert np.allclose(found.in_shot.sigma, written.sigma, atol=0.01)
    assert found.in_shot.mouth == written.mouth
    assert (tmp_path / "t.json").stat().st_size < 2500
    again = tracks((found,))
    write_tracks(again, tmp_path / "again.json")
    (same,) = read_tracks(tmp_path / "again.json").frames["1001"].faces
    assert same.in_shot is not None
    assert np.allclose(same.in_shot.places, found.in_shot.places, atol=0.003)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"points": "AAAA"}, "174 points in base64"),
        ({"points": "no base64!"}, "174 points in base64"),
        ({"points": b64encode(bytes(COUNT * 6)).decode()}, "sigmas of 0"),
        ({"step": 0}, "more than 0"),
        ({"step": 1e5}, "places far off"),
        ({"middle": [1.0]}, "2 finite numbers"),
        (
            {"mouth": {"tooth": [1, 1, 1], "stone": 2, "is_drawn": False, "gap": 0}},
            "stone from 0 to 1",
        ),
        ({"mouth": {"tooth": [1, 1, 1], "stone": 0, "is_drawn": 1, "gap": 0}}, "true or false"),
        ({"mouth": {"tooth": [1, 1, 1], "stone": 0, "is_drawn": False}}, "1 finite number"),
        ({"mouth": []}, "an object"),
    ],
)
def test_dense_landmarks_that_cannot_be_are_refused(
    tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    path = tmp_path / "t.json"
    dense_tracks(path)
    document = json.loads(path.read_text())
    document["frames"]["1001"]["faces"][0]["dense"].update(change)
    path.write_text(json.dumps(document))
    with pytest.raises(SourceError, match=f"frame 1001, face 0: dense.*{expected}"):
        read_tracks(path)


def test_a_face_that_was_moved_by_hand_has_no_dense_landmarks(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    dense_tracks(path)
    document = json.loads(path.read_text())
    (own,) = document["frames"]["1001"]["faces"]
    for moved in (
        {**own, "landmarks": {name: [x + 40, y] for name, (x, y) in own["landmarks"].items()}},
        {name: value for name, value in own.items() if name != "landmarks"},
    ):
        document["frames"]["1001"]["faces"] = [moved]
        path.write_text(json.dumps(document))
        (found,) = read_tracks(path).frames["1001"].faces
        assert found.in_shot is None


def test_dense_landmarks_reach_the_crop_in_parts_of_its_side(tmp_path: Path) -> None:
    written = dense_tracks(tmp_path / "t.json")
    choice = FaceChoice(tracks=read_tracks(tmp_path / "t.json"))
    canonical = FACE / 100
    (crop,) = FaceFinder(canonical, 64).place((100, 100), choice, ("1001",), (3, 2))
    assert crop.in_shot is not None
    moved = crop.moved(10, -4).scaled(2).finer(2)
    assert moved.in_shot is crop.in_shot
    places = moved.place(moved.in_shot.places * moved.side_px)
    assert np.allclose(places, 2 * (written.places + np.array([8, -7])), atol=0.1)
    assert crop.rolled(10, np.zeros(2)).in_shot is None


def test_one_face_stands_on_one_line(tmp_path: Path) -> None:
    write_tracks(tracks((face(0), face(1)), ()), tmp_path / "t.json")
    lines = (tmp_path / "t.json").read_text().splitlines()
    assert sum('"face": ' in line for line in lines) == 2


def test_the_file_appears_at_once_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Create the folder"):
        write_tracks(tracks((face(0),)), tmp_path / "nowhere" / "t.json")
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_another_program_needs_little(tmp_path: Path) -> None:
    points = dict(zip(LANDMARK_NAMES, FACE.tolist(), strict=True))
    by_hand = {
        "kind": "reggan-tracks",
        "schema": 1,
        "author": "somebody",
        "frames": {"0007": {"faces": [{"face": 2, "landmarks": points, "mood": "good"}]}},
    }
    (tmp_path / "t.json").write_text(json.dumps(by_hand))
    (found,) = read_tracks(tmp_path / "t.json").frames["7"].faces
    assert (found.face, found.status, found.score) == (2, "given", 1.0)
    assert np.allclose(found.box_px, (16.2, 12.2, 67.6, 67.6))


def test_a_frame_goes_by_number_padded_number_or_name() -> None:
    shot = Tracks(
        frames={
            "7": TrackedFrame(faces=(face(0),), file="proxy.0007.jpg"),
            "b.png": TrackedFrame(faces=(face(1),)),
        }
    )
    assert shot.key_of("proxy.0007.jpg") == "7"
    assert shot.key_of("other.0007.exr", None, 7) == "7"
    assert shot.key_of("a.0007.png", "0007") == shot.key_of(7) == "7"
    assert shot.key_of("b.png") == "b.png"


def test_a_frame_that_was_not_tracked_is_refused() -> None:
    with pytest.raises(SourceError, match=r"1009.*1001 to 1002") as refusal:
        tracks((), ()).key_of("a.1009.png", "1009")
    assert refusal.value.kind == "frame-not-in-tracks"
    with pytest.raises(SourceError, match="no frame"):
        Tracks(frames={}).key_of(1)


def test_a_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    shot = Tracks(frames={"1": TrackedFrame(faces=(face(0),))}, picture_px=(1080, 1920))
    shot.refuse_other_size((1080, 1920))
    tracks((face(0),)).refuse_other_size((3, 3))  # of tracks that tell no size
    with pytest.raises(SourceError, match=r"960x540, but the tracks are .* 1920x1080") as refusal:
        shot.refuse_other_size((540, 960))
    assert refusal.value.kind == "tracks-of-other-size"
    write_tracks(shot, tmp_path / "t.json")
    text = (tmp_path / "t.json").read_text()
    assert '"size": [1920, 1080]' in text
    (tmp_path / "t.json").write_text(text.replace("[1920, 1080]", "[0, 9]"))
    with pytest.raises(SourceError, match=r"size is .*whole pixels"):
        read_tracks(tmp_path / "t.json")


def test_the_largest_is_the_largest_over_the_shot() -> None:
    passer_by = (face(0, 1.0), face(1, 3.0))
    shot = tracks(*[(face(0, 1.0),)] * 3, passer_by, passer_by)
    assert [shot.chosen_at("largest", 1001 + i)[0].face for i in range(5)] == [0] * 5
    assert [one.face for one in shot.chosen_at("all", 1004)] == [0, 1]
    assert [one.face for one in shot.chosen_at(1, 1004)] == [1]
    assert shot.chosen_at(1, 1001) == ()


def test_the_largest_is_another_one_after_a_cut() -> None:
    shot = tracks((face(0, 2.0),), (face(0, 2.0),), (face(1, 1.0),), cuts=("1003",))
    assert [shot.chosen_at("largest", 1001 + i)[0].face for i in range(3)] == [0, 0, 1]
    assert shot.stretches() == [["1001", "1002"], ["1003"]]


@pytest.mark.parametrize("status", ["occluded", "outside", "behind"])
def test_a_face_that_cannot_be_seen_is_left_out(status: FaceStatus) -> None:
    shot = tracks((face(0, 1.0, status),), (face(0, 1.0),))
    assert shot.chosen_at("largest", 1001) == ()
    assert shot.frames["1001"].faces[0].status == status


def test_cuts_that_are_no_frames_are_a_slip_of_the_program() -> None:
    with pytest.raises(ValueError, match="1009"):
        tracks((), cuts=("1009",))


HEAD = '{"kind": "reggan-tracks", "schema": 1, "frames": '
POINTS = json.dumps(dict(zip(LANDMARK_NAMES, FACE.tolist(), strict=True)))


def with_face(fields: str) -> str:
    return HEAD + '{"1": {"faces": [{' + fields + "}]}}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read as tracks"),
        ("[1, 2]", "one object"),
        ("{}", "kind is null"),
        ('{"kind": "reggan-tracks", "schema": 2, "frames": {}}', "schema is 2; expected 1"),
        ('{"kind": "reggan-tracks", "schema": 1}', "frames is null; expected an object"),
        (HEAD + "[]}", "frames is"),
        (HEAD + '{"1": []}}', "frame 1 is"),
        (HEAD + '{"1": {}}}', "frame 1: faces is null; expected a list"),
        (HEAD + '{"1": {"faces": []}, "01": {"faces": []}}}', "frame 01 is a second entry"),
        (HEAD + '{"1": {"faces": []}, "1": {"faces": []}}}', "'1' stands twice"),
        (HEAD + '{"1": {"faces": [7]}}}', "frame 1 is 7"),
        (HEAD + '{"1": {"faces": []}}, "cuts": ["2"]}', "cuts is 2"),
        (HEAD + '{}, "exposure_ev": 1e9}', "exposure_ev"),
        (HEAD + '{}, "exposure_ev": NaN}', "exposure_ev"),
        (HEAD + '{}, "source": 5}', "source is 5; expected text"),
        (with_face('"face": true'), "face is true; expected a whole number"),
        (with_face('"face": -1'), "a number from 0"),
        (with_face('"face": 0, "box": [1, 2, 3]'), "face 0: box is"),
        (with_face('"face": 0'), "face 0: box is null; expected 4 finite numbers"),
        (with_face('"face": 0, "box": [1, 2, 0, 4]'), "a width and a height above 0"),
        (with_face('"face": 0, "box": [1, 2, 1e300, 4]'), "4 finite numbers"),
        (with_face('"face": 0, "box": [1, 2, Infinity, 4]'), "4 finite numbers"),
        (with_face(f'"face": 0, "box": [1, 2, 3, 1{"0" * 999}]'), "a number has 1000 digits"),
        (with_face('"face": 0, "box": [1, 2, 3, 4], "score": 2'), "score is 2.0; expected 0 to 1"),
        (with_face('"face": 0, "box": [1, 2, 3, 4], "status": "lost"'), "expected one of found"),
        (with_face('"face": 0, "box": [1, 2, 3, 4], "status": []'), "expected one of found"),
        (with_face('"face": 0, "landmarks": {"chin": [1, 2]}'), "left_eye"),
        (with_face(f'"face": 0, "landmarks": {POINTS.replace("30.0", "null")}'), "left_eye is"),
        (with_face(f'"face": 0, "landmarks": {POINTS.replace("37.0", "63.0")}'), "one place"),
        (with_face('"face": 0, "box": [1, 2, 3, 4]}, {"face": 0, "box": [1, 2, 3, 4]'), "twice"),
        (HEAD + "[" * 200_000, "cannot be read as tracks"),
        (HEAD + '{"1": {"faces": ' + "9" * 10_000 + "}}}", "cannot be read as tracks"),
        ("\udcff", "cannot be read as tracks"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SourceError) as refusal:
        read_tracks(path)
    assert message in str(refusal.value)
    assert refusal.value.kind == "tracks"
    assert len(str(refusal.value)) < 600


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    with path.open("wb") as file:
        file.truncate(MOST_TRACKS_BYTES + 1)
    with pytest.raises(SourceError, match=f"of at most {MOST_TRACKS_BYTES:,}"):
        read_tracks(path)


@pytest.fixture
def finder() -> FaceFinder:
    return FaceFinder(FACE / 100, 256)


def place(finder: FaceFinder, shot: Tracks, name: str, **choice: Any) -> tuple[Any, ...]:
    asked = FaceChoice(tracks=shot, **choice)
    return finder.place((400, 400), asked, (name,), choice.pop("origin", (0, 0)))


def test_crops_follow_the_tracks(finder: FaceFinder) -> None:
    shot = tracks((face(0, 1.0), face(1, 2.0)), (face(1, 2.0),), ())
    sizes = [crop.scale * 256 for crop in place(finder, shot, "1001", which="all")]
    assert np.allclose(sizes, [100, 200], atol=0.1)
    assert np.allclose([c.scale * 256 for c in place(finder, shot, "1002")], [200], atol=0.1)
    assert place(finder, shot, "1003") == ()
    with pytest.raises(SourceError, match="not in the tracks"):
        place(finder, shot, "1004")


def test_a_box_places_a_face_without_landmarks(finder: FaceFinder) -> None:
    boxed = TrackedFace(face=0, landmarks=None, box_px=face(0).box_px)
    one, other = (place(finder, tracks((own,)), "1001")[0] for own in (boxed, face(0)))
    assert np.allclose(one.frame_from_crop, other.frame_from_crop, atol=0.01)


def test_points_count_from_the_picture_as_displayed(finder: FaceFinder) -> None:
    choice = FaceChoice(tracks=tracks((face(0),)))
    (inside,) = finder.place((400, 400), choice, ("1001",), (0, 0))
    (moved,) = finder.place((400, 400), choice, ("1001",), (-10, 20))
    assert np.allclose(moved.corners() - inside.corners(), [-20, 10])
