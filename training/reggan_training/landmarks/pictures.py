"""Pictures of heads with the places of their dense landmarks.

A head is often warped, sometimes dressed, and drawn in several states before cameras of their own;
each state in several looks (`head_look`), with more drawn on in two dimensions.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float

from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.shapes import face_normals
from reggan_plugin.rig.dense_landmarks import SIDES
from reggan_plugin.vocabulary.expression import BASIC_EXPRESSIONS
from reggan_training.heads.head import HeadMesh, Part, Vertices
from reggan_training.heads.worn.dress import dress, put_on_glasses
from reggan_training.landmarks.drawn_accessories import (
    EYE_PX,
    SIDE_PX,
    Picture,
    Plane,
    draw_backdrop,
    draw_outlines,
    draw_over_face,
)
from reggan_training.landmarks.front_view import seen_edges
from reggan_training.landmarks.points_on_mesh import DensePoints, iris_of
from reggan_training.landmarks.stylised import stylise
from reggan_training.rendering.face_states import Weights, sample_states
from reggan_training.rendering.head_look import HeadLook, sample_look
from reggan_training.rendering.rasterising import (
    Camera,
    RasterisedHead,
    aimed_camera,
    rasterise_head,
    rotation_from_angles,
    sample_distance,
)
from reggan_training.rendering.shading import HeadShader

TEXTURES: Final = 32
"""Different noise textures; each costs a while to make."""
NAMED: Final = {one.name: dict(one.weights) for one in BASIC_EXPRESSIONS if one.weights}
_HIDES_FACE: Final = (Part.HAIR, Part.GLASSES, Part.CLOTHES)
_TWO_SIDED: Final = (*_HIDES_FACE, Part.LASHES, Part.BEARD, Part.BROWS)
_NO_PART: Final = 255
_HALF: Final = 128
"""Of a share, as it is stored."""
_STYLISED, _DRESSED, _GLASSES, _OUTLINED_TOONS = 0.45, 0.3, 0.35, 0.7
"""Shares of the heads that are warped, of those that are dressed, and that get glasses if they have
none; of the toons with outlines."""
_DRAWN_ON: Final = 2
"""How often what is drawn in a look is drawn on: that takes a tenth of the time of the look."""
_BLINKS: Final = 0.33
"""Share of the states in which eyes are shut or nearly: few are in what `sample_states` draws."""
_BACK, _NECK = -1.7, -3.6
"""Eye distances beyond which the back of a head and its bust are not drawn."""


@frozen(eq=False)
class HeadPicture:
    """A picture of a head.

    Attributes:
        pixels: sRGB-encoded.
        points: of the landmarks, pixels.
        shares: how much of each pixel is behind the head, in front of it, spectacles; 0 to 255,
            the rest is the head.
    """

    pixels: Picture
    points: Float[np.ndarray, "points 2"]
    shares: Picture

    @property
    def shows_head(self) -> Bool[np.ndarray, "side side"]:
        """Pixels that show the head, most of all."""
        return self.shares.sum(axis=2) < _HALF


def draw_head(
    head: HeadMesh, found: DensePoints, random: np.random.Generator, *, states: int, looks: int
) -> list[HeadPicture]:
    """Draw a head in several states, each in several looks.

    Args:
        head: undressed or dressed.
        found: its landmarks.
        random: of warp, states, cameras, looks and what is drawn on top.
        states: how many.
        looks: how many of each state.
    """
    head, found = changed_head(head, found, random)
    if random.random() < _GLASSES:
        head = put_on_glasses(head, random)
        found = replace(found, rest=head.rest)
    head = without_back(head)
    drawn = []
    for weights in random_states(random, head, states):
        state = HeadState.before_camera(head, found, weights, face_camera(head, random))
        shader = HeadShader(state.raster)
        for _ in range(looks):
            look = sampled_look(random)
            shaded = state.shaded(look, shader)
            drawn += [state.drawn_on(shaded, look, random) for _ in range(_DRAWN_ON)]
    return drawn


@frozen(eq=False)
class HeadState:
    """A head in one state before a camera: what each pixel shows, not how it looks.

    Attributes:
        raster: of the picture alone.
        points: of the landmarks, pixels.
        part: a `Part` for each pixel, `_NO_PART` behind the head.
    """

    raster: RasterisedHead
    points: Float[np.ndarray, "points 2"]
    part: Plane

    @classmethod
    def before_camera(
        cls,
        head: HeadMesh,
        found: DensePoints,
        weights: Weights,
        camera: Camera,
        others: Sequence[Weights] = (),
    ) -> "HeadState":
        """Rasterise what a camera sees of a head with these weights.

        The raster knows of `others`, too, where their vertices are.
        """
        vertices = head.vertices(weights)
        viewed = camera.view(vertices)
        facing = camera_facing(head, viewed, camera)
        raster = rasterise_head(facing, [weights, *others], camera, face_px=SIDE_PX, rasters=1)
        points = camera.project(camera.view(found.at(vertices))) * SIDE_PX
        triangle = raster.face.triangle[0]
        is_head = triangle < len(raster.parts)
        part = raster.parts[np.minimum(triangle, len(raster.parts) - 1)]
        return cls(
            raster=raster,
            points=seen_edges(points, viewed, facing, camera),
            part=np.where(is_head, part, _NO_PART).astype(np.uint8),
        )

    @property
    def is_head(self) -> Bool[np.ndarray, "side side"]:
        """Pixels that show the head, and not what is behind it."""
        return self.part != _NO_PART

    def shaded(self, look: HeadLook, shader: HeadShader) -> Picture:
        """Draw the state in a look."""
        with torch.no_grad():
            shaded = shader.picture(self.raster.face, 0, look)
        return (shaded.clamp(0, 1) * 255).byte().numpy().transpose(1, 2, 0)

    def drawn_on(self, pixels: Picture, look: HeadLook, random: np.random.Generator) -> HeadPicture:
        """Draw behind and before what `shaded` drew."""
        glasses = self.part == Part.GLASSES
        pixels = draw_backdrop(pixels, self.is_head, random)
        if look.style == "toon" and random.random() < _OUTLINED_TOONS:
            pixels = draw_outlines(pixels, self.part, random)
        others = np.isin(self.part, _HIDES_FACE) & ~glasses
        shares = np.stack([~self.is_head, others, glasses], axis=2) * np.uint8(255)
        pixels, spectacles, others = draw_over_face(pixels, self.points, random)
        left = 1 - (spectacles + others)[..., None] / np.float32(255)
        shares = (shares * left).astype(np.uint8)
        shares[..., 1:] += np.stack([others, spectacles], axis=2)
        return HeadPicture(pixels=pixels, points=self.points, shares=shares)


def changed_head(
    head: HeadMesh, found: DensePoints, random: np.random.Generator
) -> tuple[HeadMesh, DensePoints]:
    """Give the head, or a warped one, a dressed one, or both."""
    if random.random() < _STYLISED:
        head = stylise(head, random, float(random.uniform(0.3, 1.0)))
        found = found_on_warped(found, head)
    if "worn" not in head.notes and random.random() < _DRESSED:
        head = dress(head, random)
        found = replace(found, rest=head.rest)
    return head, found


def found_on_warped(found: DensePoints, head: HeadMesh) -> DensePoints:
    """Return landmarks where a warped head has them."""
    eyes = {side: iris_of(head, side, float(head.notes["iris"])) for side in SIDES}
    return replace(found, rest=head.rest, eyes=eyes)


def without_back(head: HeadMesh, back: float = _BACK) -> HeadMesh:
    """Cut off the bust, and what lies farther back than so many eye distances."""
    depth = head.rest[head.triangles].mean(axis=1)[:, 2]
    height = head.canonical[head.triangles].mean(axis=1)[:, 1]
    return _with_triangles(head, (depth > back) & (height > _NECK))


def _with_triangles(head: HeadMesh, kept: Bool[np.ndarray, " triangles"]) -> HeadMesh:
    texture_of = None if head.texture_of is None else head.texture_of[kept]
    return replace(
        head, triangles=head.triangles[kept], parts=head.parts[kept], texture_of=texture_of
    )


def camera_facing(head: HeadMesh, viewed: Vertices, camera: Camera) -> HeadMesh:
    """Select the head's front faces; what is worn is seen from both sides."""
    middle = viewed[head.triangles].mean(axis=1)
    towards = np.array([0, 0, camera.distance], np.float32) - middle
    faces_it = (face_normals(viewed, head.triangles) * towards).sum(axis=1) > 0
    return _with_triangles(head, faces_it | np.isin(head.parts, _TWO_SIDED))


def face_camera(head: HeadMesh, random: np.random.Generator) -> Camera:
    """Set a camera before a head, which fills the picture about as crops of faces do."""
    is_turned = random.random() < 0.25
    yaw = random.uniform(-60, 60) if is_turned else float(np.clip(random.normal(0, 15), -35, 35))
    pitch, roll = np.clip(random.normal(0, 8), -20, 20), np.clip(random.normal(0, 4), -12, 12)
    rotation = rotation_from_angles(*np.radians([yaw, pitch, roll]))
    distance = sample_distance(random)
    nose, chin = head.rest[head.nose_tip], head.rest[head.chin]
    middle = np.array([0.0, 0.5 * nose[1] + 0.25 * chin[1], 0.2])
    near = distance / (distance - 0.6)
    height = max(1.0, -float(chin[1]) / 1.75)  # long faces of stylised heads fit in, too
    scale = EYE_PX / SIDE_PX / near / height * float(np.exp(random.normal(0, 0.04)))
    return aimed_camera(middle, rotation, distance, scale, random.normal(0, 0.015, 2))


def random_states(random: np.random.Generator, head: HeadMesh, count: int) -> list[Weights]:
    """So many states that the head can be in, many with eyes shut or nearly."""
    drawn = sample_states(random, head.controls, NAMED, single=3)
    chosen = []
    for number in random.permutation(len(drawn))[:count]:
        weights = dict(drawn[number])
        if random.random() < _BLINKS:
            blink = 1.0 if random.random() < 0.4 else random.uniform(0.2, 1)
            for side in ("Left", "Right"):
                share = blink * random.uniform(0.9, 1) if random.random() < 0.9 else 0.0
                weights["eyeBlink" + side] = max(weights.get("eyeBlink" + side, 0.0), share)
                weights["eyeWide" + side] = 0.0
        chosen.append({name: value for name, value in weights.items() if name in head.controls})
    return chosen


def sampled_look(random: np.random.Generator) -> HeadLook:
    """Draw a look of one of the noise textures that are kept; it shows whatever a head has."""
    look = sample_look(random)
    return replace(look, texture_seed=int(random.integers(TEXTURES)), uses_texture=True)
