"""`reggan-plugin train`: pairs of pictures become a training run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.options_and_settings_file import shown_option
from reggan_training.commands.options import (
    SET,
    out_option,
    report_line,
    set_threads,
    threads_option,
)
from reggan_training.papers.networks.architectures import architecture_names
from reggan_training.papers.presets import preset_named, preset_tables

if TYPE_CHECKING:
    from reggan_training.papers.configuration import TrainingSettings
    from reggan_training.papers.run_folder import InitialWeights


@click.command("train")
@click.option(
    "--data",
    type=SET,
    multiple=True,
    required=True,
    help="Set of pictures, in any layout that `dataset check` knows. May be given several times.",
)
@out_option("Folder to write to. A run that was stopped goes on there.")
@shown_option(
    "--kimg THOUSANDS",
    "length_kimg",
    type=click.FloatRange(min=0.001),
    help="Length of a run, in thousands of pairs; by default that of the preset.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="auto takes CUDA if PyTorch finds it.",
)
@threads_option()
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print configuration, parameters and an estimate of the time; write nothing.",
)
@click.option(
    "--preset",
    type=click.Choice(list(preset_tables())),
    default="default",
    show_default=True,
    help="Settings to start from.",
)
@shown_option(
    "--config FILE.toml",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Any setting, over those of the preset; --dry-run shows their names.",
)
@click.option(
    "--architecture", type=click.Choice(architecture_names()), help="Which network to train."
)
@shown_option("--size PX", "side_px", type=click.IntRange(min=32), help="Side of the face crop.")
@shown_option(
    "--width FACTOR",
    type=click.FloatRange(min=0.05, max=4),
    help="Factor on all channel counts; 1 is the published size.",
)
@shown_option("--batch PAIRS", "batch_size", type=click.IntRange(min=1), help="Pairs in one step.")
@shown_option(
    "--learning-rate RATE",
    type=click.FloatRange(min=0, min_open=True),
    help="Learning rate of the generator.",
)
@click.option("--seed", type=int, help="Seed of weights, pairs and augmentation.")
@shown_option("--identities N", type=click.IntRange(min=1), help="Train on N identities only.")
@shown_option(
    "--style NAME",
    "training_styles",
    multiple=True,
    help="Style to train on. May be given several times.",
)
@click.option(
    "--every-identity",
    is_flag=True,
    default=None,
    help="Train on every identity and hold nobody out, as for a character of your own.",
)
@shown_option(
    "--init-from RUN|MODEL.onnx|NAME",
    type=click.Path(path_type=Path),
    help="Start from the weights of a run, an exported model, or a model that ships.",
)
@click.option(
    "--closed-form",
    type=click.Choice(["fit", "keep"]),
    help="fit solves masks and filters from the data. keep takes those of --init-from, and is "
    "the default there.",
)
@verbose_option
def train(
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
    """Train a model of contract 1. Run it again to continue the run in --out.

    The folder keeps config.json, metrics.jsonl, TensorBoard's events, the checkpoint and grids of
    held-out faces. On several GPUs: torchrun --nproc-per-node N -m reggan_plugin train ...

    \b
    Example:
      reggan-plugin train --data pictures --out runs/first --kimg 56
    """
    from reggan_training.papers.run_folder import initial_weights_from
    from reggan_training.papers.training_loop import Session, describe_run
    from reggan_training.papers.training_loop import train as train_model
    from reggan_training.training_run import join_processes

    set_threads(threads)
    initial = initial_weights_from(init_from) if init_from else None
    settings = _resolve(preset, config, initial, options)
    if dry_run:
        with join_processes(device) as processes:
            session = Session(data, settings, processes, report_line, initial)
            click.echo(json.dumps(describe_run(session), indent=1))
        return
    run = train_model(data, out, settings, report=report_line, initial=initial, device=device)
    click.echo(run.root)


def _resolve(
    preset: str, config: Path | None, initial: "InitialWeights | None", options: dict[str, Any]
) -> "TrainingSettings":
    """Join the preset, then the network of the initial weights, the file, and the command line."""
    from reggan_training.papers.configuration import (
        read_toml,
        settings_for_model,
        settings_with_tables,
    )

    tables = read_toml(config) if config else {}
    settings = preset_named(tables.pop("preset", preset))
    if initial is not None:
        settings = settings_for_model(settings, initial.settings)
        tables = {"closed_form": "keep", **tables}
    settings = settings_with_tables(settings, tables, config.name if config else "the preset")
    given = {name: value for name, value in options.items() if value not in (None, ())}
    model = {
        name: given.pop(name) for name in ("architecture", "side_px", "width") if name in given
    }
    return settings_with_tables(settings, {**given, "model": model}, "the command line")
