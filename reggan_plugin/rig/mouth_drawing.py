"""The inside of a mouth: its geometry, its surfaces in the light past the lips, its picture.

Unit: eye distances. Origin: the edge of the upper incisors. Axes: x to the head's own left, y up,
z to the front. Light is computed at vertices: through an opening it is smooth, so a picture of any
size costs the same. Only highlights are left to pixels.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.frozen import frozen
from reggan_plugin.rig.mouth_light import (
    IVORY,
    LUMA,
    MouthLight,
    OpeningLight,
    mouth_light_from_face,
)
from reggan_plugin.rig.raster import rasterise

PARTS = ("tooth", "gum", "tongue", "wall", "plate")
"""Surfaces by their number in the file; `wall` is palate, cheeks and throat."""
TOOTH, GUM, TONGUE, WALL, PLATE = range(len(PARTS))

HINGE = np.array([0.0, 0.62, -1.25])
"""Of the jaw: 1.40 eye distances from the incisors' edge, 87 mm on a face with 62 mm between the
eyes. Bonwill's triangle of incisors and condyles, 102 mm a side, has 88 mm in its middle."""
_SLIDE = np.array([1.0, 0.8, 0.8])
"""Share of a measured drop that the turn does not explain, by axis: lips carry a part of it."""


@frozen(eq=False)
class JawPose:
    """Where the lower half of the mouth is.

    Attributes:
        turn: about the hinge in radians, 0 closed, positive open.
        shift: afterwards, in eye distances and head axes.
    """

    turn: float
    shift: Float[np.ndarray, "3"]


def jaw_pose_from_drop(drop: Float[np.ndarray, "3"]) -> JawPose:
    """Pose of the jaw where the lower incisors' own movement is known.

    Args:
        drop: of the incisors from rest, in eye distances and head axes.
    """
    arm = -HINGE
    reach = float(np.hypot(arm[1], arm[2]))
    tangent = np.array([0.0, -arm[2], arm[1]]) / reach
    turn = max(0.0, float(drop @ tangent) / reach)
    turned = _turn(turn) @ arm - arm
    return JawPose(turn=turn, shift=(drop - turned) * _SLIDE)


@frozen(eq=False)
class MouthRig:
    """Mesh of a mouth.

    Attributes:
        points: at rest, in eye distances.
        normals: unit vectors.
        triangles: counter-clockwise from outside.
        part: what each vertex belongs to, see `PARTS`.
        tooth: 1 to 14 for upper teeth from the head's own right, 15 to 28 for lower ones, or 0.
        jaw: 1 for what goes with the jaw, 0 for what stays; cheeks lie between.
        sky: share of the surroundings that neighbouring surfaces leave free, 0 to 1.
        cervical: height on a crown, 0 at the edge, 1 at the neck; 1 off the teeth.
        colour: linear RGB of surfaces of the user's own; no number where they are ours.
        place: of the origin in the template's space; None is behind the lips.
    """

    points: Float[np.ndarray, "vertices 3"]
    normals: Float[np.ndarray, "vertices 3"]
    triangles: Int[np.ndarray, "triangles 3"]
    part: Int[np.ndarray, " vertices"]
    tooth: Int[np.ndarray, " vertices"]
    jaw: Float[np.ndarray, " vertices"]
    sky: Float[np.ndarray, " vertices"]
    cervical: Float[np.ndarray, " vertices"]
    colour: Float[np.ndarray, "vertices 3"] | None = None
    place: Float[np.ndarray, "3"] | None = None

    def posed(
        self, pose: JawPose
    ) -> tuple[Float[np.ndarray, "vertices 3"], Float[np.ndarray, "vertices 3"]]:
        """Points and normals with the jaw in a pose; what does not go with it is untouched."""
        turn = _turn(pose.turn).astype(np.float32)
        hinge = HINGE.astype(np.float32)
        share = self.jaw[:, None]
        points = (self.points - hinge) @ turn.T + hinge + pose.shift.astype(np.float32)
        normals = self.normals @ turn.T
        return (
            self.points + share * (points - self.points),
            self.normals + share * (normals - self.normals),
        )

    def only(self, vertices: Int[np.ndarray, " some"]) -> "MouthRig":
        """Return these vertices, without triangles."""
        values = {
            one.name: value[vertices]
            for one in fields(self)
            if one.name not in ("triangles", "place")
            and (value := getattr(self, one.name)) is not None
        }
        return replace(self, triangles=np.empty((0, 3), np.int64), **values)

    @cached_property
    def is_deep(self) -> Bool[np.ndarray, " vertices"]:
        """True for what lies behind everything."""
        return (self.part == WALL) & (self.points[:, 2] < -1.3)


@cache
def mouth_rig() -> MouthRig:
    """Return the mouth of this package, read when first asked for."""
    with np.load(Path(__file__).with_name("mouth.npz")) as arrays:
        low, high = arrays["bounds"]
        share = {name: arrays[name] / np.float32(255) for name in ("jaw", "sky", "cervical")}
        return MouthRig(
            points=low + arrays["points"] / np.float32(65535) * (high - low),
            normals=arrays["normals"].astype(np.float32),
            triangles=arrays["triangles"].astype(np.int64),
            part=arrays["part"].astype(np.int64),
            tooth=arrays["tooth"].astype(np.int64),
            **share,
        )


def _turn(angle: float) -> Float[np.ndarray, "3 3"]:
    """About x, so that what lies before the hinge goes down."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])


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
_FILL_OF = {TOOTH: 2.6, GUM: 1.7, TONGUE: 1.7, WALL: 1.7, PLATE: 1.7}
"""Power of the share of the opening that is hidden, which is the share of the sky that is lost:
lips reflect, so that it is less; of teeth less than of flesh, as on heads of three families."""
_FROM_ABOVE = 0.4
"""Slant of the sky's light: by it the upper lip shades the teeth behind it more than the lower one
does. By eye; at 0.8 teeth get too dark on true renders, which have no such shadow."""
_EXPOSURE = 1.5
"""Front teeth in a smile have 0.9 to 1.3 of the tone that the light names, the more the stronger
the key light; in the shade of a lip that covers half of them they have 0.6."""
_FADE = 1.2
"""Per eye distance of depth: what flesh swallows on the light's way in."""
_FADE_OF = {TOOTH: 0.5, GUM: 1.0, TONGUE: 1.2, WALL: 1.1, PLATE: 0.7}
_LOWER_FADE = 7.0
"""Added for lower teeth and gums, over which lips and cheeks hang: bright back ones look
like a horseshoe, or like posts in the corners of a mouth."""
_GLOSS_OF = {TOOTH: 0.30, GUM: 0.15, TONGUE: 0.22, WALL: 0.03, PLATE: 0.0}
_CARVED_GUM = 0.7
"""Of a tooth's brightness: both are cut of one piece, and crowns have to stand out. By eye."""
_STONE_GLOSS, _STONE_DARKER = 0.25, 0.1
"""Stone is dry: it has so much of the gloss; and of the exposure so much is taken away, or bared
teeth are whiter than the face that they are cut of."""
_THROUGH_CHEEKS, _REDDER = 0.13, 0.9
"""Least light beside cheeks: some comes through them, or corners of smiles are black; and how much
redder flesh is in the dark. True renders have a red of (43, 24, 21) there; with 0.24 and 1.3 ours
was (77, 30, 27), and one corner of a smile looked bleeding. By eye, on 20 heads."""
_BACK_REDDER = (0.35, 0.6, 1.0)
"""Depths behind the incisors between which teeth in the dark get redder, and by how much: light has
been on flesh before it comes there, and far molars of an open mouth were a grey slab. By eye."""
_KEY_WRAP = 0.25
_ASIDE, _ACROSS, _ACROSS_REACH = 0.5, 2.5, 0.4
"""Share of the key light's slant that a surface's own face counts for, for teeth stand in each
other's shadow; power at which one cheek's light over the other's goes into the mouth's, for each
eye distance from its middle; and how far. On 40 held-out heads a smile's halves differ by 1.27
times the true factor (rms) for 1.31."""
_ARCH = (0.40, 0.55)
"""Half width and depth of the rows of teeth, an ellipse. Lower teeth on the side that turns away
from the light are in the others' shadow, whatever their own faces say: lit ones beside upper ones
look like crumbs in a corner of the mouth."""
_STRONG_KEY, _TOO_BRIGHT = 0.6, 3.0
"""Strength of the key light from which on eyes' whites, of which the brightest count, make teeth
too bright, and by how much. Smiles of these heads are off by a factor of 1.29 (rms) for 1.36."""
_BOUNCE = 0.10
"""Light that has been on flesh before, without which the depth would be black."""


@frozen(eq=False)
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


@frozen(eq=False)
class LitMouth:
    """A mouth in its pose and its light.

    Attributes:
        colour: scene-linear, without highlights.
        normals: unit vectors.
        gloss: brightness of a highlight.
        gleam: unit vector that a surface faces where its highlight is brightest.
        unseen: colour of what lies behind everything.
    """

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
    above_it = places + _FROM_ABOVE * depth[:, None] * view.projection[:, 1]
    sky = _through(opening, 0.8 * depth, above_it, fill)
    aslant = depth / max(0.35, float(key @ towards))
    beside = places + aslant[:, None] * (view.projection @ key)
    from_key = _through(opening, 0.35 * depth, beside, fill)
    facing = np.clip(normals @ towards, 0, 1)
    is_plate = rig.part == PLATE
    facing = np.where(is_plate, 1.0, facing)
    turned = np.clip((normals @ (key * [_ASIDE, 1, 1]) + _KEY_WRAP) / (1 + _KEY_WRAP), 0, 1)
    in_arch = np.clip((_arch_normals(rig) @ key + _KEY_WRAP) / max(key[2] + _KEY_WRAP, 0.1), 0, 1)
    turned *= np.where(np.isin(rig.part, (TOOTH, GUM)) & (rig.jaw > 0.5), in_arch, 1)
    turned = np.where(is_plate, max(0.5, float(key @ towards)), turned)
    above = np.where(is_plate, 1.0, 0.82 + 0.18 * normals[:, 1])
    fade_of = _by_part(rig, _FADE_OF) + _LOWER_FADE * rig.jaw * np.isin(rig.part, (TOOTH, GUM))
    fade = np.exp(-fade_of * _FADE * np.clip(depth - 0.12, 0, None))
    amount = light.ambient * sky * above * (0.35 + 0.65 * facing)
    amount += 1.25 * light.key_strength * turned * from_key
    side = np.clip((places - view.origin)[:, 0] / view.eye, -_ACROSS_REACH, _ACROSS_REACH)
    fade = fade * np.exp(_ACROSS * light.across * side)
    too_bright = _TOO_BRIGHT * max(0.0, light.key_strength - _STRONG_KEY)
    fade /= np.where(np.isin(rig.part, (TOOTH, GUM, PLATE)), 1 + too_bright, 1)
    amount = np.maximum(amount * fade, _THROUGH_CHEEKS * _beside_cheeks(rig))
    is_hard = is_plate | (rig.part == TOOTH)
    free = np.clip((rig.sky - 0.05) / 0.62, 0, 1)
    free = np.where(is_plate, 0.85 + 0.15 * free, 0.35 + 0.65 * free)
    lack = np.clip(1 - amount, 0, 1)
    start, end, by = _BACK_REDDER
    back = by * np.clip((-rig.points[:, 2] - start) / (end - start), 0, 1)
    hard = (0.5 * lack + back) * lack
    redder = np.select([is_hard, rig.part == GUM], [hard, 0.6 * lack], _REDDER * lack)
    flesh = (_CAVITY / _CAVITY[0]) ** 0.45
    own = _own_colour(rig)
    carved = (rig.part == GUM)[:, None] * light.stone
    own = own + carved * (_CARVED_GUM * IVORY - own)
    colour = own * flesh ** redder[:, None]
    bounce = np.where(is_hard, 0.5, 1.0) * _BOUNCE * opening.seen(1.6 * depth, places)
    colour = colour * ((amount * free)[:, None] + bounce[:, None] * _CAVITY / 0.2)
    strength = (_EXPOSURE - light.stone * _STONE_DARKER) * light.tooth / IVORY
    gleam = key + towards
    gloss = _by_part(rig, _GLOSS_OF) * (light.key_strength + 0.15) * from_key * fade
    gloss *= strength.mean() * (1 - (1 - _STONE_GLOSS) * light.stone)
    colour = _in_stone(colour * strength, light)
    return LitMouth(
        colour=colour,
        normals=normals,
        gloss=gloss,
        gleam=gleam / max(float(np.linalg.norm(gleam)), 1e-6),
        unseen=colour[rig.is_deep].mean(axis=0),
    )


def _depth_behind_lips(rig: MouthRig) -> Float[np.ndarray, " vertices"]:
    """At rest: else lower teeth would go dark as the jaw takes them back."""
    lips = _LIPS_BEFORE_TEETH + _LIPS_CURVE * np.minimum(np.abs(rig.points[:, 0]), 0.6) ** 2
    return np.clip(lips - rig.points[:, 2], _NEAREST, 1.5)


def _arch_normals(rig: MouthRig) -> Float[np.ndarray, "vertices 3"]:
    """Where the rows of teeth face as a whole: unit vectors, level."""
    x, z = rig.points[:, 0] / _ARCH[0] ** 2, (rig.points[:, 2] + _ARCH[1]).clip(0) / _ARCH[1] ** 2
    return np.stack([x, 0 * x, z], axis=1) / np.maximum(np.hypot(x, z), 1e-6)[:, None]


def _beside_cheeks(rig: MouthRig) -> Float[np.ndarray, " vertices"]:
    """1 for the inner sides of cheeks and what lies beside them, 0 for the middle of the mouth."""
    return np.clip((np.abs(rig.points[:, 0]) - 0.3) / 0.15, 0, 1)


def _through(
    opening: OpeningLight,
    blur: Float[np.ndarray, " places"],
    at: Float[np.ndarray, "places 2"],
    fill: Float[np.ndarray, " places"],
) -> Float[np.ndarray, " places"]:
    return (1 - (1 - np.minimum(1.0, opening.seen(blur, at))) ** fill) ** _POWER


def _by_part(rig: MouthRig, values: dict[int, float]) -> Float[np.ndarray, " vertices"]:
    return np.array([values[part] for part in range(len(values))])[rig.part]


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


__all__ = [
    "JawPose",
    "MouthLight",
    "MouthLook",
    "MouthRig",
    "MouthStyle",
    "Teeth",
    "jaw_pose_from_drop",
    "mouth_light_from_face",
    "mouth_rig",
    "render_mouth",
]

Teeth: TypeAlias = Literal["natural", "soft", "plate", "carved", "none"]
"""`plate`: a smooth white band for each row, as toons have it; `soft`: half of it, half teeth;
`carved`: teeth with that band close behind them, as a relief without gaps."""
MouthStyle: TypeAlias = Literal["auto", "rendered", "plate", "empty", "closed"]
"""What is shown between parted lips: teeth, plates or neither; `auto` gives drawings soft teeth. Or
lips stay shut."""
MOUTH_STYLES: tuple[MouthStyle, ...] = ("auto", "rendered", "plate", "empty", "closed")


@frozen(eq=False)
class MouthLook:
    """What is behind the lips.

    Attributes:
        style: how it is shown.
        rig: its geometry; None is that of this package.
    """

    style: MouthStyle = "auto"
    rig: MouthRig | None = None

    def teeth(self, *, is_drawn: bool, is_stone: bool = False) -> Teeth:
        """Teeth for a face, which may be a drawing or of stone."""
        if self.style == "empty":
            return "none"
        if self.style == "plate":
            return "plate"
        if self.style == "auto" and is_drawn:
            return "soft"
        return "carved" if is_stone and self.rig is None else "natural"


USUAL_MOUTH = MouthLook()

_FINER = 2
"""Samples per pixel and axis."""
_MOST_SAMPLES = 250_000
"""Drawn at once; more are drawn in bands of rows."""
_LEFT_OUT: dict[Teeth, tuple[tuple[int, ...], ...]] = {
    "natural": ((PLATE,),),
    "soft": ((PLATE,), (TOOTH,)),
    "plate": ((TOOTH,),),
    "carved": ((),),
    "none": ((PLATE, TOOTH, GUM),),
}
"""Parts that are left out of each of the pictures that are averaged."""
_MIDDLE, _BEHIND, _SHORTER, _LOWEST = np.array([0, 0, -0.5]), 0.06, 0.03, -0.08
_JOINT_SKY = 0.3
"""Of the rows of teeth; share by which a band that fills the joints of carved teeth is narrower
than one that stands before them, eye distances by which it ends before their edges; its least
height; and how free joints are. By eye, and beside a picture of 1,000 px."""
_BAND = np.array([0.0, 0.06, 0.145, 0.245, 0.365])
"""Heights of the upper band."""
_BAND_CARVED = np.array([0.03, 0.09, 0.13, 0.19, 0.26])
_BAND_BEHIND = np.array([0.06, 0.06, 0.04, 0.0, 0.0])
_BAND_BEHIND_SIDES = np.array([0.0, 0.0, 0.045, 0.0, 0.0])
_BAND_IS_GUM = 0.12
"""In carved teeth, of these heights: where they lie, by which share they are narrower, and by how
much more so beside the canines; from which one on they are gum. So the band comes forward through
the crowns and gives each a round neck: at the edge of the gums some end in points. By eye."""
_SHARPNESS = 45
"""Exponent of highlights: wet enamel in a room, not a mirror."""


def render_mouth(
    rig: MouthRig,
    *,
    projection: Float[np.ndarray, "2 3"],
    origin: Float[np.ndarray, "2"],
    jaw: JawPose,
    opening: Float[np.ndarray, "rows columns"],
    window: tuple[float, float, float, float],
    light: MouthLight,
    teeth: Teeth = "natural",
) -> Float[np.ndarray, "rows columns 3"]:
    """Draw the mouth's inside where lips leave it open: scene-linear RGB, float32, else 0.

    Args:
        rig: the geometry.
        projection: from head axes in eye distances (x to the head's own left, y up, z to the
            front) to the crop in parts of its side (x right, y down).
        origin: the crop's place of the upper incisors' edge, in the same parts.
        jaw: pose of the lower half.
        opening: share of each pixel between the lips, 0 to 1.
        window: what `opening` covers: left, top, right, bottom, in parts of the crop's side.
        light: that falls on the face.
        teeth: how they are drawn.

    Raises:
        ValueError: the projection has no extent.
    """
    view = MouthView(projection=projection, origin=origin)
    if not view.eye > 0:
        raise ValueError(f"A projection of {projection.tolist()} shows nothing.")
    picture = np.zeros((*opening.shape, 3), np.float32)
    rows, columns = (np.flatnonzero((opening > 0).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return picture
    box = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    open_part = opening[box[0] : box[1], box[2] : box[3]]
    left, top, right, bottom = window
    pixel = np.array([(right - left), (bottom - top)]) / opening.shape[::-1]
    start = np.array([left, top]) + pixel * [box[2], box[0]]
    end = np.array([left, top]) + pixel * [box[3], box[1]]
    through = OpeningLight(open_part, (*start, *end), view.eye)
    rig = _carved(rig) if teeth == "carved" else rig
    lit = partial(lit_mouth, pose=jaw, view=view, light=light, opening=through)
    points, _ = rig.posed(jaw)
    seen = np.column_stack([(view.places(points) - start) / pixel, points @ view.towards])
    layers = _layers(rig, teeth)
    height, width = open_part.shape
    band = max(1, _MOST_SAMPLES // (width * _FINER**2))
    for first in range(0, height, band):
        some = slice(first, min(first + band, height))
        is_open = open_part[some] > 0
        for triangles in layers:
            drawn = _drawn(rig, lit, seen - [0, first, 0], triangles, is_open) / len(layers)
            picture[box[0] : box[1], box[2] : box[3]][some][is_open] += drawn[is_open]
    return picture


@cache  # a rig is compared by identity
def _layers(rig: MouthRig, teeth: Teeth) -> list[Int[np.ndarray, "triangles 3"]]:
    """Return triangles of each of the pictures that are averaged."""
    part = rig.part[rig.triangles[:, 0]]
    return [rig.triangles[~np.isin(part, left_out)] for left_out in _LEFT_OUT[teeth]]


@cache  # a rig is compared by identity
def _carved(rig: MouthRig) -> MouthRig:
    """Make a part of the teeth of the bands, behind their joints; gums have no furrows.

    Above the joints the upper band comes before the crowns, as gum. Nor are upper crowns dark where
    gums touch them: those of vertices beneath would be jagged.
    """
    tooth, gum, band = (rig.part == part for part in (TOOTH, GUM, PLATE))
    low, height = rig.jaw > 0.5, rig.points[:, 1]
    beside = np.clip((np.abs(rig.points[:, 0]) - 0.2) / 0.1, 0, 1)
    behind = np.interp(height, _BAND, _BAND_BEHIND)
    behind += beside * np.interp(height, _BAND, _BAND_BEHIND_SIDES)
    behind = np.where(low, _BEHIND, behind)
    points = rig.points - behind[:, None] * (rig.points - _MIDDLE)
    points[:, 1] = np.where(
        low, np.maximum(height - _SHORTER, _LOWEST), np.interp(height, _BAND, _BAND_CARVED)
    )
    gum |= band & ~low & (height > _BAND_IS_GUM)
    band &= ~gum
    return replace(
        rig,
        points=np.where((rig.part == PLATE)[:, None], points, rig.points).astype(np.float32),
        normals=np.where(gum[:, None], _arch_normals(rig), rig.normals).astype(np.float32),
        part=np.select([gum, band], [GUM, TOOTH], rig.part),
        sky=np.select([band, gum | (tooth & ~low)], [_JOINT_SKY, 1.0], rig.sky).astype(np.float32),
    )


def _drawn(
    rig: MouthRig,
    lit: Callable[[MouthRig], LitMouth],
    seen: Float[np.ndarray, "vertices 3"],
    triangles: Int[np.ndarray, "triangles 3"],
    is_open: Bool[np.ndarray, "height width"],
) -> Float[np.ndarray, "height width 3"]:
    """Draw the mouth at vertices' places in pixels, averaged over finer samples, where it opens."""
    finer = np.array([_FINER, _FINER, 1])
    within = is_open.repeat(_FINER, axis=0).repeat(_FINER, axis=1)
    raster = rasterise(seen * finer, triangles, *within.shape, within=within)
    is_shown, is_seen = np.zeros(len(triangles), bool), rig.is_deep.copy()
    is_shown[raster.shown] = True
    is_seen[triangles[is_shown]] = True  # a tenth of all: the rest need no light
    mouth = lit(rig.only(np.flatnonzero(is_seen)))
    values = np.zeros((len(seen), 7), np.float32)
    values[is_seen] = np.column_stack([mouth.colour, mouth.normals, mouth.gloss])
    mixed = raster.mixed_where_hit(values, triangles)
    normals = mixed[:, 3:6]
    facing = normals @ mouth.gleam.astype(np.float32)
    length = np.sqrt(np.einsum("ij,ij->i", normals, normals))
    shine = np.clip(facing / np.maximum(length, 1e-6), 0, 1) ** _SHARPNESS
    colours = mixed[:, :3] + (mixed[:, 6] * shine)[:, None]
    sums = raster.summed(colours, 3, np.ones(len(colours), np.float32), _FINER)
    samples = np.float32(_FINER**2)
    return (sums[..., :3] + (samples - sums[..., 3:]) * mouth.unseen.astype(np.float32)) / samples
