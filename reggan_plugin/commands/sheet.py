"""`reggan-plugin sheet`: every expression of one frame, at three intensities."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from reggan_plugin.commands.open_model import open_model
from reggan_plugin.commands.options.expression import presets_option
from reggan_plugin.commands.options.face import FaceOptions, face_options
from reggan_plugin.commands.options.grouped import GroupedCommand, given_files, grouped_option
from reggan_plugin.commands.options.picture import reading_options
from reggan_plugin.commands.options.shared import (
    exposure_option,
    model_options,
    rig_options,
    stall_option,
)
from reggan_plugin.commands.progress import errors_as_events
from reggan_plugin.commands.terminal import unguarded
from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.documents import json_text
from reggan_plugin.drawing.contact_sheet import (
    SMALL_COLUMNS,
    SheetRow,
    View,
    face_part,
    sheet_box,
    small_view,
    view_of_face,
    write_cells,
    write_sheet,
)
from reggan_plugin.errors import FaceNotFoundError
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.faces.face_sizes import EXPECTED
from reggan_plugin.files.frame import Frame, read_content
from reggan_plugin.files.overwriting import refuse_existing, refuse_overwriting
from reggan_plugin.files.reading import Reading
from reggan_plugin.imaging.crop import region_of
from reggan_plugin.jobs.render_settings import RigFiles
from reggan_plugin.jobs.stall_timeout import IoTimeout
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression_mix import ExpressionMix
from reggan_plugin.vocabulary.names import NAMED_EXPRESSIONS, OwnPresets
from reggan_plugin.vocabulary.presets import read_presets

SUMMARY_VERSION = 1
INTENSITIES = (0.35, 0.7, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class _DrawnFace:
    """A face that was found, ready to be drawn with expressions."""

    transfer: ExpressionTransfer
    part: Frame
    crop: FaceCrop
    exposure_ev: float
    shown_ev: float

    @property
    def before(self) -> View:
        """As the frame shows it."""
        return view_of_face(self.part, self.part.pixels, self.crop, self.shown_ev)

    def view(self, mix: ExpressionMix) -> View:
        """With an expression."""
        changed = self.transfer.render(self.part, mix, [self.crop], self.exposure_ev)
        return view_of_face(self.part, changed, self.crop, self.shown_ev)


@click.command(
    cls=GroupedCommand,
    epilog="\b\nExample:\n  reggan-plugin sheet frame.png --out sheet.png",
)
@click.argument("frame", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@reading_options("Frames")
@stall_option
@face_options
@grouped_option(
    "Expression",
    "--all",
    "is_of_all",
    is_flag=True,
    help="Every named expression that the model can show, not the basic ones alone.",
)
@presets_option(", drawn behind the others.")
@model_options
@rig_options
@exposure_option("Output")
@grouped_option(
    "Output",
    "--for-view",
    is_flag=True,
    help="Draw a scene-linear face as dark or bright as the file has it, for programs that show "
    "the sheet through a view transform of their own.",
)
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
    faces: FaceOptions,
    is_of_all: bool,
    presets: Path | None,
    model: str | None,
    device: str,
    rig_files: RigFiles,
    exposure_ev: float | None,
    for_view: bool,
    out: Path | None,
    small: bool,
    overwrite: bool,
    stall_s: float,
    as_json: bool,
) -> None:
    """Draw a contact sheet of FRAME's face: basic expressions, or --all, at three intensities.

    The input stands first in every row.
    """
    own = read_presets(presets)
    path = out or Path(f"{frame.stem}_sheet.png")
    refuse_overwriting([path], [frame, *given_files()])
    refuse_existing([path], overwrite=overwrite)
    transfer, _ = open_model(model, device, rig=rig_files)
    for remark in transfer.remarks:
        click.echo(f"Note: {remark}", err=True)
    content = IoTimeout(stall_s).call(str(frame), lambda: read_content(frame))
    picture = reading.decode(content, frame)
    face = _find(transfer, frame, picture, faces.one_choice, exposure_ev)
    if for_view:
        face = replace(face, shown_ev=0.0)
    shown = _expressions(transfer.card, own, is_of_all=is_of_all or small)
    cells = _draw_grid(path, face, shown) if small else _draw_sheet(path, face, shown)
    summary = {"v": SUMMARY_VERSION, "written": [str(path)], "cells": cells}
    click.echo(json_text(summary) if as_json else path)


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
        raise FaceNotFoundError(f"{path} shows no human-like face; {EXPECTED}.", source=path)
    share = transfer.intensity_share(crops[0])
    if share < 1.0:
        click.echo(
            f"Note: the head is turned further than this model was measured to improve on its "
            f"input; {share:.0%} of the intensities are drawn.",
            err=True,
        )
    ev = transfer.auto_exposure(frame, crops) if exposure_ev is None else exposure_ev
    part, crop = face_part(frame, crops[0])
    return _DrawnFace(transfer=transfer, part=part, crop=crop, exposure_ev=ev, shown_ev=ev)


def _expressions(card: ModelCard, own: OwnPresets, *, is_of_all: bool) -> list[ExpressionMix]:
    """Expressions of a sheet, each at its full intensity; own presets last.

    Raises:
        UnknownExpressionError: the model cannot show a preset.
    """
    presets = [ExpressionMix({name: 1.0}, own=own) for name in own]
    for preset in presets:
        card.vector_of(preset)
    names = NAMED_EXPRESSIONS if is_of_all else card.names
    named = [ExpressionMix({name: 1.0}) for name in names]
    return [*(mix for mix in named if card.can_show(mix)), *presets]


def _name(expression: ExpressionMix) -> str:
    return next(iter(expression.intensities))


def _draw_sheet(
    path: Path, face: _DrawnFace, expressions: Sequence[ExpressionMix]
) -> list[dict[str, Any]]:
    """Return a row for each expression; the place of every picture."""
    rows = []
    with _bar(expressions) as listed:
        for mix in listed:
            changed = [face.view(mix.scaled(intensity)) for intensity in INTENSITIES]
            rows.append(SheetRow(label=_name(mix), views=[face.before, *changed]))
    write_sheet(path, ["input", *(f"{100 * i:.0f} %" for i in INTENSITIES)], rows)
    return [
        {"expression": _name(mix), "intensity": intensity, "box": sheet_box(row, column)}
        for row, mix in enumerate(expressions)
        for column, intensity in enumerate((0.0, *INTENSITIES))
    ]


def _draw_grid(
    path: Path, face: _DrawnFace, expressions: Sequence[ExpressionMix]
) -> list[dict[str, Any]]:
    """Each expression once, in a grid; the place of every picture."""
    with _bar(expressions) as listed:
        views = (small_view(face.view(mix)) for mix in listed)
        boxes = write_cells(path, views, len(expressions), SMALL_COLUMNS)
    return [
        {"expression": _name(mix), "intensity": 1.0, "box": box}
        for mix, box in zip(expressions, boxes, strict=True)
    ]


@contextmanager
def _bar(names: Sequence[ExpressionMix]) -> Iterator[Iterable[ExpressionMix]]:
    """Yield the expressions one after another, with a bar on a terminal."""
    stream = unguarded(sys.stderr)
    if not stream.isatty():
        yield names
        return
    with click.progressbar(names, label="Drawing expressions", show_pos=True, file=stream) as bar:
        yield bar
