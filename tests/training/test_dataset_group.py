"""The group of dataset commands loads only the command that is asked for."""

import subprocess
import sys

import pytest

from reggan_plugin.cli import main
from reggan_training.commands import dataset as dataset_group

HEAVY = {"numpy", "torch", "bpy", "PIL", "cv2", "onnxruntime", "xlrd"}


@pytest.mark.parametrize("arguments", [["dataset", "--help"], ["dataset", "no-such-command"]])
def test_the_group_starts_without_heavy_packages(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom reggan_plugin.cli import main\n"
        f"main({arguments})\nprint('loaded:', *sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.rpartition("loaded:")[2].split())
    assert "reggan_training.commands.dataset" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_every_command_names_the_extra_that_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = dataset_group._COMMANDS
    assert {name: command.extra for name, command in commands.items()} == {
        "avatars": "train,avatars",
        "check": "train",
        "pack": "train",
        "pictures": "train",
        "test-heads": "train,textures",
    }
    monkeypatch.setitem(sys.modules, "bpy", None)
    missing = dataset_group.LazyCommand("no_such_module:avatars", "", "avatars")
    monkeypatch.setitem(commands, "avatars", missing)
    assert main(["dataset", "avatars"]) == 1
    err = capsys.readouterr().err
    assert "`reggan-plugin dataset avatars` needs no_such_module, which is not installed" in err
    assert 'pip install "reggan-plugin[avatars]"' in err
