"""Names and files of strangers on the command line: no code, no traceback, no mark taken away."""

import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import reggan_plugin
from reggan_plugin.cli import main
from reggan_plugin.comp.blender_script import blender_script
from reggan_plugin.comp.fusion import fusion_composition
from reggan_plugin.comp.nuke import nuke_script
from reggan_plugin.comp.shot_and_layers import CompShot, Footage
from reggan_plugin.errors import UsageError
from reggan_plugin.jobs.frame_record import record_path
from reggan_plugin.json_and_toml import json_text

Streams = pytest.CaptureFixture[str]
NAMES = ["[python {x}]", "$env(HOME)", "a\\b", 'a"b', "a\nb", "a\x07b", "\udcff", "a;b", "a%02db"]


@pytest.fixture
def shot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "shot"
    folder.mkdir()
    Image.new("RGB", (64, 48), (90, 80, 70)).save(folder / "a.0001.png")
    return folder


def comp_of(name: str) -> CompShot:
    footage = Footage(folder=Path("/", name), prefix="a.", suffix=".exr", padding=4)
    layers = dict.fromkeys(("stmap", "gain", "paint"), footage)
    return CompShot(
        source=footage, layers=layers, first=1, last=2, display_px=(4, 4),
        is_linear=True, is_premultiplied=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_nuke_gets_no_name_that_it_would_run(name: str) -> None:
    with pytest.raises(UsageError, match=r"a\.0001\.exr' holds .* Rename the folder or file"):
        nuke_script(comp_of(name))
    assert "/plain name/" in nuke_script(comp_of("plain name"))


@pytest.mark.parametrize("name", ["a\nb", "a\x07b", "\udcff"])
def test_no_composition_holds_a_control_character(name: str) -> None:
    still = Footage(folder=Path("/"), prefix="still.exr")
    for write in (fusion_composition, blender_script):
        with pytest.raises(UsageError, match="Rename the folder or file"):
            write(comp_of(name), still)
    assert "'/true/a.0001.exr'" in blender_script(comp_of("true"), still)


@pytest.mark.parametrize("name", ["a\nb", "a\x07b"])
def test_a_job_template_holds_no_control_character(
    name: str, shot: Path, tmp_path: Path, capsys: Streams
) -> None:
    odd = shot.rename(tmp_path / name)
    words = ["job", "--frames", str(odd), "--expression", "happy", "--out", "job.json"]
    assert main([*words, "--face-box", "1,1,9,9"]) == 2
    assert "holds a control character" in capsys.readouterr().err
    assert not Path("job.json").exists()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[render]\nstamp = false\n", "says stamp"),
        ('[render]\nsign = "own.pem"\n', "says sign"),
        ('[render]\nmodel = "evil.onnx"\n', "a model that is a file"),
        ('[render]\nmodel = "/tmp/evil.onnx"\n', "a model that is a file"),
        ("[render]\ndry-run = true\n", "says dry-run"),
        ("[render]\nquiet = true\n", "says quiet"),
        *(
            (f'[render]\n{name} = "{place}"\n', f"{name} of another folder")
            for name in ("each", "presets", "matte", "tracks", "landmarks", "rig", "curves")
            for place in ("/etc/hosts", "../secret", "link", "none.toml")
        ),
        ('[render]\nmatte = "../m.####.png"\n', "matte of another folder"),
    ],
)
def test_settings_that_came_with_pictures_decide_no_mark_and_no_file_elsewhere(
    text: str, found: str, shot: Path, capsys: Streams
) -> None:
    (shot / "evil.onnx").write_bytes(b"x")
    (shot / "own.pem").write_bytes(b"x")
    (shot.parent / "secret").write_bytes(b"x")
    with suppress(OSError):  # links need rights on Windows
        (shot / "link").symlink_to(shot.parent / "secret")
    (shot / "reggan-plugin.toml").write_text(text)
    words = ["render", "shot", "--expression", "happy", "--intensity", "0"]
    assert main(words) == 2
    assert found in (said := capsys.readouterr().err)
    assert "--config" in said
    assert main([*words, "--config", "shot/reggan-plugin.toml"]) != 2 or "which a file" not in (
        capsys.readouterr().err
    )


def test_settings_that_came_with_a_clip_name_no_landmarker(shot: Path, capsys: Streams) -> None:
    (shot / "evil.task").write_bytes(b"x")
    (shot / "reggan-plugin.toml").write_text('[perform]\nlandmarker = "evil.task"\n')
    words = ["perform", "shot", "--out", "take.csv"]
    assert main(words) == 2
    assert "says landmarker, which a file beside the pictures may not" in capsys.readouterr().err
    assert main([*words, "--config", "shot/reggan-plugin.toml"]) == 1
    assert "is no task file of MediaPipe" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("[report]\nquick = true\n", "report shot --out o"),
        ("[track]\nallow-gaps = true\n", "track shot --out t.json"),
        ('[report]\nrange = "1001"\n', "report shot --out o"),
        ("[render]\nresume = true\n", "render shot -e happy --out o"),
        ("[render]\nrehash = true\n", "render shot -e happy --out o"),
        ('[render]\ndevice = "tensorrt"\n', "render shot -e happy --out o -m evil.plan"),
        ('[render]\ndevice = " TensorRT:1"\n', "render shot -e happy --out o"),
    ],
)
def test_settings_that_came_with_a_shot_weaken_no_check(
    text: str, command: str, shot: Path, capsys: Streams
) -> None:
    (shot / "reggan-plugin.toml").write_text(text)
    assert main(command.split()) == 2
    assert "which a file beside the pictures may not" in capsys.readouterr().err


@pytest.mark.parametrize("name", [".", "..", " .. ", "..."])
def test_a_preset_is_no_folder(name: str, shot: Path, capsys: Streams) -> None:
    """Results that are named after it would leave the folder that the command names."""
    Path("p.toml").write_text(f'["{name}"]\njawOpen = 0.5\n')
    words = ["render", "shot", "--presets", "p.toml", "-e", name, "--out", "results/{expression}"]
    assert main(words) == 2
    assert "cannot be a name" in capsys.readouterr().err


@pytest.mark.parametrize("line", ['m = "evil.onnx"', "q = true", '-m = "evil.onnx"', 'd = "cpu"'])
def test_settings_know_one_name_for_each_option(line: str, shot: Path, capsys: Streams) -> None:
    (shot / "evil.onnx").write_bytes(b"x")
    (shot / "reggan-plugin.toml").write_text(f"[render]\n{line}\n")
    assert main(["render", "shot", "-e", "happy", "--out", "o"]) == 2
    assert "which is no option of this command" in capsys.readouterr().err


@pytest.mark.parametrize("frame", ["²", "9" * 5000, "-1", ""])
def test_a_frame_at_rest_that_is_no_number_is_named(
    frame: str, shot: Path, capsys: Streams
) -> None:
    assert main(["perform", "shot", "--neutral", frame, "--out", "take.csv"]) == 2
    assert "is no number of a frame" in capsys.readouterr().err


def test_settings_that_came_with_pictures_name_what_lies_beside_them(
    shot: Path, capsys: Streams
) -> None:
    Image.new("L", (64, 48), 255).save(shot.parent / "m.png")
    (shot / "own").mkdir()
    (shot.parent / "m.png").rename(shot / "own" / "m.0001.png")
    (shot / "looks.txt").write_text("happy\n")
    words = ["render", "shot", "--intensity", "0", "--out", "out", "--overwrite"]
    for matte in ("own", "own/m.####.png", "own/m.0001.png"):
        text = f'[render]\nmatte = "{matte}"\neach = "looks.txt"\n'
        (shot / "reggan-plugin.toml").write_text(text)
        assert main(words) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("# " + "x" * 2**21, id="size"),
        pytest.param("a" + ".a" * 50_000 + " = 1\n", id="dots"),
        pytest.param("a = " + "[" * 5_000, id="depth"),
        pytest.param("[render]\nintensity = 0x" + "f" * 9_000, id="number"),
    ],
)
def test_settings_without_measure_are_named(text: str, shot: Path, capsys: Streams) -> None:
    (shot / "reggan-plugin.toml").write_text(text)
    assert main(["render", "shot", "--expression", "happy"]) == 2
    assert "cannot be read as settings" in capsys.readouterr().err


def test_paths_longer_than_any_disk_takes_are_named(shot: Path, capsys: Streams) -> None:
    words = ["render", "shot", "--expression", "happy", "--intensity", "0", "--out"]
    for out in ("/".join(["d" * 100] * 44), "x" * 300):
        assert main([*words, out]) == 1
        assert "Error: " in capsys.readouterr().err
    assert main([*words, "out.png", "--atlas", "a/" * 2000 + "b.png"]) == 1
    assert "too many folders within folders" in capsys.readouterr().err
    long = shot / f"{'n' * 251}.png"
    (shot / "a.0001.png").rename(long)
    assert main([*words, "out"]) == 1
    assert "Error: " in capsys.readouterr().err


def test_a_link_that_leads_to_itself_leaves_the_other_frames(shot: Path) -> None:
    try:
        (shot / "a.0002.png").symlink_to("a.0002.png")
    except OSError:
        pytest.skip("links need a right on Windows")
    assert main(["render", "shot", "-e", "happy", "--intensity", "0", "--out", "out"]) == 1
    assert [path.name for path in Path("out").glob("*.png")] == ["a.0001.png"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
@pytest.mark.parametrize("words", [["expressions"], ["render", "shot/a.0001.png", "--out", "-"]])
def test_a_full_standard_output_is_named(words: list[str], shot: Path) -> None:
    more = ["--expression", "happy", "--intensity", "0"] if words[0] == "render" else []
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "reggan_plugin", *words, *more],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert run.returncode == 1
    assert "No space left" in run.stderr
    assert "Traceback" not in run.stderr
    assert "Exception ignored" not in run.stderr


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_records_are_not_written_through_a_link(
    shot: Path, tmp_path: Path, capsys: Streams
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".reggan").symlink_to(tmp_path / "elsewhere")
    words = ["render", "shot", "--expression", "happy", "--intensity", "0", "--out", "out"]
    assert main(words) == 1
    assert "is a link" in capsys.readouterr().err
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_frame_that_leads_to_another_file_is_not_copied(
    shot: Path, tmp_path: Path, capsys: Streams
) -> None:
    (tmp_path / "secret").write_text("a key of the user's")
    (shot / "a.0002.png").symlink_to(tmp_path / "secret")
    words = ["render", "shot", "--expression", "happy", "--intensity", "0", "--out", "out"]
    assert main(words) == 1
    assert "is not an image" in capsys.readouterr().err
    assert [path.name for path in Path("out").glob("*.png")] == ["a.0001.png"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("happy\n" * 2000, "names 2,000 expressions"), ("happy+" * 50_000 + "sad", "stands twice")],
)
def test_expressions_without_end_are_named(
    text: str, said: str, shot: Path, capsys: Streams
) -> None:
    Path("looks.txt").write_text(text)
    assert main(["render", "shot", "--each", "looks.txt", "--dry-run"]) == 2
    assert said in (error := capsys.readouterr().err)
    assert len(error) < 1000


def test_a_record_of_an_exposure_that_nobody_measured_is_done_again(
    shot: Path, capsys: Streams
) -> None:
    words = ["render", "shot", "--expression", "happy", "--intensity", "0", "--out", "out"]
    assert main(words) == 0
    record = record_path(Path("out/a.0001.png"))
    sound = json.loads(record.read_text())
    record.write_text(json.dumps({**sound, "exposure_ev": -1}))
    assert main([*words, "--resume"]) == 0
    assert json.loads(record.read_text())["exposure_ev"] is None
    record.write_text(json.dumps({**sound, "warnings": [{"a": 1}]}))
    assert main(["report", "shot", "--out", "out"]) == 1
    assert "no record" in capsys.readouterr().out


@pytest.mark.parametrize("box", ["1e308,0,1,1", "1" + "0" * 400 + ",0,1,1", "0,0,1e300,1"])
def test_a_box_beyond_all_bounds_is_named(box: str, shot: Path, capsys: Streams) -> None:
    assert main(["render", "shot", "--expression", "happy", "--face-box", box]) == 2
    assert "is not a box" in capsys.readouterr().err


def test_libraries_say_nothing_of_pictures_on_stderr(shot: Path) -> None:
    path = shot / "a.0001.png"
    png, profile = path.read_bytes(), b"iCCPx\0\0" + zlib.compress(bytes(9))
    chunk = struct.pack(">I", len(profile) - 4) + profile + struct.pack(">I", zlib.crc32(profile))
    path.write_bytes(png[:33] + chunk + png[33:])
    line = "import sys; from pathlib import Path; from reggan_plugin.files.frame import read_frame"
    run = subprocess.run(
        [sys.executable, "-c", f"{line}; read_frame(Path({str(path)!r}))"],
        stderr=subprocess.PIPE, check=True,
    )  # fmt: skip
    assert run.stderr == b""


@pytest.mark.parametrize(
    "content",
    [b"no picture", b"", None, b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", b"\xff\xd8\xff\xe0\0\4"],
)
def test_messages_name_no_temporary_folder(content: bytes | None, shot: Path) -> None:
    content = (shot / "a.0001.png").read_bytes() if content is None else content
    words = ["render", "-", "--expression", "happy", "--out", "-"]
    run = subprocess.run(
        [sys.executable, "-m", "reggan_plugin", *words],
        input=content, capture_output=True, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    assert b"standard input" in run.stderr.lower()
    assert tempfile.gettempdir().encode() + b"/reggan-" not in run.stderr


def test_json_for_programs_has_no_nan() -> None:
    package = Path(reggan_plugin.__file__).parent
    for path in (path for path in package.rglob("*.py") if path.parent.name != "benchmark"):
        assert not re.search(r"(echo|print)\(json\.dumps", path.read_text()), path
    text = json_text({"a": [float("nan"), float("inf"), 1.5], "b": (1, None)})
    assert json.loads(text, parse_constant=pytest.fail) == {"a": [None, None, 1.5], "b": [1, None]}


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_frame_that_is_a_link_to_nowhere_fails_and_is_not_good(
    shot: Path, capsys: Streams
) -> None:
    number = len(list(shot.iterdir()))
    (shot / "a.0901.png").symlink_to("/nowhere/a.0901.png")
    (shot / "a.0902.png").symlink_to("a.0902.png")
    os.mkfifo(shot / "a.0903.png")
    words = ["shot", "--out", "o"]
    assert main(["render", *words, "-e", "happy", "--intensity", "0"]) == 1
    assert f"3 of {number + 3} frames failed" in capsys.readouterr().err
    assert main(["report", *words]) == 1
    assert "a.0901.png, a.0902.png, a.0903.png" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize("command", ["render -e happy --intensity 0", "sheet"])
def test_an_output_that_is_a_link_to_nowhere_is_refused_before_the_work(
    command: str, shot: Path, capsys: Streams
) -> None:
    Path("o.png").symlink_to("nowhere/o.png")
    assert main([*command.split(), "shot/a.0001.png", "--out", "o.png"]) != 0
    error = capsys.readouterr().err
    assert "o.png is a link that leads nowhere" in error
    assert "[1/1]" not in error
    Path("folder").symlink_to("nowhere")
    assert main(["render", "-e", "happy", "shot", "--out", "folder"]) != 0
    assert "folder takes no files: it is a link that leads nowhere" in capsys.readouterr().err


def test_a_source_that_changed_since_is_not_good(shot: Path, capsys: Streams) -> None:
    frame, words = shot / "a.0001.png", ["shot", "--out", "o"]
    assert main(["render", *words, "-e", "happy", "--intensity", "0"]) == 0
    os.utime(frame, (1, 1))  # touched alone: its content is what it was
    assert main(["report", *words]) == 0
    Image.new("RGB", (64, 48), (91, 80, 70)).save(frame)
    assert main(["report", *words]) == 1
    assert "Its source has changed since" in capsys.readouterr().out


def test_a_folder_that_cannot_be_read_stops_no_other(
    shot: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    (shot.parent / "lost+found").mkdir()
    listed = os.scandir

    def scandir(place: Any = ".") -> Any:
        if Path(place).name == "lost+found":
            raise PermissionError(13, "Permission denied", str(place))
        return listed(place)

    monkeypatch.setattr(os, "scandir", scandir)
    words = ["render", str(shot.parent), "--recursive", "-e", "happy", "--intensity", "0"]
    assert main([*words, "--out", "../made"]) == 1
    assert "lost+found cannot be listed: Permission denied" in capsys.readouterr().err
    assert [path.name for path in Path("../made").rglob("*.png")] == ["a.0001.png"]
