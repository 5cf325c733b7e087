"""The base colour maps that a character's own materials name, read when they are first seen."""

import os
from dataclasses import replace
from pathlib import Path

from reggan_plugin.errors import RegganError, Remark, TextureError
from reggan_plugin.limits import MOST_MAP_PIXELS
from reggan_plugin.textures.character import Material
from reggan_plugin.textures.maps.texture_files import TextureFiles, embedded_texture, find_texture
from reggan_plugin.textures.maps.texture_map import TextureMap, Tint
from reggan_plugin.textures.read_mesh import LoadedMesh

_PIXELS_A_BYTE = 250
"""Of a map that cannot be read: as many as may have been unpacked before that was known."""


class PartMaps:
    """The map of each part, by its index, read when it is first looked at."""

    def __init__(self, loaded: LoadedMesh, scratch: Path) -> None:
        """Read nothing yet; images inside a file are unpacked to `scratch`."""
        self._loaded, self._scratch = loaded, scratch
        self._read: dict[tuple[int | Path, Tint], TextureMap] = {}
        self._plain: dict[int | Path, TextureMap] = {}
        self._pixels = 0
        self._given: dict[int, TextureMap] = {}
        self.notices: dict[str, None] = {}
        parts = loaded.character.parts
        self._images = {
            i: part.material.image
            for i, part in enumerate(parts)
            if part.material.image is not None and part.uv is not None
        }
        self._unreadable: set[int | Path] = set()

    def give(self, part: int, texture: TextureMap) -> None:
        """Let a part wear another map than its own."""
        self._given[part] = texture

    def files_of(self, image: int | Path) -> TextureFiles:
        """Files of an image on disk.

        Raises:
            EmptySourceError, TextureError: it is not there, or of a kind that is not read.
        """
        if isinstance(image, Path):
            return find_texture(image)
        assert self._loaded.gltf is not None, "images by number are those of a glTF file"
        return embedded_texture(self._loaded.gltf, image, self._scratch)

    def parts_with_image(self) -> list[int]:
        """Return the parts whose own material names an image, and that have UVs for it."""
        return list(self._images)

    def map_of(self, part: int) -> TextureMap | None:
        """Return the map that a part wears; None where it has none that can be read, and is
        plain.
        """
        if part in self._given:
            return self._given[part]
        image = self._images.get(part)
        if image is None or image in self._unreadable:
            return None
        tint = tint_of(self._loaded.character.parts[part].material)
        if (image, tint) not in self._read:
            try:
                self._read[image, tint] = self._of_image(image, tint)
            except RegganError as error:  # it only stands in the background; say so and go on
                self._unreadable.add(image)
                words = str(error).replace(f"{self._scratch}{os.sep}", "")  # a map inside the mesh
                remark = Remark(f"shown without its map: {words}", error.kind, **error.fields)
                self.notices[remark] = None
                return None
        return self._read[image, tint]

    def _of_image(self, image: int | Path, tint: Tint) -> TextureMap:
        """Return a map; whatever multiplies it, its pixels are read once.

        Raises:
            RegganError: it cannot be read, or those before it had too many pixels.
        """
        if image in self._plain:
            return replace(self._plain[image], tint=tint)
        if self._pixels > MOST_MAP_PIXELS:
            raise TextureError(
                f"The maps before this one have {self._pixels:,} pixels, of at most "
                f"{MOST_MAP_PIXELS:,}. Make them smaller."
            )
        files = self.files_of(image)
        sizes = (path.stat().st_size for path in files.paths.values() if path.is_file())
        self._pixels += (doubtful := min(_PIXELS_A_BYTE * sum(sizes), MOST_MAP_PIXELS // 4))
        found = files.read(tint)
        self._pixels += sum(tile.shape[0] * tile.shape[1] for tile in found.tiles.values())
        self._pixels -= doubtful  # it is sound
        self._plain[image] = found
        return found


def tint_of(material: Material) -> Tint:
    """Return the colour by which a material multiplies its map."""
    red, green, blue, _ = material.colour
    return float(red), float(green), float(blue)
