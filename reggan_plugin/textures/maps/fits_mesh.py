"""Refuses a map that is not the one that a mesh was painted with."""

from collections.abc import Sequence

import numpy as np

from reggan_plugin.array_types import Float, Int
from reggan_plugin.imaging.colour import LUMA_WEIGHTS
from reggan_plugin.textures.maps.texture_map import TextureMap, reduction_for
from reggan_plugin.textures.views.stage import Stage

_LEAST_LIKENESS = 0.2
"""Correlation of a map with the mesh's own on the face."""
_MOST_STEP = 0.7
"""Of colours across UV seams, in steps between random texels; a painted map has 0.1 or less."""
_FEWEST_PAIRS = 40
_PLAIN = 0.01
_COARSE_PX = 256
_INWARDS = 0.1


def is_alike(own: Float[np.ndarray, "pixels 3"], given: Float[np.ndarray, "pixels 3"]) -> bool:
    """Tell whether two maps are light and dark in the same places of the face."""
    first, second = own @ np.array(LUMA_WEIGHTS), given @ np.array(LUMA_WEIGHTS)
    if first.std() < _PLAIN:
        return True  # nothing to compare with
    if second.std() < _PLAIN:
        return False
    return bool(np.corrcoef(first, second)[0, 1] > _LEAST_LIKENESS)


def joins_at_seams(stage: Stage, parts: Sequence[int], texture: TextureMap) -> bool:
    """Tell whether colours go on across UV seams; true where there is too little to tell by."""
    faces = stage.faces[np.isin(stage.part_of_face, list(parts))]
    places_on_map = _just_inside(stage.uv, faces)
    points = np.unique(faces)
    _, place = np.unique(np.round(stage.points[points], 6), axis=0, return_inverse=True)
    order = np.argsort(place.ravel(), kind="stable")
    points, place = points[order], place.ravel()[order]
    pairs = np.flatnonzero(place[1:] == place[:-1])
    apart = np.abs(stage.uv[points[pairs]] - stage.uv[points[pairs + 1]]).max(axis=1) > 0.01
    pairs = pairs[apart]
    if len(pairs) < _FEWEST_PAIRS:
        return True
    reduction = reduction_for(texture.largest_side_px / _COARSE_PX)
    one, _ = texture.shown(places_on_map[points[pairs]], reduction)
    other, _ = texture.shown(places_on_map[points[pairs + 1]], reduction)
    shuffled = np.random.default_rng(0).permutation(len(pairs))
    usual = float(np.abs(one - other[shuffled]).mean())
    return usual < _PLAIN or float(np.abs(one - other).mean()) < _MOST_STEP * usual


def _just_inside(
    uv: Float[np.ndarray, "points 2"], faces: Int[np.ndarray, "faces 3"]
) -> Float[np.ndarray, "points 2"]:
    """UVs moved a little into one of their triangles: on a border the next tile begins."""
    inside = uv.copy()
    middles = uv[faces].mean(axis=1, keepdims=True)
    inside[faces] = uv[faces] + _INWARDS * (middles - uv[faces])
    return inside
