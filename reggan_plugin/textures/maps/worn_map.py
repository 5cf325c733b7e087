"""Which map the face wears, and whether that can be its base colour."""

from collections.abc import Callable

import numpy as np

from reggan_plugin.errors import TextureError, UsageError
from reggan_plugin.textures.maps.fits_mesh import is_alike, joins_at_seams
from reggan_plugin.textures.maps.map_kinds import check_is_colour
from reggan_plugin.textures.maps.own_maps import PartMaps, tint_of
from reggan_plugin.textures.maps.texture_files import TextureFiles, find_texture
from reggan_plugin.textures.maps.texture_map import TextureMap
from reggan_plugin.textures.maps.wearers import no_uvs, parts_by_name, parts_by_sight
from reggan_plugin.textures.mesh_files import LoadedMesh
from reggan_plugin.textures.request import Look
from reggan_plugin.textures.views.stage import Picture, Stage


class WornMap:
    """The map in question, put on as far as names tell which parts wear it.

    Attributes:
        parts: those that wear it; empty until `settle` where names do not tell.
        maps: of all parts, for looking.
    """

    def __init__(self, loaded: LoadedMesh, look: Look, maps: PartMaps) -> None:
        """Find the map that the user names, if there is one, and the parts that wear it.

        Raises:
            UsageError, MeshError: see `parts_by_name`.
            EmptySourceError, UnreadableFrameError: the map is not there or cannot be read.
        """
        self._loaded, self._look, self.maps = loaded, look, maps
        self._files = None if look.texture is None else find_texture(look.texture)
        self.parts = parts_by_name(loaded, maps, self._files, look.material)
        if self._files is not None and self.parts:
            self._wear(self._files)

    @property
    def files(self) -> TextureFiles:
        """Where the map is on disk; known after `settle`."""
        assert self._files is not None, "settle has not been called"
        return self._files

    @property
    def texture(self) -> TextureMap:
        """The map; known after `settle`."""
        return self.maps[self.parts[0]]

    def settle(self, stage: Stage, survey: Picture, again: Callable[[], Picture]) -> None:
        """Let the face's parts wear the map, and refuse one that cannot be theirs.

        Args:
            stage: the character.
            survey: of the face, taken before.
            again: takes it once more.

        Raises:
            TextureError: the map is not colour, or not this mesh's.
            UsageError, MeshError: the face has no map, or no UVs.
        """
        self.parts = self.parts or parts_by_sight(self._loaded.character, survey)
        was_worn = self._files is not None and self.maps.is_given(self.parts[0])
        if self._files is None:
            self._files = self._own_files()
        if not was_worn:
            self._wear(self._files)
        if self._look.force:
            return
        if self._look.texture is not None and was_worn:
            self.check_joins(stage)
        elif self._look.texture is not None:
            self._check_is_alike(survey, again())
        self._check_is_colour()

    def check_joins(self, stage: Stage) -> None:
        """Refuse a map that the user names if its colours break at the mesh's UV seams.

        Raises:
            TextureError: they do.
        """
        if self._look.force or self._look.texture is None or not self.parts:
            return
        if not joins_at_seams(stage, self.parts, self.texture):
            raise self._not_this_mesh("its colours do not go on across the mesh's UV seams")

    def _own_files(self) -> TextureFiles:
        character = self._loaded.character
        image = character.parts[self.parts[0]].material.image
        if image is None:
            raise UsageError(
                f"{character.path}: material {self._look.material!r} has no base colour map.",
                kind="map-is-not-named",
            )
        return self.maps.files_of(image)

    def _wear(self, files: TextureFiles) -> None:
        worn_by = [self._loaded.character.parts[i] for i in self.parts]
        if any(part.uv is None for part in worn_by):
            raise no_uvs(self._loaded.character)
        texture = files.read(tint_of(worn_by[0].material), self._look.reading)
        for part in self.parts:
            self.maps.give(part, texture)

    def _check_is_alike(self, before: Picture, now: Picture) -> None:
        """Compare the map that was given with the mesh's own."""
        on_face = np.isin(before.part, self.parts)
        if not is_alike(before.colour[on_face], now.colour[on_face]):
            raise self._not_this_mesh("on the face it is nothing like the mesh's own map")

    def _not_this_mesh(self, reason: str) -> TextureError:
        return TextureError(
            f"{self._look.texture} does not seem to be a map of {self._loaded.character.path}: "
            f"{reason}. Give the map that was painted for it, or name another material.",
            kind="not-the-map-of-the-mesh",
        )

    def _check_is_colour(self) -> None:
        image = self._loaded.character.parts[self.parts[0]].material.image
        own = image if self._look.texture is None and isinstance(image, int) else None
        for number, path in self.files.paths.items():
            check_is_colour(path, self.texture.tiles[number], self._loaded.gltf, own)
