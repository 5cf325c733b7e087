"""`reggan-plugin dataset heads`: rasterised heads to train on, from families of heads on disk."""

from pathlib import Path

import click

from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.vocabulary.names import NAMED_EXPRESSIONS
from reggan_training.commands.family_options import (
    OpenFamilies,
    family_options,
    number_of_heads_options,
)
from reggan_training.commands.options import FOLDER_TO_WRITE
from reggan_training.pairs.render_set import render_heads


@click.command("heads")
@family_options
@number_of_heads_options
@click.option("--out", type=FOLDER_TO_WRITE, required=True)
@verbose_option
def heads(
    *,
    open_families: OpenFamilies,
    identities: int,
    views: int,
    seed: int,
    out: Path,
) -> None:
    """Rasterise heads in many expressions: what each pixel shows, not how it looks.

    A head is one file of about 5 MB; looks, motion and cover follow from it while training. Goes on
    where it was stopped; the same options give the same files.

    \b
    Example:
      reggan-plugin dataset heads --ict ict_face_model_light.npz --out heads
    """
    named = {key: found.weights for key, found in NAMED_EXPRESSIONS.items() if found.weights}
    for family in open_families():
        names = family.identities(identities, seed)
        count = views * (4 if family.name == "valid" else 1)
        for path in render_heads(family, names, named, out, views=count, seed=seed):
            click.echo(path)
