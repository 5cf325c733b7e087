"""The map that the face wears, and the check that it can be its base colour."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.errors import TextureError, UsageError
from reggan_plugin.imaging.colour import LUMA_WEIGHTS
from reggan_plugin.textures.maps.is_colour import check_is_colour
from reggan_plugin.textures.maps.own_maps import PartMaps, tint_of
from reggan_plugin.textures.maps.parts_with_map import no_uvs, parts_by_name, parts_by_sight
from reggan_plugin.textures.maps.texture_files import TextureFiles, find_texture
from reggan_plugin.textures.maps.texture_map import TextureMap, reduction_for
from reggan_plugin.textures.read_mesh import LoadedMesh
from reggan_plugin.textures.texture_request import Look
from reggan_plugin.textures.views.stage import Stage, StagePicture


@dataclass(frozen=True, kw_only=True, eq=False)
class WornMap:
    """The map that the face wears.

    Attributes:
        files: where it is on disk.
        parts: of the character, those that wear it.
        texture: the map, read.
    """

    files: TextureFiles
    parts: list[int]
    texture: TextureMap


class MapChoice:
    """The map in question, put on as far as names tell which parts wear it."""

    def __init__(self, loaded: LoadedMesh, look: Look, maps: PartMaps) -> None:
        """Find the map that the user names, if there is one, and the parts that wear it.

        Raises:
            UsageError, MeshError: see `parts_by_name`.
            EmptySourceError, UnreadableFrameError: the map is not there or cannot be read.
        """
        self._loaded, self._look, self._maps = loaded, look, maps
        self._given = None if look.texture is None else find_texture(look.texture)
        parts = parts_by_name(loaded, maps, self._given, look.material)
        self._parts = parts
        """As far as names tell; empty where looking must decide."""
        self._worn = self._wear(self._given, parts) if self._given and parts else None
        """The map that was given, where names tell who wears it."""

    def settle(
        self,
        stage: Stage,
        survey: StagePicture,
        skin: Bool[np.ndarray, "side side"],
        again: Callable[[], StagePicture],
    ) -> WornMap:
        """Let the face's parts wear the map, and refuse one that cannot be theirs.

        Args:
            stage: the character.
            survey: of the face, taken before.
            skin: where nose, mouth and cheeks are in it.
            again: takes it once more.

        Raises:
            TextureError: the map is not colour, or not this mesh's.
            UsageError, MeshError: the face has no map, or no UVs.
        """
        worn = self._worn
        if worn is None:
            parts = self._parts or parts_by_sight(self._loaded.character, survey, skin)
            worn = self._wear(self._given or self._own_files(parts[0]), parts)
        if self._look.force:
            return worn
        if self._worn is not None:
            self.check_joins(stage)
        elif self._given is not None:
            self._check_is_alike(worn, survey, again())
        self._check_is_colour(worn)
        return worn

    def check_joins(self, stage: Stage) -> None:
        """Refuse a map that the user names if its colours break at the mesh's UV seams.

        Raises:
            TextureError: they do.
        """
        if self._look.force or self._worn is None:
            return
        if not joins_at_seams(stage, self._worn.parts, self._worn.texture):
            raise self._not_this_mesh("its colours do not go on across the mesh's UV seams")

    def _own_files(self, part: int) -> TextureFiles:
        character = self._loaded.character
        image = character.parts[part].material.image
        if image is None:
            raise UsageError(
                f"{character.path}: material {self._look.material!r} has no base colour map.",
                kind="map-is-not-named",
            )
        return self._maps.files_of(image)

    def _wear(self, files: TextureFiles, parts: list[int]) -> WornMap:
        worn_by = [self._loaded.character.parts[i] for i in parts]
        if any(part.uv is None for part in worn_by):
            raise no_uvs(self._loaded.character)
        texture = files.read(tint_of(worn_by[0].material), self._look.reading)
        for part in parts:
            self._maps.give(part, texture)
        return WornMap(files=files, parts=parts, texture=texture)

    def _check_is_alike(self, worn: WornMap, before: StagePicture, now: StagePicture) -> None:
        """Compare the map that was given with the mesh's own."""
        on_face = np.isin(before.part, worn.parts)
        if not is_alike(before.colour[on_face], now.colour[on_face]):
            raise self._not_this_mesh("on the face it is nothing like the mesh's own map")

    def _not_this_mesh(self, reason: str) -> TextureError:
        return TextureError(
            f"{self._look.texture} does not seem to be a map of {self._loaded.character.path}: "
            f"{reason}. Give the map that was painted for it, or name another material.",
            kind="not-the-map-of-the-mesh",
        )

    def _check_is_colour(self, worn: WornMap) -> None:
        image = self._loaded.character.parts[worn.parts[0]].material.image
        own = image if self._look.texture is None and isinstance(image, int) else None
        for number, path in worn.files.paths.items():
            check_is_colour(path, worn.texture.tiles[number], self._loaded.gltf, own)


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
