"""Hair of any head as ribbons: scalp hair and fringes stay still, beards and brows ride on skin."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.shapes import face_normals, vertex_normals
from reggan_training.heads.head import Part, Vertices, rise, unit
from reggan_training.heads.worn.strands import (
    METRES_PER_UNIT,
    SKULL_CENTRE,
    Addition,
    Carrier,
    MeshWearer,
    PerStrandPoint,
    Polylines,
    Roots,
    StrandValues,
    StrandVectors,
    mesh_axes,
    ribbons,
    roots_at,
    scatter_roots,
    skull_map,
    tapered,
    triangle_axes,
)

_BEARD_POINTS = 6
_FACE_DEPTH = 0.03
_LIP_NEIGHBOURHOOD = 0.005
_DOWN = np.array([0.0, 0.0, -1.0])


def brows(wearer: MeshWearer, gender: float, random: np.random.Generator) -> Addition:
    """Grow both brows on the brow ridge; men's (gender 1) are thicker and flatter."""
    arch_height = round(float(random.normal(0.0010 - 0.0014 * gender, 0.0010)), 5)
    thickness = round(float(random.uniform(0.0040, 0.0065) + 0.0020 * gender), 5)
    reach = round(float(random.uniform(0.94, 1.06)), 3)
    random.integers(380, 620)  # not used; without it a name would be another head than before
    hair_length = round(float(random.uniform(0.0055, 0.0080)), 5)
    random.uniform()  # likewise
    hairs, width = int(random.integers(90, 170)), float(random.uniform(0.0002, 0.0005))
    along = random.random(2 * hairs) ** 0.85
    side = np.where(np.arange(2 * hairs) < hairs, 1.0, -1.0)
    thick = thickness * np.interp(along, [0, 0.12, 0.5, 0.8, 1], [0.7, 1.0, 0.85, 0.5, 0.15])
    across = random.uniform(-0.5, 0.5, len(along))
    line = np.interp(along, [0, 0.3, 0.62, 1], [0.0172, 0.0200, 0.0222, 0.0158])
    arch = arch_height * np.sin(np.pi * along.clip(0, 0.9) / 0.9) ** 2
    outwards = side * (0.0085 + 0.0415 * reach * along)
    roots, kept = _roots_in_front(wearer, np.column_stack([outwards, line + arch + across * thick]))
    along, side, across = along[kept], side[kept], across[kept]
    # inner hairs stand up, the others lie outwards; upper ones turn down, lower ones up
    turn = np.interp(along, [0, 0.15, 0.45, 1], [75, 40, 15, -22]) - 35 * across
    turn = np.deg2rad(turn + random.normal(0, 9, len(along)))
    flow = np.column_stack([side * np.cos(turn), 0 * turn, np.sin(turn)])
    length = hair_length * np.interp(along, [0, 0.3, 1], [0.75, 1.0, 0.7])
    length = length * random.uniform(0.75, 1.1, len(along))
    points = _combed(roots, flow, length, lift=0.30, points=5)
    return _carried(wearer, roots, points, width, Part.BROWS, shade=0.0)


@frozen
class BeardStyle:
    """The look of a beard; lengths in metres.

    `regions` are those of the skin that it grows on, `chin_only` keeps what lies within so many
    metres of the middle.
    """

    regions: tuple[str, ...] = ("beard", "moustache")
    length: float
    hairs: int
    chin_only: float = np.inf


BEARD_STYLES: Mapping[str, BeardStyle] = {
    "short": BeardStyle(length=0.006, hairs=731),
    "full": BeardStyle(length=0.020, hairs=900),
    "moustache": BeardStyle(regions=("moustache",), length=0.008, hairs=315),
    "goatee": BeardStyle(length=0.010, hairs=337, chin_only=0.027),
    "chin": BeardStyle(regions=("beard",), length=0.012, hairs=315, chin_only=0.020),
}


def beard(wearer: MeshWearer, random: np.random.Generator) -> tuple[str, Addition]:
    """Grow a beard, moustache or goatee; also its style's name. No hair crosses the lips."""
    name = str(random.choice(list(BEARD_STYLES)))
    style = BEARD_STYLES[name]
    longest, width = style.length * float(random.uniform(0.7, 1.5)), random.uniform(0.0006, 0.0013)
    density = np.max([wearer.region(region) for region in style.regions], axis=0)
    density = density * (np.abs(wearer.canonical[:, 0]) < style.chin_only)
    roots = scatter_roots(wearer, density, style.hairs, random)
    above = roots.of(wearer.region("moustache")[:, None])[:, 0] > 0.5
    outwards = np.sign(roots.positions[:, :1]) * np.array([1.0, 0.0, 0.0])
    flow = _DOWN + np.where(above[:, None], 1.2, 0.1) * outwards
    flow = flow + random.normal(0, 0.18, flow.shape)
    length = np.where(above, np.minimum(longest, _room_above_lips(wearer, roots)), longest)
    length = length * random.uniform(0.6, 1.0, len(roots))
    lift = float(np.interp(longest, [0.002, 0.006], [0.9, 0.35]))
    points = _combed(roots, flow, length, lift=lift, points=_BEARD_POINTS)
    return name, _carried(wearer, roots, points, width, Part.BEARD, shade=0.35)


def _room_above_lips(head: MeshWearer, roots: Roots) -> StrandValues:
    """Length of a hair of the moustache that ends at the lip's edge, in metres."""
    lips = head.skin[head.region("lips") > 0.5]
    is_near = np.abs(roots.positions[:, None, 0] - lips[:, 0]) < _LIP_NEIGHBOURHOOD
    edge = np.where(is_near, lips[:, 2], -np.inf).max(axis=1)
    return np.where(is_near.any(axis=1), np.clip(roots.positions[:, 2] - edge, 0.0015, 0.02), 0.02)


def _combed(
    roots: Roots, flow: StrandVectors, length: StrandValues, *, lift: float, points: int
) -> Polylines:
    """Hairs that leave the skin at an angle and lie down along `flow`.

    `lift` is how far they stand off: 0 = flat on the skin, 1 = straight out.
    """
    normal = roots.normals
    flat = unit(flow - (flow * normal).sum(axis=1, keepdims=True) * normal)
    steps = np.linspace(0, 1, points)[:, None]
    rise = lift * (1.4 * steps - 0.6 * steps**2)
    shape = flat[:, None] * steps * (1 - 0.4 * lift) + normal[:, None] * rise
    return roots.positions[:, None] + length[:, None, None] * shape


def _roots_in_front(
    head: MeshWearer, spot: Float[np.ndarray, "strands 2"]
) -> tuple[Roots, Int[np.ndarray, " kept"]]:
    """Roots where spots of the canonical frontal plane (x, z) meet the face, and which do."""
    corners = head.triangles
    flat = head.canonical[corners]
    towards_us = face_normals(head.canonical, corners)[:, 1] < 0
    faces_us = towards_us & (flat[:, :, 1].max(axis=1) < _FACE_DEPTH)
    faces_us &= (flat[:, :, 2].max(axis=1) > spot[:, 1].min()) & (
        flat[:, :, 2].min(axis=1) < spot[:, 1].max()
    )
    corners, flat = corners[faces_us], flat[faces_us][:, :, [0, 2]]
    first, second = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    away = spot[:, None] - flat[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    b = (away[..., 0] * second[:, 1] - away[..., 1] * second[:, 0]) / area
    c = (first[:, 0] * away[..., 1] - first[:, 1] * away[..., 0]) / area
    inside = (b >= 0) & (c >= 0) & (b + c <= 1)
    kept = np.flatnonzero(inside.any(axis=1))
    hit = inside[kept].argmax(axis=1)
    b, c = b[kept, hit], c[kept, hit]
    share = np.column_stack([1 - b - c, b, c])
    return roots_at(head, corners[hit], share), kept


def _carried(
    wearer: MeshWearer, roots: Roots, points: Polylines, width: float, part: Part, *, shade: float
) -> Addition:
    """Make ribbons of hairs that move with the skin below their roots."""
    axes = triangle_axes(wearer.skin[roots.corners])
    outwards = np.broadcast_to(axes[:, None, 2], points.shape)
    vertices, triangles = ribbons(points, tapered(points, width), outwards)
    away = vertices.reshape(len(points), -1, 3) - roots.positions[:, None]
    return Addition(
        part=part,
        points=mesh_axes(vertices),
        triangles=triangles,
        shade=np.tile(np.repeat(np.linspace(shade, 0, points.shape[1]), 2), len(points)),
        carrier=Carrier(
            corners=wearer.vertices[roots.corners],
            barycentric=roots.barycentric,
            offsets=away @ axes.transpose(0, 2, 1) / METRES_PER_UNIT,
        ),
    )


_POINTS = 14
"""Points of a strand as it is grown; curls are drawn with more."""
_SUBSTEPS = 3
_DEEPEST_PUSH = 0.005
_POINTS_A_TURN = 9
_BROW_RISE = 0.010
"""How far surprise lifts the brows, and room above them."""
_BESIDE_BROW = 0.004
_TEMPLE_DEPTH = 0.035
"""What lies less deep behind the eyes than this can cover the face, in metres."""
_BUN = np.array([0.0, 0.115, 0.045])
_KNOT_HAIRS = 1200
_CROWN = np.array([0.0, 0.045, 0.11])
"""Where a knot is tied and where the crown is, from the middle of the head."""
Flow = Literal["parted", "back", "forward", "out", "crown"]

_MOST_TRIANGLES = 18_000
_PLACES = 9
"""Points of a straight ribbon."""
_CAP_SHARE = 0.8
_CAP_LEAST = 0.4
"""Hair stands on a cap so often; it covers the scalp where its weight is at least this."""
_ROOT_SHADE, _TIP_SHADE = 0.55, 0.0


@frozen
class HairStyle:
    """The growth of scalp hair; lengths in metres.

    Attributes:
        flow: where hair is combed to: down from a parting, to the back, to the front, straight
            out, or down from the crown.
        top: length on top of the head.
        sides: length below the temples and at the back.
        lift: how far the layers stand off the head.
        part: where the parting runs, positive = on the avatar's own left.
        curl: half the width of a curl; 0 = straight.
        curl_length: length of hair to one turn.
        bun: size of a knot at the back; 0 = none.
        frizz: how much strands differ from each other.
        fringe: how much lower than just over the brows hair may hang before the face.
        parted_fringe: how much nearer to the middle than beside the brows it may hang.
    """

    flow: Flow
    top: float
    sides: float
    lift: float = 0.004
    part: float = 0.0
    curl: float = 0.0
    curl_length: float = 0.03
    bun: float = 0.0
    frizz: float = 0.15
    fringe: float = 0.0
    parted_fringe: float = 0.0


HAIR_STYLES: Mapping[str, HairStyle] = {
    "short": HairStyle(flow="forward", top=0.028, sides=0.012, lift=0.008),
    "crop": HairStyle(flow="out", top=0.018, sides=0.008, lift=0.014),
    "side_part": HairStyle(flow="parted", top=0.075, sides=0.018, part=0.028, lift=0.009),
    "swept_back": HairStyle(flow="back", top=0.10, sides=0.03, lift=0.009),
    "fringe": HairStyle(flow="crown", top=0.13, sides=0.13, lift=0.008),
    "bob": HairStyle(flow="parted", top=0.20, sides=0.13, part=0.015, lift=0.012),
    "long": HairStyle(flow="parted", top=0.36, sides=0.30, part=0.0, lift=0.012),
    "long_wavy": HairStyle(
        flow="parted", top=0.34, sides=0.28, part=-0.02, lift=0.016, curl=0.006, curl_length=0.07
    ),
    "bun": HairStyle(flow="back", top=0.16, sides=0.12, lift=0.005, bun=0.034),
    "curly": HairStyle(flow="out", top=0.07, sides=0.05, lift=0.03, curl=0.006, curl_length=0.022),
    "afro": HairStyle(flow="out", top=0.055, sides=0.05, lift=0.05, curl=0.004, curl_length=0.016),
    "long_curly": HairStyle(
        flow="parted", top=0.27, sides=0.22, lift=0.024, part=0.01, curl=0.008, curl_length=0.04
    ),
}


def _grown_hair(
    head: MeshWearer, style: HairStyle, count: int, width: float, random: np.random.Generator
) -> tuple[Polylines, PerStrandPoint]:
    """Strands of scalp hair on the head at rest and their half width, metres.

    It leaves brows, eyes and face free but for what the style's fringe covers. Strands of a bun's
    knot come on top of the count.
    """
    scalp = head.region("scalp") * (head.region("ears") < 0.2)
    roots = scatter_roots(head, scalp, count, random)
    points = _curled(_grown(head, style, roots, random), style, random)
    points = _cut_before_face(head, points, style, random)
    widths = tapered(points, width)
    if not style.bun or not len(roots):
        return points, widths
    knot = _knot(style, roots, random)
    return (
        np.concatenate([points, knot]),
        np.concatenate([widths, np.full(knot.shape[:2], width)]),
    )


def _knot(style: HairStyle, roots: Roots, random: np.random.Generator) -> Polylines:
    """Hair wound around a ball at the back of the head, of as many strands as hold it at most."""
    count = min(len(roots), _KNOT_HAIRS)
    centre = SKULL_CENTRE + _BUN + np.array([0.0, 0.6 * style.bun, 0.0])
    axis = unit(np.array([0.0, 1.0, 0.3]) + random.normal(0, 0.35, (count, 3)))
    first = unit(np.cross(axis, random.normal(0, 1, (count, 3))))
    second = np.cross(axis, first)
    turn = np.linspace(0, 1.3 * np.pi, _POINTS)[None, :, None]
    around = np.cos(turn) * first[:, None] + np.sin(turn) * second[:, None]
    height = random.uniform(-0.9, 0.9, (count, 1, 1))
    ball = np.sqrt(1 - height**2) * around + height * axis[:, None]
    return centre + style.bun * random.uniform(0.92, 1.0, (count, 1, 1)) * ball


def _grown(
    head: MeshWearer, style: HairStyle, roots: Roots, random: np.random.Generator
) -> Polylines:
    skull, canonical = skull_map(head), roots.of(head.canonical)
    length = _lengths(style, canonical) * random.uniform(0.82, 1.0, len(roots))
    step = (length / (_POINTS - 1) / _SUBSTEPS)[:, None]
    layer = style.lift * random.uniform(0.15, 1.0, len(roots)) ** 0.7
    wander = random.normal(0, style.frizz, (len(roots), 3))
    at, way = roots.positions, roots.normals
    points = [at]
    for place in range(1, 1 + (_POINTS - 1) * _SUBSTEPS):
        grown = length * place / ((_POINTS - 1) * _SUBSTEPS)
        wish = _wish(style, at, canonical) + wander
        wish = wish - skull.pull_back(at, layer) * (style.flow != "out")
        turn = np.interp(grown, [0.0, 0.015], [0.12, 0.4])[:, None]
        way = unit(way * (1 - turn) + wish * turn)
        rise = np.interp(grown, [0.0, 0.04], [0.0, 1.0]) * layer + 0.0006
        deepest = np.maximum(_DEEPEST_PUSH, 1.3 * step[:, 0])
        before, at = at, skull.pushed_out(at + step * way, rise, deepest)
        way = (at - before) / np.maximum(step, 1e-9)  # hair slides along what it meets
        if place % _SUBSTEPS == 0:
            points.append(at)
    return np.stack(points, axis=1)


def _lengths(style: HairStyle, canonical: StrandVectors) -> StrandValues:
    """Long on top, short at the sides, with a soft change at the temples."""
    return style.sides + (style.top - style.sides) * rise(canonical[:, 2], 0.035, 0.07)


def _wish(style: HairStyle, at: StrandVectors, canonical: StrandVectors) -> StrandVectors:
    """Return the way hair wants to go at these points; not of unit length."""
    out = unit(at - SKULL_CENTRE)
    side = np.where(canonical[:, 0] > style.part, 1.0, -1.0)
    flat = np.zeros(len(at))
    if style.flow == "parted":
        upper = np.clip(out[:, 2] * 1.5 - 0.2, 0, 1)
        from_face = 0.35 * (canonical[:, 1] < 0.03) * (1 - upper)
        return np.column_stack([side * upper, 0.25 * upper + from_face, -1.0 + 0.3 * upper])
    if style.flow == "back":
        if style.bun:
            return unit(SKULL_CENTRE + _BUN - at)
        return np.array([0.0, 1.0, -0.5]) + np.column_stack([flat, flat, -0.6 * (out[:, 1] > 0.5)])
    if style.flow == "forward":
        front = np.where(out[:, 1] > 0.3, 0.0, -1.0)
        return np.column_stack([0.15 * side, front, flat - 0.5])
    if style.flow == "out":
        return 1.2 * out + np.array([0.0, 0.0, -0.2])
    away = at - (SKULL_CENTRE + _CROWN)
    away[:, 2] = 0.0
    return unit(away) * np.clip(out[:, 2:], 0, 1) + np.array([0.0, 0.0, -0.9])


def _curled(
    points: Polylines, style: HairStyle, random: np.random.Generator
) -> Float[np.ndarray, "strands more 3"]:
    if style.curl == 0 or len(points) == 0:
        return points
    turns = max(style.top, style.sides) / style.curl_length
    count = max(points.shape[1], int(turns * _POINTS_A_TURN))
    points = _resampled(points, np.linspace(0, points.shape[1] - 1, count)[None])
    way = unit(np.gradient(points, axis=1))
    first = unit(np.cross(way, np.array([0.31, 0.22, 0.92])))
    second = np.cross(way, first)
    step = np.linalg.norm(np.diff(points, axis=1), axis=2)
    length = np.concatenate([np.zeros((len(points), 1)), step.cumsum(axis=1)], axis=1)
    phase = random.uniform(0, 2 * np.pi, (len(points), 1))
    turn = (2 * np.pi * length / style.curl_length + phase)[:, :, None]
    wide = style.curl * np.clip(length / 0.02, 0, 1)[:, :, None]
    return points + wide * (np.cos(turn) * first + np.sin(turn) * second)


def _cut_before_face(
    head: MeshWearer, points: Polylines, style: HairStyle, random: np.random.Generator
) -> Polylines:
    """Each strand ends where it would come in front of brows, eyes, nose, mouth or cheeks."""
    brows = head.skin[head.region("brows") > 0.3]
    lowest = brows[:, 2].max() + _BROW_RISE + random.uniform(0, 0.006, (len(points), 1))
    lowest = lowest - style.fringe
    aside = np.abs(brows[:, 0]).max() + _BESIDE_BROW - style.parted_fringe
    deepest = max(eye.centre[1] for eye in head.eyes.values()) + _TEMPLE_DEPTH
    across, depth, up = np.abs(points[..., 0]), points[..., 1], points[..., 2]
    covers = (across < aside) & (depth < deepest) & (up < lowest)
    first = np.where(covers.any(axis=1), covers.argmax(axis=1), points.shape[1])
    kept = np.maximum(first - 1, 0) / (points.shape[1] - 1)
    return _resampled(points, kept[:, None] * np.arange(points.shape[1]))


def _resampled(points: Polylines, place: Float[np.ndarray, "rows more"]) -> Polylines:
    """Points between those of each strand, by their number; one row of places serves all."""
    low = np.minimum(np.floor(place).astype(np.int64), points.shape[1] - 2)
    between = (place - low)[:, :, None]
    row = np.arange(len(points))[:, None]
    return points[row, low] * (1 - between) + points[row, low + 1] * between


FRINGES: Mapping[str, HairStyle] = {
    "straight_fringe": HairStyle(flow="crown", top=0.17, sides=0.15, lift=0.010),
    "bowl": HairStyle(flow="crown", top=0.16, sides=0.09, lift=0.012, frizz=0.08),
    "swept_fringe": HairStyle(flow="parted", top=0.13, sides=0.05, lift=0.010, part=0.035),
    "curtains": HairStyle(flow="parted", top=0.19, sides=0.14, lift=0.010),
    "messy": HairStyle(flow="forward", top=0.085, sides=0.03, lift=0.014, frizz=0.4),
    "curly_fringe": HairStyle(
        flow="crown", top=0.13, sides=0.10, lift=0.02, curl=0.006, curl_length=0.03, frizz=0.3
    ),
}


def sample_hair(random: np.random.Generator, *, has_fringe: bool) -> tuple[str, HairStyle]:
    """Draw a style at random, with its name; fringes hang over brows, at times into the eyes."""
    if not has_fringe:
        name = str(random.choice(list(HAIR_STYLES)))
        style = HAIR_STYLES[name]
    else:
        name = str(random.choice(list(FRINGES)))
        style = replace(
            FRINGES[name],
            fringe=float(random.uniform(0.010, 0.038)),
            parted_fringe=float(random.uniform(0.0, 0.03)),
        )
    scale = float(random.uniform(0.85, 1.2))
    return name, replace(
        style,
        top=style.top * scale,
        sides=style.sides * scale,
        part=style.part * float(random.choice([-1.0, 1.0])),
    )


def hair(
    wearer: MeshWearer, style: HairStyle, triangle_budget: int, random: np.random.Generator
) -> Addition:
    """Grow hair in a style, within a budget of triangles (and one of its own)."""
    width = float(random.uniform(0.0010, 0.0040 if not style.curl else 0.0022))
    places = _grown_hair(wearer, style, 8, width, random)[0].shape[1]
    taken = np.linspace(0, places - 1, places if style.curl else _PLACES).round().astype(int)
    count = min(triangle_budget, _MOST_TRIANGLES) // (2 * len(taken) - 3)
    points, widths = _grown_hair(wearer, style, count, width, random)
    grown = np.linspace(0, len(points) - 1, min(count, len(points))).astype(int)  # a bun has more
    points, widths = points[grown][:, taken], widths[grown][:, taken]
    vertices, triangles = ribbons(points, widths, points - SKULL_CENTRE)
    shade = np.tile(
        np.repeat(np.linspace(_ROOT_SHADE, _TIP_SHADE, points.shape[1]), 2), len(points)
    )
    if random.random() < _CAP_SHARE:
        cap, faces = _cap(wearer, style)
        triangles = np.concatenate([triangles, faces + len(vertices)])
        vertices = np.concatenate([vertices, cap])
        shade = np.concatenate([shade, np.full(len(cap), _ROOT_SHADE)])
    return Addition(part=Part.HAIR, points=mesh_axes(vertices), triangles=triangles, shade=shade)


def _cap(wearer: MeshWearer, style: HairStyle) -> tuple[Vertices, Int[np.ndarray, "triangles 3"]]:
    """Raise the scalp once more by half the height of the hair, but for its edge."""
    skin, faces = wearer.skin, wearer.triangles
    scalp = wearer.region("scalp") * (wearer.region("ears") < 0.2)
    rows = faces[(scalp[faces] > _CAP_LEAST).all(axis=1)]
    used, triangles = np.unique(rows, return_inverse=True)
    height = 0.5 * style.lift * np.clip(2 * scalp[used] - 1, 0.1, 1)
    normals = vertex_normals(skin, faces)[used]
    return skin[used] + height[:, None] * normals, triangles.reshape(-1, 3)
