"""`reggan-plugin train-landmarks`: from families of heads to the networks that find landmarks."""

from pathlib import Path

import click
import torch

from reggan_plugin.commands.verbosity import verbose_option
from reggan_training.commands.family_options import OpenFamilies, family_options
from reggan_training.commands.options import FOLDER_TO_WRITE, report_line
from reggan_training.heads.split import SPLIT_FAMILIES
from reggan_training.landmarks.head_source import MEAN_FAMILY
from reggan_training.landmarks.training import Measurement
from reggan_training.landmarks.whole_run import LandmarkRun
from reggan_training.landmarks.whole_run import train_landmarks as train
from reggan_training.training_run import progress_line


@click.command("train-landmarks")
@family_options
@click.option(
    "--out",
    type=FOLDER_TO_WRITE,
    required=True,
    help="Run folder; a run that is there goes on.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=105.0,
    show_default=True,
    metavar="M",
    help="Train so long, counted from when the first pictures are there.",
)
@click.option(
    "--draw-minutes",
    type=click.FloatRange(min=0),
    default=45.0,
    show_default=True,
    metavar="M",
    help="Draw pictures so long, from the start on; 0 trains on those that are there.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="That draw, beside the one that trains.",
)
@click.option(
    "--without",
    type=click.Choice(SPLIT_FAMILIES),
    multiple=True,
    help="Do not train on a family, to measure on heads that are like none of the training's.",
)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of PyTorch.")
@verbose_option
def train_landmarks(
    open_families: OpenFamilies,
    out: Path,
    minutes: float,
    draw_minutes: float,
    processes: int,
    without: tuple[str, ...],
    threads: int,
) -> None:
    """Train the networks that find dense landmarks, on pictures that are drawn meanwhile.

    Goes on where it was stopped: pictures are added to those that are there, and networks are
    trained for --minutes more. Every five minutes each is stored and measured on held-out heads.

    \b
    Example:
      reggan-plugin train-landmarks --ict ict_face_model_light.npz --out runs/landmarks
    """
    families = {family.name for family in open_families()}
    if MEAN_FAMILY not in families:
        raise click.UsageError(
            "Landmarks are carried over from ICT FaceKit's mean head: add --ict."
        )
    if not families - set(without):
        raise click.UsageError("--without leaves no family to train on.")
    torch.set_num_threads(threads)
    run = LandmarkRun(
        folder=out,
        open_families=open_families,
        length_s=60 * minutes,
        drawing_s=60 * draw_minutes,
        processes=processes,
        without=without,
    )
    train(run, _report)
    click.echo(out)


def _report(found: Measurement) -> None:
    """Print a measurement as one line."""
    numbers = {name: value for name, value in found.items() if name != "kind"}
    report_line(progress_line(f"{found['kind']:6s}", numbers))
