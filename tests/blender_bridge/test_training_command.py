"""The command lines that train on a character are ones that reggan-plugin takes."""

import shlex
from pathlib import Path

import click
from reggan_training.commands.dataset_heads import heads
from reggan_training.commands.train_motion import train_motion

from blender_addon.bridge.training_command import file_stem, training_command
from reggan_export.commands.export_onnx import onnx

COMMANDS: dict[str, click.Command] = {
    "dataset heads": heads,
    "train-motion": train_motion,
    "export onnx": onnx,
}


def test_each_step_takes_its_options_and_what_the_step_before_leaves(tmp_path: Path) -> None:
    character = tmp_path / "it's ü" / "Anna 2.glb"
    character.parent.mkdir()
    character.touch()
    for folder in ("Anna 2_heads", "Anna 2_run"):
        (character.parent / folder).mkdir()
    lines = [shlex.split(line) for line in training_command(character, "").split(" && ")]
    found = {}
    for program, *words in lines:
        assert program == "reggan-plugin"
        name = next(name for name in COMMANDS if " ".join(words).startswith(name))
        own = words[len(name.split()) :]
        found[name] = COMMANDS[name].make_context(name, own).params
    assert list(found) == list(COMMANDS)
    assert found["dataset heads"]["out"] == found["train-motion"]["heads"]
    assert found["train-motion"]["start_from"] == "reggan"
    assert found["train-motion"]["out"] == found["export onnx"]["checkpoint"]
    assert found["export onnx"]["out"] == character.with_suffix(".onnx")


def test_a_model_of_ones_own_is_started_from() -> None:
    assert "--start-from own.onnx" in training_command(Path("a.glb"), "own.onnx")


def test_names_of_files_have_no_marks() -> None:
    assert file_stem("Gesicht Ä/1.2") == "Gesicht-Ä-1-2"
    assert file_stem("...") == "character"
