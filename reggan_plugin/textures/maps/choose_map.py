"""The base colour map that the face wears: which parts wear it, and whether it can be theirs.

Maps of a character's own materials are read when they are first seen.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.errors import (
    FaceNotFoundError,
    MeshError,
    RegganError,
    Remark,
    TextureError,
    UsageError,
)
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import LUMA_WEIGHTS
from reggan_plugin.limits import MOST_MAP_PIXELS
from reggan_plugin.textures.character import Character, Material, MeshPart
from reggan_plugin.textures.gltf.gltf_file import GltfFile, image_of_texture
from reggan_plugin.textures.maps.texture_files import (
    TextureFiles,
    embedded_texture,
    find_texture,
    image_stems,
)
from reggan_plugin.textures.maps.texture_map import (
    NO_TINT,
    OFF_GRID,
    MapTile,
    TextureMap,
    Tint,
    reduction_for,
)
from reggan_plugin.textures.read_mesh import LoadedMesh
from reggan_plugin.textures.texture_request import Look
from reggan_plugin.textures.views.ray_traced_view import Stage, StagePicture

SideMask = Bool[np.ndarray, "side side"]

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

    def words_of(self, error: RegganError) -> str:
        """Return what an error says; a map inside the mesh has a name there, and no path."""
        return str(error).replace(f"{self._scratch}{os.sep}", "")

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
                words = f"shown without its map: {self.words_of(error)}"
                remark = Remark(words, error.kind, **error.fields)
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


_WORDS = {
    "normal": r"normals?|nrm|nor|nml|norm|tangent",
    "roughness": r"rough(?:ness)?|gloss(?:iness)?|smoothness|rgh",
    "metalness": r"metal(?:lic|ness|roughness)?|mtl",
    "occlusion": r"ao|occlusion|ambientocclusion|orm|arm|rma|cavity",
    "displacement": r"disp(?:lacement)?|height|bump|hgt",
    "specular": r"spec(?:ular)?|f0|ior",
    "opacity": r"opacity|mask|alpha|transparency",
    "subsurface": r"sss|scatter(?:ing)?|thickness|subsurface",
    "data": r"raw|data|noncolou?r|utility|id|uv|position|curvature",
}
_DATA = re.compile(r".*\b(raw|data)|non-?colou?r.*", re.IGNORECASE)
"""Colour spaces of numbers: `data`, `Utility - Raw`, `Non-Color`."""
_SLOTS = ("normalTexture", "occlusionTexture")
_PBR_SLOTS = ("metallicRoughnessTexture",)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SAMPLE = 64


def check_is_colour(path: Path, tile: MapTile, gltf: GltfFile | None, image: int | None) -> None:
    """Refuse a map that does not hold colours: by its name, its header, its place or its look.

    Args:
        path: its name tells.
        tile: what it holds.
        gltf: the file that uses it, and
        image: as which of its images; None where it is not one of them.

    Raises:
        TextureError: it is no colour map; the message says how that was seen.
    """
    reason = _by_name(path.stem)
    if reason is None and _DATA.fullmatch(tile.declared_kind):
        reason = f"its header calls its colour space {tile.declared_kind!r}"
    if reason is None and gltf is not None and image is not None:
        reason = _by_slot(gltf, image)
    if reason is None and _looks_like_normals(tile):
        reason = "its colours are directions of unit length, as a normal map's are"
    if reason is not None:
        raise TextureError(
            f"{path.name} is not a colour map: {reason}. Expressions change base colour; give "
            "that map.",
            kind="no-colour-map",
        )


def _by_name(stem: str) -> str | None:
    words = re.split(r"[^A-Za-z0-9]+", _CAMEL.sub("_", stem))
    for kind, pattern in _WORDS.items():
        for word in words:
            if re.fullmatch(pattern, word, re.IGNORECASE):
                return f"{word!r} in its name says {kind}"
    return None


def _by_slot(gltf: GltfFile, image: int) -> str | None:
    for index, material in enumerate(gltf.list_of("materials")):
        pbr = material.get("pbrMetallicRoughness", {})
        for owner, slots in ((material, _SLOTS), (pbr, _PBR_SLOTS)):
            for slot in slots:
                info = owner.get(slot)
                if info is not None and image_of_texture(gltf, info) == image:
                    name = material.get("name", index)
                    return f"material {name!r} uses it as its {slot}"
    return None


def _looks_like_normals(tile: MapTile) -> bool:
    """Tell whether nearly all texels decode to unit vectors that point out of the surface."""
    height, width = tile.shape
    rows = np.linspace(0, height - 1, _SAMPLE).astype(int)
    columns = np.linspace(0, width - 1, _SAMPLE).astype(int)
    texels, _ = tile.texels(*(index.ravel() for index in np.meshgrid(rows, columns)))
    vectors = 2 * texels - 1
    length = np.linalg.norm(vectors, axis=1)
    is_direction = (np.abs(length - 1) < 0.06) & (vectors[:, 2] > 0.3)
    return bool(is_direction.mean() > 0.9)


_NOT_SKIN = re.compile(
    r"eye|teeth|tooth|tongue|gum|mouth|lash|brow|hair|cornea|iris|glass|cloth|shirt", re.IGNORECASE
)
_OUTSIDE = 1e-4


def parts_by_sight(
    character: Character, face: StagePicture, skin: SideMask, *, is_given: bool
) -> list[int]:
    """All parts with the map that covers most of what is surely skin; a fringe may hide more.

    Where a map is given, those of the material that is seen there take it, if they have none.

    Raises:
        MeshError: the face has no UVs.
        UsageError: it has no map, and none is given.
    """
    there = face.part >= 0
    covered = np.bincount(face.part[there & skin if (there & skin).any() else there])
    best = character.parts[int(covered.argmax())]
    if best.uv is None:
        raise no_uvs(character)
    image = best.material.image
    if image is None and not is_given:
        raise _without_map(character, f"the face's material {best.material.name!r}")
    return [
        i
        for i, part in enumerate(character.parts)
        if part.material.image == image
        and part.uv is not None
        # many parts may have no map
        and (image is not None or part.material.name == best.material.name)
    ]


def _without_map(character: Character, whose: str) -> UsageError:
    return UsageError(f"{character.path}: {whose} has no base colour map.", kind="map-is-not-named")


def no_uvs(character: Character) -> MeshError:
    """Return the error for a face without UVs."""
    return MeshError(
        f"{character.path}: the face has no UVs, or some that are no numbers, so no texel has a "
        "place on it. Unwrap the mesh and export it with UVs."
    )


def remarks(character: Character, wearers: Sequence[int], texture: TextureMap) -> Iterator[str]:
    """Remarks on a map and its wearers, before anything is changed."""
    parts = [character.parts[i] for i in wearers]
    for tile in texture.tiles.values():
        yield from tile.notices
    corners = np.concatenate([part.uv[part.faces] for part in parts if part.uv is not None])
    low, high = corners.min(), corners.max()
    yield from missing_tiles(parts, texture)
    if not texture.is_udim and (low < -_OUTSIDE or high > 1 + _OUTSIDE):
        yield f"UVs reach from {low:.2f} to {high:.2f}: outside 0 to 1 the map repeats"
    others = {part.material.name for i, part in enumerate(character.parts) if i not in wearers}
    if others:
        yield (
            f"material {parts[0].material.name!r} is changed; {', '.join(sorted(others))} keep "
            "their looks (eyes, teeth and lashes with maps of their own do not follow)"
        )


def missing_tiles(parts: Sequence[MeshPart], texture: TextureMap) -> Iterator[str]:
    """Name tiles on which parts lie and which are not there, if there are any."""
    if texture.is_udim:
        corners = np.concatenate([part.uv[part.faces] for part in parts if part.uv is not None])
        wanted = set(np.unique(texture.tile_of(corners.mean(axis=1))).tolist())
        if OFF_GRID in wanted:
            yield "UVs lie beside the grid of UDIM tiles, and are shown black"
        if missing := sorted(wanted - set(texture.tiles) - {OFF_GRID}):
            yield f"tiles {', '.join(map(str, missing))} are not in the set, and shown black"


@frozen(eq=False)
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
            UsageError: there is no such material.
            MeshError: nothing of the mesh has UVs.
            EmptySourceError, UnreadableFrameError: the map is not there or cannot be read.
        """
        self._loaded, self._look, self._maps = loaded, look, maps
        self._given = None if look.texture is None else find_texture(look.texture)
        self._parts = parts = self._parts_by_name()
        """As far as names tell; empty where looking must decide."""
        self._worn = self._wear(self._given, parts) if self._given and parts else None
        """The map that was given, as soon as it is known who wears it."""

    @property
    def is_settled(self) -> bool:
        """Whether the parts wear the map that is given, or their own."""
        return self._given is None or self._worn is not None

    def settle(
        self, stage: Stage, survey: StagePicture, skin: SideMask, again: Callable[[], StagePicture]
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
        worn, is_by_name = self._worn, self._worn is not None
        if worn is None:
            parts = self._parts or parts_by_sight(
                self._loaded.character, survey, skin, is_given=self._given is not None
            )
            worn = self._worn = self._wear(self._given or self._own_files(parts[0]), parts)
        if self._look.force:
            return worn
        image = self._loaded.character.parts[worn.parts[0]].material.image
        if is_by_name or image is None:
            self._check_joins(stage, worn)
        elif self._given is not None:
            now, on_face = again(), np.isin(survey.part, worn.parts)
            if not is_alike(survey.colour[on_face], now.colour[on_face]):
                raise self._not_this_mesh("on the face it is nothing like the mesh's own map")
        own = image if self._look.texture is None and isinstance(image, int) else None
        for number, path in worn.files.paths.items():
            check_is_colour(path, worn.texture.tiles[number], self._loaded.gltf, own)
        return worn

    def without_face(self, error: FaceNotFoundError, stage: Stage) -> FaceNotFoundError:
        """Return why a character shows no face, as far as the map that the user names is why.

        Raises:
            TextureError: its colours break at the mesh's UV seams.
        """
        if self._worn is not None:
            if not self._look.force:
                self._check_joins(stage, self._worn)
            for missing in self._missing_tiles(self._worn):
                return error.after(f"Of {self._look.texture}, {missing}. ")
        elif self._given is not None:
            names = sorted({part.material.name for part in self._loaded.character.parts})
            return FaceNotFoundError(
                f"No name tells which material ({', '.join(names)}) wears {self._look.texture}, "
                f"and without that map {error}",
                kind="map-without-material",
            )
        return error

    def _check_joins(self, stage: Stage, worn: WornMap) -> None:
        """Refuse a map that the user names if its colours break at the mesh's UV seams.

        Raises:
            TextureError: they do.
        """
        if not joins_at_seams(stage, worn.parts, worn.texture):
            breaks = "its colours do not go on across the mesh's UV seams"
            raise self._not_this_mesh(": ".join([breaks, *self._missing_tiles(worn)]))

    def _missing_tiles(self, worn: WornMap) -> Iterator[str]:
        parts = self._loaded.character.parts
        yield from missing_tiles([parts[i] for i in worn.parts], worn.texture)

    def _parts_by_name(self) -> list[int]:
        """Return the parts that wear the map, as far as names tell; none where looking decides."""
        character, material = self._loaded.character, self._look.material
        parts = character.parts
        if material is not None:
            named = [i for i, part in enumerate(parts) if part.material.name == material]
            if not named:
                names = ", ".join(sorted({part.material.name for part in parts}))
                raise UsageError(f"{character.path} has no material {material!r}; it has {names}.")
            images = {parts[i].material.image for i in named}
            if len(images) > 1:
                raise UsageError(
                    f"{character.path} has several materials {material!r}, with different maps. "
                    "Name no material, so that the face tells which, or rename one of them."
                )
            also = [i for i in self._maps.parts_with_image() if parts[i].material.image in images]
            return [*named, *(i for i in also if i not in named)]
        if self._given is None:
            return []
        stem = Path(self._given.name).stem
        named = [i for i in self._maps.parts_with_image() if stem in self._image_stems(i)]
        if named:
            return named
        laid_out = [i for i, part in enumerate(parts) if part.uv is not None]
        bare = [i for i in laid_out if parts[i].material.image is None]
        if not laid_out:
            raise no_uvs(character)
        if len(bare) < len(laid_out):
            return []
        return [i for i in bare if not _NOT_SKIN.search(parts[i].material.name)] or bare

    def _image_stems(self, part: int) -> tuple[str, ...]:
        """Return what a part's own map is called, without endings."""
        image = self._loaded.character.parts[part].material.image
        if isinstance(image, Path):
            return (image.stem,)
        assert self._loaded.gltf is not None, "other images are those of a glTF file"
        assert image is not None, "only parts with an image are asked for"
        return image_stems(self._loaded.gltf, image)

    def _own_files(self, part: int) -> TextureFiles:
        image = self._loaded.character.parts[part].material.image
        if image is None:
            raise _without_map(self._loaded.character, f"material {self._look.material!r}")
        return self._maps.files_of(image)

    def _wear(self, files: TextureFiles, parts: list[int]) -> WornMap:
        worn_by = [self._loaded.character.parts[i] for i in parts]
        if any(part.uv is None for part in worn_by):
            raise no_uvs(self._loaded.character)
        material, is_gltf = worn_by[0].material, self._loaded.gltf is not None
        # but in glTF a map takes the place of a plain colour
        tint = tint_of(material) if is_gltf or material.image is not None else NO_TINT
        try:
            texture = files.read(tint, self._look.reading)
        except RegganError as error:
            words = self._maps.words_of(error)
            if words == str(error):
                raise
            words = f"{self._loaded.character.path}: {words}"
            raise type(error)(words, kind=error.kind, **error.fields) from error
        self._refuse_mirrored(worn_by, texture)
        for part in parts:
            self._maps.give(part, texture)
        return WornMap(files=files, parts=parts, texture=texture)

    def _refuse_mirrored(self, worn_by: Sequence[MeshPart], texture: TextureMap) -> None:
        """Refuse a map that a mesh wears the other way round, beyond its borders."""
        for part in worn_by:
            used = np.zeros((0, 2)) if part.uv is None else part.uv[part.faces].reshape(-1, 2)
            is_within = not len(used) or (used.min() >= -_OUTSIDE and used.max() <= 1 + _OUTSIDE)
            if part.material.is_map_mirrored and not texture.is_udim and not is_within:
                raise MeshError(
                    f"{self._loaded.character.path}: material {part.material.name!r} mirrors its "
                    f"map beyond 0 to 1, and UVs reach from {used.min():.2f} to {used.max():.2f}. "
                    "Lay them within 0 to 1."
                )

    def _not_this_mesh(self, reason: str) -> TextureError:
        return TextureError(
            f"{self._look.texture} does not seem to be a map of {self._loaded.character.path}: "
            f"{reason}. Give the map that was painted for it, or name another material.",
            kind="not-the-map-of-the-mesh",
        )


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
    middles = stage.uv[faces].mean(axis=1, keepdims=True)
    places_on_map = stage.uv.copy()  # moved a little inwards: on a border the next tile begins
    places_on_map[faces] = stage.uv[faces] + _INWARDS * (middles - stage.uv[faces])
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
