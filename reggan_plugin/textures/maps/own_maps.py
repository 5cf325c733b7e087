"""The base colour maps that a character's own materials name, read when they are first seen."""

import os
from pathlib import Path

from reggan_plugin.errors import RegganError, Remark
from reggan_plugin.textures.character import Material
from reggan_plugin.textures.maps.texture_files import TextureFiles, embedded_texture, find_texture
from reggan_plugin.textures.maps.texture_map import TextureMap, Tint
from reggan_plugin.textures.read_mesh import LoadedMesh


class PartMaps:
    """The map of each part, by its index, read when it is first looked at."""

    def __init__(self, loaded: LoadedMesh, scratch: Path) -> None:
        """Read nothing yet; images inside a file are unpacked to `scratch`."""
        self._loaded, self._scratch = loaded, scratch
        self._read: dict[tuple[int | Path, Tint], TextureMap] = {}
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
                self._read[image, tint] = self.files_of(image).read(tint)
            except RegganError as error:  # it only stands in the background; say so and go on
                self._unreadable.add(image)
                words = str(error).replace(f"{self._scratch}{os.sep}", "")  # a map inside the mesh
                remark = Remark(f"shown without its map: {words}", error.kind, **error.fields)
                self.notices[remark] = None
                return None
        return self._read[image, tint]


def tint_of(material: Material) -> Tint:
    """Return the colour by which a material multiplies its map."""
    red, green, blue, _ = material.colour
    return float(red), float(green), float(blue)
