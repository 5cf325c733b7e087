"""A base colour map that is changed again and again, coarser than its file, for a viewport."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.errors import UsageError
from reggan_plugin.expressions import ExpressionMix
from reggan_plugin.files.samples import floats_from_samples
from reggan_plugin.textures.maps.map_tile import MapTile
from reggan_plugin.textures.prepared import PreparedFace
from reggan_plugin.textures.request import Look
from reggan_plugin.transfer import ExpressionTransfer

Rgba = Float[np.ndarray, "height width 4"]


@dataclass(frozen=True, kw_only=True)
class LiveMap:
    """A head that was looked at, and its map reduced.

    Attributes:
        face: whose map is the reduced one.
    """

    face: PreparedFace

    def picture(self, mix: ExpressionMix) -> Rgba:
        """The map with an expression, as stored; rows from the top, alpha 1 where it has none."""
        ((number, tile),) = self.face.texture.tiles.items()
        changed = {} if mix.changes_nothing else self.face.change(mix).tiles
        return _rgba(tile, changed.get(number, tile.colours))


def live_map(transfer: ExpressionTransfer, asked: Mapping[str, Any]) -> LiveMap:
    """Look at a head.

    Args:
        transfer: the model.
        asked: `texture`, `mesh`, `material`, `front`, `head_bone` and `longest_px`.

    Raises:
        UsageError: the map is a set of tiles.
        RegganError: see `PreparedFace`.
    """
    look = Look(
        texture=Path(asked["texture"]),
        material=asked["material"],
        front=asked.get("front"),
        head_bone=asked.get("head_bone"),
        force=bool(asked.get("force")),
    )
    with tempfile.TemporaryDirectory() as scratch:
        face = PreparedFace(Path(asked["mesh"]), look, transfer, Path(scratch))
    if len(face.texture.tiles) > 1:
        raise UsageError(
            f"{look.texture} is a set of {len(face.texture.tiles)} tiles; live is one picture. "
            "Change the map by reggan-plugin texture."
        )
    face.reduce_map(int(asked["longest_px"]))
    return LiveMap(face=face)


def _rgba(tile: MapTile, colours: np.ndarray) -> Rgba:
    picture = np.ones((*tile.shape, 4), np.float32)
    picture[..., :3] = floats_from_samples(colours)
    if tile.alpha is not None:
        picture[..., 3] = floats_from_samples(tile.alpha)
    return picture
