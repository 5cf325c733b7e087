"""A character looked at from the front, with the map of its face known: ready for expressions."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from reggan_plugin.errors import FaceNotFoundError, TextureError, UsageError
from reggan_plugin.expressions import ExpressionMix
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.face_finder import FaceFinder
from reggan_plugin.textures.carry_back import CarryBack, Tally, ViewChange
from reggan_plugin.textures.fits_mesh import is_alike, joins_at_seams
from reggan_plugin.textures.framing import (
    FramedFace,
    closer,
    frame_face,
    seen_from_the_side,
)
from reggan_plugin.textures.map_kinds import check_is_colour
from reggan_plugin.textures.mesh_files import LoadedMesh, load_mesh
from reggan_plugin.textures.own_maps import PartMaps, tint_of
from reggan_plugin.textures.request import Look
from reggan_plugin.textures.stage import Picture, Stage
from reggan_plugin.textures.texture_files import TextureFiles, find_texture
from reggan_plugin.textures.texture_map import TextureMap, reduction_for
from reggan_plugin.textures.view import View
from reggan_plugin.textures.wearers import no_uvs, parts_by_name, parts_by_sight, remarks
from reggan_plugin.transfer import ExpressionTransfer

_SURVEY_PX = 256
_SMALLEST_VIEW_PX, _LARGEST_VIEW_PX = 512, 2048
SIDE_YAW_DEG = 30.0
"""Of the further views of `--views 3`; the model must be good at it."""
_USUAL_TEXELS = 2048.0


@dataclass(frozen=True, kw_only=True, eq=False)
class ChangedMap:
    """A map with an expression."""

    tiles: Mapping[int, Float[np.ndarray, "height width 3"]]
    """Tiles in which a texel changes, as stored."""
    tally: Tally
    changes: tuple[ViewChange, ...]
    """What the model made of each view."""

    @classmethod
    def none(cls) -> "ChangedMap":
        """The map as it is."""
        return cls(tiles={}, tally=Tally(), changes=())


@dataclass(kw_only=True)
class Stopwatch:
    """Seconds by stage of the work."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        """Add the time of what is done inside."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - begin
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent


class PreparedFace:
    """One character; every expression of its map starts from the same pictures."""

    def __init__(self, mesh: Path, look: Look, transfer: ExpressionTransfer, scratch: Path) -> None:
        """Read, look, and find out which map the face wears.

        Raises:
            MeshError: the mesh cannot be used.
            TextureError: the map is not colour, or not this mesh's.
            FaceNotFoundError: no view shows a face.
            UsageError: there is no such material or bone, or no map at all.
            UnreadableFrameError: the map cannot be read.
        """
        self.look, self._transfer, self.watch = look, transfer, Stopwatch()
        card = transfer.card
        self._finder = FaceFinder(card.canonical_points, card.image_size_px, "cpu")
        with self.watch.timing("read"):
            self.loaded: LoadedMesh = load_mesh(mesh)
            self._maps = PartMaps(self.loaded, scratch)
            given = None if look.texture is None else find_texture(look.texture)
            parts = parts_by_name(self.loaded, self._maps, given, look.material)
            if given is not None and parts:
                self._wear(given, parts)
        with self.watch.timing("search tree"):
            self.stage = Stage(self.loaded.character, self._maps)
        with self.watch.timing("find the face"):
            self.framed = self._framed(parts)
            survey = self._survey()
        parts = parts or parts_by_sight(self.loaded.character, survey)
        with self.watch.timing("read"):
            given, is_new = self._worn(given, parts)
        if is_new:
            self._check_is_alike(survey, parts)
        elif look.texture is not None:
            self._check_joins(parts)
        self.files, self.parts = given, parts
        self.texture: TextureMap = self._maps[parts[0]]
        self._check_map()
        self.notices: dict[str, None] = dict.fromkeys(
            (*self._maps.notices, *remarks(self.loaded.character, self.parts, self.texture))
        )
        """What the user should know, each once, in order."""
        with self.watch.timing("views"):
            self._shots = self._take_shots(survey)

    @property
    def image(self) -> int | None:
        """The map's place among the images of the glTF file."""
        image = self.loaded.character.parts[self.parts[0]].material.image
        return image if isinstance(image, int) else None

    @property
    def material_name(self) -> str:
        """Of the face."""
        return self.loaded.character.parts[self.parts[0]].material.name

    def change(self, mix: ExpressionMix) -> ChangedMap:
        """The map with an expression."""
        with self.watch.timing("model"):
            changes = tuple(
                ViewChange(
                    view=view,
                    before=picture.colour,
                    after=self._transfer.change_view(picture.colour, picture.coverage, mix, crop),
                )
                for view, picture, crop in self._shots
            )
        with self.watch.timing("carry back"):
            carry = CarryBack(self.stage, self.parts, self.texture, changes)
            tiles = {}
            for number in self.texture.tiles:
                pixels = carry.changed_pixels(number)
                if pixels is not None:
                    tiles[number] = pixels
        return ChangedMap(tiles=tiles, tally=carry.tally, changes=changes)

    def wearing(self, tiles: Mapping[int, Float[np.ndarray, "height width 3"]]) -> Stage:
        """The character with a changed map."""
        frames = {
            number: replace(frame, pixels=tiles[number]) if number in tiles else frame
            for number, frame in self.texture.tiles.items()
        }
        texture = TextureMap(tiles=frames, is_udim=self.texture.is_udim, tint=self.texture.tint)
        maps = {i: self._maps[i] for i in self._maps if i in self._maps}
        maps.update(dict.fromkeys(self.parts, texture))
        return self.stage.with_maps(maps)

    def _framed(self, given_to: list[int]) -> FramedFace:
        try:
            return frame_face(
                self.stage,
                self._finder,
                self._transfer.card.canonical_points,
                _USUAL_TEXELS,
                front=self.look.front,
                head_bone=self.look.head_bone,
            )
        except FaceNotFoundError:
            if given_to and self.look.texture is not None:
                self._check_joins(given_to)  # a map of another mesh is the likelier reason
            raise

    def _survey(self) -> Picture:
        """A small picture of the crop, for what lies where."""
        view, _ = closer(self.framed, _SURVEY_PX)
        return self.stage.take(view, 4)

    def _own_files(self, parts: list[int]) -> TextureFiles:
        image = self.loaded.character.parts[parts[0]].material.image
        if image is None:
            raise UsageError(
                f"{self.loaded.character.path}: material {self.look.material!r} has no base colour "
                "map. Name it with --texture."
            )
        return self._maps.files_of(image)

    def _worn(self, given: TextureFiles | None, parts: list[int]) -> tuple[TextureFiles, bool]:
        """The files of the map that the face wears now, and whether it replaced the mesh's own."""
        if given is None:
            given = self._own_files(parts)
        elif self._maps.is_given(parts[0]):
            return given, False
        self._wear(given, parts)
        return given, self.look.texture is not None

    def _wear(self, files: TextureFiles, parts: list[int]) -> None:
        if any(self.loaded.character.parts[i].uv is None for i in parts):
            raise no_uvs(self.loaded.character)
        texture = files.read(tint_of(self.loaded.character.parts[parts[0]].material))
        for part in parts:
            self._maps.give(part, texture)

    def _check_is_alike(self, before: Picture, parts: list[int]) -> None:
        """Compare the map that was given with the mesh's own."""
        on_face = np.isin(before.part, parts)
        given = self._survey()
        if not (self.look.force or is_alike(before.colour[on_face], given.colour[on_face])):
            raise self._not_this_mesh("on the face it is nothing like the mesh's own map")

    def _check_joins(self, parts: list[int]) -> None:
        if not (self.look.force or joins_at_seams(self.stage, parts, self._maps[parts[0]])):
            raise self._not_this_mesh("its colours do not go on across the mesh's UV seams")

    def _not_this_mesh(self, reason: str) -> TextureError:
        return TextureError(
            f"{self.look.texture} does not seem to be a map of {self.loaded.character.path}: "
            f"{reason}. Give the map that was painted for it, name another material with "
            "--material, or pass --force."
        )

    def _check_map(self) -> None:
        if self.look.force:
            return
        for number, path in self.files.paths.items():
            image = self.image if self.look.texture is None else None
            check_is_colour(path, self.texture.tiles[number], self.loaded.gltf, image)

    def _take_shots(self, survey: Picture) -> list[tuple[View, Picture, FaceCrop]]:
        density = self._texels_per_pixel(survey)
        side = int(np.clip(_SURVEY_PX * density, _SMALLEST_VIEW_PX, _LARGEST_VIEW_PX))
        reduction = reduction_for(density * _SURVEY_PX / side)
        views = [closer(self.framed, side)]
        if self.look.views == 3:
            views += self._side_views(side)
        return [(view, self.stage.take(view, reduction), crop) for view, crop in views]

    def _side_views(self, side_px: int) -> list[tuple[View, FaceCrop]]:
        limit = self._transfer.card.max_yaw_deg
        if limit is None or limit < SIDE_YAW_DEG:
            found = "says nothing of turned heads" if limit is None else f"says {limit:g} degrees"
            self.notices[
                f"one view instead of three: the model's card {found}, and a view from the side "
                f"needs it to improve on its input at {SIDE_YAW_DEG:g}"
            ] = None
            return []
        views = []
        for yaw_deg in (-SIDE_YAW_DEG, SIDE_YAW_DEG):
            framed = seen_from_the_side(
                self.stage, self._finder, self.framed, yaw_deg, _USUAL_TEXELS
            )
            if framed is None:
                self.notices[
                    f"no face is found from {yaw_deg:+g} degrees: that view is left out"
                ] = None
            else:
                views.append(closer(framed, side_px))
        return views

    def _texels_per_pixel(self, survey: Picture) -> float:
        """Of the map, in the survey's picture of the face: the median over it."""
        tile = next(iter(self.texture.tiles.values())).pixels.shape[:2]
        on_face = np.isin(survey.part, self.parts)
        pair = on_face[:, 1:] & on_face[:, :-1]
        step = np.abs(np.diff(survey.uv, axis=1))[pair] * [tile[1], tile[0]]
        length = np.hypot(step[:, 0], step[:, 1])
        length = length[length < max(tile) / 8]  # across a seam
        return float(np.median(length)) if len(length) else 1.0
