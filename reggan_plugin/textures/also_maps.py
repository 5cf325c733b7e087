"""Further maps of the face, such as normals and roughness, moved along with its colours.

A texel takes what stood where its surface came from. Light and paint are for colours alone: what
is painted in the colour map keeps the moved value here. Normals in tangent space are moved, not
turned.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from reggan_plugin.errors import TextureError
from reggan_plugin.files.frame import copy_frame
from reggan_plugin.textures.maps.map_tile import MapTile, read_tile
from reggan_plugin.textures.maps.texture_files import find_texture, write_tiles
from reggan_plugin.textures.maps.texture_map import TextureMap
from reggan_plugin.textures.prepared_face import ChangedMap, PreparedFace
from reggan_plugin.textures.views.reprojection import Reprojection
from reggan_plugin.textures.views.view_change import ViewChange


def write_also(source: Path, output: Path, face: PreparedFace, changed: ChangedMap) -> None:
    """Write a further map as an expression moves it.

    Raises:
        TextureError: it holds values outside 0 to 1.
        OutputError: the file cannot be written.
    """
    if changed.view is None:
        copy_frame(source, output)
        return
    files = find_texture(source)
    texture = TextureMap(tiles={number: _data(path) for number, path in files.paths.items()})
    moved = _without_light(changed.view)
    carry = Reprojection(face.stage, face.parts, texture, moved, is_data=True)
    found = {number: carry.changed_samples(number) for number in texture.tiles}
    tiles = {number: samples for number, samples in found.items() if samples is not None}
    write_tiles(files, texture, tiles, output)


def _data(path: Path) -> MapTile:
    """Return a tile whose numbers are taken as they are, whatever the file calls them."""
    tile = replace(read_tile(path, is_gltf_image=True), is_linear=False, colour_space=None)
    if tile.colours.dtype.kind == "f" and not ((tile.colours >= 0) & (tile.colours <= 1)).all():
        raise TextureError(
            f"{path} holds numbers outside 0 to 1, which no map of 8 or 16 bits has. Give it as "
            "such a PNG or TIFF."
        )
    return tile


def _without_light(change: ViewChange) -> ViewChange:
    motion = change.motion
    assert motion is not None, "the command refuses models without motion"
    still = np.zeros_like(motion.cover)
    return replace(
        change, motion=replace(motion, log_gain=np.zeros_like(motion.log_gain), cover=still)
    )
