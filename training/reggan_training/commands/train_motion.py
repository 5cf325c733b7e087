"""`reggan-plugin train-motion`: from rasterised heads to weights, in one command."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from reggan_plugin.commands.options.grouped import options_as
from reggan_plugin.commands.verbosity import verbose_option
from reggan_training.motion.training_run import RunSettings
from reggan_training.motion.whole_run import (
    ADVERSARY,
    MOTION,
    MOUTH,
    PARTS,
    READER,
    STAGES,
    WholeRun,
    train_whole,
)
from reggan_training.processes import device_to_train_on

_FAMILIES = ("ict", "makehuman", "valid")
_KIMG = click.FloatRange(min=0, min_open=True)


def _lengths_by_stage(
    kimg: float, reader_kimg: float, mouth_kimg: float, adversary_kimg: float
) -> dict[str, float]:
    return {READER: reader_kimg, MOTION: kimg, MOUTH: mouth_kimg, ADVERSARY: adversary_kimg}


_length_options = options_as(
    "lengths",
    _lengths_by_stage,
    click.option(
        "--kimg", type=_KIMG, default=120.0, show_default=True, metavar="N",
        help="Thousands of pairs that the motion network is shown.",
    ),
    click.option(
        "--reader-kimg", type=_KIMG, default=500.0, show_default=True,
        metavar="N", help="Thousands of pictures that the source reader is shown.",
    ),
    click.option(
        "--mouth-kimg", type=_KIMG, default=30.0, show_default=True, metavar="N",
        help="Thousands of pairs that the mouth's painter is shown.",
    ),
    click.option(
        "--adversary-kimg", type=_KIMG, default=20.0, show_default=True,
        metavar="N", help="Thousands of pairs that the painter is shown against its adversary.",
    ),
)  # fmt: skip


@click.command("train-motion")
@click.option(
    "--heads",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder that `dataset heads` wrote.",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option(
    "--without",
    type=click.Choice(_FAMILIES),
    multiple=True,
    help="Leave a family out, to measure on heads that are like none of the training's.",
)
@click.option(
    "--ablate", "ablated",
    type=click.Choice(PARTS),
    multiple=True,
    help="Leave a part out, to measure what it is worth.",
)  # fmt: skip
@click.option(
    "--start-from",
    metavar="MODEL",
    help="Begin with the weights of a model, by name or file, instead of a clean start: shorter "
    "runs, or heads of your own on top of ours; one character is enough.",
)
@click.option(
    "--stage",
    "stages",
    type=click.Choice(STAGES),
    multiple=True,
    help="Train this one alone, beside a process that trains another; all, one after the other, "
    "if none is named.",
)
@_length_options
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), metavar="M",
              help="Train each stage for so long instead of so many pairs, where a GPU is lent by "
              "the hour.")  # fmt: skip
@click.option("--rate", type=click.FloatRange(0, 10, min_open=True), default=1.0,
              show_default=True, metavar="FACTOR",
              help="On all learning rates; about 0.3 suits --start-from.")  # fmt: skip
@click.option("--producers", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N",
              help="Processes that draw pairs.")  # fmt: skip
@click.option("--reuse", type=click.FloatRange(0.1, 100), default=1.0, show_default=True,
              metavar="FACTOR", help="On how often a pair is shown before it is replaced; over 1 "
              "where the trainer is much faster than the processes that draw.")  # fmt: skip
@click.option("--larger-steps", type=click.IntRange(1, 64), default=1, show_default=True,
              metavar="N", help="On the pairs of a step; a GPU takes 4 to 8 as fast as 1, and "
              "--rate may rise by the root of it.")  # fmt: skip
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto",
              show_default=True, help="That trains; pairs are drawn on the processor.")  # fmt: skip
@click.option("--threads", type=click.IntRange(0, 256), default=0, show_default=True, metavar="N",
              help="Of the trainer; 0 is PyTorch's choice. Take 1 on a busy machine.")  # fmt: skip
@click.option("--half/--float", default=False, show_default=True,
              help="Convolutions in bfloat16: faster on GPUs and with AVX512-BF16.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@verbose_option
def train_motion(
    heads: Path,
    out: Path,
    without: tuple[str, ...],
    ablated: tuple[str, ...],
    start_from: str | None,
    stages: tuple[str, ...],
    lengths: Mapping[str, float],
    minutes: float | None,
    rate: float,
    producers: int,
    reuse: float,
    larger_steps: int,
    device: str,
    threads: int,
    half: bool,
    seed: int,
) -> None:
    """Train RegGAN of contract 2: regression layer, motion and light, then the mouth's paint.

    Goes on where it was stopped. Losses go to standard output and to losses.jsonl.

    \b
    Example:
      reggan-plugin train-motion --heads heads --out runs/motion
    """
    usual = WholeRun(
        heads=heads,
        without=without,
        ablated=ablated,
        start_from=start_from,
        stages=stages or STAGES,
        producers=producers,
        reuse=reuse,
        threads=threads,
        seed=seed,
    )
    of_every_stage = {
        "length_s": None if minutes is None else 60 * minutes,
        "half_precision": half,
        "seed": seed,
        "device": device_to_train_on(device),
    }
    runs: dict[str, Any] = {
        stage: _run_of(getattr(usual, stage), length, larger_steps, rate, of_every_stage)
        for stage, length in lengths.items()
    }
    train_whole(replace(usual, **runs), out, _print)


def _run_of(
    usual: RunSettings, kimg: float, larger_steps: int, rate: float, more: Mapping[str, Any]
) -> RunSettings:
    """A stage's usual settings with what was asked for."""
    return replace(
        usual,
        length_kimg=kimg,
        batch=larger_steps * usual.batch,
        learning_rate=rate * usual.learning_rate,
        **more,
    )


def _print(stage: str, means: dict[str, float]) -> None:
    numbers = "  ".join(f"{name} {value:.4g}" for name, value in means.items())
    click.echo(f"{stage}  {numbers}")
