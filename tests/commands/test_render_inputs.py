"""What `render` takes as INPUT, and where results of one and of several go."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.jobs.input_files import find_shot, find_sources

Streams = pytest.CaptureFixture[str]
pytestmark = pytest.mark.usefixtures("tracked")

LEVELS = {"hero1": 40, "hero2": 80, "villain1": 120}


@pytest.fixture
def cast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with hero1, hero2 and villain1, in the folder that is worked in."""
    folder = tmp_path / "cast"
    folder.mkdir()
    for name, level in LEVELS.items():
        Image.new("RGB", (16, 12), (level, level, level)).save(folder / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    return folder


def smile(*arguments: str | Path) -> int:
    return main(["render", *map(str, arguments), "--expression", "happy"])


def below(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in found if ".reggan" not in path.parts)


def is_red(path: Path) -> bool:
    with Image.open(path) as picture:
        return picture.getpixel((8, 6))[0] == 255  # type: ignore[index]


def test_a_single_picture_becomes_a_picture_beside_it(cast: Path, capsys: Streams) -> None:
    assert smile("cast/villain1.png") == 0
    assert capsys.readouterr().out.split() == ["cast/villain1_happy.png"]
    assert is_red(cast / "villain1_happy.png")
    assert smile("cast/villain1.png", "--resume") == 0
    assert capsys.readouterr().out == ""


def test_out_is_the_file_of_a_single_picture(cast: Path) -> None:
    assert smile("cast/hero1.png", "--out", "new/out.PNG") == 0
    assert is_red(Path("new/out.PNG"))
    assert (
        main(["render", "--frames", "cast/hero1.png", "--expression", "sad", "--out", "s.png"]) == 0
    )
    assert is_red(Path("s.png"))
    shot = ["--frames", "cast/hero1.png", "--expression", "sad"]
    assert main(["render", *shot, "--out", "t.png/"]) == 0
    assert is_red(Path("t.png/hero1.png"))
    assert main(["render", *shot]) == 0
    assert is_red(cast / "hero1_sad/hero1.png")  # as scripts know it


def test_out_that_cannot_be_is_a_wrong_request(cast: Path, capsys: Streams) -> None:
    assert smile("cast", "--out", "one.png") == 2
    assert "one.png is one picture, but 3 are to be written. Name a folder. --out names it." in (
        capsys.readouterr().err
    )
    assert smile("cast/hero1.png", "--out", "one.jpg") == 2
    assert "keeps its format, so its result is no .jpg file. Name it one.png." in (
        capsys.readouterr().err
    )
    assert smile("cast/hero1.png", "--out", "one.jp2") == 2
    assert "of a kind that is not written. Let it end in .png. If you mean a folder" in (
        capsys.readouterr().err
    )
    assert not any(Path().glob("one.*"))
    for folder in ("smile.v2", "result.take", "sc.test", "sc.shot", "a.avi/", "a.png/", "a.mp4/"):
        assert smile("cast/hero1.png", "--out", folder) == 0
        assert below(Path(folder)) == ["hero1.png"]
    assert smile("cast/hero1.png", "--out", "cast/hero1.png", "--overwrite") == 2
    assert "is an input" in capsys.readouterr().err


def test_a_folder_of_several_sequences_renders_them_one_after_another(
    cast: Path, capsys: Streams, tracked: list[str]
) -> None:
    shutil.copy(cast / "villain1.png", cast / "villain2.png")
    assert main(["render", "--frames", "cast", "--expression", "happy"]) == 1
    assert "holds 2 sequences" in capsys.readouterr().err
    assert smile("cast", "--json") == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert summary["counts"] == {"written": 4, "copied": 0, "skipped": 0, "failed": 0}
    assert len(summary["written"]) == 4
    assert [job["counts"]["written"] for job in summary["jobs"]] == [2, 2]
    assert below(Path("cast_happy")) == ["hero1.png", "hero2.png", "villain1.png", "villain2.png"]
    assert tracked == ["hero#.png", "villain#.png"]
    events = [json.loads(line) for line in captured.err.splitlines()]
    names = [event["event"] for event in events]
    assert (names.count("started"), names.count("finished")) == (1, 1)
    assert [e["done"] / e["frames"] for e in events if e["event"] == "frame"] == [
        0.25,
        0.5,
        0.75,
        1,
    ]


def test_files_are_a_sequence_where_their_number_alone_differs(
    cast: Path, tracked: list[str], capsys: Streams
) -> None:
    assert smile(*sorted(cast.glob("*.png"))) == 0
    assert tracked == ["hero#.png"]
    new = {"cast/hero_happy/hero1.png", "cast/hero_happy/hero2.png", "cast/villain1_happy.png"}
    assert {name for name in below(Path()) if is_red(Path(name))} == new
    assert capsys.readouterr().err.count("Done:") == 1
    # Again with a shell's *.png, which now has the villain's result in it.
    assert smile(*sorted(cast.glob("*.png")), "--resume") == 0
    err = capsys.readouterr().err
    assert "villain1_happy.png was made by an earlier run and is no input here" in err
    assert "3 skipped" in err


def test_a_quoted_glob_is_expanded_and_two_spellings_of_a_file_are_one(cast: Path) -> None:
    assert smile("cast/vil*.png", cast / "villain1.png", "--out", "o") == 0
    assert below(Path("o")) == ["villain1.png"]


def test_a_glob_or_file_that_is_not_there_says_so(cast: Path, capsys: Streams) -> None:
    assert smile("cast/*.exr") == 1
    assert (
        "cast/*.exr: no picture and no folder fits. Check the pattern." in capsys.readouterr().err
    )
    assert smile("cast/hero1.png", "nowhere.png") == 1
    assert "nowhere.png: there is no such file or folder" in capsys.readouterr().err
    assert smile("") == 1, "a variable of a script that is not set: not all of this folder"
    assert "an input is empty" in capsys.readouterr().err
    Path("a.psd").write_bytes(b"8BPS")
    assert smile("a.psd") == 1
    assert "a.psd is of a kind that is not read" in capsys.readouterr().err
    Path("head.glb").write_bytes(b"glTF")
    assert smile("head.glb") == 1
    assert "reggan-plugin texture head.glb" in capsys.readouterr().err


def test_a_folder_of_folders_names_the_option_that_looks_into_them(
    cast: Path, capsys: Streams
) -> None:
    assert smile(cast.parent) == 1
    assert "holds no picture itself, but folders. --recursive looks" in capsys.readouterr().err
    (cast / "empty").mkdir()
    assert smile("--recursive", cast.parent, cast) == 1
    assert "holds nothing but what is named elsewhere" in capsys.readouterr().err
    for picture in cast.glob("*.png"):
        picture.unlink()
    (cast / "x.psd").touch()
    assert smile(cast) == 1
    assert "holds no picture: .psd was found" in capsys.readouterr().err


def test_recursive_keeps_the_folders_and_leaves_results_alone(cast: Path, capsys: Streams) -> None:
    deep = cast / "extras" / "night"
    deep.mkdir(parents=True)
    shutil.copy(cast / "hero1.png", deep / "orc.png")
    (cast / ".trash").mkdir()
    shutil.copy(cast / "hero1.png", cast / ".trash" / "x.png")
    assert smile("cast", "--recursive", "--out", "o") == 0
    assert below(Path("o")) == ["extras/night/orc.png", "hero1.png", "hero2.png", "villain1.png"]
    assert smile("cast", "--recursive") == 0
    assert below(Path("cast_happy")) == below(Path("o"))
    assert below(Path("cast")) == [".trash/x.png", *below(Path("o"))]
    assert smile("cast", "--recursive", "--out", "cast/made") == 0
    capsys.readouterr()
    assert smile("cast", "--recursive", "--resume") == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "cast/made was made by an earlier run" in err


def test_a_folder_that_is_named_twice_is_one(cast: Path) -> None:
    assert smile(cast, cast.resolve(), "--out", "o") == 0
    assert below(Path("o")) == ["hero1.png", "hero2.png", "villain1.png"]


def test_results_of_several_folders_do_not_meet(cast: Path, capsys: Streams) -> None:
    shutil.copytree(cast, "other/cast")
    shutil.copytree(cast, "crowd")
    assert smile("cast", "crowd", "--out", "o") == 0
    assert below(Path("o"))[:2] == ["cast/hero1.png", "cast/hero2.png"]
    assert len(below(Path("o"))) == 6
    assert smile("cast", "other/cast", "--out", "p") == 2
    assert "would both become p/cast/" in capsys.readouterr().err


def test_a_range_outside_of_the_shot_is_a_wrong_request(cast: Path, capsys: Streams) -> None:
    for outside in ("7-9", "-5--2"):
        assert smile("cast/hero#.png", "--range", outside) == 2
        assert f"{outside} lies outside of hero, which has 1-2." in capsys.readouterr().err
    assert smile("cast/hero#.png", "--range", "2-9") == 0
    # A farm cuts a shot into chunks of its own: one past the end is done at once.
    farm = ["render", "--frames", "cast/hero#.png", "--expression", "sad", "--range"]
    assert main([*farm, "7-9"]) == 0
    assert main([*farm, "-5--2"]) == 2


def test_a_folder_that_takes_no_files_fails_its_own_frames_alone(
    cast: Path, capsys: Streams
) -> None:
    shutil.copytree(cast, "crowd")
    Path("o").mkdir()
    Path("o/cast").write_text("a file, where a folder is to be")
    assert smile("cast", "crowd", "--out", "o", "--json") == 1
    summary = json.loads(capsys.readouterr().out)
    assert summary["counts"] == {"written": 3, "copied": 0, "skipped": 0, "failed": 3}
    assert "o/cast takes no files" in summary["failed"][0]["message"]


def test_inputs_and_frames_exclude_each_other(cast: Path, capsys: Streams) -> None:
    assert smile("cast", "--frames", "cast") == 2
    assert smile() == 2
    assert "nothing was given; name the pictures" in capsys.readouterr().err


class TestStandardStreams:
    """In a process of its own, as a pipe has it; intensity 0 needs no model."""

    @staticmethod
    def pipe(content: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "reggan_plugin", "render", *arguments]
        return subprocess.run(
            [*command, "--expression", "happy:0"], input=content, capture_output=True, check=False
        )

    def test_a_picture_goes_through_a_pipe(self, cast: Path) -> None:
        content = (cast / "hero1.png").read_bytes()
        done = self.pipe(content, "-")
        assert (done.returncode, done.stdout) == (0, content)
        assert self.pipe(b"", "cast/hero1.png", "--out", "-").stdout == content
        done = self.pipe(content, "-", "--out", "kept.png")
        assert done.stdout.split() == [b"kept.png"]
        assert Path("kept.png").read_bytes() == content

    def test_what_is_no_picture_gives_no_output(self, cast: Path) -> None:
        done = self.pipe(b"no picture", "-")
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"neither picture nor video" in done.stderr
        done = self.pipe(b"", "-")
        assert b"Standard input is empty (0 bytes)" in done.stderr

    def test_a_sequence_or_a_summary_does_not_fit(self, cast: Path) -> None:
        assert b"- stands for one picture" in self.pipe(b"", "cast", "--out", "-").stderr
        done = self.pipe(b"", "cast/hero1.png", "--out", "-", "--json")
        assert done.returncode == 2
        assert b"Leave --json out" in done.stderr


def test_a_changed_picture_comes_out_of_a_pipe(
    cast: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    class Stdin:
        buffer = io.BytesIO((cast / "hero1.png").read_bytes())

    monkeypatch.setattr(sys, "stdin", Stdin)
    assert smile("-") == 0
    with Image.open(io.BytesIO(capfdbinary.readouterr().out)) as picture:
        assert np.asarray(picture)[6, 8].tolist() == [255, 40, 40]


@pytest.fixture
def shot_with_stand_in(cast: Path) -> Path:
    """Frames 1001 to 1003 of which 1002 was made of 1001."""
    shot = cast.parent / "shot"
    shot.mkdir()
    for number in (1001, 1003):
        shutil.copy(cast / "hero1.png", shot / f"a.{number}.png")
    assert smile(shot / "a.1001.png", "--out", shot / "a.1002.png") == 0
    return shot


def test_a_frame_that_is_delivered_later_takes_the_place_of_its_stand_in(
    shot_with_stand_in: Path, capsys: Streams
) -> None:
    shot, stand_in = shot_with_stand_in, shot_with_stand_in / "a.1002.png"
    capsys.readouterr()
    assert smile(shot, "--out", "o") == 0
    said = capsys.readouterr().err
    assert "shot/a.1002.png was made by an earlier run and is no input here" in said
    assert "1 frame is missing and left out: 1002." in said
    assert below(Path("o")) == ["a.1001.png", "a.1003.png"]
    os.utime(stand_in, ns=(1, 1))  # a copy of the folder has other times
    assert len(find_shot(str(shot)).frames) == 2
    made = stand_in.read_bytes()
    stand_in.write_bytes(made[:-1] + b"-")  # another file of the same size
    assert len(find_shot(str(shot)).frames) == 3
    shutil.copy(shot.parent / "cast" / "hero2.png", stand_in)
    assert len(find_shot(str(shot)).frames) == 3
    for inputs in ([shot], sorted(shot.glob("*.png"))):
        capsys.readouterr()
        assert smile(*inputs, "--dry-run") == 0
        out, err = capsys.readouterr()
        assert "a.1002.png" in out
        assert "left out" not in err
        assert "earlier run" not in err


def test_a_retouched_result_beside_its_source_is_no_frame(cast: Path) -> None:
    for name in LEVELS:
        assert smile(cast / f"{name}.png") == 0
        shutil.copy(cast / "hero2.png", cast / f"{name}_happy.png")
    shots = [one.shot for one in find_sources(["cast"]).sources]
    assert {frame.path.stem for shot in shots for frame in shot.frames} == {*LEVELS}
    stills = cast.parent / "stills"
    stills.mkdir()
    shutil.copy(cast / "hero1.png", stills / "still.png")
    for number in (1, 2):
        assert smile(stills / "still.png", "--out", stills / f"look{number}.png") == 0
        shutil.copy(cast / "hero2.png", stills / f"look{number}.png")
    assert [frame.path.name for frame in find_shot(str(stills)).frames] == ["still.png"]
