"""`reggan-plugin curves`: what a recorded performance holds, before a night on the farm."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from reggan_plugin.commands.command_group_and_terminal import (
    STANDARD,
    refuse_closed_output,
    verbose_option,
)
from reggan_plugin.commands.options.expression import fit_options, percent_option, rate_option
from reggan_plugin.commands.options.options_and_settings_file import (
    GroupedCommand,
    given_files,
    output_option,
)
from reggan_plugin.commands.remedies import with_remedy
from reggan_plugin.curves.csv_take import csv_of_take
from reggan_plugin.curves.plot import html_of_take, moving_columns, png_of_take
from reggan_plugin.curves.read_take import read_take
from reggan_plugin.curves.retargeting import (
    Retargeting,
    retargeted,
    table_learnt_from,
    text_of_table,
    told_of_table,
)
from reggan_plugin.curves.take import Take
from reggan_plugin.errors import UsageError
from reggan_plugin.file_safety import (
    refuse_existing,
    refuse_other_kind,
    refuse_overwriting,
    write_atomically,
)
from reggan_plugin.json_and_toml import json_text
from reggan_plugin.textures.read_mesh import files_of_mesh


@click.command(
    cls=GroupedCommand, epilog="\b\nExample:\n  reggan-plugin curves take.csv --plot take.png"
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@rate_option
@percent_option
@fit_options
@output_option(
    "--plot FILE.png|FILE.html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the curves: as a picture, or as a page on which each row can be read.",
)
@output_option(
    "--csv FILE.csv",
    "csv_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the take as CSV with a heading time,jawOpen,…, to edit and to give to --curves. "
    "Columns of the turns of head and eyes stay in it. - writes it to standard output, in place "
    "of the table.",
)
@output_option(
    "--learn-character NAME",
    help="Print a table [character.NAME] for a settings file instead. Its gains turn the largest "
    "values of this take into 1. The take should move every part of the face as far as it goes.",
)
@output_option("--overwrite", is_flag=True, help="Replace files that exist.")
@output_option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@verbose_option
def curves(
    *,
    file: Path,
    curves_rate: float | None,
    curves_percent: bool,
    fitted: Retargeting | None,
    plot: Path | None,
    csv_file: Path | None,
    learn_character: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Show what is inside a recorded performance, a FILE for `render --curves`.

    It reads Live Link Face CSV, iFacialMocap and Face Cap text, Audio2Face JSON, glTF, GLB and VRM
    Animation, USD, and CSV with a heading such as frame,jawOpen,mouthSmileLeft.
    """
    is_piped = str(csv_file) == STANDARD
    if is_piped and (as_json or learn_character is not None):
        raise UsageError(
            f"--csv {STANDARD} writes the take to standard output, where --json and "
            "--learn-character write, too. Name a file."
        )
    if as_json and learn_character is not None:
        raise UsageError(
            "--json and --learn-character each print something else. Give one of them."
        )
    if is_piped:
        refuse_closed_output()
    outputs = [path for path in (plot, None if is_piped else csv_file) if path is not None]
    settings = [] if learn_character is not None else given_files()  # which may get its table
    read = [*files_of_mesh(file), *settings]
    refuse_overwriting(outputs, read)
    for path in outputs:
        refuse_other_kind(path, *([".png", ".html"] if path == plot else [".csv"]))
    refuse_existing(outputs, overwrite=overwrite)
    take = read_take(file, curves_rate, holds_percents=curves_percent)
    if fitted is not None:
        take = retargeted(take, fitted)
    if csv_file is not None and take.timecode_fps is not None:
        left_out = "Its timecodes are left out of the CSV, which counts seconds from its first row."
        take = replace(take, notes=(*take.notes, left_out))
    if plot is not None:
        write_atomically(plot, _drawn(take, plot, file.name))
    if csv_file is not None and not is_piped:
        write_atomically(csv_file, csv_of_take(take).encode())
    if is_piped:
        click.echo(csv_of_take(take), nl=False)
    elif learn_character is not None:
        table = table_learnt_from(take)
        click.echo(text_of_table(learn_character, table), nl=False)
        for sentence in told_of_table(take, table):
            click.echo(f"Note: {sentence}", err=True)
    elif as_json:
        click.echo(json_text(_document(take), indent=2))
    else:
        _print_table(take)
        for path in outputs:
            click.echo(path)
    for note in () if as_json else take.notices:
        click.echo(f"Note: {with_remedy(note)}", err=True)


def _print_table(take: Take) -> None:
    length = float(take.times_s[-1] - take.times_s[0])
    rate = f"{take.rate_fps:g} a second"
    click.echo(f"{take.kind}: {len(take.times_s)} rows, {rate}, {length:.3f} s")
    click.echo(f"{'':24}{'least':>7}{'mean':>7}{'most':>7}  most at")
    for place in moving_columns(take):
        values = take.weights[:, place]
        at = take.times_s[int(values.argmax())] - take.times_s[0]
        click.echo(
            f"{take.names[place]:24}{values.min():7.3f}{values.mean():7.3f}{values.max():7.3f}"
            f"  {at:.3f} s"
        )
    still = [name for place, name in enumerate(take.names) if place not in moving_columns(take)]
    if still:
        click.echo(f"0 throughout: {', '.join(still)}")


def _drawn(take: Take, plot: Path, name: str) -> bytes:
    """Return the plot in the format that its name ends in."""
    if not moving_columns(take):
        raise UsageError("No weight of this take differs from 0; there is nothing to draw.")
    return png_of_take(take) if plot.suffix.lower() == ".png" else html_of_take(take, name).encode()


def _document(take: Take) -> dict[str, Any]:
    return {
        "v": 1,
        "kind": take.kind,
        "rows": len(take.times_s),
        "rate_fps": take.rate_fps,
        "seconds": float(take.times_s[-1] - take.times_s[0]),
        "first_frame": None if take.frames is None else float(take.frames[0]),
        "columns": {
            name: {
                "least": float(take.weights[:, place].min()),
                "mean": float(np.mean(take.weights[:, place])),
                "most": float(take.weights[:, place].max()),
            }
            for place, name in enumerate(take.names)
        },
        "unknown": list(take.unknown),
        "notes": list(take.notes),
    }
