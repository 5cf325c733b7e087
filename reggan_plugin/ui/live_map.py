"""A base colour map that is changed again and again, coarser than its file, for a viewport."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.drawing.contact_sheet import encoded_picture
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.files.exr.block_codec import exr_from_planes
from reggan_plugin.files.frame import Frame
from reggan_plugin.textures.map_change import PreparedFace
from reggan_plugin.textures.texture_request import Look
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.live_face import rgba_of
from reggan_plugin.ui.open_head import changed_map
from reggan_plugin.vocabulary.expression import ExpressionMix

Rgba = Float[np.ndarray, "height width 4"]
_TILE = "<UDIM>"
_QUICKLY = {"compress_level": 0}
"""A PNG is read once, at once."""


class LiveMap:
    """A head that was looked at, and its map reduced."""

    def __init__(self, face: PreparedFace) -> None:
        """Take a face whose map is the reduced one."""
        self._face = face
        self._differing: frozenset[int] = frozenset()
        self._written_to: Path | None = None

    @property
    def is_set(self) -> bool:
        """True if the map is a set of UDIM tiles."""
        return self._face.texture.is_udim

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the map, or of its largest tile."""
        return max(tile.shape for tile in self._face.texture.tiles.values())

    def picture(self, mix: ExpressionMix) -> Frame:
        """Return the map, which is no set, with an expression."""
        return changed_map(self._face, mix)

    def write_tiles(self, mix: ExpressionMix, out: Path) -> Path:
        """Write a set with an expression: 8-bit PNG, of light 32-bit EXR.

        Tiles that are there already as they should be are not written again.

        Args:
            mix: the expression.
            out: what the files are named after.

        Returns:
            Their pattern, with `<UDIM>`.

        Raises:
            OutputError: a file cannot be written.
        """
        tiles, changed = self._face.texture.tiles, self._face.change(mix).tiles
        is_light = any(tile.is_linear for tile in tiles.values())
        pattern = out.with_name(f"{out.stem}.{_TILE}{'.exr' if is_light else '.png'}")
        is_there = self._written_to == pattern
        for number in self._differing | set(changed) if is_there else tiles:
            picture = rgba_of(tiles[number].frame(changed.get(number)))
            path = pattern.with_name(pattern.name.replace(_TILE, str(number)))
            content = _exr(picture) if is_light else encoded_picture(picture, "PNG", **_QUICKLY)
            write_atomically(path, content)
        self._written_to, self._differing = pattern, frozenset(changed)
        return pattern


def live_map(transfer: ExpressionTransfer, asked: Mapping[str, Any]) -> LiveMap:
    """Look at a head.

    Args:
        transfer: the model.
        asked: `texture`, `mesh`, `material`, `front`, `head_bone` and `longest_px`.

    Raises:
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
    face.reduce_map(int(asked["longest_px"]))
    return LiveMap(face)


def _exr(picture: Rgba) -> bytes:
    planes = {name: picture[..., channel] for channel, name in enumerate("RGBA")}
    return exr_from_planes(planes, (0, 0), picture.shape[:2])
