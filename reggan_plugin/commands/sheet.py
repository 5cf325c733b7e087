"""`reggan-plugin sheet`: every expression of one frame, at three intensities."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from reggan_plugin.commands.face_options import face_options
from reggan_plugin.commands.grouped_option import GroupedCommand, given_files, grouped_option
from reggan_plugin.commands.model_in_use import open_model
from reggan_plugin.commands.options import exposure_option, model_options, stall_option
from reggan_plugin.commands.picture_options import reading_options
from reggan_plugin.commands.progress import errors_as_events
from reggan_plugin.commands.terminal import unguarded
from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.contact_sheet import SheetRow, face_part, view_of_face, write_sheet
from reggan_plugin.errors import FaceNotFoundError, OutputExistsError
from reggan_plugin.expressions import ExpressionMix
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import Frame, read_content
from reggan_plugin.files.inputs import refuse_overwriting
from reggan_plugin.files.picture_settings import Reading
from reggan_plugin.imaging.crop import region_of
from reggan_plugin.jobs.io_timeout import IoTimeout
from reggan_plugin.transfer import ExpressionTransfer

SUMMARY_VERSION = 1
INTENSITIES = (0.35, 0.7, 1.0)


@click.command(
    cls=GroupedCommand,
    epilog="\b\nExample:\n  reggan-plugin sheet frame.png --out sheet.png",
)
@click.argument("frame", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@reading_options("Frames")
@stall_option
@face_options
@model_options
@exposure_option("Output")
@grouped_option(
    "Output",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.png",
    help="The sheet.  [default: <frame>_sheet.png in this folder]",
)
@grouped_option("Output", "--overwrite", is_flag=True, help="Replace the sheet if it exists.")
@grouped_option("Output", "--json", "as_json", is_flag=True, help="Print one JSON summary.")
@verbose_option
@errors_as_events
def sheet(
    *,
    frame: Path,
    reading: Reading,
    choice: FaceChoice,
    model: str | None,
    device: str,
    exposure_ev: float | None,
    out: Path | None,
    overwrite: bool,
    stall_s: float,
    as_json: bool,
) -> None:
    """Draw a contact sheet of FRAME's face: all expressions, three intensities.

    The input stands first in every row.
    """
    path = out or Path(f"{frame.stem}_sheet.png")
    refuse_overwriting([path], [frame, *given_files()])
    if path.exists() and not overwrite:
        raise OutputExistsError(f"{path} exists.")
    transfer, _ = open_model(model, device)
    content = IoTimeout(stall_s).call(str(frame), lambda: read_content(frame))
    picture = reading.decode(content, frame)
    rows = _rows(transfer, frame, picture, choice, exposure_ev)
    write_sheet(path, ["input", *(f"{100 * i:.0f} %" for i in INTENSITIES)], rows)
    click.echo(json.dumps({"v": SUMMARY_VERSION, "written": [str(path)]}) if as_json else path)


def _rows(
    transfer: ExpressionTransfer,
    path: Path,
    frame: Frame,
    choice: FaceChoice,
    exposure_ev: float | None,
) -> list[SheetRow]:
    found = transfer.find_faces(frame, choice, (path.name,))
    size = frame.pixels.shape[:2]
    crops = [crop for crop in found if frame.pixels[region_of(crop, *size)].size][:1]
    if not crops:
        raise FaceNotFoundError(
            f"{path} shows no face; expected one of at least 48 pixels.", source=path
        )
    share = transfer.intensity_share(crops[0])
    if share < 1.0:
        click.echo(
            f"Note: the head is turned further than this model was measured to improve on its "
            f"input; {share:.0%} of the intensities are drawn.",
            err=True,
        )
    ev = transfer.auto_exposure(frame, crops) if exposure_ev is None else exposure_ev
    part, crop = face_part(frame, crops[0])
    before = view_of_face(part, part.pixels, crop, ev)
    rows = []
    with _bar(transfer.card.names) as names:
        for name in names:
            mixes = [ExpressionMix({name: intensity}) for intensity in INTENSITIES]
            changed = (transfer.render(part, mix, [crop], ev) for mix in mixes)
            views = [view_of_face(part, pixels, crop, ev) for pixels in changed]
            rows.append(SheetRow(label=name, views=[before, *views]))
    return rows


@contextmanager
def _bar(names: Sequence[str]) -> Iterator[Iterable[str]]:
    """The names one after another, with a bar on a terminal."""
    stream = unguarded(sys.stderr)
    if not stream.isatty():
        yield names
        return
    with click.progressbar(names, label="Drawing expressions", show_pos=True, file=stream) as bar:
        yield bar
