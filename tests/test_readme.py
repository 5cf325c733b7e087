"""Every command of the README runs as it stands there."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image

import reggan_plugin
from reggan_plugin.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SAMPLES = Path(reggan_plugin.__file__).parent / "samples"
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
COMMANDS = re.findall(r"^reggan-plugin (.+?)(?:\s+#.*)?$", SHELL, re.MULTILINE)
SHORTENED = {
    "train": ["--kimg", "0.002", "--batch", "2", "--identities", "2", "--threads", "1"],
    "evaluate": ["--threads", "1"],
}
"""Options that make a long command short; all else is run as written."""


@pytest.fixture
def working_folder(tmp_path: Path, tiny_avatars: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which every path of the README's commands exists."""
    (tmp_path / "shot").mkdir()
    for number in (1001, 1003):
        name = f"avatar.{number}"
        shutil.copy(SAMPLES / "avatar_png" / f"{name}.png", tmp_path / "shot")
        shutil.copy(SAMPLES / "avatar_exr" / f"{name}.exr", tmp_path / f"shot.{number}.exr")
    shutil.copy(SAMPLES / "toon" / "toon.1001.png", tmp_path / "frame.png")
    shutil.copytree(tiny_avatars, tmp_path / "avatars")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# PyTorch's exporter warns of its own internals.
@pytest.mark.filterwarnings("ignore:.*isinstance.treespec.*:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*The axis name.*:UserWarning")
def test_every_command_runs_as_written(working_folder: Path) -> None:
    assert len(COMMANDS) >= 9
    for command in COMMANDS:
        words = shlex.split(command)
        words += SHORTENED.get(words[0], [])
        if words[0] == "render" and "--resume" not in words:
            words += ["--overwrite"]  # the README renders a shot more than once
        assert main(words) == 0, command
    with Image.open(working_folder / "shot_happy" / "avatar.1001.png") as smile:
        assert smile.size == (1280, 720)
    assert (working_folder / "my-avatar.onnx").is_file()


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    line = next(line for line in README.splitlines() if "tests/gate.py" in line)
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [part.strip() for part in line.split("&&")] == ci.splitlines()[-3:]


def test_every_file_that_is_named_exists() -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", README)
    named = re.findall(r"`((?:reggan_plugin|training|export|tests)/[\w/.]+)`", README)
    for path in {*linked, *named}:
        assert (ROOT / path).exists(), path
