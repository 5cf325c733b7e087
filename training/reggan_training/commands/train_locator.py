"""`reggan-plugin dev train-locator`: pictures of heads become one of the locator's two networks."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_training.commands.options import (
    FOLDER_TO_WRITE,
    SET,
    OpenFamilies,
    family_options,
    number_option,
)

if TYPE_CHECKING:
    from reggan_training.locator.styled_faces import Bank
    from reggan_training.locator.training import LocatorStage, StageName


@click.command("train-locator")
@click.option(
    "--data",
    type=SET,
    required=True,
    help="Set of square pictures, as `dataset pictures --size 205` makes them.",
)
@click.option(
    "--heads",
    type=FOLDER_TO_WRITE,
    multiple=True,
    help="Folder of drawn heads, as --draw writes it, or the pool of a run of `train-landmarks`. "
    "May be given several times.",
)
@number_option(
    "--draw",
    default=0,
    least=0,
    metavar="N",
    help="Draw heads of --ict, --makehuman and --valid into the first of --heads, until it has so "
    "many pictures.",
)
@family_options
@number_option("--every", default=1, help="Take one picture of so many in a pool.")
@number_option(
    "--cartoons", default=0, least=0, help="How many flat drawings of characters to add."
)
@click.option(
    "--run",
    "folder",
    type=FOLDER_TO_WRITE,
    required=True,
    help="Folder of the run. A run that is there goes on.",
)
@click.option(
    "--stage",
    type=click.Choice(("detector", "landmarks")),
    required=True,
    help="Which of the two networks to train.",
)
@click.option(
    "--kimg",
    type=click.FloatRange(min=0, min_open=True),
    default=500,
    show_default=True,
    help="Length of the run, in thousands of synthesised images.",
)
@number_option("--styles", default=5, help="Styles of each picture.")
@number_option(
    "--backgrounds", default=800, least=2, help="How many backgrounds to paint before the run."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of all that is random.")
@click.option("--rate", type=float, default=2e-3, show_default=True, help="Highest learning rate.")
@click.option(
    "--start-from",
    type=click.Path(exists=True, path_type=Path),
    help="Take the first weights from this run, or from a network exported from one.",
)
@click.option(
    "--negatives",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="File that mine-locator wrote. May be given several times.",
)
@number_option("--threads", default=1, help="Threads of PyTorch.")
@verbose_option
def train_locator(
    data: Path,
    heads: tuple[Path, ...],
    draw: int,
    open_families: OpenFamilies,
    every: int,
    cartoons: int,
    folder: Path,
    stage: "StageName",
    kimg: float,
    styles: int,
    backgrounds: int,
    seed: int,
    rate: float,
    start_from: Path | None,
    negatives: tuple[Path, ...],
    threads: int,
) -> None:
    """Train one of the locator's two networks on pictures of heads.

    The shipped weights were trained in turns: train, export, mine-locator, then train on with
    --start-from and --negatives.

    \b
    Example:
      reggan-plugin dev train-locator --data pictures --run runs/locator/detector --stage detector
    """
    import cv2
    import torch

    from reggan_training.locator.drawn_heads import draw_set, pictures_to_train_on
    from reggan_training.locator.styled_faces import build_bank
    from reggan_training.locator.training import LocatorRun, RunConfig
    from reggan_training.training_run import run_training

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    torch.manual_seed(seed)
    config = RunConfig(
        stage=stage,
        total_kimg=kimg,
        learning_rate=rate,
        styles_per_picture=styles,
        backgrounds=backgrounds,
        seed=seed,
        start_from=str(start_from or ""),
        heads=tuple(str(path) for path in heads),
        every=every,
        cartoons=cartoons,
        negatives=tuple(str(path) for path in negatives),
    )
    if draw:
        if not heads:
            raise click.UsageError("--draw needs a folder: add --heads.")
        draw_set({family.name: family for family in open_families()}, heads[0], draw, seed)
    pictures = pictures_to_train_on(data, heads, cartoons, seed, every=every)
    bank = build_bank(
        pictures, styles_per_picture=styles, backgrounds=backgrounds, seed=seed, negatives=negatives
    )
    run_training(LocatorRun(folder, config, _stage_of(stage, bank)))
    click.echo(folder)


def _stage_of(name: "StageName", bank: "Bank") -> "LocatorStage":
    from reggan_training.locator.training import (
        DetectorStage,
        FaceDetector,
        LandmarkNetwork,
        LandmarkStage,
    )

    if name == "detector":
        return DetectorStage(bank, FaceDetector())
    return LandmarkStage(bank, LandmarkNetwork())
