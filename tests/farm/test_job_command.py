"""Job templates: what stands in them, and what openjd-cli, as a farm would, makes of them."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from PIL import Image

from reggan_plugin.cli import main

from ..sample_frames import contents, small_frame

OPENJD = [sys.executable, "-m", "openjd"]

Streams = pytest.CaptureFixture[str]


@pytest.fixture
def shot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Frames 1001, 1002 and 1005, in the folder that is worked in."""
    (tmp_path / "shot").mkdir()
    for number in (1001, 1002, 1005):
        Image.new("RGB", (64, 48)).save(tmp_path / "shot" / f"a.{number}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "shot"


def write_job(*arguments: str, out: str = "job.json") -> dict[str, Any]:
    assert main(["job", "--frames", "shot", "--out", out, *arguments]) == 0
    template: dict[str, Any] = json.loads(Path(out).read_text())
    return template


def arguments_of(template: dict[str, Any], step: str) -> list[str]:
    (found,) = (one for one in template["steps"] if one["name"] == step)
    arguments: list[str] = found["script"]["actions"]["onRun"]["args"]
    return arguments


def default_of(template: dict[str, Any], parameter: str) -> Any:
    (found,) = (one for one in template["parameterDefinitions"] if one["name"] == parameter)
    return found.get("default")


@pytest.mark.usefixtures("shot")
def test_yaml_and_json_say_the_same_and_are_sound(capsys: Streams) -> None:
    template = write_job("--expression", "happy", "--intensity", "0.7", "--chunk", "2")
    assert main(["job", "--frames", "shot", "--expression", "happy", "--out", "job.yaml"]) == 0
    assert capsys.readouterr().out.split() == ["job.json", "job.yaml"]
    assert [step["name"] for step in template["steps"]] == ["Track", "Render", "Summary"]
    assert default_of(template, "Intensity") == 0.7
    assert default_of(template, "ChunkSize") == 2
    assert default_of(template, "FrameRange") == "1001-1005"
    other = yaml.safe_load(Path("job.yaml").read_text())
    assert arguments_of(other, "Render") == arguments_of(template, "Render")
    for name in ("job.yaml", "job.json"):
        check = subprocess.run([*OPENJD, "check", name], capture_output=True, text=True)
        assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.usefixtures("shot")
def test_shapes_and_presets_go_to_the_workers_each_as_often_as_given(tmp_path: Path) -> None:
    Path("studio.toml").write_text("[ugh]\nnoseSneer = 0.5\n")
    shapes = ["--shape", "jawOpen=0", "--shape", "mouthLeft=0", "--au", "AU12=0", "--add"]
    template = write_job("--expression", "ugh:0", *shapes, "--presets", "studio.toml")
    render = shlex.join(arguments_of(template, "Render"))
    assert "--shape jawOpen=0 --shape mouthLeft=0 --au AU12=0" in render
    assert "--add" in render
    assert f"--presets {tmp_path / 'studio.toml'}" in render
    assert default_of(template, "Expression") == "ugh:0"


@pytest.mark.parametrize(
    "place", ["shot/reggan-plugin.toml", "own/reggan-plugin.toml", "show.toml"]
)
def test_what_a_settings_file_sets_goes_to_the_workers(
    place: str, shot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = shot.with_name("own")
    own.mkdir()
    monkeypatch.setattr(click, "get_app_dir", lambda _: str(own))
    file = shot.parent / place
    lines = ["[render]", "intensity = 0.5", 'range = "1001-1002"', "whole-image = true"]
    lines += ['shape = ["jawOpen=0.2"]', "exposure = -1.5", "[presets.tense]", "browDown = 0.5"]
    file.write_text("\n".join(lines))
    named = ["--config", place] if place == "show.toml" else []
    template = write_job("--expression", "tense", "--exposure", "2", *named)
    render = shlex.join(arguments_of(template, "Render"))
    assert default_of(template, "Intensity") == 0.5
    assert default_of(template, "FrameRange") == "1001-1002"
    assert f"--presets {file}" in render
    assert "--whole-image" in render
    assert "--shape jawOpen=0.2" in render
    assert ("--exposure 2" in render, "-1.5" in render) == (True, False)
    for step in ("Render", "Summary"):  # which find the file beside the shot by themselves
        is_told = f"--config {file}" in shlex.join(arguments_of(template, step))
        assert is_told == (file.parent != shot)


@pytest.mark.usefixtures("shot")
def test_an_expression_may_have_a_name_of_several_words() -> None:
    template = write_job("--expression", "happily surprised:0")
    assert default_of(template, "Expression") == "happily surprised:0"


@pytest.mark.usefixtures("shot")
def test_every_option_of_render_goes_to_the_workers_with_absolute_paths(tmp_path: Path) -> None:
    Path("curve.csv").write_text("1001,happy,0\n1005,happy,1\n")
    given = ["--intensity-curve", "curve.csv", "--no-stamp", "--stall-timeout", "50"]
    template = write_job(*given, "--device", "cuda:0")
    render = shlex.join(arguments_of(template, "Render"))
    assert f"--intensity-curve {tmp_path / 'curve.csv'}" in render
    assert "--no-stamp" in render
    assert "--expression" not in render
    assert "--stall-timeout 50" in shlex.join(arguments_of(template, "Track"))
    assert "--no-stamp" not in arguments_of(template, "Track")
    assert "--allow-gaps" in arguments_of(template, "Track")
    (step,) = (one for one in template["steps"] if "hostRequirements" in one)
    assert step["name"] == "Render"
    assert step["hostRequirements"]["amounts"] == [{"name": "amount.worker.gpu", "min": 1}]


def test_how_frames_are_read_goes_to_all_steps_and_all_else_to_render(
    shot: Path, tmp_path: Path
) -> None:
    """Names stay names though files are called so, and mattes in folders are found elsewhere."""
    pytest.importorskip("PyOpenColorIO")
    for name in ("happy", "ACEScg", "sargan"):
        Path(name).touch()
    shutil.copytree(shot, "roto")
    reading = ["--colorspace", "ACEScg", "--stall-timeout", "50"]
    rest = ["--region", "upper", "--mask-grow", "-0.01", "--mask-blur", "0.05", "--fade-in", "5"]
    rest += ["--matte", "roto", "--face", "0", "--on-missing-face", "skip", "--exposure", "-1.5"]
    template = write_job("--expression", "happy", *reading, *rest)
    track, render, summary = (
        shlex.join(arguments_of(template, step)) for step in ("Track", "Render", "Summary")
    )
    assert shlex.join(reading) in track
    assert shlex.join(reading) in summary
    assert shlex.join([*reading, *rest]).replace("roto", str(tmp_path / "roto")) in render
    assert default_of(template, "Expression") == "happy"
    assert not any(word in track + summary for word in rest[::2])


@pytest.mark.usefixtures("shot")
@pytest.mark.parametrize(
    ("device", "needs_gpu"), [("cpu", False), ("tensorrt", True), ("rtx:1", True), ("auto", False)]
)
def test_only_a_gpu_that_is_named_is_asked_for(device: str, needs_gpu: bool) -> None:
    template = write_job("--expression", "happy", "--device", device)
    assert any("hostRequirements" in step for step in template["steps"]) == needs_gpu


@pytest.mark.usefixtures("shot")
def test_a_chunk_is_rendered_by_one_process_unless_asked() -> None:
    render = shlex.join(arguments_of(write_job("--expression", "happy"), "Render"))
    assert render.count("--jobs 1") == 1
    Path("job.json").unlink()
    asked = arguments_of(write_job("--expression", "happy", "--jobs", "3"), "Render")
    assert [asked[at + 1] for at, word in enumerate(asked) if word == "--jobs"] == ["3"]


@pytest.mark.usefixtures("shot")
def test_faces_whose_place_is_given_are_not_tracked() -> None:
    template = write_job("--expression", "sad", "--whole-image")
    assert [step["name"] for step in template["steps"]] == ["Render", "Summary"]
    assert "dependencies" not in template["steps"][0]
    assert "--whole-image" in arguments_of(template, "Render")
    assert "--tracks" not in arguments_of(template, "Render")


@pytest.mark.usefixtures("shot")
@pytest.mark.parametrize(
    ("frame_range", "expected"),
    [
        ("1001-1005x2", "1001-1005:2"),
        ("1002-2000", "1002-1005"),
        ("1005,1001-1002", "1001-1002,1005"),
    ],
)
def test_ranges_as_farms_write_them(frame_range: str, expected: str) -> None:
    template = write_job("--expression", "happy", "--range", frame_range)
    assert default_of(template, "FrameRange") == expected


def test_paths_elsewhere_are_asked_for_on_submission(
    shot: Path, tmp_path_factory: pytest.TempPathFactory, capsys: Streams
) -> None:
    path = tmp_path_factory.mktemp("templates") / "job.json"
    template = write_job("--expression", "happy", out=str(path))
    assert default_of(template, "Frames") is None
    hint = shlex.split(capsys.readouterr().err.split(": ", 1)[1])
    assert hint[:3] == ["openjd", "run", str(path)]
    assert f"Frames={shot}" in hint
    assert f"OutDir={shot.parent / 'shot_happy'}" in hint


@pytest.mark.usefixtures("shot")
@pytest.mark.parametrize(
    ("arguments", "status", "remedy"),
    [
        (["--expression", "happy", "--resume"], 2, "leave it out"),
        (["--expression", "happy", "stray"], 2, "name one shot"),
        (["--expression", "hapy"], 2, "Did you mean 'happy'?"),
        (["--expression", "happy", "--no-such-option"], 2, "No such option"),
        (["--expression", "happy", "--device", "abacus"], 2, "'abacus' is not a device"),
        (["--expression", "happy", "--matte", "roto"], 1, "Check the path"),
        (["--expression", "happy", "--range", "1-5"], 1, "Give a range within it"),
        ([], 2, "--intensity-curve"),
    ],
)
def test_a_wrong_request_writes_no_template(
    arguments: list[str], status: int, remedy: str, capsys: Streams
) -> None:
    assert main(["job", "--frames", "shot", "--out", "job.json", *arguments]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert remedy in err
    assert not Path("job.json").exists()


def test_what_cannot_be_a_template_is_refused(shot: Path, capsys: Streams) -> None:
    happy = ["job", "--frames", "shot", "--expression", "happy"]
    assert main([*happy, "--out", "job.txt"]) == 2
    assert ".yaml, .yml nor .json" in capsys.readouterr().err
    Path("job.json").touch()
    assert main([*happy, "--out", "job.json"]) == 1
    assert "--overwrite" in capsys.readouterr().err
    Path("{{curve}}.csv").write_text("1001,happy,1\n")
    curve = ["job", "--frames", "shot", "--intensity-curve", "{{curve}}.csv", "--out", "new.json"]
    assert main(curve) == 2
    assert "another name" in capsys.readouterr().err
    shutil.copy(shot / "a.1001.png", "loose.png")
    assert main(["job", "--frames", "loose.png", "--expression", "sad", "--out", "new.json"]) == 2
    assert "name.0001.png" in capsys.readouterr().err


@pytest.mark.usefixtures("shot")
def test_yaml_without_its_package_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert main(["job", "--frames", "shot", "--expression", "happy", "--out", "job.yaml"]) == 1
    assert 'pip install "reggan-plugin[farm]"' in capsys.readouterr().err


@pytest.mark.slow
def test_chunks_of_any_size_give_the_bits_of_a_render_and_a_missing_frame_fails_the_job(
    tmp_path: Path,
) -> None:
    (tmp_path / "shot").mkdir()
    for number in (1001, 1002):
        small_frame(f"avatar_png/avatar.{number}.png", tmp_path / f"shot/a.{number}.png", 4)
    write = ["job", "--frames", str(tmp_path / "shot"), "--expression", "happy"]
    path = tmp_path / "job.yaml"
    assert main([*write, "--out", str(path)]) == 0
    whole = tmp_path / "whole"
    render = ["render", str(tmp_path / "shot"), "--expression", "happy", "--out", str(whole)]
    assert main([*render, "--device", "cpu"]) == 0
    for chunk, chunks in ((2, 1), (1, 2)):
        out = tmp_path / f"chunks_of_{chunk}"
        run = run_job(path, out, f"ChunkSize={chunk}", "--run-dependencies")
        assert run.returncode == 0, run.stdout
        assert f"Chunks run: {chunks + 2}" in run.stdout  # and the steps before and after
        assert (out / ".reggan" / "report.html").is_file()
        assert contents(out) == contents(whole)
        assert len(contents(out)) == 2
    progress = re.findall(r"openjd_progress: (\S+)", run.stdout)
    assert progress.count("100.0") == 4

    (out / "a.1002.png").unlink()
    failed = run_job(path, out, "ChunkSize=1", "--no-run-dependencies")
    assert failed.returncode != 0
    assert (
        "openjd_fail: 1 of 2 frames are missing, failed, altered or without a record: a.1002.png"
        in failed.stdout
    )


def run_job(
    template: Path, out: Path, parameter: str, dependencies: str
) -> subprocess.CompletedProcess[str]:
    """The template on this machine, by the command that `job` advises."""
    scripts = str(Path(sys.executable).parent)
    return subprocess.run(
        [
            *(*OPENJD, "run", str(template), "--step", "Summary", dependencies),
            *("-p", f"OutDir={out}", "-p", parameter),
        ],
        env={**os.environ, "PATH": os.pathsep.join([scripts, os.environ["PATH"]])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )


def test_a_video_is_refused_whose_name_ends_in_a_number(tmp_path: Path, capsys: Streams) -> None:
    clip = tmp_path / "shot_v002.mp4"
    clip.write_bytes(bytes(64))
    words = ["job", str(clip), "-e", "happy", "-o", str(tmp_path / "job.json")]
    assert main(words) == 2
    assert "shot_v002.mp4 is a video, which is rendered on one machine" in capsys.readouterr().err


def test_a_picture_without_a_number_is_refused_by_its_name(shot: Path, capsys: Streams) -> None:
    shutil.copy(shot / "a.1001.png", shot / "title.png")
    assert main(["job", "--frames", "shot", "-e", "happy", "--out", "job.json"]) == 2
    assert "title.png in shot has no number" in capsys.readouterr().err
    assert not Path("job.json").exists()
    assert main(["job", "--frames", "shot/a.####.png", "-e", "happy", "--out", "job.json"]) == 0
