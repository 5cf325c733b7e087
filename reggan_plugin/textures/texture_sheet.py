"""All expressions on the head: the changed maps seen from the front and from both sides."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reggan_plugin.array_types import Pixels
from reggan_plugin.drawing.contact_sheet import CELL_PX, SheetRow, View, write_sheet
from reggan_plugin.errors import UsageError
from reggan_plugin.file_safety import refuse_overwriting
from reggan_plugin.jobs.frame_record import record_path
from reggan_plugin.jobs.plan import refuse_existing
from reggan_plugin.kernels.sampling import block_means
from reggan_plugin.textures.map_change import PreparedFace
from reggan_plugin.textures.texture_job_files import OutputRecords, Subject
from reggan_plugin.textures.texture_request import (
    Advance,
    TextureRequest,
    TextureResult,
    part_of,
    say_nothing,
)
from reggan_plugin.textures.views.framing import closer, turned
from reggan_plugin.vocabulary.expression import ExpressionMix

_ROWS = {"front": 0.0, "right": -35.0, "left": 35.0}
_OVERSAMPLING = 2
_AROUND_FACE = 0.12


def draw_sheet(
    path: Path, request: TextureRequest, subject: Subject, advance: Advance = say_nothing
) -> TextureResult:
    """Draw a head with its own map and with each expression that the model has, at intensity 1.

    Raises:
        RegganError: see `check_sheet` and `PreparedFace`; or the file cannot be written.
    """
    check_sheet(path, request, subject)
    mixes = {name: ExpressionMix({name: 1.0}) for name in subject.open_transfer().card.names}
    records = OutputRecords(replace(request, mixes=mixes), subject)
    if request.existing.keeps_finished:
        records.refuse_changed([path])
        if records.fits(path, "sheet", list(mixes)):
            return TextureResult(written=(), skipped=(path,))
    face = subject.face
    with records.writing({path: list(mixes)}, "sheet"):
        _write_sheet(path, face, mixes, advance)
    return TextureResult(written=(path,))


def check_sheet(
    path: Path, request: TextureRequest, subject: Subject, made: Sequence[Path] = ()
) -> None:
    """Refuse a sheet that cannot be written, before anything is.

    Args:
        path: of the sheet.
        request: what is asked for.
        subject: whose inputs stay.
        made: what the same command wrote, or left as an earlier one wrote it.

    Raises:
        UsageError: there is no head, or the name is that of an input or of `made`.
        OutputExistsError: there is a file, and the request refuses it.
    """
    if request.mesh is None:
        raise UsageError("A sheet draws a head, and a flat map has none. Give the mesh.")
    refuse_overwriting([*made, path, record_path(path)], (*subject.kept, *request.inputs))
    refuse_existing([path], request.existing)


def _write_sheet(
    path: Path, face: PreparedFace, mixes: Mapping[str, ExpressionMix], advance: Advance
) -> None:
    none: dict[int, Pixels] = {}
    views: dict[str, list[View]] = {row: [] for row in _ROWS}
    for place, mix in enumerate((None, *mixes.values())):
        told = part_of(advance, place, 1 + len(mixes))
        tiles = none if mix is None else face.change(mix, told).tiles
        stage = face.wearing(tiles)
        for row, yaw_deg in _ROWS.items():
            around = replace(face.framed, view=turned(face.framed, yaw_deg))
            view, _ = closer(around, CELL_PX * _OVERSAMPLING, _AROUND_FACE)
            views[row].append(block_means(stage.take(view, 2).colour, _OVERSAMPLING))
    rows = [SheetRow(label=row, views=pictures) for row, pictures in views.items()]
    write_sheet(path, ["map", *mixes], rows)
