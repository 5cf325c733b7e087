"""All expressions on the head: the changed maps seen from the front and from both sides."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from reggan_plugin.contact_sheet import CELL_PX, SheetRow, View, write_sheet
from reggan_plugin.expressions import ExpressionMix
from reggan_plugin.imaging.crop import reduce_by
from reggan_plugin.textures.framing import closer, turned
from reggan_plugin.textures.prepared import PreparedFace

_ROWS = {"front": 0.0, "right": -35.0, "left": 35.0}
_OVERSAMPLING = 2
_AROUND_FACE = 0.12


def write_texture_sheet(path: Path, face: PreparedFace, mixes: Mapping[str, ExpressionMix]) -> None:
    """Draw a head with its own map and with each expression's.

    Raises:
        OutputError: `path` cannot be written.
    """
    none: dict[int, Float[np.ndarray, "height width 3"]] = {}
    views: dict[str, list[View]] = {row: [] for row in _ROWS}
    for mix in (None, *mixes.values()):
        tiles = none if mix is None else face.change(mix).tiles
        stage = face.wearing(tiles)
        for row, yaw_deg in _ROWS.items():
            around = replace(face.framed, view=turned(face.framed, yaw_deg))
            view, _ = closer(around, CELL_PX * _OVERSAMPLING, _AROUND_FACE)
            views[row].append(reduce_by(stage.take(view, 2).colour, _OVERSAMPLING))
    rows = [SheetRow(label=row, views=pictures) for row, pictures in views.items()]
    write_sheet(path, ["map", *mixes], rows)
