"""Colour of the mouth's surfaces in the light that comes past the lips.

Everything here is computed at vertices: the light through an opening is smooth, so a picture of
any size costs the same. Only highlights are left to pixels.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.rig.mouth_light import IVORY, LUMA, MouthLight, OpeningLight
from reggan_plugin.rig.mouth_rig import GUM, PLATE, TONGUE, TOOTH, WALL, JawPose, MouthRig

_GUM_COLOUR = np.array([0.52, 0.25, 0.23])
_TONGUE_COLOUR = np.array([0.56, 0.25, 0.23])
_WALL_COLOUR = np.array([0.40, 0.13, 0.12])
_PLATE_COLOUR = np.array([0.80, 0.79, 0.76])
_CAVITY = np.array([0.32, 0.08, 0.07])
"""Colour that light takes from flesh on its way to where it is dark."""
_NECK = np.array([1.0, 0.93, 0.80])
_EDGE = np.array([0.89, 0.90, 0.92])
_EDGE_REACH = 0.18
"""Teeth are yellower at the neck, and darker and cooler at the edge that light goes through."""
_CANINES = (5, 10, 19, 24)
_CANINE = np.array([0.985, 0.965, 0.92])

_LIPS_BEFORE_TEETH, _LIPS_CURVE = 0.08, -0.10 / 0.41**2
"""Depth of the lips' inner edge before the incisors, and how it falls back towards the corners."""
_NEAREST = 0.03
_POWER = 0.8
_FILL_OF = {TOOTH: 2.0, GUM: 1.3, TONGUE: 1.3, WALL: 1.3, PLATE: 1.3}
"""Share of the sky by share of the opening: lips reflect, so that less is lost than is hidden; of
teeth less than of flesh, as on heads of three families."""
_EXPOSURE = 1.3
"""Front teeth in a smile have 0.9 to 1.3 of the tone that the light names, the more the stronger
the key light; in the shade of a lip that covers half of them they have 0.6."""
_FADE = 1.2
"""Per eye distance of depth: what flesh swallows on the light's way in."""
_FADE_OF = {TOOTH: 0.5, GUM: 1.0, TONGUE: 1.2, WALL: 1.1, PLATE: 0.7}
_GLOSS_OF = {TOOTH: 0.30, GUM: 0.15, TONGUE: 0.22, WALL: 0.03, PLATE: 0.0}
_CARVED_GUM = 0.85
"""Of a tooth's brightness: in stone both are cut of one piece."""
_STONE_GLOSS = 0.25
"""Stone is dry: it has so much of the gloss."""
_THROUGH_CHEEKS = 0.35
"""Least light on their inner sides: some comes through them. Else corners of smiles are black."""
_KEY_WRAP = 0.25
_BOUNCE = 0.10
"""Light that has been on flesh before, without which the depth would be black."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MouthView:
    """Weak perspective from head axes, in eye distances, to the crop, in parts of its side."""

    projection: Float[np.ndarray, "2 3"]
    origin: Float[np.ndarray, "2"]

    @property
    def eye(self) -> float:
        """The eye distance in parts of the side."""
        right, down = np.linalg.norm(self.projection, axis=1)
        return float(np.sqrt(right * down))

    @property
    def towards(self) -> Float[np.ndarray, "3"]:
        """Unit vector from the head to the camera, in head axes."""
        axis = np.cross(self.projection[0], -self.projection[1])
        return axis / np.linalg.norm(axis)

    def places(self, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 2"]:
        """Where points of the head are in the crop."""
        return self.origin + points @ self.projection.T


@dataclass(frozen=True, kw_only=True, eq=False)
class LitMouth:
    """A mouth in its pose and its light.

    Attributes:
        points: in head axes.
        colour: scene-linear, without highlights.
        normals: unit vectors.
        gloss: brightness of a highlight.
        gleam: unit vector that a surface faces where its highlight is brightest.
        unseen: colour of what lies behind everything.
    """

    points: Float[np.ndarray, "vertices 3"]
    colour: Float[np.ndarray, "vertices 3"]
    normals: Float[np.ndarray, "vertices 3"]
    gloss: Float[np.ndarray, " vertices"]
    gleam: Float[np.ndarray, "3"]
    unseen: Float[np.ndarray, "3"]


def lit_mouth(
    rig: MouthRig, pose: JawPose, view: MouthView, light: MouthLight, opening: OpeningLight
) -> LitMouth:
    """Pose a mouth and light it through its opening."""
    points, normals = rig.posed(pose)
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    depth = _depth_behind_lips(rig)
    places = view.places(points)
    key, towards = light.key, view.towards
    fill = _by_part(rig, _FILL_OF)
    sky = _through(opening, 0.8 * depth, places, fill)
    aslant = depth / max(0.35, float(key @ towards))
    beside = places + aslant[:, None] * (view.projection @ key)
    from_key = _through(opening, 0.35 * depth, beside, fill)
    facing = np.clip(normals @ towards, 0, 1)
    is_plate = rig.part == PLATE
    facing = np.where(is_plate, 1.0, facing)
    turned = np.clip((normals @ key + _KEY_WRAP) / (1 + _KEY_WRAP), 0, 1)
    turned = np.where(is_plate, max(0.5, float(key @ towards)), turned)
    above = np.where(is_plate, 1.0, 0.82 + 0.18 * normals[:, 1])
    fade = np.exp(-_by_part(rig, _FADE_OF) * _FADE * np.clip(depth - 0.12, 0, None))
    amount = light.ambient * sky * above * (0.35 + 0.65 * facing)
    amount += 1.25 * light.key_strength * turned * from_key
    amount = np.maximum(amount * fade, _THROUGH_CHEEKS * _cheeks(rig))
    is_hard = is_plate | (rig.part == TOOTH)
    free = np.clip((rig.sky - 0.05) / 0.62, 0, 1)
    free = np.where(is_plate, 0.85 + 0.15 * free, 0.35 + 0.65 * free)
    lack = np.clip(1 - amount, 0, 1)
    redder = np.select([is_hard, rig.part == GUM], [0.5 * lack**2, 0.6 * lack], 1.3 * lack)
    flesh = (_CAVITY / _CAVITY[0]) ** 0.45
    own = _own_colour(rig)
    carved = (rig.part == GUM)[:, None] * light.stone
    own = own + carved * (_CARVED_GUM * IVORY - own)
    colour = own * flesh ** redder[:, None]
    bounce = np.where(is_hard, 0.5, 1.0) * _BOUNCE * opening.seen(1.6 * depth, places)
    colour = colour * ((amount * free)[:, None] + bounce[:, None] * _CAVITY / 0.2)
    strength = _EXPOSURE * light.tooth / IVORY
    gleam = key + towards
    gloss = _by_part(rig, _GLOSS_OF) * (light.key_strength + 0.15) * from_key * fade
    gloss *= strength.mean() * (1 - (1 - _STONE_GLOSS) * light.stone)
    colour = _in_stone(colour * strength, light)
    is_deep = (rig.part == WALL) & (rig.points[:, 2] < -1.3)
    return LitMouth(
        points=points,
        colour=colour,
        normals=normals,
        gloss=gloss,
        gleam=gleam / max(float(np.linalg.norm(gleam)), 1e-6),
        unseen=colour[is_deep].mean(axis=0),
    )


@cache  # a rig is compared by identity
def _depth_behind_lips(rig: MouthRig) -> Float[np.ndarray, " vertices"]:
    """At rest: else lower teeth would go dark as the jaw takes them back."""
    lips = _LIPS_BEFORE_TEETH + _LIPS_CURVE * np.minimum(np.abs(rig.points[:, 0]), 0.6) ** 2
    return np.clip(lips - rig.points[:, 2], _NEAREST, 1.5)


@cache  # a rig is compared by identity
def _cheeks(rig: MouthRig) -> Float[np.ndarray, " vertices"]:
    """1 for the inner sides of cheeks beside the teeth, 0 for all else."""
    beside = np.clip((np.abs(rig.points[:, 0]) - 0.3) / 0.15, 0, 1)
    return beside * (rig.part == WALL)


def _through(
    opening: OpeningLight,
    blur: Float[np.ndarray, " places"],
    at: Float[np.ndarray, "places 2"],
    fill: Float[np.ndarray, " places"],
) -> Float[np.ndarray, " places"]:
    return np.minimum(1.0, fill * opening.seen(blur, at)) ** _POWER


def _by_part(rig: MouthRig, values: dict[int, float]) -> Float[np.ndarray, " vertices"]:
    return np.array([values[part] for part in range(len(values))])[rig.part]


@cache  # a rig is compared by identity
def _own_colour(rig: MouthRig) -> Float[np.ndarray, "vertices 3"]:
    """Linear RGB that surfaces reflect of white light."""
    parts = np.stack([IVORY, _GUM_COLOUR, _TONGUE_COLOUR, _WALL_COLOUR, _PLATE_COLOUR])
    colour = parts[rig.part]
    is_tooth = rig.part == TOOTH
    height = rig.cervical[is_tooth, None]
    near_edge = np.clip(1 - height / _EDGE_REACH, 0, 1)
    shade = 1 + (_NECK - 1) * height**1.5 + (_EDGE - 1) * near_edge
    back = np.clip((-rig.points[is_tooth, 2, None] - 0.15) / 0.6, 0, 1)
    shade *= 1 - 0.15 * back * np.array([0.6, 0.8, 1.2])
    shade[np.isin(rig.tooth[is_tooth], _CANINES)] *= _CANINE
    colour[is_tooth] *= shade
    return colour if rig.colour is None else np.where(np.isnan(rig.colour), colour, rig.colour)


def _in_stone(
    colour: Float[np.ndarray, "vertices 3"], light: MouthLight
) -> Float[np.ndarray, "vertices 3"]:
    """All of one tint, as far as the face is stone."""
    tint = light.skin / max(float(light.skin @ LUMA), 1e-6)
    return colour + light.stone * ((colour @ LUMA)[:, None] * tint - colour)
