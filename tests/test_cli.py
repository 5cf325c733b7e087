"""Exit codes, both streams, and commands whose extra is missing."""

import ast
import json
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from reggan_plugin import cli
from reggan_plugin.backends.devices import PROVIDERS
from reggan_plugin.cli import main
from reggan_plugin.commands import doctor, models, sheet
from reggan_plugin.commands.command_group_and_terminal import (
    ENTRY_POINT_GROUP,
    package_of,
    words_of,
)
from reggan_plugin.errors import MissingExtraError
from reggan_plugin.files.frame import read_frame
from reggan_plugin.missing_package import needs_extra
from reggan_plugin.models.model_card import DEFAULT_MODEL

from .sample_frames import small_frame

ROOT = Path(__file__).parents[1]
SHOT = ROOT / "reggan_plugin/samples/avatar_png"

Streams = pytest.CaptureFixture[str]


def attach(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    point = EntryPoint(name=name, value=value, group=ENTRY_POINT_GROUP)
    monkeypatch.setitem(cli.reggan_plugin.__dict__, "_attached", {name: point})


def test_help_lists_every_command_with_a_line(capsys: Streams) -> None:
    assert main(["--help"]) == 0
    out, err = capsys.readouterr()
    for command in ("render", "job", "report", "sheet", "texture", "demo", "doctor", "models"):
        assert f"\n  {command} " in out
    assert err == ""


@pytest.mark.parametrize("command", [[], *([name] for name in cli._COMMANDS)])
def test_help_ends_in_an_example(command: list[str], capsys: Streams) -> None:
    assert main([*command, "--help"]) == 0
    lines = capsys.readouterr().out.rstrip().splitlines()
    assert lines[-2].strip() == "Example:"
    assert lines[-1].startswith("    reggan-plugin ")


def test_every_attached_command_names_its_extra_and_has_a_help_line() -> None:
    points = entry_points(group=ENTRY_POINT_GROUP)
    assert {"train", "export"} <= points.names
    assert all(point.extras for point in points)
    for point in points:
        assert words_of(package_of(point)).help[point.name]


def test_the_workshop_has_its_commands_to_itself(capsys: Streams) -> None:
    assert main(["dev", "--help"]) == 0
    shown = capsys.readouterr().out
    workshop = ("train-judge", "train-locator", "export-locator")
    assert all(f"\n  {name} " in shown for name in workshop)
    assert main(["train-judge"]) == 2
    assert "No such command" in capsys.readouterr().err


def test_every_command_takes_v() -> None:
    rooms = ("reggan_plugin", "training/reggan_training", "export/reggan_export")
    for path in (path for room in rooms for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                decorators = [ast.unparse(one) for one in node.decorator_list]
                if any(one.startswith("click.command") for one in decorators):
                    assert decorators.count("verbose_option") == 1, f"{path}: {node.name}"


def test_help_of_the_group_does_not_load_attached_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    attach(monkeypatch, "frobnicate", "no_such_module.commands:run [train]")
    assert main(["--help"]) == 0
    assert "frobnicate  From no_such_module." in capsys.readouterr().out


def test_a_question_is_followed_by_its_remedy_without_a_stop(
    tmp_path: Path, capsys: Streams
) -> None:
    assert main(["render", "--frames", str(tmp_path), "--expression", "smirkk"]) != 0
    said = capsys.readouterr().err
    assert "Did you mean 'smirk'? `reggan-plugin expressions`" in said


def test_a_package_that_does_not_load_is_no_bug_of_ours() -> None:
    with (
        pytest.raises(MissingExtraError, match=r"libocio\.so.*--force-reinstall"),
        needs_extra("A colour space by name", "ocio"),
    ):
        raise ImportError("libocio.so: cannot open shared object file")


def test_a_missing_extra_exits_1_with_the_pip_line(
    monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    attach(monkeypatch, "train", "no_such_module.commands:run [train]")
    assert main(["train"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "needs no_such_module, which is not installed" in err
    assert 'pip install "reggan-plugin[train]"' in err


def test_a_missing_extra_is_named_when_the_command_imports_it_late(
    monkeypatch: pytest.MonkeyPatch, capsys: Streams, tmp_path: Path
) -> None:
    (tmp_path / "late_command.py").write_text(
        "import click\n@click.command()\ndef run(): import no_such_module.part\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    attach(monkeypatch, "evaluate", "late_command:run [train,export]")
    assert main(["evaluate"]) == 1
    assert 'pip install "reggan-plugin[train,export]"' in capsys.readouterr().err


def test_a_module_of_ours_that_is_missing_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, "train", "reggan_training.no_such_module:run [train]")
    with pytest.raises(ModuleNotFoundError):
        main(["train"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["render"],
        ["render", "--frames", "x", "--expression", "happy", "--intensity", "2"],
        ["render", "--frames", "x", "--expression", "happy", "--face-box", "1,2,3"],
        ["render", "--frames", "x", "--expression", "happy", "--face-box", "1,2,0,nan"],
        ["render", "--frames", "x", "--expression", "happy", "--face", "biggest"],
        ["render", "--frames", "x", "--expression", "happy", "--exposure", "200"],
        ["render", "--frames", "x", "--expression", "happy", "--overwrite", "--resume"],
        ["render", "--frames", "x", "--expression", "happy", "--whole-image", "--face-box=1,2,3,4"],
        ["models", "no-such-model"],
    ],
)
def test_a_wrong_request_exits_2(arguments: list[str], capsys: Streams) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Error: " in err


def test_v_adds_the_traceback_before_and_after_the_command(capsys: Streams) -> None:
    wrong = ["--frames", "x", "--expression", "hapy"]
    assert main(["render", *wrong]) == 2
    assert "Traceback" not in capsys.readouterr().err
    for arguments in (["-v", "render", *wrong], ["render", *wrong, "-v"]):
        assert main(arguments) == 2
        err = capsys.readouterr().err
        assert "Traceback" in err
        assert err.splitlines()[-1].startswith("Error: 'hapy' is not an expression")


def test_doctor_reports_packages_and_devices(capsys: Streams) -> None:
    status = main(["doctor", "--json"])
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert status == (1 if document["problems"] else 0)
    assert bool(err) == bool(document["problems"])
    packages = {package["name"].lower(): package for package in document["packages"]}
    assert packages["numpy"]["version"]
    assert packages["torch"]["extras"]
    assert "CPUExecutionProvider" in document["providers"]


def test_doctor_finds_two_builds_of_onnxruntime(
    monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    owners = {"onnxruntime": ["onnxruntime", "onnxruntime-gpu", "onnxruntime"]}
    monkeypatch.setattr(doctor.metadata, "packages_distributions", lambda: owners)
    assert main(["doctor"]) == 1
    out, err = capsys.readouterr()
    assert "pip uninstall onnxruntime onnxruntime-gpu" in out
    assert "overwrite each other" in err


def test_doctor_says_why_a_device_does_not_load_and_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: Streams, tmp_path: Path
) -> None:
    def try_device(model: Path, kind: str) -> doctor.Device:
        if kind == "cpu":
            return doctor.Device(name=kind, loads=True)
        return doctor.Device(
            name=kind, loads=False, message="No driver.", remedy=PROVIDERS["cuda"].remedy
        )

    monkeypatch.setattr(doctor, "find_model", lambda: tmp_path)
    monkeypatch.setattr(doctor, "_try_device", try_device)
    monkeypatch.setattr(doctor, "_conflicts", list)
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "cpu: works" in out
    assert "auto takes cpu" in out
    assert "cuda: No driver. For NVIDIA GPUs: pip uninstall -y onnxruntime" in out


@pytest.mark.parametrize(
    ("content", "fault"), [(b"not a model", "cannot be loaded"), (b"", "cannot be loaded")]
)
def test_models_refuses_a_file_that_is_none(
    content: bytes, fault: str, tmp_path: Path, capsys: Streams
) -> None:
    path = tmp_path / "face.onnx"
    path.write_bytes(content)
    assert main(["models", str(path), "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["card"] is None
    assert fault in err


def test_models_lists_the_shipped_model_with_its_hash(capsys: Streams) -> None:
    assert main(["models", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert first["card"]["name"] == DEFAULT_MODEL
    assert first["hash_matches"]
    assert main(["models", DEFAULT_MODEL]) == 0
    assert first["card"]["weights_sha256"] in capsys.readouterr().out


def test_a_command_without_memory_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def take_all() -> dict[str, Path]:
        raise MemoryError

    monkeypatch.setattr(models, "installed_models", take_all)
    assert main(["models"]) == 1
    err = capsys.readouterr().err
    assert "memory that is free" in err
    assert "Traceback" not in err


def test_a_sheet_takes_the_face_of_its_frame_from_tracks(
    tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tracks of a 3D scene name frames by their numbers."""
    monkeypatch.setattr(sheet._DrawnFace, "view", lambda face, _mix: face.before)
    frame = small_frame("avatar_png/avatar.1001.png", tmp_path, 4)
    numbered = frame.rename(tmp_path / "lin_0004.png")
    height, width = read_frame(numbered).pixels.shape[:2]
    face = {"face": 0, "box": [width * 0.3, height * 0.2, width * 0.4, width * 0.4]}
    document = {"kind": "reggan-tracks", "schema": 1, "frames": {"4": {"faces": [face]}}}
    tracks = tmp_path / "tracks.json"
    command = ["sheet", str(numbered), "--small", "--tracks", str(tracks), "--out"]
    tracks.write_text(json.dumps({**document, "size": [width, height]}))
    assert main([*command, str(tmp_path / "one.png")]) == 0
    tracks.write_text(json.dumps({**document, "size": [2 * width, 2 * height]}))
    assert main([*command, str(tmp_path / "two.png")]) == 1
    assert f"is {width}x{height}, but the tracks" in capsys.readouterr().err
    assert not (tmp_path / "two.png").exists()


def test_a_small_sheet_says_where_each_named_expression_is(
    tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = ("neutral", "happy", "laughing", "blink left", "blink right")
    some = {name: one for name, one in sheet.NAMED_EXPRESSIONS.items() if name in shown}
    monkeypatch.setattr(sheet, "NAMED_EXPRESSIONS", some)
    path = tmp_path / "faces.png"
    frame = small_frame("avatar_png/avatar.1001.png", tmp_path, 4)
    assert main(["sheet", str(frame), "--small", "--json", "--out", str(path)]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    names = [cell["expression"] for cell in cells]
    assert {"neutral", "happy", "laughing", "blink left"} <= set(names)
    drawn = read_frame(path).pixels
    parts = {}
    for cell in cells:
        x, y, width, height = cell["box"]
        parts[cell["expression"]] = drawn[y : y + height, x : x + width]
        assert parts[cell["expression"]].shape == (96, 96, 3)
    assert abs(parts["laughing"] - parts["neutral"]).max() > 0.2  # each shows its own
    assert abs(parts["blink left"] - parts["blink right"]).max() > 0.05
