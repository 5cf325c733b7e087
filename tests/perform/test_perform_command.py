"""`perform` makes a take of a clip, says what it found, and has words for every wrong input."""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin import child_process
from reggan_plugin.cli import main
from reggan_plugin.curves.read_take import read_take
from reggan_plugin.perform.mediapipe_landmarker import LANDMARKER_PAGE

from ..sample_frames import small_frame
from .conftest import HEIGHT, WIDTH, ScriptedReader, reading, write_clip, write_frames

Streams = pytest.CaptureFixture[str]


def talking(frames: int) -> list[list]:
    """A face at rest that opens its jaw in the last third."""
    curve = np.clip(np.arange(frames) - 2 * frames // 3, 0, 3) / 3
    return [[reading({"jawOpen": 0.6 * x, "eyeSquintLeft": 0.4}, lips=0.01 + x)] for x in curve]


def test_a_folder_becomes_a_take_that_curves_shows_and_render_plays(
    tmp_path: Path, scripted: list[ScriptedReader], capsys: Streams
) -> None:
    shot = write_frames(tmp_path / "actor", 12)
    scripted.append(ScriptedReader(talking(12)))
    out = tmp_path / "take.csv"
    assert main(["perform", str(shot), "--out", str(out)]) == 0
    streams = capsys.readouterr()
    assert streams.out == f"{out}\n"
    assert f"To {out}: 12 frames by Script\n" in streams.err
    assert "is taken for the face at rest" in streams.err
    assert scripted[0].is_closed
    take = read_take(out)
    assert take.frames is not None
    assert take.frames.tolist() == list(range(1001, 1013))
    assert take.unknown == ()
    jaw = take.weights[:, take.names.index("jawOpen")]
    assert jaw[:6].max() == 0
    assert jaw[-1] == pytest.approx(0.6, abs=0.05)
    assert take.weights[:, take.names.index("eyeSquintLeft")].max() == 0, "it is worn at rest"
    assert "headYaw" in out.read_text().splitlines()[0]
    assert main(["curves", str(out)]) == 0
    assert "jawOpen" in capsys.readouterr().out
    driven = tmp_path / "shot"
    driven.mkdir()
    for number in (1001, 1012):
        small_frame("avatar_png/avatar.1001.png", driven / f"b.{number}.png")
    assert main(["render", str(driven), "--curves", str(out), "--out", str(tmp_path / "d")]) == 0
    records = [tmp_path / f"d/.reggan/b.{number}.png.json" for number in (1001, 1012)]
    jaws = [json.loads(one.read_text())["weights"].get("jawOpen", 0.0) for one in records]
    assert jaws == [0.0, pytest.approx(0.6, abs=0.05)]


def test_the_summary_tells_how_it_came_about(
    tmp_path: Path, scripted: list[ScriptedReader], capsys: Streams
) -> None:
    faces = talking(20)
    for place in (4, 5):
        faces[place] = [reading({"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}, lids=(0.03, 0.04))]
    faces[15] = faces[16] = []
    clip = write_clip(tmp_path / "clip.mp4", range(0, 400, 20))
    scripted.append(ScriptedReader(faces))
    out = tmp_path / "take.csv"
    asked = ["perform", str(clip), "--out", str(out), "--json", "--neutral", "1", "--smooth", "0"]
    assert main(asked) == 0
    streams = capsys.readouterr()
    document = json.loads(streams.out)
    assert (document["v"], document["rows"], document["neutral"]) == (1, 20, 1)
    assert document["rate_fps"] == pytest.approx(30)
    assert document["gaps"] == [[16, 17]]
    assert (document["blinks"], document["frames_lips_meet"]) == (1, 14)
    assert "2 of 20 frames show no face: 16-17." in document["notices"][0]
    events = [json.loads(line) for line in streams.err.splitlines()]
    assert [one["event"] for one in events][:2] == ["started", "tracked"]
    take = read_take(out)
    assert take.times_s == pytest.approx(np.arange(20) / 30, abs=1e-6)
    blink = take.weights[:, take.names.index("eyeBlinkLeft")]
    assert (blink == 1).nonzero()[0].tolist() == [4, 5]


def test_a_damaged_frame_is_said_and_fails_also_in_a_quiet_run(
    tmp_path: Path, scripted: list[ScriptedReader], capsys: Streams
) -> None:
    shot = write_frames(tmp_path / "actor", 4)
    (shot / "a.1003.png").write_bytes((shot / "a.1003.png").read_bytes()[:60])
    scripted.append(ScriptedReader(talking(4)))
    out = tmp_path / "take.csv"
    assert main(["perform", str(shot), "--out", str(out), "-q", "--json"]) == 1
    streams = capsys.readouterr()
    assert "1 of 4 frames cannot be read and count as gaps: a.1003.png; the first: " in streams.err
    assert "show no face, 1 of which cannot be read: 1003" in streams.out
    assert len(read_take(out).times_s) == 4


def test_frames_that_are_not_there_are_said(
    tmp_path: Path, scripted: list[ScriptedReader], capsys: Streams
) -> None:
    shot = write_frames(tmp_path / "actor", 5)
    (shot / "a.1003.png").unlink()
    scripted.append(ScriptedReader(talking(4)))
    assert main(["perform", str(shot), "--out", str(tmp_path / "t.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notices"][0] == (
        "1 frame is missing and left out: 1003."
    )


def test_a_picture_becomes_a_take_of_one_row_as_it_is_read(
    tmp_path: Path, scripted: list[ScriptedReader]
) -> None:
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "me.png")
    scripted.append(ScriptedReader([[reading({"mouthSmileLeft": 0.7}, lips=0.2)]]))
    assert main(["perform", str(tmp_path / "me.png"), "--out", str(tmp_path / "me.csv")]) == 0
    take = read_take(tmp_path / "me.csv")
    assert take.weights[0, take.names.index("mouthSmileLeft")] == pytest.approx(0.7)


def test_asymmetry_is_halved_if_asked(tmp_path: Path, scripted: list[ScriptedReader]) -> None:
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "me.png")
    scripted.append(ScriptedReader([[reading({"mouthSmileLeft": 0.8}, lips=0.2)]]))
    out = tmp_path / "me.csv"
    assert main(["perform", str(tmp_path / "me.png"), "--asymmetry", "0.5", "--out", str(out)]) == 0
    take = read_take(out)
    smile = [take.weights[0, take.names.index(f"mouthSmile{side}")] for side in ("Left", "Right")]
    assert smile == pytest.approx([0.6, 0.2])


def test_of_several_faces_one_is_followed_and_the_others_are_said(
    tmp_path: Path, scripted: list[ScriptedReader], capsys: Streams
) -> None:
    large = [reading({"jawOpen": 0.5}, middle=(20 + k, 20), size=20, lips=0.3) for k in range(4)]
    small = [
        reading({"jawOpen": 0.2}, middle=(50, 20), size=12 + 4 * k, lips=0.3) for k in range(4)
    ]
    shot = write_frames(tmp_path / "two", 4)
    for face, jaw in ((0, 0.5), (1, 0.2)):
        scripted.append(ScriptedReader([[b, a] for a, b in zip(large, small, strict=True)]))
        out = tmp_path / f"{face}.csv"
        words = ["--face", str(face), "--neutral", "none", "--out", str(out)]
        assert main(["perform", str(shot), *words]) == 0
        assert "4 of 4 frames show more than one face" in capsys.readouterr().err
        take = read_take(out)
        assert take.weights[:, take.names.index("jawOpen")] == pytest.approx(jaw)
    scripted.append(ScriptedReader([[large[0], small[0]]]))
    assert main(["perform", str(shot), "--face", "2", "--out", str(tmp_path / "x.csv")]) == 2
    assert "There is no face 2: the first frame with faces shows 2 faces" in capsys.readouterr().err
    assert not (tmp_path / "x.csv").exists()


def test_a_variable_frame_rate_is_said_and_kept(
    tmp_path: Path, scripted: list[ScriptedReader], capsys: Streams
) -> None:
    ticks = [0, 20, 40, 70, 90, 130, 150]
    clip = write_clip(tmp_path / "phone.mp4", ticks)
    scripted.append(ScriptedReader(talking(7)))
    assert main(["perform", str(clip), "--out", str(tmp_path / "t.csv")]) == 0
    err = capsys.readouterr().err
    assert "has a variable frame rate: 15 to 30 frames a second, 24 in the mean" in err
    assert "--curves-fps" in err
    take = tmp_path / "t.csv"
    assert read_take(take).times_s == pytest.approx(np.array(ticks) / 600, abs=1e-6)
    asked = ["render", str(clip), "--curves", str(take), "--out", str(tmp_path / "new.mp4")]
    assert main(asked) == 1, "it shows no face"
    assert "lies on frames 1 to 7." in capsys.readouterr().err
    records = sorted((tmp_path / ".reggan/new.mp4.frames/.reggan").glob("0*.json"))
    jaws = [json.loads(one.read_text())["weights"].get("jawOpen", 0.0) for one in records]
    rows = read_take(take)
    assert jaws == pytest.approx(rows.weights[:, rows.names.index("jawOpen")].tolist(), abs=1e-9)


def test_videos_in_a_folder_of_frames_are_left_out_and_said(
    tmp_path: Path, scripted: list[ScriptedReader], capsys: Streams
) -> None:
    shot = write_frames(tmp_path / "actor", 4)
    write_clip(shot / "actor.mp4", [0, 20])
    scripted.append(ScriptedReader(talking(4)))
    assert main(["perform", str(shot), "--out", str(tmp_path / "t.csv"), "--json"]) == 0
    streams = capsys.readouterr()
    said = f"1 video is left out, beside pictures: {shot / 'actor.mp4'}."
    assert json.loads(streams.out)["notices"][0] == said
    told = [json.loads(line) for line in streams.err.splitlines()]
    assert [one["remedy"] for one in told if one.get("message") == said] == [
        "`render` and `perform` take a video that is named itself."
    ]


def test_a_vertical_clip_is_read_upright(
    tmp_path: Path, scripted: list[ScriptedReader], capsys: Streams
) -> None:
    clip = write_clip(tmp_path / "phone.mov", [0, 20, 40], turn_deg=-90)
    scripted.append(ScriptedReader(talking(3)))
    assert main(["perform", str(clip), "--out", str(tmp_path / "t.csv")]) == 0
    assert scripted[0].seen[0].shape == (WIDTH, HEIGHT, 3)
    across = scripted[0].seen[0].mean(axis=(0, 2))
    assert across[-1] > 150 > 50 > across[0], "its upper half is on the right now"
    assert "phone.mov is stored turned" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, f"No landmarker was given. .*{LANDMARKER_PAGE}.*--landmarker names it"),
        (["--landmarker", "{no_zip}"], 1, "is no task file of MediaPipe: .*Expected face_landmark"),
        (["--landmarker", "{hand}"], 1, "is a task of another kind: it holds hand.tflite"),
        (["--landmarker", "{old}"], 1, "is an old face landmarker: it holds no face_blendshapes"),
        (
            ["--landmarker", "{task}"],
            1,
            r"needs mediapipe, which is not .*reggan-plugin\[perform\]",
        ),
        (["--neutral", "first"], 2, "'first' is no number of a frame; give one, auto or none"),
    ],
)
def test_what_cannot_read_faces_is_named(
    arguments: list[str],
    status: int,
    said: str,
    tmp_path: Path,
    capsys: Streams,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import re

    monkeypatch.setattr(child_process, "HERE", True)
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    shot = write_frames(tmp_path / "actor", 2)
    (tmp_path / "no.task").write_text("<html>")
    parts = ("face_landmarks_detector.tflite", "face_blendshapes.tflite")
    for name, inside in (("hand", ("hand.tflite",)), ("old", parts[:1]), ("task", parts)):
        with zipfile.ZipFile(tmp_path / f"{name}.task", "w") as bundle:
            for one in inside:
                bundle.writestr(one, b"x")
    places = {name: str(tmp_path / f"{name}.task") for name in ("hand", "old", "task")}
    words = [one.format(no_zip=tmp_path / "no.task", **places) for one in arguments]
    assert main(["perform", str(shot), "--out", str(tmp_path / "t.csv"), *words]) == status
    assert re.search(said, capsys.readouterr().err, re.DOTALL)
    assert not (tmp_path / "t.csv").exists()


def test_no_face_a_strange_neutral_frame_and_existing_takes_are_refused(
    tmp_path: Path, scripted: list[ScriptedReader], capsys: Streams
) -> None:
    shot, out = write_frames(tmp_path / "actor", 3), tmp_path / "t.csv"
    scripted.append(ScriptedReader([[], [], []]))
    assert main(["perform", str(shot), "--out", str(out)]) == 1
    assert "shows no face in 3 frames; expected one that looks tow" in capsys.readouterr().err
    scripted.append(ScriptedReader(talking(3)))
    assert main(["perform", str(shot), "--out", str(out), "--neutral", "7"]) == 2
    assert "shows no face in frame 7; its frames are 1001 to 1003" in capsys.readouterr().err
    assert main(["perform", str(shot), "--out", str(tmp_path / "t.json")]) == 2
    assert "Let it end in .csv" in capsys.readouterr().err
    out.write_text("mine")
    assert main(["perform", str(shot), "--out", str(out)]) == 1
    assert "--overwrite replaces what is there" in capsys.readouterr().err
    assert out.read_text() == "mine"
