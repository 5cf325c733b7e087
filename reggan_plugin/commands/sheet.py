"""`reggan-plugin sheet`: every expression of one frame, at three intensities."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import click
from PIL import Image

from reggan_plugin.array_types import Pixels
from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.expression import Liked, like_options, with_liked
from reggan_plugin.commands.options.inputs_and_faces import FaceOptions, face_options, stall_option
from reggan_plugin.commands.options.model import model_options, open_model, rig_options
from reggan_plugin.commands.options.options_and_settings_file import (
    GroupedCommand,
    given_files,
    grouped_option,
    output_option,
    presets_option,
)
from reggan_plugin.commands.options.picture import exposure_option, reading_options
from reggan_plugin.commands.progress import bar_of, errors_as_events
from reggan_plugin.drawing.contact_sheet import (
    CELL_PX,
    GRID_COLUMNS,
    SheetRow,
    View,
    labelled_view,
    sheet_box,
    small_view,
    view_of_pixels,
    write_cells,
    write_sheet,
)
from reggan_plugin.errors import FaceNotFoundError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.faces.landmarks_and_pose import EXPECTED
from reggan_plugin.file_safety import refuse_existing, refuse_other_kind, refuse_overwriting
from reggan_plugin.files.frame import Frame, Reading, read_content
from reggan_plugin.files.sequence import number_in
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import PixelCoding
from reggan_plugin.imaging.crop import region_of
from reggan_plugin.jobs.input_files import sheet_beside
from reggan_plugin.jobs.plan import writable_folder
from reggan_plugin.jobs.render_settings import RigFiles
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout
from reggan_plugin.json_and_toml import json_text
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.transfer.display_picture import coding_of
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.live_face import LiveFace, live_face
from reggan_plugin.ui.picture_sizes_and_memory import THUMBNAILS_AT_ONCE
from reggan_plugin.vocabulary.expression import (
    NAMED_EXPRESSIONS,
    ExpressionMix,
    OwnPresets,
    read_presets,
)

SUMMARY_VERSION = 1
INTENSITIES = (0.35, 0.7, 1.0)
DRAWING = "Drawing expressions"


@frozen(eq=False)
class _DrawnFace:
    """A face that was found, ready to be drawn with expressions, as the local page's gallery is.

    Attributes:
        face: cut out once for all expressions.
        shown: how its pixels are shown.
    """

    transfer: ExpressionTransfer
    face: LiveFace
    shown: PixelCoding

    @property
    def before(self) -> View:
        """As the frame shows it."""
        return self._view(self.face.picture.pixels)

    def view(self, mix: ExpressionMix) -> View:
        """With an expression."""
        return self._view(self.face.change(self.transfer, mix).compose().pixels)

    def views(self, mixes: Sequence[ExpressionMix]) -> Iterator[View]:
        """Yield one with each expression, drawn two at a time."""
        with ThreadPoolExecutor(THUMBNAILS_AT_ONCE) as pool:
            yield from pool.map(self.view, mixes)

    def _view(self, pixels: Pixels) -> View:
        crop = self.face.crop_in_picture
        return view_of_pixels(pixels, self.face.picture.alpha, self.shown, crop)


@click.command(
    cls=GroupedCommand, epilog="\b\nExample:\n  reggan-plugin sheet frame.png --out sheet.png"
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
    help="Draw every named expression, not only the basic ones.",
)
@presets_option(", drawn behind the others.")
@like_options()
@model_options
@rig_options
@exposure_option("Output")
@output_option(
    "--for-view",
    is_flag=True,
    help="Keep a scene-linear face as dark or bright as in the file, for programs with a view "
    "transform of their own.",
)
@output_option(
    "-o --out FILE.png",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The sheet.  [default: <frame>_sheet.png beside the frame]",
)
@output_option(
    "--small",
    is_flag=True,
    help="Draw every named expression once, small and without names. --json says where each one "
    "is.",
)
@output_option("--overwrite", is_flag=True, help="Replace the sheet if it exists.")
@output_option("--json", "as_json", is_flag=True, help="Print one JSON summary.")
@verbose_option
@errors_as_events
def sheet(
    *,
    frame: Path,
    reading: Reading,
    faces: FaceOptions,
    is_of_all: bool,
    presets: Path | None,
    liked: Liked | None,
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
    """Draw a contact sheet of FRAME's face: the basic expressions at three intensities, or --all.

    The input comes first. With --all every expression is drawn once, with its name below it.
    --small draws the same in small, without names, for programs and menus.
    """
    own = read_presets(presets)
    if liked is not None:
        own, _ = with_liked(liked, own)
    path = out or sheet_beside(frame)
    refuse_overwriting([path], [frame, *given_files(), *rig_files.named])
    refuse_other_kind(path, ".png")
    refuse_existing([path], overwrite=overwrite)
    with writable_folder(path.parent):
        transfer, _ = open_model(model, device, rig=rig_files)
        for remark in transfer.remarks:
            click.echo(f"Note: {remark}", err=True)
        content = IoTimeout(stall_s).call(str(frame), lambda: read_content(frame))
        picture = reading.decode(content, frame)
        finer = 1 if is_of_all or small else 2
        face = _find(
            transfer, frame, picture, faces.one_choice, exposure_ev, finer=finer, for_view=for_view
        )
        shown = _expressions(transfer.card, own, is_of_all=is_of_all or small)
        if not as_json:
            click.echo(f"{DRAWING}: {len(shown)} of {frame.name}", err=True)
        if is_of_all or small:
            cells = _draw_grid(path, face, shown, is_small=small, is_new=not overwrite)
        else:
            cells = _draw_sheet(path, face, shown, is_new=not overwrite)
    summary = {"v": SUMMARY_VERSION, "written": [str(path)], "cells": cells}
    click.echo(json_text(summary) if as_json else path)


def _find(
    transfer: ExpressionTransfer,
    path: Path,
    frame: Frame,
    choice: FaceChoice,
    exposure_ev: float | None,
    *,
    finer: int,
    for_view: bool,
) -> _DrawnFace:
    number = number_in(path.name)
    names = (path.name, *([] if number is None else [str(number)]))
    found = transfer.find_faces(frame, choice, names)
    size = frame.pixels.shape[:2]
    crops = [crop for crop in found if frame.pixels[region_of(crop, *size)].size][:1]
    if not crops:
        raise FaceNotFoundError(f"{path} shows no human-like face; {EXPECTED}.", source=path)
    share = transfer.intensity_share(crops[0])
    if share < 1.0:
        click.echo(
            f"Note: The head is turned too far for this model. So {share:.0%} of each intensity is "
            "drawn.",
            err=True,
        )
    ev = transfer.auto_exposure(frame, crops) if exposure_ev is None else exposure_ev
    longest_px, is_draft = 2 * CELL_PX * finer, finer == 1  # small cells are as in the gallery
    face = live_face(transfer, frame, crops[0], ev, longest_px, is_draft=is_draft)
    return _DrawnFace(transfer=transfer, face=face, shown=coding_of(frame, 0.0 if for_view else ev))


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
    path: Path, face: _DrawnFace, expressions: Sequence[ExpressionMix], *, is_new: bool
) -> list[dict[str, Any]]:
    """Draw a row for each expression, below the input; return the place of every picture."""
    rows = [SheetRow(label="input", views=[face.before])]
    views = face.views([mix.scaled(one) for mix in expressions for one in INTENSITIES])
    with bar_of(DRAWING) as advance:
        for place, mix in enumerate(expressions, start=1):
            changed = list(islice(views, len(INTENSITIES)))
            rows.append(SheetRow(label=_name(mix), views=changed))
            advance(place / len(expressions))
    write_sheet(path, [f"{100 * i:.0f} %" for i in INTENSITIES], rows, is_new=is_new)
    places = [(0.0, None), *((intensity, place) for place, intensity in enumerate(INTENSITIES))]
    return [
        {
            "expression": _name(mix),
            "intensity": intensity,
            "box": sheet_box(0, 0) if column is None else sheet_box(row, column),
        }
        for row, mix in enumerate(expressions, start=1)
        for intensity, column in places
    ]


def _draw_grid(
    path: Path,
    face: _DrawnFace,
    expressions: Sequence[ExpressionMix],
    *,
    is_small: bool,
    is_new: bool,
) -> list[dict[str, Any]]:
    """Each expression once, in a grid; the place of every picture.

    Small ones have no label, and programs show them; of others the input comes first.
    """
    with bar_of(DRAWING) as advance:

        def pictures() -> Iterator[Image.Image]:
            if not is_small:
                yield labelled_view(face.before, "input")
            drawn = zip(expressions, face.views(expressions), strict=True)
            for place, (mix, view) in enumerate(drawn, start=1):
                yield small_view(view) if is_small else labelled_view(view, _name(mix))
                advance(place / len(expressions))

        count = len(expressions) + (not is_small)
        boxes = write_cells(path, pictures(), count, GRID_COLUMNS, is_new=is_new)
    return [
        {"expression": _name(mix), "intensity": 1.0, "box": (x, y, width, width)}
        for mix, (x, y, width, _) in zip(expressions, boxes[not is_small :], strict=True)
    ]
