"""`reggan-plugin dataset avatars`: path-traced avatars, to test on."""

import importlib.util
from importlib.metadata import version
from pathlib import Path

import click

from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.errors import MissingExtraError, OutputError
from reggan_training.avatars.avatar_look import STYLES
from reggan_training.avatars.render_job import SetSettings, render_set
from reggan_training.avatars.render_settings import AvatarRenderSettings
from reggan_training.commands.options import FOLDER, FOLDER_TO_WRITE
from reggan_training.heads.anatomy.assets import read_assets

_SOFTWARE = ("reggan-plugin", "bpy", "numpy", "pillow")
_LIBRARIES = "libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libgl1"


class _Styles(click.ParamType[tuple[str, ...]]):
    name = "styles"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Names divided by commas, each once."""
        names = tuple(dict.fromkeys(str(value).split(",")))
        unknown = [name for name in names if name not in STYLES]
        if unknown:
            self.fail(f"{unknown[0]!r} is no style; there are {', '.join(STYLES)}.", param, ctx)
        return names


@click.command("avatars")
@click.option(
    "--assets",
    type=FOLDER,
    required=True,
    help="Folder with the CC0 head: makehuman/, makehuman-assets/ and mpfb/.",
)
@click.option("--out", type=FOLDER_TO_WRITE, required=True, help="Set folder.")
@click.option(
    "--identities",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="Avatars of each style; fifteen pictures each.",
)
@click.option(
    "--styles",
    type=_Styles(),
    default="skin",
    show_default=True,
    metavar="A,B,…",
    help=f"Of {', '.join(STYLES)}.",
)
@click.option("--size", type=click.IntRange(32, 2048), default=256, show_default=True, metavar="PX")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--first-number",
    type=click.IntRange(0, 99999),
    default=1000,
    show_default=True,
    metavar="N",
    help="Number of the first avatar of each style; its last digit decides the split.",
)
@click.option("--glb", is_flag=True, help="Also write each head as head.glb, with its texture.")
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Renderers at work side by side, one core and about 1 GB each.",
)
@verbose_option
def avatars(
    assets: Path,
    out: Path,
    identities: int,
    styles: tuple[str, ...],
    size: int,
    seed: int,
    first_number: int,
    glb: bool,
    processes: int,
) -> None:
    """Render avatars in every expression, with landmarks and face masks.

    The same options give the same bytes. A set that was interrupted goes on where it stopped, and
    a finished one can be extended by more identities or styles.

    \b
    Example:
      reggan-plugin dataset avatars --assets makehuman --out avatars --identities 200 --processes 8
    """
    _require_blender()
    read_assets(assets)
    settings = SetSettings(
        assets=assets,
        root=out,
        styles=styles,
        identities=identities,
        first_number=first_number,
        seed=seed,
        render=AvatarRenderSettings(side_px=size, glb=glb),
        processes=processes,
    )
    software = {name: version(name) for name in _SOFTWARE}
    failed = render_set(settings, software, report=lambda line: click.echo(line, err=True))
    click.echo(out)
    if failed:
        names = "; ".join(f"{name}: {error}" for name, error in sorted(failed.items()))
        raise OutputError(
            f"{len(failed)} of {len(settings.tasks())} avatars could not be rendered ({names}). "
            f"{out / '.worker.log'} says more; run the same command again for what is missing."
        )


def _require_blender() -> None:
    """Make sure that Blender's Python can be loaded.

    Raises:
        MissingExtraError: it is not installed, or a system library is missing.
    """
    if importlib.util.find_spec("bpy") is None:
        raise MissingExtraError(
            "Rendering avatars needs Blender's Python (bpy), which is not installed. In Python "
            '3.11: pip install "reggan-plugin[avatars]"'
        )
    try:
        import bpy  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"Blender's Python (bpy) cannot be loaded: {error}. On Debian or Ubuntu: "
            f"apt-get install {_LIBRARIES}"
        ) from error
