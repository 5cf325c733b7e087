"""A character looked at from the front, with the map of its face known: ready for expressions."""

import copy
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from reggan_plugin.errors import FaceNotFoundError
from reggan_plugin.faces.face_finder import FaceFinder
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import FaceCrop
from reggan_plugin.textures.character import stands_on_skin
from reggan_plugin.textures.gltf.gltf_file import GltfFile
from reggan_plugin.textures.maps.choose_map import MapChoice, PartMaps, remarks
from reggan_plugin.textures.maps.texture_map import ReducedTile, Samples, TextureMap
from reggan_plugin.textures.read_mesh import LoadedMesh, load_mesh
from reggan_plugin.textures.texture_request import Advance, Look, part_of, say_nothing
from reggan_plugin.textures.views.framing import (
    FramedFace,
    ViewForModel,
    eyeballs_of,
    frame_face,
    motion_share,
    own_relief,
    skin_in_survey,
    take_survey,
    take_view_for_model,
    texels_per_pixel,
)
from reggan_plugin.textures.views.ray_traced_view import Stage, StagePicture
from reggan_plugin.textures.views.reprojection import Reprojection, Tally
from reggan_plugin.textures.views.view_change import ViewChange
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

_WORTH_SAYING = 0.02
"""Part of an expression's motion."""


@frozen(eq=False)
class ChangedMap:
    """A map with an expression."""

    tiles: Mapping[int, Samples]
    """Tiles in which a texel changes, as stored."""
    tally: Tally
    view: ViewChange | None
    """The model's change of the view from the front; None where nothing changes."""
    notices: tuple[str, ...] = ()


class PreparedFace:
    """One character; every expression of its map starts from the same pictures."""

    def __init__(
        self,
        mesh: Path,
        look: Look,
        transfer: ExpressionTransfer,
        scratch: Path,
        gltf: GltfFile | None = None,
    ) -> None:
        """Read, look, and find out which map the face wears.

        Args:
            mesh: its file.
            look: how to look at it.
            transfer: the model.
            scratch: a folder for images that are inside the mesh's file.
            gltf: what is in that file, if it is glTF and was read before.

        Raises:
            MeshError: the mesh cannot be used.
            TextureError: the map is not colour, or not this mesh's.
            FaceNotFoundError: no view shows a face.
            UsageError: there is no such material or bone, or no map at all.
            UnreadableFrameError: the map cannot be read.
        """
        self.look, self._transfer, self.watch = look, transfer, Stopwatch()
        with self.watch.timing("read"):
            self.loaded: LoadedMesh = load_mesh(mesh, gltf=gltf)
            self._maps = PartMaps(self.loaded, scratch)
            choice = MapChoice(self.loaded, look, self._maps)
        with self.watch.timing("search tree"):
            self.stage = Stage(self.loaded.character, self._maps.map_of)
        with self.watch.timing("find the face"):
            self.framed = self._framed(choice)
            survey = take_survey(self.stage, self.framed)
        with self.watch.timing("read"):
            was_worn = choice.is_settled
            skin = skin_in_survey(self.framed, transfer.card.canonical_points)
            worn = choice.settle(
                self.stage, survey, skin, lambda: take_survey(self.stage, self.framed)
            )
        self.files, self.parts, self.texture = worn.files, worn.parts, worn.texture
        if not was_worn and self.loaded.character.parts[self.parts[0]].material.image is None:
            with self.watch.timing("find the face"):  # found without a map, it lies a little off
                self.framed = self._framed(choice)
                survey = take_survey(self.stage, self.framed)
        self.notices: dict[str, None] = dict.fromkeys(
            (
                *transfer.remarks,
                *self.loaded.notices,
                *self._maps.notices,
                *remarks(self.loaded.character, self.parts, self.texture),
            )
        )
        """Notices for the user, each once, in order."""
        with self.watch.timing("views"):
            self._density = texels_per_pixel(survey, self.parts, self.texture)
            self._view_for_model = take_view_for_model(self.stage, self.framed, self._density)
            own = self.loaded.character.parts
            self._standing = [
                i for i in set(range(len(own))) - set(self.parts) if stands_on_skin(own[i])
            ]
            picture, crop = self.front_view
            focal_px, points = self._view_for_model.view.focal_px, transfer.card.canonical_points
            self._relief = own_relief(picture, focal_px, crop, points, self.parts)
            self.eyeballs = eyeballs_of(
                self.stage, self.parts, self._view_for_model.view, crop, points
            )
            """Triangles that wear the map and keep their looks."""
            if self.eyeballs.any():
                self.notices["The eyeballs share the map of the skin and keep their looks"] = None
            self._share = motion_share(survey, self._standing, self._relief.values())

    @property
    def image(self) -> int | None:
        """The map's place among the images of the glTF file."""
        image = self.loaded.character.parts[self.parts[0]].material.image
        return image if isinstance(image, int) else None

    @property
    def material_name(self) -> str:
        """Of the face."""
        return self.loaded.character.parts[self.parts[0]].material.name

    @property
    def front_view(self) -> tuple[StagePicture, FaceCrop]:
        """The picture from the front that the model sees, and where the face is in it."""
        return self._view_for_model.picture, self._view_for_model.crop

    def reduced(self, longest_px: int) -> "PreparedFace":
        """Return this face with a map of at most so many texels a side, and a view as fine as
        that.
        """
        coarse = copy.copy(self)
        factor = coarse.reduce_map(longest_px)
        if factor == 1:
            return self
        coarse._density = self._density / factor
        coarse._view_for_model = take_view_for_model(self.stage, self.framed, coarse._density)
        return coarse

    def reduce_map(self, longest_px: int) -> int:
        """Let changes be worked out on the map averaged to at most so many texels a side.

        Returns:
            The whole factor by which it is smaller; 1 if it was small enough.
        """
        factor = max(1, math.ceil(self.texture.largest_side_px / longest_px))
        if factor > 1:
            tiles = {n: ReducedTile(t, factor).whole() for n, t in self.texture.tiles.items()}
            self.texture = replace(self.texture, tiles=tiles, _reduced={})
        return factor

    def change(self, mix: ExpressionMix, advance: Advance = say_nothing) -> ChangedMap:
        """Return the map with an expression."""
        if mix.changes_nothing:
            return ChangedMap(tiles={}, tally=Tally(), view=None)
        with self.watch.timing("model"):
            change = self._changed(self._view_for_model, mix)
        with self.watch.timing("reprojection"):
            carry = Reprojection(self.stage, self.parts, self.texture, change, still=self.eyeballs)
            count = len(self.texture.tiles)
            found = {
                number: carry.changed_samples(number, part_of(advance, place, count))
                for place, number in enumerate(self.texture.tiles)
            }
        tiles = {number: samples for number, samples in found.items() if samples is not None}
        return ChangedMap(
            tiles=tiles, tally=carry.tally, view=change, notices=self._said_of_share(change)
        )

    def _said_of_share(self, change: ViewChange) -> tuple[str, ...]:
        """Say that motion is held back, where that is more than a trace of it."""
        if change.held_back < _WORTH_SAYING:
            return ()
        names = sorted({self.loaded.character.parts[one].material.name for one in self._standing})
        said = []
        if names:
            said.append(f"{' and '.join(names)} lie on the face and keep their place")
        if self._relief:
            own = " and ".join(self._relief)
            said.append(
                f"The {own} of the mesh itself stand out from the skin and keep their place"
            )
        return tuple(
            f"{one}, so the map changes less around them: else it would show them twice. Move them "
            "with the rig, or hide them"
            for one in said
        )

    def wearing(self, tiles: Mapping[int, Samples]) -> Stage:
        """Return the character with a changed map."""
        worn = {
            number: replace(tile, colours=tiles[number]) if number in tiles else tile
            for number, tile in self.texture.tiles.items()
        }
        texture = TextureMap(tiles=worn, is_udim=self.texture.is_udim, tint=self.texture.tint)
        changed = dict.fromkeys(self.parts, texture)
        return self.stage.with_maps(lambda part: changed.get(part) or self._maps.map_of(part))

    def _changed(self, seen: ViewForModel, mix: ExpressionMix) -> ViewChange:
        before = seen.picture.colour
        after = self._transfer.change_view(before, seen.picture.coverage, mix, seen.crop)
        change = ViewChange(view=seen.view, before=before, after=after.pixels, motion=after.motion)
        return change if self._share is None else change.held(self._share, self._standing)

    def _framed(self, choice: MapChoice) -> FramedFace:
        card = self._transfer.card
        try:
            return frame_face(
                self.stage,
                FaceFinder(card.canonical_points, card.image_size_px),
                card.canonical_points,
                front=self.look.front,
                head_bone=self.look.head_bone,
            )
        except FaceNotFoundError as error:
            said = choice.without_face(error, self.stage)  # which is the likelier reason
            if said is not error:
                raise said from error
            for notice in self._maps.notices:  # or one that cannot be read
                raise FaceNotFoundError(
                    f"{self.loaded.character.path} is {notice} Without it {error}",
                    kind=error.kind,
                    map=notice,
                ) from error
            raise


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
