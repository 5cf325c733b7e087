"""Real faces followed through small shots."""

import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.errors import FaceNotFoundError, UnreadableFrameError
from reggan_plugin.faces.face_in_shot import CharacterMouth, FaceInShot
from reggan_plugin.faces.tracks import Tracks
from reggan_plugin.faces.tracks_file import write_tracks
from reggan_plugin.files.frame import Frame, Reading, read_frame, write_frame
from reggan_plugin.files.sequence import find_sequence
from reggan_plugin.jobs import track_job
from reggan_plugin.jobs.results_and_events import Event, FrameTracked, ShotTracked
from reggan_plugin.jobs.track_job import TrackResult, track_frames
from reggan_plugin.rig.dense_landmarks import COUNT, eye_rows, rows_of

from ..sample_frames import SAMPLES

WIDTH, HEIGHT = 320, 180
Placed = tuple[str, int]
"""Whose head, and how far to the right of the middle; the last one is in front."""


@cache
def head(who: str) -> Image.Image:
    picture = Image.open(next((SAMPLES / who).glob("*.png"))).convert("RGBA")
    return picture.resize((WIDTH, HEIGHT), Image.Resampling.BOX)


@cache
def backdrop(scene: int) -> Image.Image:
    cells = np.random.default_rng(scene).integers(20, 130, (6, 10, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def write_shot(folder: Path, frames: Sequence[Sequence[Placed]], scenes: Sequence[int] = ()) -> str:
    folder.mkdir()
    for index, placed in enumerate(frames):
        picture = backdrop(scenes[index] if scenes else 0).copy()
        for who, x in placed:
            picture.paste(head(who), (x, 0), head(who))
        picture.save(folder / f"shot.{1001 + index}.png")
    return str(folder)


def track(source: str, **settings: object) -> TrackResult:
    return track_frames(find_sequence(source).frames, source="shot", **settings)  # type: ignore[arg-type]


def ways(tracks: Tracks) -> dict[int, dict[int, float]]:
    """x of the right eye by face and frame."""
    table: dict[int, dict[int, float]] = {}
    for key, frame in tracks.frames.items():
        for face in frame.faces:
            assert face.landmarks is not None
            table.setdefault(face.face, {})[int(key)] = float(face.landmarks[1, 0])
    return table


def test_two_faces_cross_and_one_hides_the_other(tmp_path: Path) -> None:
    frames = [(("avatar_png", 14 * i - 90), ("toon", 90 - 14 * i)) for i in range(14)]
    found = ways(track(write_shot(tmp_path / "shot", frames)).tracks)
    assert len(found) == 2
    slopes = [np.polyfit(list(way), list(way.values()), 1)[0] for way in found.values()]
    assert np.allclose(sorted(slopes), [-14, 14], atol=0.5)
    in_front = next(way for way, slope in zip(found.values(), slopes, strict=True) if slope < 0)
    assert list(in_front) == list(range(1001, 1015))


def test_a_face_that_comes_in_between_two_searches_is_there_from_its_first_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches: list[int] = []
    search = track_job.FaceTracker._search

    def counted(self: track_job.FaceTracker, frame: Frame, near: object) -> object:
        searches.append(1)
        return search(self, frame, near)  # type: ignore[arg-type]

    monkeypatch.setattr(track_job.FaceTracker, "_search", counted)
    frames = [(("toon", 70),) if i < 4 else (("toon", 70), ("avatar_png", -60)) for i in range(15)]
    result = track(write_shot(tmp_path / "shot", frames))
    assert sorted(map(len, ways(result.tracks).values())) == [11, 15]
    assert 1005 in min(ways(result.tracks).values(), key=len)
    assert len(searches) == 2


def test_faces_behind_a_first_frame_that_shows_none_are_found(tmp_path: Path) -> None:
    """The picture does not change as a whole, so nothing but the search itself tells of them."""
    source = write_shot(tmp_path / "shot", [(("toon", 0),)] * 4)
    for number in (1001, 1002):
        path = Path(source, f"shot.{number}.png")
        cells = Image.open(path).resize((WIDTH // 20, HEIGHT // 20), Image.Resampling.BOX)
        cells.resize((WIDTH, HEIGHT), Image.Resampling.NEAREST).save(path)
    assert [list(way) for way in ways(track(source).tracks).values()] == [[1003, 1004]]


def test_a_frame_that_cannot_be_read_is_noted_and_filled(tmp_path: Path) -> None:
    source = write_shot(tmp_path / "shot", [(("toon", 4 * i),) for i in range(7)])
    bad = tmp_path / "shot" / "shot.1004.png"
    bad.write_bytes(bad.read_bytes()[:900])
    events: list[Event] = []
    result = track(source, report=events.append)
    frame = result.tracks.frames["1004"]
    assert frame.note is not None
    assert "Render or copy it again" in frame.note
    assert [face.status for face in frame.faces] == ["filled"]
    x = ways(result.tracks)[0]
    assert x[1004] == pytest.approx((x[1003] + x[1005]) / 2, abs=0.01)
    assert list(result.unreadable) == [bad]
    told = [event.message for event in events if isinstance(event, FrameTracked) and event.message]
    assert told == [frame.note]
    last = events[-1]
    assert isinstance(last, ShotTracked)
    assert (last.frames, last.faces, last.unreadable, last.without_face) == (7, 1, 1, 0)
    with pytest.raises(UnreadableFrameError, match=r"1 of 7 .* gaps: shot\.1004\.png; the first: "):
        result.raise_for_failure()


def test_a_cut_is_found_and_divides_the_faces(tmp_path: Path) -> None:
    frames = [(("toon", 0),)] * 4 + [(("avatar_png", 6),)] * 4
    result = track(write_shot(tmp_path / "shot", frames, scenes=[0] * 4 + [1] * 4))
    assert result.tracks.cuts == ("1005",)
    assert {face: list(way) for face, way in ways(result.tracks).items()} == {
        0: [1001, 1002, 1003, 1004],
        1: [1005, 1006, 1007, 1008],
    }
    chosen = [result.tracks.chosen_at("largest", number)[0].face for number in (1001, 1008)]
    assert chosen == [0, 1]


def test_the_same_shot_gives_the_same_file(tmp_path: Path) -> None:
    source = write_shot(tmp_path / "shot", [(("toon", 3 * i),) for i in range(5)])
    for name in ("a.json", "b.json"):
        write_tracks(track(source).tracks, tmp_path / name)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_smoothing_steadies_a_still_face_in_noise(tmp_path: Path) -> None:
    source = write_shot(tmp_path / "shot", [(("avatar_png", 0),)] * 12)
    random = np.random.default_rng(0)
    for path in sorted((tmp_path / "shot").iterdir()):
        levels = np.asarray(Image.open(path), dtype=np.float64)
        noisy = (levels + random.normal(0, 12, levels.shape)).clip(0, 255)
        Image.fromarray(noisy.astype(np.uint8)).save(path)

    def jitter(result: TrackResult) -> float:
        return float(np.std(np.diff(list(ways(result.tracks)[0].values()))))

    raw, smooth = track(source, smooth=False), track(source)
    assert jitter(smooth) < 0.45 * jitter(raw)
    assert (raw.tracks.smoothing, smooth.tracks.smoothing is None) == (None, False)


def test_scene_linear_frames_get_one_exposure_whatever_a_flash_does(tmp_path: Path) -> None:
    (tmp_path / "shot").mkdir()
    source = SAMPLES / "avatar_exr" / "avatar.1001.exr"
    for number in range(1, 6):
        shutil.copy(source, tmp_path / "shot" / f"a.{number}.exr")
    usual = track(str(tmp_path / "shot")).tracks.exposure_ev
    assert usual is not None

    frame = read_frame(source)
    write_frame(
        frame, frame.pixels * np.float32(16.0), tmp_path / "shot" / "a.3.exr", overwrite=True
    )
    assert track(str(tmp_path / "shot")).tracks.exposure_ev == usual


def test_display_frames_have_no_exposure(tmp_path: Path) -> None:
    source = write_shot(tmp_path / "shot", [(("toon", 0),)] * 2)
    assert track(source).tracks.exposure_ev is None


def test_a_request_to_stop_ends_after_the_frame_in_hand(tmp_path: Path) -> None:
    source = write_shot(tmp_path / "shot", [(("toon", 0),)] * 6)
    done: list[Event] = []
    result = track(source, report=done.append, stopped=lambda: len(done) >= 2)
    assert result.interrupted
    assert list(result.tracks.frames) == ["1001", "1002"]


def test_a_shot_without_a_face_or_without_a_readable_frame_is_a_failure(tmp_path: Path) -> None:
    empty = track(write_shot(tmp_path / "empty", [()] * 2))
    assert [frame.faces for frame in empty.tracks.frames.values()] == [(), ()]
    with pytest.raises(FaceNotFoundError, match="No human-like face in any"):
        empty.raise_for_failure()
    source = write_shot(tmp_path / "broken", [()] * 2)
    for path in (tmp_path / "broken").iterdir():
        path.write_bytes(b"")
    with pytest.raises(UnreadableFrameError, match="None of 2 frames"):
        track(source).raise_for_failure()


def test_few_frames_are_in_memory_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_shot(tmp_path / "shot", [(("toon", 0),)] * 12)
    alive: list[int] = []
    most = 0

    class Counted:
        def __init__(self) -> None:
            alive.append(1)

        def __del__(self) -> None:
            alive.pop()

    decode = Reading.decode

    def counted(self: Reading, content: bytes, path: Path) -> Frame:
        nonlocal most
        frame = decode(self, content, path)
        object.__setattr__(frame, "counted", Counted())
        most = max(most, len(alive))
        return frame

    monkeypatch.setattr(Reading, "decode", counted)
    track(source)
    assert 1 <= most <= 6


class Landmarker:
    """Stands for a model: dense landmarks around the six, 20 times as many as those."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, frame: Frame, faces: Sequence[np.ndarray]) -> list[FaceInShot | None]:
        self.asked.append(len(faces))
        return [self._around(points) for points in faces]

    def _around(self, points: np.ndarray) -> FaceInShot:
        places = np.repeat(points.mean(axis=0, keepdims=True), COUNT, axis=0)
        places += np.random.default_rng(0).normal(0, 10, places.shape)
        for side, row in (("left", 0), ("right", 1)):
            places[eye_rows(side)] = points[row]
        places[rows_of("lip_outer_upper")[[0, -1]]] = points[[4, 3]]
        mouth = CharacterMouth(
            tooth=(float(len(self.asked)), 1.0, 1.0), stone=0.0, is_drawn=False, gap=0.1
        )
        return FaceInShot(places=places, sigma=np.ones(COUNT), mouth=mouth)


def dense_of(tracks: Tracks) -> dict[int, FaceInShot]:
    faces = {int(key): frame.faces[0].in_shot for key, frame in tracks.frames.items()}
    return {number: face for number, face in faces.items() if face is not None}


def test_dense_landmarks_go_with_a_face_and_fill_its_gaps(tmp_path: Path) -> None:
    source = write_shot(tmp_path / "shot", [(("toon", 4 * i),) for i in range(7)])
    bad = tmp_path / "shot" / "shot.1004.png"
    bad.write_bytes(bad.read_bytes()[:900])
    landmarker = Landmarker()
    found = dense_of(track(source, landmarker=landmarker).tracks)
    assert landmarker.asked == [1] * 6
    assert list(found) == list(range(1001, 1008))
    middles = np.array([face.places.mean(axis=0) for face in found.values()])
    assert np.allclose(np.diff(middles, axis=0), [4, 0], atol=0.6)
    between = (found[1003].places + found[1005].places) / 2
    assert np.allclose(found[1004].places, between)
    assert {face.mouth for face in found.values()} == {
        CharacterMouth(tooth=(3.5, 1.0, 1.0), stone=0.0, is_drawn=False, gap=0.1)
    }


def test_dense_landmarks_are_those_of_smoothed_tracks_and_of_models_that_have_them(
    tmp_path: Path,
) -> None:
    source = write_shot(tmp_path / "shot", [(("toon", 0),)] * 2)
    landmarker = Landmarker()
    assert dense_of(track(source, landmarker=landmarker, smooth=False).tracks) == {}
    assert landmarker.asked == []
    assert dense_of(track(source).tracks) == {}


def test_only_the_largest_faces_of_a_frame_are_looked_at_closely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track_job, "MOST_DENSE_IN_FRAME", 1)
    source = write_shot(tmp_path / "shot", [(("toon", -75), ("avatar_png", 75))] * 2)
    landmarker = Landmarker()
    tracks = track(source, landmarker=landmarker).tracks
    assert landmarker.asked == [1, 1]
    faces = tracks.frames["1001"].faces
    assert [face.in_shot is not None for face in faces] == [True, False]
    assert faces[0].size_px > faces[1].size_px
