"""`reggan-plugin sheet`: every expression of one frame, at three intensities."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from reggan_plugin.commands.face_options import face_options
from reggan_plugin.commands.grouped_option import GroupedCommand, given_files, grouped_option
from reggan_plugin.commands.model_in_use import open_model
from reggan_plugin.commands.options import exposure_option, model_options, stall_option
from reggan_plugin.commands.picture_options import reading_options
from reggan_plugin.commands.progress import errors_as_events
from reggan_plugin.commands.terminal import unguarded
from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.contact_sheet import (
    SheetRow,
    View,
    face_part,
    grid_box,
    sheet_box,
    view_of_face,
    write_grid,
    write_sheet,
)
from reggan_plugin.errors import FaceNotFoundError, OutputExistsError, UnknownExpressionError
from reggan_plugin.expressions import NAMED_EXPRESSIONS, ExpressionMix
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import Frame, read_content
from reggan_plugin.files.inputs import refuse_overwriting
from reggan_plugin.files.picture_settings import Reading
from reggan_plugin.imaging.crop import region_of
from reggan_plugin.jobs.io_timeout import IoTimeout
from reggan_plugin.transfer import ExpressionTransfer

SUMMARY_VERSION = 1
INTENSITIES = (0.35, 0.7, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class _DrawnFace:
    """A face that was found, ready to be drawn with expressions."""

    transfer: ExpressionTransfer
    part: Frame
    crop: FaceCrop
    exposure_ev: float

    @property
    def before(self) -> View:
        """As the frame shows it."""
        return view_of_face(self.part, self.part.pixels, self.crop, self.exposure_ev)

    def view(self, name: str, intensity: float) -> View:
        """With an expression."""
        mix = ExpressionMix({name: intensity})
        changed = self.transfer.render(self.part, mix, [self.crop], self.exposure_ev)
        return view_of_face(self.part, changed, self.crop, self.exposure_ev)


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
@grouped_option(
    "Output",
    "--small",
    is_flag=True,
    help="Draw every named expression of the model once, small and without a label, in a grid; "
    "--json says which is where.",
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
    small: bool,
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
    face = _find(transfer, frame, picture, choice, exposure_ev)
    cells = _draw_grid(path, face) if small else _draw_sheet(path, face)
    summary = {"v": SUMMARY_VERSION, "written": [str(path)], "cells": cells}
    click.echo(json.dumps(summary) if as_json else path)


def _find(
    transfer: ExpressionTransfer,
    path: Path,
    frame: Frame,
    choice: FaceChoice,
    exposure_ev: float | None,
) -> _DrawnFace:
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
    return _DrawnFace(transfer=transfer, part=part, crop=crop, exposure_ev=ev)


def _draw_sheet(path: Path, face: _DrawnFace) -> list[dict[str, Any]]:
    """A row for each basic expression; the place of every picture."""
    names, rows = face.transfer.card.names, []
    with _bar(names) as listed:
        for name in listed:
            views = [face.before, *(face.view(name, intensity) for intensity in INTENSITIES)]
            rows.append(SheetRow(label=name, views=views))
    write_sheet(path, ["input", *(f"{100 * i:.0f} %" for i in INTENSITIES)], rows)
    return [
        {"expression": name, "intensity": intensity, "box": sheet_box(row, column)}
        for row, name in enumerate(names)
        for column, intensity in enumerate((0.0, *INTENSITIES))
    ]


def _draw_grid(path: Path, face: _DrawnFace) -> list[dict[str, Any]]:
    """All named expressions that the model has; the place of every picture."""
    names = []
    for name in NAMED_EXPRESSIONS:
        with suppress(UnknownExpressionError):
            face.transfer.card.vector_of(ExpressionMix({name: 1.0}))
            names.append(name)
    with _bar(names) as listed:
        write_grid(path, [face.view(name, 1.0) for name in listed])
    return [
        {"expression": name, "intensity": 1.0, "box": grid_box(place)}
        for place, name in enumerate(names)
    ]


@contextmanager
def _bar(names: Sequence[str]) -> Iterator[Iterable[str]]:
    """The names one after another, with a bar on a terminal."""
    stream = unguarded(sys.stderr)
    if not stream.isatty():
        yield names
        return
    with click.progressbar(names, label="Drawing expressions", show_pos=True, file=stream) as bar:
        yield bar
