"""`reggan-plugin track`, and `render --tracks` on what it wrote."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.faces.tracks_file import read_tracks
from reggan_plugin.files.frame import Frame
from reggan_plugin.files.sequence import SourceFrame
from reggan_plugin.jobs import track_job

from ..sample_frames import SAMPLES

NUMBERS = (1001, 1002, 1003)


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """Three frames of one head that moves to the right, ten pixels a frame."""
    folder = tmp_path / "shot"
    folder.mkdir()
    head = Image.open(SAMPLES / "avatar_png" / "avatar.1001.png").convert("RGBA")
    head = head.resize((320, 180), Image.Resampling.BOX)
    for index, number in enumerate(NUMBERS):
        picture = Image.new("RGB", (320, 180), (70, 80, 90))
        picture.paste(head, (10 * index - 20, 0), head)
        picture.save(folder / f"a.{number}.png")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "made" / "tracks.json"


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), dtype=np.int16)


def changed_columns(shot: Path, rendered: Path, number: int) -> np.ndarray:
    name = f"a.{number}.png"
    return np.flatnonzero((pixels(shot / name) != pixels(rendered / name)).any(axis=(0, 2)))


def test_a_quiet_run_says_only_what_it_wrote(
    shot: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["track", "--frames", str(shot), "--out", str(out), "--quiet"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [str(out)]
    assert said.err == ""


def test_a_result_beside_its_source_is_not_tracked(shot: Path, out: Path) -> None:
    picture = shot / "a.1001.png"
    assert main(["render", str(picture), "-e", "happy", "--whole-image", "--quiet"]) == 0
    assert (shot / "a.1001_happy.png").exists()
    assert main(["track", "--frames", str(shot), "--out", str(out), "--no-smooth"]) == 0
    assert set(read_tracks(out).frames) == {str(number) for number in NUMBERS}


def test_a_damaged_frame_is_said_and_fails_also_in_a_quiet_run(
    shot: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = shot / "a.1002.png"
    damaged.write_bytes(damaged.read_bytes()[:200])
    assert main(["track", "--frames", str(shot), "--out", str(out), "-q"]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines() == [str(out)], "its neighbours fill it"
    assert "1 of 3 frames cannot be read and count as gaps: a.1002.png; the first: " in said.err
    words = ["track", "--frames", str(shot), "--out", str(out), "--overwrite", "--json"]
    assert main([*words, "--allow-gaps"]) == 0, "chunks of a farm render the others"
    assert len(json.loads(capsys.readouterr().out)["unreadable"]) == 1


def test_tracks_and_previews_are_written(
    shot: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = tmp_path / "drawn"
    command = ["track", "--frames", str(shot), "--out", str(out), "--preview", str(drawn)]
    assert main(command) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [str(out), *(str(drawn / f"a.{n}.jpg") for n in NUMBERS)]
    assert "[3/3] a.1003.png faces: 1" in said.err
    assert "Tracked: 3 frames, faces: 1, cuts: 0" in said.err
    tracks = read_tracks(out)
    eyes = [tracks.frames[str(n)].faces[0].landmarks[1, 0] for n in NUMBERS]  # type: ignore[index]
    assert np.allclose(np.diff(eyes), 10, atol=0.5)
    box = tracks.frames["1002"].faces[0].box_px
    picture = pixels(drawn / "a.1002.jpg")
    assert picture.shape == (180, 320, 3)
    frame = picture[round(box[1]) : round(box[1] + box[3]), round(box[0])]
    assert (frame[:, 0] - frame[:, 2]).mean() > 90  # a line in the first identity's orange
    Image.open(shot / "a.1001.png").save(shot / "a.1001.webp")
    assert main([*command, "--overwrite"]) == 2
    assert "would both be drawn as" in capsys.readouterr().err


def test_a_second_run_needs_overwrite(
    shot: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["track", "--frames", str(shot), "--out", str(out)]
    assert main(command) == 0
    first = out.read_bytes()
    assert main(command) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
    assert out.read_bytes() == first
    assert [path.name for path in out.parent.iterdir()] == ["tracks.json"]


def test_nothing_is_drawn_among_the_frames(
    shot: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in shot.iterdir()}
    command = ["track", "--frames", str(shot), "--overwrite"]
    assert main([*command, "--out", str(out), "--preview", str(shot)]) == 2
    assert "Name another file or folder" in capsys.readouterr().err
    assert main([*command, "--out", str(shot / "a.1001.png")]) == 2
    assert "never overwritten" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in shot.iterdir()} == before


def test_json_counts_what_was_found(
    shot: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shot / "a.1002.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    assert main(["track", "--frames", str(shot), "--out", str(out), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    (face,) = document["faces"]
    assert (face["first"], face["last"], face["found"], face["filled"]) == ("1001", "1003", 2, 1)
    assert 90 < face["median_size_px"] < 110
    assert document["unreadable"][0]["source"].endswith("a.1002.png")
    assert document["without_face"] == []
    assert document["out"] == str(out)


def test_a_part_of_a_shot_says_so(
    shot: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["track", "--frames", str(shot), "--range", "1002-1009", "--no-smooth"]
    assert main([*command, "--out", str(out), "--progress", "json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    events = [line["event"] for line in lines]
    assert events == ["started", "notice", "notice", "tracked", "tracked", "shot"]
    assert "Track the whole shot" in lines[1]["message"]
    assert list(read_tracks(out).frames) == ["1002", "1003"]
    assert read_tracks(out).smoothing is None


def test_a_shot_without_faces_fails_and_says_so_in_the_file(
    shot: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in NUMBERS:
        Image.new("RGB", (96, 64)).save(shot / f"a.{number}.png")
    assert main(["track", "--frames", str(shot), "--out", str(out)]) == 1
    assert "No human-like face in any of 3 frames" in capsys.readouterr().err
    assert [frame.faces for frame in read_tracks(out).frames.values()] == [(), (), ()]


def test_an_interrupted_track_keeps_what_it_found_under_another_name(
    shot: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    look = track_job.ShotDetections._look_at

    def interrupted(self: track_job.ShotDetections, source: SourceFrame, frame: Frame) -> object:
        if source.number == 1002:
            signal.raise_signal(signal.SIGTERM)
        return look(self, source, frame)

    monkeypatch.setattr(track_job.ShotDetections, "_look_at", interrupted)
    assert main(["track", "--frames", str(shot), "--out", str(out)]) == 143
    part = out.with_suffix(".part.json")
    assert list(out.parent.iterdir()) == [part]
    assert list(read_tracks(part).frames) == ["1001", "1002"]
    assert f"The tracks of the first 2 of 3 frames are in {part}." in capsys.readouterr().err


def test_render_changes_the_face_that_the_tracks_name(
    shot: Path, out: Path, tmp_path: Path
) -> None:
    assert main(["track", "--frames", str(shot), "--out", str(out)]) == 0
    document = json.loads(out.read_text())
    del document["frames"]["1003"]["faces"][0]["landmarks"]
    document["frames"]["1003"]["faces"][0]["box"] = [20, 40, 60, 60]  # moved by hand
    document["frames"]["1002"]["faces"][0]["status"] = "outside"
    out.write_text(json.dumps(document))
    rendered = tmp_path / "happy"
    command = ["render", "--frames", str(shot), "--expression", "happy", "--tracks", str(out)]
    assert main([*command, "--out", str(rendered)]) == 0
    left, _, width, _ = read_tracks(out).frames["1001"].faces[0].box_px
    columns = changed_columns(shot, rendered, 1001)
    assert left - width / 2 < columns.min() < columns.max() < left + 1.5 * width
    assert (rendered / "a.1002.png").read_bytes() == (shot / "a.1002.png").read_bytes()
    assert changed_columns(shot, rendered, 1003).max() < 120


def test_a_frame_is_rendered_alike_alone_and_with_the_others(
    shot: Path, out: Path, tmp_path: Path
) -> None:
    assert main(["track", "--frames", str(shot), "--out", str(out)]) == 0
    command = ["render", "--frames", str(shot), "--expression", "sad", "--tracks", str(out)]
    assert main([*command, "--out", str(tmp_path / "all")]) == 0
    assert main([*command, "--out", str(tmp_path / "one"), "--range", "1002"]) == 0
    assert (tmp_path / "one" / "a.1002.png").read_bytes() == (
        tmp_path / "all" / "a.1002.png"
    ).read_bytes()


def test_a_frame_that_was_not_tracked_fails_by_name(
    shot: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["track", "--frames", str(shot), "--out", str(out), "--range", "1001-1002"]) == 0
    command = ["render", "--frames", str(shot), "--expression", "sad", "--tracks", str(out)]
    assert main([*command, "--out", str(tmp_path / "sad")]) == 1
    said = capsys.readouterr().err
    assert "1 of 3 frames failed" in said
    assert "1003 is not in the tracks" in said
    assert (tmp_path / "sad" / "a.1002.png").is_file()


def test_a_face_that_the_tracks_do_not_have_is_refused_before_a_frame_is_written(
    shot: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["track", "--frames", str(shot), "--out", str(out)]) == 0
    command = ["render", "--frames", str(shot), "--expression", "sad", "--face", "7"]
    for more in ([], ["--tracks", str(out)]):
        assert main([*command, *more, "--out", str(tmp_path / "sad")]) == 2
        said = capsys.readouterr().err
        assert "Face 7 is not in the tracks, which hold 0" in said
        assert "track --preview DIR" in said
    assert not list((tmp_path / "sad").glob("*.png"))


def test_tracks_that_are_none_are_refused_before_any_work(
    shot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "landmarks.json"
    wrong.write_text('{"1001": {}}')
    command = ["render", "--frames", str(shot), "--expression", "sad", "--tracks", str(wrong)]
    assert main([*command, "--out", str(tmp_path / "sad")]) == 1
    assert "kind is null; expected 'reggan-tracks'" in capsys.readouterr().err
    assert not (tmp_path / "sad").exists()
    assert main([*command, "--face-box", "1,2,30,40", "--out", str(tmp_path / "sad")]) in (1, 2)
