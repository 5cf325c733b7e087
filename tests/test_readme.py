"""Every command of the READMEs runs as it stands there."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image

import reggan_plugin
from reggan_plugin.cli import main
from reggan_plugin.transfer import ExpressionTransfer

from .textures.conftest import make_head, sample_face, write_glb, write_obj

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TRAINING_README = (ROOT / "training" / "README.md").read_text(encoding="utf-8")
SAMPLES = Path(reggan_plugin.__file__).parent / "samples"
SHORTENED = {
    "train": ["--kimg", "0.002", "--batch", "2", "--identities", "2", "--threads", "1"],
    "evaluate": ["--threads", "1"],
    "report": ["--range", "1001,1003"],  # the shot of this test has a gap
    "study": ["--comparisons", "1", "--attention-checks", "0"],
    "bench": [
        "--rounds",
        "1",
        "--batch",
        "1",
        "--threads",
        "1",
        "--height",
        "240",
        "--frames",
        "1",
    ],
}
"""Options that make a long command short; all else is run as written."""
TESTED_ELSEWHERE = (
    "dataset heads",  # needs heads: tests/training/pairs/test_head_files.py
    "train-motion",  # tests/training/motion/test_training_run.py
    "dataset avatars",  # needs Blender: tests/training/avatars/test_blender_render.py
    "export engine",  # need a GPU: tests/export/test_export_engine.py,
    "render --device tensorrt",  # tests/backends/test_tensorrt_runner.py
    "bench --peers",  # exports three networks: tests/export/test_rivals.py
)


def commands_of(readme: str) -> list[str]:
    shell = "\n".join(re.findall(r"```sh\n(.*?)```", readme, re.DOTALL))
    return re.findall(r"^reggan-plugin (.+?)(?:\s+#.*)?$", shell, re.MULTILINE)


@pytest.fixture
def working_folder(tmp_path: Path, tiny_avatars: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which every path of the README's commands exists."""
    (tmp_path / "shot").mkdir()
    for number in (1001, 1003):
        name = f"avatar.{number}"
        shutil.copy(SAMPLES / "avatar_png" / f"{name}.png", tmp_path / "shot")
        shutil.copy(SAMPLES / "avatar_exr" / f"{name}.exr", tmp_path / f"shot.{number}.exr")
    shutil.copy(SAMPLES / "toon" / "toon.1001.png", tmp_path / "frame.png")
    Image.new("L", (1280, 720), 255).save(tmp_path / "roto.png")
    shutil.copytree(tiny_avatars, tmp_path / "avatars")
    shutil.copytree(tiny_avatars, tmp_path / "mine")
    (tmp_path / "smile.csv").write_text("1001,happy,0\n1024,happy,0.8\n")
    _add_characters(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _add_characters(folder: Path) -> None:
    """Heads and maps of the names that the README uses."""
    head = make_head(sample_face(ExpressionTransfer()))
    base = folder / "base_color.png"
    Image.fromarray(head.picture).save(base)
    write_glb(folder / "head.glb", head, image=base.read_bytes())
    write_obj(folder / "body.obj", head)
    shutil.copy(base, folder / "face.1001.png")
    Image.open(folder / "frame.png").save(folder / "unfolded.png")
    (folder / "cast").mkdir()
    shutil.copy(folder / "head.glb", folder / "cast")


# PyTorch's exporter warns of its own internals.
@pytest.mark.filterwarnings("ignore:.*isinstance.treespec.*:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*The axis name.*:UserWarning")
@pytest.mark.parametrize("readme", [README, TRAINING_README], ids=["root", "training"])
@pytest.mark.timeout(900)  # all of them, one by one
def test_every_command_runs_as_written(readme: str, working_folder: Path) -> None:
    commands = commands_of(readme)
    assert len(commands) >= 9
    for command in commands:
        words = shlex.split(command)
        if command.startswith(TESTED_ELSEWHERE):
            continue
        words += SHORTENED.get(words[0], [])
        if words[0] == "render" and "--resume" not in words:
            words += ["--overwrite"]  # the README renders a shot more than once
        assert main(words) == 0, command
    assert (working_folder / "my-avatar.onnx").is_file()
    if readme is README:
        with Image.open(working_folder / "shot_happy" / "avatar.1001.png") as smile:
            assert smile.size == (1280, 720)


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    line = next(line for line in README.splitlines() if "tests/gate.py" in line)
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    steps = [step.partition(" #")[0] for step in ci.splitlines()]
    assert [part.strip() for part in line.split("&&")] == steps[-5:]


@pytest.mark.parametrize("folder", [".", "training"])
def test_every_file_that_is_named_exists(folder: str) -> None:
    readme = (ROOT / folder / "README.md").read_text(encoding="utf-8")
    for path in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (ROOT / folder / path).exists(), path
    for path in re.findall(r"`((?:reggan_plugin|training|export|tests)/[\w/.]+)`", readme):
        assert (ROOT / path).exists(), path
