"""`reggan-plugin dataset test-heads`: held-out heads to measure motion models on."""

from pathlib import Path

import click

from reggan_plugin.commands.verbosity import verbose_option
from reggan_training.commands.family_options import OpenFamilies, family_options
from reggan_training.commands.options import FOLDER_TO_WRITE


@click.command("test-heads")
@family_options
@click.option(
    "--identities",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    metavar="N",
    help="How many heads of each family, if so many are held out.",
)
@click.option(
    "--side",
    "side_px",
    type=click.IntRange(min=64, max=2048),
    default=256,
    show_default=True,
    metavar="PX",
    help="Side of the crops that are measured. 1024 stands for faces in 4K frames.",
)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
@click.option("--out", type=FOLDER_TO_WRITE, required=True)
@verbose_option
def test_heads(
    *, open_families: OpenFamilies, identities: int, side_px: int, seed: int, out: Path
) -> None:
    """Draw heads that no model is trained on, for `evaluate-motion`.

    A character of your own (--glb) is taken as it is.
    What is there already is not made again.

    \b
    Example:
      reggan-plugin dataset test-heads --valid valid --out test-heads
    """
    from reggan_training.metrics.motion.test_heads import held_out_identities, render_test_heads

    for family in open_families():
        names = held_out_identities(family, identities, seed)
        for path in render_test_heads(family, names, out, side_px):
            click.echo(path)


test_heads.__test__ = False  # type: ignore[attr-defined]  # not one of pytest's
