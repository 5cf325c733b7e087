"""`render` on whole shots and parts: curves, tracks, resuming, signals, with the real model."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.faces.tracks_file import read_tracks, write_tracks
from reggan_plugin.files.frame import Frame, read_frame
from reggan_plugin.files.sequence import SourceFrame
from reggan_plugin.jobs import track_job
from reggan_plugin.rig.dense_landmarks import rows_of

from ..sample_frames import contents, small_frame

HAPPY = ["--expression", "happy", "--device", "cpu"]

Streams = pytest.CaptureFixture[str]


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """Three frames of a head that turns."""
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in (1001, 1002, 1003):
        small_frame(f"avatar_png/avatar.{number}.png", folder)
    return folder


@pytest.fixture
def small_shot(tmp_path: Path) -> Path:
    """Four small frames, of which `--whole-image` makes faces."""
    folder = tmp_path / "small"
    folder.mkdir()
    for number in range(1, 5):
        noise = np.random.default_rng(number).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"s.{number:03d}.png")
    return folder


def render(source: Path, *arguments: str | Path) -> int:
    return main(["render", "--frames", str(source), *map(str, arguments)])


def test_a_whole_shot_is_tracked_first_and_its_parts_are_the_same_with_tracks(
    shot: Path, tmp_path: Path, capsys: Streams
) -> None:
    assert render(shot, *HAPPY, "--out", tmp_path / "whole", "--progress", "json") == 0
    lines = capsys.readouterr().err.splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert events.count("tracked") == 3
    assert "unsmoothed" not in "".join(lines)
    tracks = tmp_path / "tracks.json"
    assert main(["track", "--frames", str(shot), "--out", str(tracks)]) == 0
    found = [face for frame in read_tracks(tracks).frames.values() for face in frame.faces]
    assert all(face.in_shot is not None for face in found)
    assert len({face.in_shot.mouth for face in found if face.in_shot}) == 1
    for chunk in ("1003", "1001-1002"):
        part = ["--range", chunk, "--tracks", tracks, "--out", tmp_path / "parts"]
        assert render(shot, *HAPPY, *part) == 0
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")
    record = json.loads((tmp_path / "parts" / ".reggan" / "avatar.1002.png.json").read_text())
    assert record["faces"][0]["status"] == "found"
    assert record["faces"][0]["score"] > 0.5


def test_numbered_portraits_are_no_shot_and_each_is_changed(
    tmp_path: Path, capsys: Streams
) -> None:
    folder = tmp_path / "people"
    folder.mkdir()
    people = ("avatar_png/avatar.1001.png", "statue/statue.1001.png", "toon/toon.1001.png")
    for number, picture in enumerate(people):
        (tmp_path / "one").mkdir(exist_ok=True)
        small_frame(picture, tmp_path / "one").rename(folder / f"person_{number}.png")
    assert render(folder, *HAPPY, "--out", tmp_path / "out") == 0
    assert "Nearly each of these pictures shows somebody else" in capsys.readouterr().err
    before, after = contents(folder), contents(tmp_path / "out")
    assert len(before) == 3
    assert all(after[name] != pixels for name, pixels in before.items())


def test_a_shot_that_speaks_is_told_of_add(shot: Path, tmp_path: Path, capsys: Streams) -> None:
    tracks = tmp_path / "tracks.json"
    assert main(["track", "--frames", str(shot), "--out", str(tracks)]) == 0
    asked = (*HAPPY, "--tracks", tracks, "--range", "1002")
    assert render(shot, *asked, "--out", tmp_path / "still") == 0
    assert "speech" not in capsys.readouterr().err
    found = read_tracks(tracks)
    (face,) = found.frames["1002"].faces
    assert face.in_shot is not None
    places = face.in_shot.places.copy()
    places[rows_of("lip_inner_lower"), 1] += 0.2 * face.size_px
    speaks = replace(face, in_shot=replace(face.in_shot, places=places))
    frames = {**found.frames, "1002": replace(found.frames["1002"], faces=(speaks,))}
    write_tracks(replace(found, frames=frames), tracks)
    assert render(shot, *asked, "--out", tmp_path / "speaks") == 0
    assert "With --add the expression is laid over the speech." in capsys.readouterr().err
    assert render(shot, *asked, "--add", "--out", tmp_path / "added") == 0
    assert "speech" not in capsys.readouterr().err


def test_a_part_in_which_a_tracked_face_is_hidden_is_no_failure(
    shot: Path, tmp_path: Path, capsys: Streams
) -> None:
    tracks = tmp_path / "tracks.json"
    assert main(["track", "--frames", str(shot), "--out", str(tracks)]) == 0
    found = read_tracks(tracks)
    (face,) = found.frames["1002"].faces
    hidden = replace(found.frames["1002"], faces=(replace(face, status="occluded"),))
    write_tracks(replace(found, frames={**found.frames, "1002": hidden}), tracks)
    asked = (*HAPPY, "--tracks", tracks, "--range", "1002")
    assert render(shot, *asked, "--out", tmp_path / "part") == 0
    copied = contents(tmp_path / "part")["avatar.1002.png"]
    assert copied == contents(shot)["avatar.1002.png"]
    write_tracks(replace(found, frames={"1002": replace(hidden, faces=())}, cuts=()), tracks)
    assert render(shot, *asked, "--out", tmp_path / "none") == 1
    assert "No human-like face" in capsys.readouterr().err


def test_a_part_without_tracks_says_that_it_is_unsmoothed(
    shot: Path, tmp_path: Path, capsys: Streams
) -> None:
    assert render(shot, *HAPPY, "--range", "1002", "--out", tmp_path / "out") == 0
    err = capsys.readouterr().err
    assert "located by itself, unsmoothed" in err
    assert "--tracks takes what it writes" in err
    assert "Tracked" not in err


def test_a_shot_that_is_stopped_while_it_is_tracked_keeps_what_was_found(
    shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    look = track_job.ShotDetections._look_at

    def interrupted(self: track_job.ShotDetections, source: SourceFrame, frame: Frame) -> object:
        if source.number == 1002:
            signal.raise_signal(signal.SIGINT)
        return look(self, source, frame)

    monkeypatch.setattr(track_job.ShotDetections, "_look_at", interrupted)
    out = tmp_path / "out"
    assert render(shot, *HAPPY, "--out", out) == 130
    (part,) = (out / ".reggan").iterdir()
    assert list(read_tracks(part).frames) == ["1001", "1002"]
    err = capsys.readouterr().err
    assert f"The tracks of the first 2 of 3 frames are in {part}. --tracks {part} with" in err
    assert "unsmoothed" not in err  # nothing was rendered
    monkeypatch.undo()
    assert render(shot, *HAPPY, "--out", out, "--resume") == 0
    assert not part.exists(), "the whole shot's tracks stand beside it"


def test_a_shot_that_is_resumed_is_not_tracked_again_unless_it_changed(
    shot: Path, tmp_path: Path, capsys: Streams
) -> None:
    again = [*HAPPY, "--out", tmp_path / "out", "--resume"]
    assert render(shot, *again) == 0
    assert "Tracked: 3 frames" in capsys.readouterr().err
    assert render(shot, *again, "--dry-run") == 0
    assert capsys.readouterr().out == ""
    assert render(shot, *again) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "Tracked" not in err
    assert "0 written, 0 copied, 3 skipped" in err
    first = (tmp_path / "out" / "avatar.1002.png").read_bytes()
    (tmp_path / "out" / "avatar.1002.png").unlink()
    assert render(shot, *again) == 0
    assert "Tracked" not in capsys.readouterr().err
    assert (tmp_path / "out" / "avatar.1002.png").read_bytes() == first
    (tmp_path / "out" / "avatar.1002.png").unlink()
    shutil.copy(shot / "avatar.1001.png", shot / "avatar.1003.png")
    assert render(shot, *again, "--dry-run") == 0
    assert len(capsys.readouterr().out.splitlines()) == 3  # the tracks are not those of the shot
    assert render(shot, *again) == 0
    assert "Tracked: 3 frames" in capsys.readouterr().err


def test_a_curve_takes_the_place_of_the_expression(
    small_shot: Path, tmp_path: Path, capsys: Streams
) -> None:
    curve = tmp_path / "curve.csv"
    curve.write_text("frame,expression,value\n1,happy,0\n2,happy,0\n3,happy,1\n3,sad,0\n4,sad,1\n")
    out = tmp_path / "out"
    common = ["--intensity", "0.5", "--whole-image", "--no-stamp"]  # stamps name the settings
    arguments = ["--intensity-curve", curve, *common, "--json"]
    assert render(small_shot, *arguments, "--out", out) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["expression"] == {"happy": 0.5, "sad": 0.5}
    assert summary["counts"]["copied"] == 2
    assert (out / "s.002.png").read_bytes() == (small_shot / "s.002.png").read_bytes()
    records = [json.loads((out / ".reggan" / f"s.00{n}.png.json").read_text()) for n in (3, 4)]
    assert [record["expression"] for record in records] == [
        {"happy": 0.5, "sad": 0.0},
        {"happy": 0.5, "sad": 0.5},
    ]
    assert render(small_shot, *HAPPY, *common, "--range", "3") == 0
    constant = small_shot.parent / "small_happy" / "s.003.png"
    assert constant.read_bytes() == (out / "s.003.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "No --expression was given; name one of"),
        (
            ["--expression", "happy", "--intensity-curve", "{curve}"],
            "More than one of an expression",
        ),
        (["--intensity-curve", "{curve}"], "curve.csv, line 2 has value '7'; expected a number"),
        (["--intensity-curve", "none.csv"], "none.csv"),
        (["--expression", "happy", "--fade-in", "-1"], "--fade-in"),
        (["--expression", "happy", "--batch", "0"], "--batch"),
        (["--expression", "happy", "--stall-timeout", "0"], "--stall-timeout"),
    ],
)
def test_what_cannot_be_meant_exits_2_and_says_what_to_write(
    small_shot: Path, tmp_path: Path, capsys: Streams, arguments: list[str], message: str
) -> None:
    curve = tmp_path / "curve.csv"
    curve.write_text("1,happy,1\n2,happy,7\n")
    assert render(small_shot, *(word.format(curve=curve) for word in arguments)) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("small_*"))


def test_a_batch_gives_the_same_bits_as_one_face_at_a_time_on_a_cpu(
    small_shot: Path, tmp_path: Path
) -> None:
    """Not promised for other devices."""
    for batch in ("1", "3"):
        arguments = [*HAPPY, "--whole-image", "--batch", batch, "--out", tmp_path / batch]
        assert render(small_shot, *arguments) == 0
    assert contents(tmp_path / "3") == contents(tmp_path / "1")


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_process_that_is_told_to_stop_ends_well_and_can_go_on(
    small_shot: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    for copy in range(5, 41):
        shutil.copy(small_shot / "s.001.png", small_shot / f"s.{copy:03d}.png")
    out = tmp_path / "out"
    arguments = ["render", "--frames", str(small_shot), *HAPPY, "--whole-image", "--out", str(out)]
    command = [sys.executable, "-m", "reggan_plugin", *arguments, "--json", "--progress", "plain"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("[2/40]"):
            process.send_signal(number)
            break
    stdout, _ = process.communicate()
    assert process.returncode == status
    summary = json.loads(stdout)
    assert summary["interrupted"]
    count = summary["counts"]["written"]
    assert 2 <= count < 40
    assert len(contents(out)) == count
    for entry in summary["written"]:
        assert read_frame(Path(entry["output"])).pixels.shape == (48, 64, 3)
    assert main([*arguments, "--resume", "--range", "1-4"]) == 0
    assert render(small_shot, *HAPPY, "--whole-image", "--range", "1-4") == 0
    expected = contents(small_shot.parent / "small_happy")
    assert {name: contents(out)[name] for name in expected} == expected
