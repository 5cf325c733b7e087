"""`reggan-plugin read`: the expression that a picture shows, as weights of face shapes."""

from contextlib import closing
from pathlib import Path

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.expression import ReaderOptions, reader_options
from reggan_plugin.commands.options.options_and_settings_file import (
    GroupedCommand,
    given_files,
    grouped_option,
)
from reggan_plugin.commands.remedies import with_remedy
from reggan_plugin.file_safety import refuse_overwriting
from reggan_plugin.files.frame import read_frame
from reggan_plugin.json_and_toml import json_text
from reggan_plugin.perform.read_expression import expression_of

SUMMARY_VERSION = 1
_WIDTH = 24


@click.command(cls=GroupedCommand, epilog="\b\nExample:\n  reggan-plugin read frame.png")
@click.argument("picture", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@reader_options("Reader", "character")
@grouped_option(
    "Reader",
    "--rest PICTURE",
    is_input=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The same face at rest. What it shows is removed. This is far surer than one picture.",
)
@grouped_option("Output", "--json", "as_json", is_flag=True, help="Print one JSON object.")
@verbose_option
def read(*, picture: Path, reader: ReaderOptions, rest: Path | None, as_json: bool) -> None:
    """Read which of ARKit's face shapes the largest face of a PICTURE shows, 0 to 1.

    Left and right are the face's own. `render --like` puts the same expression on another face.
    """
    refuse_overwriting([], [picture, *given_files()])  # by `>> a.png`
    frame = read_frame(picture)
    at_rest = None if rest is None else read_frame(rest)
    with closing(reader.opened()) as opened:
        weights, notices = expression_of(frame, opened, rest=at_rest, name=str(picture))
    for notice in notices:
        click.echo(f"Note: {with_remedy(notice)}", err=True)
    if as_json:
        document = {"v": SUMMARY_VERSION, "reader": opened.name, "weights": weights}
        click.echo(json_text(document, indent=2))
        return
    by_weight = sorted(weights.items(), key=lambda one: -one[1])
    for shape, weight in by_weight:
        click.echo(f"{shape:{_WIDTH}}{weight:6.2f}")
    if not weights:
        click.echo("Nothing: the face is at rest, as far as the reader sees.", err=True)
        return
    words = " ".join(f"--shape {shape}={weight:g}" for shape, weight in by_weight)
    click.echo(f"As options: {words}", err=True)
