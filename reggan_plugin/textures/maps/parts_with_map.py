"""Which parts of a character wear the map that is to change, and which are no skin."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from reggan_plugin.array_types import Bool
from reggan_plugin.errors import MeshError, UsageError
from reggan_plugin.textures.character import Character
from reggan_plugin.textures.maps.own_maps import PartMaps
from reggan_plugin.textures.maps.texture_files import TextureFiles, image_name
from reggan_plugin.textures.maps.texture_map import TextureMap
from reggan_plugin.textures.read_mesh import LoadedMesh
from reggan_plugin.textures.views.stage import StagePicture

_NOT_SKIN = re.compile(
    r"eye|teeth|tooth|tongue|gum|mouth|lash|brow|hair|cornea|iris|glass|cloth|shirt", re.IGNORECASE
)
_OUTSIDE = 1e-4


def parts_by_name(
    loaded: LoadedMesh, maps: PartMaps, given: TextureFiles | None, material: str | None
) -> list[int]:
    """Return the parts that wear a map, as far as names tell; empty where looking must decide.

    Args:
        loaded: the character.
        maps: its own maps.
        given: the map that the user names.
        material: the material that the user names.

    Raises:
        UsageError: there is no such material.
        MeshError: nothing of the mesh has UVs.
    """
    parts = loaded.character.parts
    if material is not None:
        named = [i for i, part in enumerate(parts) if part.material.name == material]
        if not named:
            names = ", ".join(sorted({part.material.name for part in parts}))
            raise UsageError(
                f"{loaded.character.path} has no material {material!r}; it has {names}."
            )
        return named
    if given is None:
        return []
    named = [i for i in maps.parts_with_image() if _image_stem(loaded, i) == Path(given.name).stem]
    if named:
        return named
    laid_out = [i for i, part in enumerate(parts) if part.uv is not None]
    bare = [i for i in laid_out if parts[i].material.image is None]
    if not laid_out:
        raise no_uvs(loaded.character)
    if len(bare) < len(laid_out):
        return []
    return [i for i in bare if not _NOT_SKIN.search(parts[i].material.name)] or bare


def parts_by_sight(
    character: Character, face: StagePicture, skin: Bool[np.ndarray, "side side"]
) -> list[int]:
    """All parts with the map that covers most of what is surely skin.

    Args:
        character: who wears it.
        face: a picture of the face.
        skin: where nose, mouth and cheeks are in it; a fringe may hide most of the rest.

    Raises:
        MeshError: the face has no UVs.
        UsageError: it has no map.
    """
    parts = character.parts
    there = face.part >= 0
    covered = np.bincount(face.part[there & skin if (there & skin).any() else there])
    best = parts[int(covered.argmax())]
    if best.uv is None:
        raise no_uvs(character)
    if best.material.image is None:
        raise UsageError(
            f"{character.path}: the face's material {best.material.name!r} has no base colour map.",
            kind="map-is-not-named",
        )
    return [
        i
        for i, part in enumerate(parts)
        if part.material.image == best.material.image and part.uv is not None
    ]


def no_uvs(character: Character) -> MeshError:
    """Return the error for a face without UVs."""
    return MeshError(
        f"{character.path}: the face has no UVs, so no texel has a place on it. Unwrap the mesh "
        "and export it with UVs."
    )


def remarks(character: Character, wearers: Sequence[int], texture: TextureMap) -> Iterator[str]:
    """Remarks on a map and its wearers, before anything is changed."""
    parts = [character.parts[i] for i in wearers]
    for tile in texture.tiles.values():
        yield from tile.notices
    corners = np.concatenate([part.uv[part.faces] for part in parts if part.uv is not None])
    low, high = corners.min(), corners.max()
    if texture.is_udim:
        wanted = set(np.unique(texture.tile_of(corners.mean(axis=1))).tolist())
        missing = sorted(wanted - set(texture.tiles))
        if missing:
            yield f"tiles {', '.join(map(str, missing))} are not in the set, and shown black"
    elif low < -_OUTSIDE or high > 1 + _OUTSIDE:
        yield f"UVs reach from {low:.2f} to {high:.2f}: outside 0 to 1 the map repeats"
    others = {part.material.name for i, part in enumerate(character.parts) if i not in wearers}
    if others:
        yield (
            f"material {parts[0].material.name!r} is changed; {', '.join(sorted(others))} keep "
            "their looks (eyes, teeth and lashes with maps of their own do not follow)"
        )


def _image_stem(loaded: LoadedMesh, part: int) -> str:
    image = loaded.character.parts[part].material.image
    if isinstance(image, Path):
        return image.stem
    assert loaded.gltf is not None, "other images are those of a glTF file"
    assert image is not None, "only parts with an image are asked for"
    return image_name(loaded.gltf, image)
