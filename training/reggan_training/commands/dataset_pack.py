"""`reggan-plugin dataset pack`: sets become one file that can travel."""

from pathlib import Path

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.options_and_settings_file import shown_option
from reggan_plugin.errors import SourceError
from reggan_plugin.file_safety import refuse_existing, write_atomically
from reggan_training.commands.options import FILE_TO_WRITE, overwrite_option, sets_argument
from reggan_training.data.identity_and_split import SPLITS, STYLES, Split


@click.command(
    "pack",
    epilog="\b\nExample:\n  reggan-plugin dataset pack pictures --out pictures.zip --limit-mib 50",
)
@sets_argument
@shown_option("--out FILE.zip", type=FILE_TO_WRITE, required=True, help="The packed set.")
@shown_option(
    "--limit-mib MIB",
    type=click.FloatRange(min=0, min_open=True),
    default=50.0,
    show_default=True,
    help="Largest size of the file.",
)
@shown_option(
    "--size PIXELS",
    type=click.IntRange(min=64),
    default=256,
    show_default=True,
    help="Largest side of a picture. It becomes smaller if the quality would fall below 75.",
)
@click.option(
    "--style", "styles", type=click.Choice(STYLES), multiple=True, help="Only these styles."
)
@click.option(
    "--split", "splits", type=click.Choice(SPLITS), multiple=True, help="Only these splits."
)
@shown_option("--identities N", type=click.IntRange(min=1), help="Only so many identities.")
@overwrite_option()
@verbose_option
def pack(
    roots: tuple[Path, ...],
    out: Path,
    limit_mib: float,
    size: int,
    styles: tuple[str, ...],
    splits: tuple[Split, ...],
    identities: int | None,
    *,
    overwrite: bool,
) -> None:
    """Put sets into one zip. Pictures are encoded anew, so that they fit the limit.

    `--data` of every command reads the file as it is. Names stay, and with them the splits.
    """
    from reggan_training.data.pack import MIB
    from reggan_training.data.pack import pack as pack_entries
    from reggan_training.data.sets import choose_entries

    refuse_existing([out], overwrite=overwrite)
    entries = choose_entries(roots, splits or SPLITS, styles=styles or None, limit=identities)
    if not entries:
        raise SourceError(
            f"No identity of {', '.join(map(str, roots))} is left by --style and --split. Ask "
            "for others; reggan-plugin dataset check DIR lists them."
        )
    content, encoding = pack_entries(entries, int(limit_mib * MIB), size)
    write_atomically(out, content)
    click.echo(
        f"{len(entries)} identities, {len(content) / MIB:.1f} MiB, up to {encoding.side_px} px, "
        f"JPEG quality {encoding.quality}",
        err=True,
    )
    click.echo(out)
