"""`train-landmarks` and `train-refinement`: from families of heads to the networks of a rig."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.options_and_settings_file import (
    AddOption,
    options_as,
    shown_option,
)
from reggan_training.commands.options import (
    OpenFamilies,
    family_options,
    number_option,
    out_option,
    report_line,
)
from reggan_training.data.identity_and_split import SPLIT_FAMILIES

if TYPE_CHECKING:
    from reggan_training.landmarks.picture_pool import PoolRun
    from reggan_training.landmarks.training import Measurement


def _run_of(
    open_families: OpenFamilies,
    out: Path,
    minutes: float,
    draw_minutes: float,
    processes: int,
    without: tuple[str, ...],
    threads: int,
    seed: int,
    init_from: Path | None,
) -> "PoolRun":
    """Make the run of what options say."""
    import torch

    from reggan_training.landmarks.picture_pool import PoolRun
    from reggan_training.landmarks.points_on_mesh import MEAN_FAMILY

    families = {family.name for family in open_families()}
    if MEAN_FAMILY not in families:
        raise click.UsageError(
            "Landmarks are carried over from ICT FaceKit's mean head: add --ict."
        )
    if not families - set(without):
        raise click.UsageError("--without leaves no family to train on.")
    torch.set_num_threads(threads)
    return PoolRun(
        folder=out,
        open_families=open_families,
        length_s=60 * minutes,
        drawing_s=60 * draw_minutes,
        processes=processes,
        without=without,
        seed=seed,
        init_from=init_from,
    )


def _minutes(option: str, default: float, help_text: str) -> AddOption:
    return click.option(
        option,
        type=click.FloatRange(min=0, min_open=option == "--minutes"),
        default=default,
        show_default=True,
        metavar="M",
        help=help_text,
    )


def _run_options(*, minutes: float, draw_minutes: float) -> AddOption:
    """Options of a run that draws what it trains on; the command is called with `run`."""
    return options_as(
        "run",
        _run_of,
        family_options,
        out_option("Folder of the run. A run that is there goes on."),
        _minutes("--minutes", minutes, "How long to train, after the first pictures are there."),
        _minutes(
            "--draw-minutes",
            draw_minutes,
            "How long to draw pictures, from the start. 0 trains on those that are there.",
        ),
        number_option(
            "--processes",
            default=1,
            most=64,
            metavar="N",
            help="How many processes draw, beside the one that trains.",
        ),
        click.option(
            "--without",
            type=click.Choice(SPLIT_FAMILIES),
            multiple=True,
            help="Leave this family out of training, to measure on heads that are unlike those "
            "of the training.",
        ),
        number_option("--threads", default=1, help="Threads of PyTorch."),
        number_option("--seed", default=1, help="Another seed draws other pictures."),
        shown_option(
            "--init-from ONNX",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Begin with the weights in an exported model instead of random ones.",
        ),
    )


@click.command("train-landmarks")
@click.option(
    "--only",
    type=click.Choice(("face", "eye", "brow", "mouth", "front")),
    multiple=True,
    help="Train this network alone; may be given several times.",
)
@_run_options(minutes=105.0, draw_minutes=45.0)
@verbose_option
def train_landmarks(run: "PoolRun", only: tuple[str, ...]) -> None:
    """Train the networks that find a face's landmarks, and draw the pictures for it.

    Run it again to continue: it adds pictures to the old ones, and trains the networks for
    --minutes more. Every five minutes it stores each network and measures it on held-out heads.

    \b
    Example:
      reggan-plugin train-landmarks --ict ict_face_model_light.npz --out runs/landmarks
    """
    from reggan_training.landmarks.training import train_landmarks as train_parts

    train_parts(replace(run, only=only), _report)
    click.echo(run.folder)


@click.command("train-refinement")
@click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The file that `export landmarks` wrote. Its rig is what the network refines.",
)
@_run_options(minutes=60.0, draw_minutes=40.0)
@verbose_option
def train_refinement(run: "PoolRun", model: Path) -> None:
    """Train the network that refines a rig's answer, and draw the pictures for it.

    Run it again to continue, as with train-landmarks.

    \b
    Example:
      reggan-plugin train-refinement --ict ict_face_model_light.npz --model rig.onnx --out runs/fine
    """
    from reggan_training.landmarks.training import train_on_drawn
    from reggan_training.refinement.examples import ExampleDrawing
    from reggan_training.refinement.training import ARRAYS, RefinementTask

    train_on_drawn(run, ExampleDrawing(model.resolve()), ARRAYS, RefinementTask, _report)
    click.echo(run.folder)


def _report(found: "Measurement") -> None:
    """Print a measurement as one line."""
    from reggan_training.training_run import progress_line

    numbers = {name: value for name, value in found.items() if name != "kind"}
    report_line(progress_line(f"{found.get('kind', ''):6s}".rstrip() or "all", numbers))
