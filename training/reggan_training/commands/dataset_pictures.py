"""`reggan-plugin dataset pictures`, `avatars` and `test-heads`: heads as pictures."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.options_and_settings_file import AddOption, options_as
from reggan_plugin.errors import MissingExtraError
from reggan_training.commands.options import (
    FOLDER_TO_WRITE,
    OpenFamilies,
    family_options,
    number_option,
    out_option,
    report_line,
)
from reggan_training.data.identity_and_split import RENDERED_STYLES, TRACED_STYLES

if TYPE_CHECKING:
    from reggan_training.rendering.picture_set import Renderer

MakeSet = Callable[["Renderer"], None]


def _make_set(
    open_families: OpenFamilies,
    identities: int,
    views: int,
    seed: int,
    looks: int,
    styles: tuple[str, ...],
    side_px: int,
    processes: int,
    out: Path,
) -> MakeSet:
    from reggan_training.rendering.picture_set import HeadPictureSettings, picture_heads, tasks_of

    def make(renderer: "Renderer") -> None:
        picture_heads(
            open_families,
            tasks_of(open_families(), identities, views, seed),
            HeadPictureSettings(side_px=side_px, looks=looks, styles=styles, seed=seed),
            out,
            processes=processes,
            report=report_line,
            renderer=renderer,
        )
        click.echo(out)

    return make


def _set_options(styles: Sequence[str]) -> AddOption:
    return options_as(
        "make",
        _make_set,
        family_options,
        number_option(
            "--identities",
            default=300,
            metavar="N",
            help="How many heads to draw of each family that can make new ones.",
        ),
        number_option(
            "--views",
            default=1,
            most=100,
            metavar="N",
            help="How many cameras look at each head. The few heads of VALID get four times as "
            "many.",
        ),
        number_option("--seed", default=7, least=0),
        number_option(
            "--looks",
            default=1,
            most=100,
            metavar="N",
            help="How many looks each head has before each camera, with fifteen pictures each.",
        ),
        click.option(
            "--style",
            "styles",
            multiple=True,
            type=click.Choice(styles),
            default=("skin",),
            show_default=True,
            help="Style of the heads to train on. Heads that are held out are drawn in every "
            "style. May be given several times.",
        ),
        number_option(
            "--size",
            "side_px",
            default=128,
            least=32,
            most=1024,
            metavar="PX",
            help="Side of the pictures.",
        ),
        number_option(
            "--processes",
            default=1,
            metavar="N",
            help="How many processes draw. Each takes one core and about 0.5 GB, or 1 GB with "
            "path tracing.",
        ),
        out_option("Set folder."),
    )


@click.command("pictures")
@_set_options(RENDERED_STYLES)
@verbose_option
def pictures(*, make: MakeSet) -> None:
    """Draw heads in every expression, with landmarks, for `train --data`.

    Heads, looks and light are drawn as for landmarks; the same heads are held out. Goes on
    where it was stopped; the same options give the same pictures.

    \b
    Example:
      reggan-plugin dataset pictures --ict ict_face_model_light.npz --out pictures --processes 8
    """
    from reggan_training.rendering.picture_set import SHADED

    make(SHADED)


@click.command("avatars")
@_set_options(TRACED_STYLES)
@verbose_option
def avatars(*, make: MakeSet) -> None:
    """Draw heads as `dataset pictures` does, with path tracing in Blender: a test of realism.

    Light casts shadows and spreads below the skin. Goes on where it was stopped; the same options
    give the same pictures.

    \b
    Example:
      reggan-plugin dataset avatars --ict ict_face_model_light.npz --out avatars --processes 8
    """
    from reggan_training.avatars.traced_head import TRACED

    if importlib.util.find_spec("bpy") is None:
        raise MissingExtraError(
            "Rendering avatars needs Blender's Python (bpy), which is not installed. In Python "
            '3.11: pip install "reggan-plugin[avatars]"'
        )
    make(TRACED)


@click.command("test-heads")
@family_options
@number_option(
    "--identities",
    default=8,
    metavar="N",
    help="How many heads of each family, if so many are held out.",
)
@number_option(
    "--side",
    "side_px",
    default=256,
    least=64,
    most=2048,
    metavar="PX",
    help="Side of the crops that are measured. 1024 stands for faces in 4K frames.",
)
@number_option("--seed", default=7, least=0)
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
