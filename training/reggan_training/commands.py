"""`reggan-plugin train`: a folder of pairs becomes a training run."""

from pathlib import Path

import click
import torch

from reggan_training.loop import TrainingSettings, train


@click.command("train")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Avatar set: <expression>/<identity>.jpg and landmarks.json.",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Run folder."
)
@click.option(
    "--kimg",
    type=click.FloatRange(min=0.001),
    default=TrainingSettings.length_kimg,
    show_default=True,
    metavar="THOUSANDS",
    help="Length of the run, in thousands of pairs.",
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=TrainingSettings.batch_size,
    show_default=True,
    metavar="PAIRS",
    help="Pairs in one step.",
)
@click.option("--seed", type=int, default=TrainingSettings.seed, show_default=True)
@click.option(
    "--identities",
    type=click.IntRange(min=1),
    metavar="N",
    help="Use only the first N training identities.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="CPU threads; by default one per core. On shared cores 1 is fastest.",
)
def train_command(
    data: Path,
    out: Path,
    kimg: float,
    batch: int,
    seed: int,
    identities: int | None,
    threads: int | None,
) -> None:
    """Train RegGAN, or go on with the run in --out where it stopped.

    The folder keeps config.json, log.jsonl, the checkpoint and a grid of held-out faces.

    \b
    Example:
      reggan-plugin train --data avatars --out runs/first --kimg 56
    """
    if threads is not None:
        torch.set_num_threads(threads)
    settings = TrainingSettings(
        seed=seed, length_kimg=kimg, batch_size=batch, identities=identities
    )
    run = train(data, out, settings, report=lambda line: click.echo(line, err=True))
    click.echo(run.root)
