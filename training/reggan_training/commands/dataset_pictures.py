"""`reggan-plugin dataset pictures`: heads as pictures, for models of named expressions."""

from pathlib import Path

import click

from reggan_plugin.commands.verbosity import verbose_option
from reggan_training.commands.family_options import (
    OpenFamilies,
    family_options,
    number_of_heads_options,
)
from reggan_training.commands.options import FOLDER_TO_WRITE, report_line
from reggan_training.pairs.head_look import STYLES
from reggan_training.pairs.head_pictures import HeadPictureSettings
from reggan_training.pairs.picture_set import picture_heads, tasks_of


@click.command("pictures")
@family_options
@number_of_heads_options
@click.option(
    "--looks",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    metavar="N",
    help="Looks of each head before each camera, fifteen pictures each.",
)
@click.option(
    "--style",
    "styles",
    multiple=True,
    type=click.Choice(STYLES),
    default=("skin",),
    show_default=True,
    help="Of heads to train on; `train` takes the same. Heads that "
    "are held out are pictured in every style. Can be repeated.",
)
@click.option(
    "--size",
    "side_px",
    type=click.IntRange(min=32, max=1024),
    default=128,
    show_default=True,
    metavar="PX",
    help="Side of the crops to train on.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="One core and about 0.5 GB each.",
)
@click.option("--out", type=FOLDER_TO_WRITE, required=True, help="Set folder.")
@verbose_option
def pictures(
    *,
    open_families: OpenFamilies,
    identities: int,
    views: int,
    looks: int,
    styles: tuple[str, ...],
    side_px: int,
    seed: int,
    processes: int,
    out: Path,
) -> None:
    """Picture heads in every expression, with landmarks, as `train --data` reads them.

    Heads, looks and light are drawn as for `train-motion`; the same heads are held out. Goes on
    where it was stopped; the same options give the same pictures.

    \b
    Example:
      reggan-plugin dataset pictures --ict ict_face_model_light.npz --out pictures --processes 8
    """
    settings = HeadPictureSettings(side_px=side_px, looks=looks, styles=styles, seed=seed)
    tasks = tasks_of(open_families(), identities, views, seed)
    picture_heads(open_families, tasks, settings, out, processes=processes, report=report_line)
    click.echo(out)
