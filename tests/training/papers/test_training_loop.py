"""A run resumes exactly, stops where it must, and leaves its record."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

import reggan_training.papers.train_step
from reggan_plugin.cli import main
from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.jobs.signals_and_timeouts import Interrupted
from reggan_training.commands.train import train as train_command
from reggan_training.data.pair_table import PairSettings
from reggan_training.papers import losses
from reggan_training.papers.configuration import (
    AdversarySettings,
    GanLossWeights,
    TrainingSettings,
    settings_with_tables,
)
from reggan_training.papers.held_out_curve import held_out_curve, held_out_improvement
from reggan_training.papers.networks.expression_model import ModelSettings
from reggan_training.papers.presets import preset_named
from reggan_training.papers.ridge_regression import RegressionSettings
from reggan_training.papers.run_folder import RunFolder, initial_weights_from, model_from_run
from reggan_training.papers.train_step import Trainer, TrainingDivergedError
from reggan_training.papers.training_loop import train

SIDE = 32


def tiny_settings(architecture: str = "reggan", **changes: Any) -> TrainingSettings:
    """Six steps of two pairs, with everything that a step can hold."""
    settings = TrainingSettings(
        length_kimg=0.012,
        batch_size=2,
        warmup_kimg=0.004,
        validate_every_kimg=0.003,
        losses=GanLossWeights(identity=1.0, cycle=1.0),
        adversary=AdversarySettings(channels=16, penalty="wgan-gp", penalty_every=2),
        model=ModelSettings(
            architecture=architecture,
            side_px=SIDE,
            width=0.125,
            regression=RegressionSettings(side_px=SIDE // 2),
        ),
        pairs=PairSettings(side_px=SIDE),
    )
    return dataclasses.replace(settings, **changes)


def ignore(line: str) -> None:
    del line


def curves(run: Path) -> list[dict[str, float]]:
    """Everything that was logged but the speed."""
    lines = RunFolder(run).read_metrics()
    return [{k: v for k, v in line.items() if k != "images_per_s"} for line in lines]


@pytest.fixture(scope="module")
def finished(tiny_avatars: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `tiny_settings` that nothing interrupted."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    lines: list[str] = []
    train([tiny_avatars], out, tiny_settings(), report=lines.append)
    assert lines[0] == f"run folder: {out}"
    return out


def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    finished: Path, tiny_avatars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.train_step

    def step_and_signal(self: Trainer, batch: Any) -> dict[str, float]:
        values = step(self, batch)
        if self.images_seen == 6:
            os.kill(os.getpid(), signal.SIGTERM)
        return values

    monkeypatch.setattr(Trainer, "train_step", step_and_signal)
    with pytest.raises(Interrupted) as stopped:
        train([tiny_avatars], tmp_path, tiny_settings(), report=ignore)
    assert stopped.value.exit_code == 143
    assert int(RunFolder(tmp_path).load()["images_seen"]) == 6
    monkeypatch.undo()
    lines: list[str] = []
    train([tiny_avatars], tmp_path, tiny_settings(), report=lines.append)
    assert any("resuming at 0.0 kimg" in line for line in lines)

    whole, cut = (RunFolder(run).load() for run in (finished, tmp_path))
    assert whole.keys() == cut.keys()
    different = [name for name in whole if not torch.equal(whole[name], cut[name])]
    assert not different
    assert held_out_curve(tmp_path) == held_out_curve(finished)
    assert [kimg for kimg, _ in held_out_curve(finished)] == [0.0, 0.004, 0.006, 0.01, 0.012]


def test_a_run_leaves_its_record(finished: Path, tiny_avatars: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    config = RunFolder(out).read_config()
    assert config["identities"] == ["photo_00001", "photo_00002", "photo_00003"]
    assert config["architecture"] == "reggan"
    assert config["settings"]["losses"]["cycle"] == 1.0
    names = {"paired", "edges", "adversarial", "features", "expression", "identity", "cycle"}
    assert names < set(curves(out)[-1])
    assert len(list((out / "grids").glob("*.jpg"))) == 1
    assert list((out / "events").iterdir())

    other = tiny_settings(batch_size=4)
    with pytest.raises(SourceError, match=r"another settings \(batch_size: 2 before, 4 now\)"):
        train([tiny_avatars], out, other, report=ignore)
    train([tiny_avatars], out, tiny_settings(length_kimg=0.014), report=ignore)
    assert int(RunFolder(out).load()["images_seen"]) == 14
    assert len(RunFolder(out).read_config()["sessions"]) == 2


@pytest.mark.parametrize(
    "adversary",
    [
        AdversarySettings(channels=16, objective="wasserstein", penalty="wgan-gp", steps=2),
        AdversarySettings(channels=16, penalty="r1"),
    ],
)
def test_objectives_and_penalties_train(
    adversary: AdversarySettings, tiny_avatars: Path, tmp_path: Path
) -> None:
    settings = tiny_settings("us-gan", length_kimg=0.004, adversary=adversary, warmup_kimg=0.0)
    train([tiny_avatars], tmp_path / "run", settings, report=ignore)
    last = curves(tmp_path / "run")[-1]
    assert last["d_penalty"] > 0
    assert "adversarial" in last


def test_gradient_penalties_are_those_of_a_linear_score() -> None:
    direction = torch.randn(1, 3, 4, 4)

    def score(image: Tensor) -> Tensor:
        return (image * direction).sum(dim=(1, 2, 3), keepdim=True)

    rendered, made, share = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4), torch.rand(2, 1, 1, 1)
    length = direction.norm()
    assert torch.allclose(losses.r1_penalty(score, rendered), 0.5 * length**2)
    penalty = losses.interpolation_penalty(score, rendered, made, share)
    assert torch.allclose(penalty, (length - 1) ** 2, rtol=1e-4)


def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(
    tiny_avatars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, calls = tmp_path / "run", []

    def poisoned(*arguments: Tensor) -> Tensor:
        calls.append(1)
        return paired(*arguments) * (float("nan") if len(calls) > 4 else 1.0)

    paired = losses.paired_loss
    monkeypatch.setattr(reggan_training.papers.train_step.losses, "paired_loss", poisoned)
    settings = tiny_settings(losses=GanLossWeights())
    with pytest.raises(TrainingDivergedError) as stopped:
        train([tiny_avatars], out, settings, report=ignore, checkpoint_every_s=0.0)
    assert "paired, gradient became nan at 0.010 kimg" in str(stopped.value)
    assert stopped.value.kind == "diverged-after-checkpoint"
    assert stopped.value.fields == {"start": str(out)}
    state = RunFolder(out).load()
    assert int(state["images_seen"]) == 8
    assert all(torch.isfinite(value).all() for value in state.values())


def test_a_run_starts_from_another_run_s_weights(
    finished: Path, tiny_avatars: Path, tmp_path: Path
) -> None:
    initial = initial_weights_from(finished)
    settings = tiny_settings(closed_form="keep", learning_rate=1e-12, length_kimg=0.002)
    train([tiny_avatars], tmp_path, settings, report=ignore, initial=initial)
    before, after = (model_from_run(run).state_dict() for run in (finished, tmp_path))
    for name, value in before.items():
        assert torch.allclose(value, after[name], atol=1e-6), name
    assert RunFolder(tmp_path).read_config()["initial"].startswith("finished ")


def test_regression_alone_is_a_run_without_descent(tiny_avatars: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train([tiny_avatars], out, tiny_settings("regression"), report=ignore)
    model = model_from_run(out)
    assert model.architecture == "regression"
    (line,) = curves(out)
    assert line["held_out_l1"] < line["held_out_input_l1"]
    assert held_out_improvement(out) == 0


def test_a_curve_that_still_falls_has_not_converged(tmp_path: Path) -> None:
    scores = {"falls": [5, 4, 3, 2, 1], "flat": [5, 2, 1.01, 1.0, 0.995], "short": [5, 1]}
    for name, values in scores.items():
        run = RunFolder(tmp_path / name)
        run.root.mkdir()
        for kimg, value in enumerate(values):
            run.log(kimg=kimg, held_out_l1=value)
    improved = {name: held_out_improvement(tmp_path / name) for name in scores}
    assert improved == {"falls": 0.5, "flat": pytest.approx(0.005), "short": None}


def test_a_dry_run_prints_everything_and_writes_nothing(tiny_avatars: Path, tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text("batch_size = 2\n[model]\nside_px = 32\n[losses]\nadversarial = 0.25\n")
    arguments = ["--data", str(tiny_avatars), "--out", str(tmp_path / "run"), "--threads", "1"]
    arguments += ["--preset", "ablation", "--config", str(config), "--architecture", "stargan"]
    arguments += ["--every-identity"]
    result = CliRunner().invoke(train_command, [*arguments, "--dry-run"])
    assert result.exit_code == 0, result.output
    description = json.loads(result.stdout)
    settings = description["settings"]
    assert (settings["batch_size"], settings["losses"]["adversarial"]) == (2, 0.25)
    assert settings["model"]["architecture"] == "stargan"
    assert settings["pairs"]["side_px"] == settings["model"]["side_px"] == 32
    assert settings["model"]["regression"]["side_px"] == 16
    assert (description["identities"], description["held_out_identities"]) == (9, 0)
    assert description["parameters"]["generator"] > 100_000
    assert description["estimate"]["images_per_s"] > 0
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"lossses": {}}, r"own.toml names 'lossses'; known are .* Did you mean losses\?"),
        ({"losses": {"paird": 1}}, r"\[losses\] names 'paird'.* Did you mean paired\?"),
        ({"batch_size": 2.5}, "batch_size in own.toml is 2.5; expected a whole number"),
        ({"half_precision": 1}, "expected true or false"),
        ({"adversary": {"objective": "lsgan"}}, "expected one of 'hinge', 'wasserstein'"),
        ({"training_styles": "skin"}, "expected a list of names"),
        ({"losses": 3}, "expected a table"),
        ({"model": {"side_px": 100}}, "multiple of 16"),
        ({"losses": {"paired": -1}}, "paired is negative; take 0 or more"),
    ],
)
def test_a_wrong_configuration_is_named(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settings_with_tables(preset_named("default"), tables, "own.toml")


def test_the_command_names_a_broken_file(
    tiny_avatars: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "own.toml"
    config.write_text("batch_size = \n")
    arguments = ["train", "--data", str(tiny_avatars), "--out", str(tmp_path / "run")]
    assert main([*arguments, "--config", str(config)]) == 1
    assert "own.toml is not TOML" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_train_one_model(tiny_avatars: Path, tmp_path: Path) -> None:
    """`torchrun` on the CPU: each process sees half of every batch, the first one writes."""
    arguments = ["--data", tiny_avatars, "--out", tmp_path / "run", "--preset", "ablation"]
    arguments += ["--size", "32", "--batch", "4", "--kimg", "0.008", "--device", "cpu"]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-port", "29617", "-m", "reggan_plugin", "train", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "USE_LIBUV": "0"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    state = RunFolder(tmp_path / "run").load()
    assert int(state["images_seen"]) == 8
    assert int(state["steps"]) == 2
    assert "2 x cpu" in (tmp_path / "run" / "config.json").read_text()
