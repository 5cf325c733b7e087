"""Settings files, short options, quiet runs, the word gpu, and what a shell is offered."""

import json
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from PIL import Image

from reggan_plugin import cli
from reggan_plugin.backends import onnx_runtime_runner
from reggan_plugin.cli import main
from reggan_plugin.errors import DeviceUnavailableError
from reggan_plugin.models.model_card import find_model

Streams = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def own_folder(tracked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder for settings, and a stub in place of the model."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setattr(click, "get_app_dir", lambda _: str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    folder = tmp_path / "shot"
    folder.mkdir()
    Image.new("RGB", (16, 12), (40, 40, 40)).save(folder / "a.png")
    return folder


def test_a_file_beside_the_shot_gives_defaults_that_the_command_line_overrides(
    shot: Path, capsys: Streams
) -> None:
    (shot / "reggan-plugin.toml").write_text('[render]\nexpression = "sad"\ndevice = "cpu"\n')
    assert main(["render", "shot"]) == 0
    out, err = capsys.readouterr()
    assert out.split() == ["shot_sad/a.png"]
    assert "Settings of shot/reggan-plugin.toml" in err
    assert main(["render", "shot", "--expression", "angry"]) == 0
    assert Path("shot_angry/a.png").exists()


@pytest.mark.parametrize("asked", ['each = "basic"', 'expression = ["sad", "angry"]'])
def test_expressions_of_the_command_line_replace_those_of_a_file(
    asked: str, shot: Path, capsys: Streams
) -> None:
    (shot / "reggan-plugin.toml").write_text(f"[render]\n{asked}\n")
    assert main(["render", "shot", "-e", "happy"]) == 0
    assert capsys.readouterr().out.split() == ["shot_happy/a.png"]


def test_a_named_file_counts_before_the_one_of_the_user(
    shot: Path, own_folder: Path, capsys: Streams
) -> None:
    (own_folder / "reggan-plugin.toml").write_text('[render]\nexpression = "sad"\n')
    Path("studio.toml").write_text('[render]\nexpression = "angry"\n[track]\nno-smooth = true\n')
    assert main(["render", "shot"]) == 0
    assert main(["render", "shot", "--config", "studio.toml"]) == 0
    assert capsys.readouterr().out.split() == ["shot_sad/a.png", "shot_angry/a.png"]


def test_how_takes_are_read_waits_in_a_file_for_a_take(shot: Path, capsys: Streams) -> None:
    Path("studio.toml").write_text('[render]\ncurves-fps = 24\ncurves-gain = ["brows=1.4"]\n')
    assert main(["render", "shot", "-e", "sad", "--config", "studio.toml"]) == 0
    assert main(["render", "shot", "-e", "sad", "--curves-fps", "24", "--out", "x"]) == 2
    assert "name it with --curves FILE" in capsys.readouterr().err


def test_a_path_counts_from_the_file_s_folder(shot: Path, capsys: Streams) -> None:
    (shot / "smile.csv").write_text("1001,happy,0.8\n")
    (shot / "reggan-plugin.toml").write_text('[render]\nintensity-curve = "smile.csv"\n')
    (shot / "a.png").rename(shot / "a.1001.png")
    assert main(["render", "shot", "--out", "acted"]) == 0
    record = json.loads(Path("acted/.reggan/a.1001.png.json").read_text())
    assert record["expression"] == {"happy": 0.8}


def test_presets_stand_in_the_same_file(shot: Path, capsys: Streams) -> None:
    Path("studio.toml").write_text("[render]\nintensity = 0.5\n[presets.ugh]\nnoseSneer = 0.5\n")
    assert main(["render", "shot", "-e", "ugh", "--dry-run", "--config", "studio.toml"]) == 2
    assert "This model has no expression 'ugh'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[render]\nexpresion = "sad"\n', "has expresion, which is no option of this command"),
        ('[rendr]\nexpression = "sad"\n', "nothing reads [rendr]. Did you mean [render]?"),
        ("[render\n", "cannot be read as settings"),
        ("render = 1\n", "render stands in no table"),
        ("[render]\noverwrite = true\n", "says overwrite, which only the command line may"),
        ('[render]\nout = "/etc"\n', "says out, which only the command line may"),
        ('[render]\nlayers-out = "/etc"\n', "says layers-out, which only"),
        ('[render]\nmodel = "a.plan"\n', "an engine as model"),
        ("[render]\nintensity = 9\n", "9"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(
    text: str, said: str, shot: Path, capsys: Streams
) -> None:
    (shot / "reggan-plugin.toml").write_text(text)
    assert main(["render", "shot", "--expression", "happy"]) == 2
    assert said in capsys.readouterr().err


def test_a_table_of_a_command_that_is_not_installed_is_told_of(shot: Path, capsys: Streams) -> None:
    (shot / "reggan-plugin.toml").write_text("\ufeff[relight]\nlights = 3\n", "utf-8")
    assert main(["render", "shot", "-e", "happy"]) == 0
    assert "Note: shot/reggan-plugin.toml: nothing reads [relight]." in capsys.readouterr().err


def test_text_in_utf_16_is_told_of(shot: Path, capsys: Streams) -> None:
    (shot / "reggan-plugin.toml").write_text("[render]\n", "utf-16")
    assert main(["render", "shot", "-e", "happy"]) == 2
    assert "it is text in UTF-16; expected UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["intensity", "region"])
def test_a_value_is_no_switch(name: str, shot: Path, capsys: Streams) -> None:
    text = f'[render]\nexpression = "sad"\n{name} = true\n'
    (shot / "reggan-plugin.toml").write_text(text)
    assert main(["render", "shot"]) == 2
    assert f"{name} is true in a settings file of shot" in capsys.readouterr().err


def test_short_options_and_quiet(shot: Path, capsys: Streams) -> None:
    assert main(["render", "shot/a.png", "-e", "happy", "-i", "0.7", "-o", "new.png", "-q"]) == 0
    out, err = capsys.readouterr()
    assert (out.split(), err) == (["new.png"], "")
    (shot / "a.png").write_bytes(b"")
    assert main(["render", "shot/a.png", "-e", "sad", "-d", "cpu", "-m", "sargan", "-q"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["[1/1]", "Error:"]


def test_gpu_is_never_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refuse(model: Path, device: str, *_: object) -> object:
        tried.append(device)
        raise DeviceUnavailableError("no such thing.")

    monkeypatch.setattr(onnx_runtime_runner, "_open", refuse)
    with pytest.raises(DeviceUnavailableError, match="No GPU can be had: "):
        onnx_runtime_runner.open_runner(find_model(), "gpu")
    assert "cuda" in tried
    assert "cpu" not in tried


@pytest.mark.parametrize(
    ("words", "begun", "offered"),
    [
        (["render", "--expression"], "surp", "surprised"),
        (["render", "-e"], "happy:0.5+sa", "happy:0.5+sad"),
        (["render", "--model"], "sar", "sargan"),
        (["render", "--device"], "g", "gpu"),
        (["render", "--expr"], "--expr", "--expression"),
    ],
)
def test_a_shell_is_offered_names(words: list[str], begun: str, offered: str) -> None:
    complete = ShellComplete(cli.reggan_plugin, {}, "reggan-plugin", "_REGGAN_PLUGIN_COMPLETE")
    before = words if begun != words[-1] and not begun.startswith("--") else words[:-1]
    assert offered in [item.value for item in complete.get_completions(before, begun)]
