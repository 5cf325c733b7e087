"""`reggan-plugin dataset heads`: rasterised heads to train on, from families of heads on disk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.errors import MissingExtraError
from reggan_training.heads.head import HeadFamily

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def family_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where each family of heads lies."""
    command = click.option(
        "--valid", type=_FOLDER, metavar="DIR", help="VALID avatars, one archive each."
    )(command)
    command = click.option(
        "--face-units",
        type=_FOLDER,
        metavar="DIR",
        help="ARKit units (*.target) for MakeHuman's base mesh.",
    )(command)
    command = click.option(
        "--makehuman",
        type=_FOLDER,
        metavar="DIR",
        help="MakeHuman's CC0 assets; needs --face-units.",
    )(command)
    return click.option(
        "--ict", type=_FILE, metavar="NPZ", help="ICT FaceKit light, as one archive."
    )(command)


@click.command("heads")
@family_options
@click.option(
    "--identities",
    type=click.IntRange(min=1),
    default=300,
    show_default=True,
    metavar="N",
    help="Heads of each family that can sample them.",
)
@click.option(
    "--views",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    metavar="N",
    help="Cameras before each head; VALID's few heads get four times as many.",
)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@verbose_option
def heads(
    ict: Path | None,
    makehuman: Path | None,
    face_units: Path | None,
    valid: Path | None,
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
    try:
        from reggan_training.pairs.render_set import render_heads
    except ImportError as error:
        raise MissingExtraError(
            f"Rasterising needs {error.name}, which is not installed. Install the extras train "
            "and textures of reggan-plugin."
        ) from error
    from reggan_plugin.vocabulary.names import NAMED_EXPRESSIONS

    named = {key: found.weights for key, found in NAMED_EXPRESSIONS.items() if found.weights}

    families = families_from_paths(ict, makehuman, face_units, valid)
    for family in families:
        names = family.identities(identities, seed)
        count = views * (4 if family.name == "valid" else 1)
        for path in render_heads(family, names, named, out, views=count, seed=seed):
            click.echo(path)


def families_from_paths(
    ict: Path | None, makehuman: Path | None, face_units: Path | None, valid: Path | None
) -> list[HeadFamily]:
    """Open the families that are named.

    Raises:
        UsageError: none is, or MakeHuman without its units.
    """
    from reggan_training.heads.ict import IctFamily
    from reggan_training.heads.makehuman import MakeHumanFamily
    from reggan_training.heads.valid import ValidFamily

    if (makehuman is None) != (face_units is None):
        raise click.UsageError("MakeHuman heads need both --makehuman and --face-units.")
    found: list[HeadFamily] = []
    if ict is not None:
        found.append(IctFamily(ict))
    if makehuman is not None and face_units is not None:
        found.append(MakeHumanFamily(makehuman, face_units))
    if valid is not None:
        found.append(ValidFamily(valid))
    if not found:
        raise click.UsageError("Name at least one family: --ict, --makehuman, --valid.")
    return found
