"""`reggan-plugin train` and `ablation`: pairs of pictures become training runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import torch

from reggan_plugin.commands.verbosity import verbose_option
from reggan_training.ablation import ABLATION, chosen_entries, run_ablation
from reggan_training.configuration import (
    TrainingSettings,
    read_toml,
    settings_for_model,
    settings_with_tables,
)
from reggan_training.dry_run import describe_run
from reggan_training.initial_weights import InitialWeights, initial_weights_from
from reggan_training.loop import Session, train
from reggan_training.networks.architectures import ARCHITECTURES
from reggan_training.presets import PRESETS, preset_named
from reggan_training.processes import join_processes

Command = Callable[..., None]

_SHARED = (
    click.option(
        "--data",
        type=click.Path(exists=True, path_type=Path),
        multiple=True,
        required=True,
        help="Set of pictures, in any layout that `dataset check` knows. Can be repeated.",
    ),
    click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        required=True,
        help="Folder to write to; a run that stopped goes on there.",
    ),
    click.option(
        "--kimg",
        type=click.FloatRange(min=0.001),
        metavar="THOUSANDS",
        help="Length of a run, in thousands of pairs; by default that of the preset.",
    ),
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        default="auto",
        show_default=True,
        help="`auto` takes CUDA where PyTorch finds it.",
    ),
    click.option(
        "--threads",
        type=click.IntRange(min=1),
        metavar="N",
        help="CPU threads; by default one per core. On shared cores 1 is fastest.",
    ),
    click.option(
        "--dry-run",
        is_flag=True,
        help="Print configuration, parameters and an estimate of the time; write nothing.",
    ),
)


_config_option = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.toml",
    help="Any setting, over those of the preset; --dry-run shows their names.",
)
_size_option = click.option(
    "--size", type=click.IntRange(min=32), metavar="PX", help="Side of the face crop."
)
_width_option = click.option(
    "--width",
    type=click.FloatRange(min=0.05, max=4),
    metavar="FACTOR",
    help="Factor on all channel counts; 1 is the published size.",
)


def _shared_options(command: Command) -> Command:
    """Options that every training command has: data, output, length and device."""
    for option in reversed(_SHARED):
        command = option(command)
    return command


@click.command("train")
@_shared_options
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="default",
    show_default=True,
    help="Settings to start from.",
)
@_config_option
@click.option("--architecture", type=click.Choice(list(ARCHITECTURES)), help="Which network.")
@_size_option
@_width_option
@click.option("--batch", type=click.IntRange(min=1), metavar="PAIRS", help="Pairs in one step.")
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="RATE",
    help="Of the generator.",
)
@click.option("--seed", type=int, help="Of weights, pairs and augmentation.")
@click.option(
    "--identities", type=click.IntRange(min=1), metavar="N", help="Train on N identities only."
)
@click.option(
    "--style", "styles", multiple=True, metavar="NAME", help="Style to train on. Can be repeated."
)
@click.option(
    "--every-identity",
    is_flag=True,
    default=None,
    help="Hold nobody out, as for one character of your own.",
)
@click.option(
    "--init-from",
    type=click.Path(path_type=Path),
    metavar="RUN|MODEL.onnx|NAME",
    help="Start from the weights of a run, of an exported model or of one that ships, as for your "
    "own characters.",
)
@click.option(
    "--closed-form",
    type=click.Choice(["fit", "keep"]),
    help="Solve masks and filters from the data; or keep those of --init-from, the default there.",
)
@verbose_option
def train_command(
    data: tuple[Path, ...],
    out: Path,
    device: str,
    threads: int | None,
    dry_run: bool,
    init_from: Path | None,
    preset: str,
    config: Path | None,
    **options: Any,
) -> None:
    """Train a model, or go on with the run in --out where it stopped.

    The folder keeps config.json, metrics.jsonl, TensorBoard's events, the checkpoint and grids of
    held-out faces. On several GPUs: torchrun --nproc-per-node N -m reggan_plugin train ...

    \b
    Example:
      reggan-plugin train --data avatars --out runs/first --kimg 56
    """
    _set_threads(threads)
    initial = initial_weights_from(init_from) if init_from else None
    settings = _resolve(preset, config, initial, options)
    if dry_run:
        with join_processes(device) as processes:
            session = Session(data, settings, processes, _report, initial)
            click.echo(json.dumps(describe_run(session), indent=1))
        return
    run = train(data, out, settings, report=_report, initial=initial, device=device)
    click.echo(run.root)


@click.command("ablation")
@_shared_options
@_config_option
@_size_option
@_width_option
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(ABLATION)),
    metavar="NAME",
    help="This run alone. Can be repeated.",
)
@verbose_option
def ablation_command(
    data: tuple[Path, ...],
    out: Path,
    kimg: float | None,
    device: str,
    threads: int | None,
    dry_run: bool,
    config: Path | None,
    only: tuple[str, ...],
    size: int | None,
    width: float | None,
) -> None:
    """Train every method and variant, small, on the same pairs; stopped, it goes on where it was.

    Runs of 64 px at a quarter of the width, unless a GPU allows for more, one after another in
    --out/NAME: the six methods, RegGAN without its input, with statues in the training, and
    RegGAN and SARGAN on 25 to 200 identities.

    \b
    Example:
      reggan-plugin dev ablation --data avatars --out runs/ablation --only reggan --only sargan
    """
    _set_threads(threads)
    tables = read_toml(config) if config else {}
    model = {**tables.pop("model", {}), **_given(side_px=size, width=width)}
    changes = {**tables, **_given(length_kimg=kimg), "model": model}
    entries = chosen_entries(data, only, changes, _report)
    if dry_run:
        with join_processes(device) as processes:
            for name, settings in entries.items():
                description = describe_run(Session(data, settings, processes, _report))
                click.echo(json.dumps({"name": name, **description}))
        return
    for folder in run_ablation(data, out, entries, report=_report, device=device):
        click.echo(folder)


def _resolve(
    preset: str, config: Path | None, initial: InitialWeights | None, options: dict[str, Any]
) -> TrainingSettings:
    """The preset, then the network of the initial weights, the file, and the command line."""
    tables = read_toml(config) if config else {}
    settings = preset_named(tables.pop("preset", preset))
    if initial is not None:
        settings = settings_for_model(settings, initial.settings)
        tables = {"closed_form": "keep", **tables}
    settings = settings_with_tables(settings, tables, config.name if config else "the preset")
    asked = _given(
        length_kimg=options["kimg"],
        batch_size=options["batch"],
        learning_rate=options["learning_rate"],
        seed=options["seed"],
        identities=options["identities"],
        training_styles=options["styles"] or None,
        closed_form=options["closed_form"],
        every_identity=options["every_identity"],
        model=_given(
            architecture=options["architecture"],
            side_px=options["size"],
            width=options["width"],
        ),
    )
    return settings_with_tables(settings, asked, "the command line")


def _given(**options: object) -> dict[str, object]:
    """The options that stand on the command line."""
    return {name: value for name, value in options.items() if value is not None}


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        torch.set_num_threads(threads)


def _report(line: str) -> None:
    click.echo(line, err=True)
