"""A map whose face lies unfolded from the front is changed as a picture is."""

from pathlib import Path

import numpy as np

from reggan_plugin.errors import FaceNotFoundError
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import Frame
from reggan_plugin.files.samples import change_samples
from reggan_plugin.imaging.crop import region_of
from reggan_plugin.textures.maps.map_tile import MapTile, Samples
from reggan_plugin.textures.maps.reduced_tile import ReducedTile
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression_mix import ExpressionMix

_LARGEST_LOOK_PX = 2048
"""Of the picture of the whole map in which the face is sought."""


def find_flat_face(
    transfer: ExpressionTransfer, path: Path, tile: MapTile, choice: FaceChoice
) -> FaceCrop:
    """Find the face on the map.

    Raises:
        FaceNotFoundError: the locator finds none.
        UsageError: the box that was given is no part of the map.
    """
    factor = max(1, -(-max(tile.shape) // _LARGEST_LOOK_PX)) if choice.needs_locator else 1
    crops = transfer.find_faces(_look(tile, factor, choice), choice, (path.name,))
    if not crops:
        raise FaceNotFoundError(
            f"{path} shows no unfolded face.", kind="face-on-flat-map", source=path
        )
    return crops[0].scaled(factor)


def changed_flat_map(
    transfer: ExpressionTransfer, tile: MapTile, crop: FaceCrop, mix: ExpressionMix
) -> Samples:
    """Return the map's samples with the expression; untouched ones keep their bits."""
    region = region_of(crop, *tile.shape, with_margin=True)
    rows, columns = region
    window = tile.window(rows, columns)
    after = transfer.render(window, mix, [crop.moved(-columns.start, -rows.start)])
    samples = np.array(tile.colours)
    change_samples(samples[region], window.pixels, after)
    return samples


def _look(tile: MapTile, factor: int, choice: FaceChoice) -> Frame:
    """Return the picture of the map in which its face is found: a box is compared with its size
    alone.
    """
    if not choice.needs_locator:
        nothing = np.broadcast_to(np.float32(0), (*tile.shape, 3))
        return Frame(pixels=nothing, original=tile.original)
    small = tile if factor == 1 else ReducedTile(tile, factor).whole()
    return small.window(slice(None), slice(None))
