"""Beards and brows of any head as ribbons that ride on the skin."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from reggan_training.heads.head import Part
from reggan_training.heads.worn.strands import (
    METRES_PER_UNIT,
    Addition,
    Carrier,
    MeshWearer,
    Polylines,
    Roots,
    Strands,
    StrandValues,
    StrandVectors,
    bound_strands,
    mesh_axes,
    ribbons,
    roots_at,
    scatter_roots,
    tapered,
    triangle_axes,
)

_BEARD_POINTS = 6
_FACE_DEPTH = 0.03
_LIP_NEIGHBOURHOOD = 0.005
_DOWN = np.array([0.0, 0.0, -1.0])

_BEARD_HAIRS = 900


@dataclass(frozen=True, kw_only=True)
class BrowStyle:
    """The look of a pair of brows; lengths in metres.

    `arch` raises the middle, `thickness` is the height at the inner end, `reach` stretches the
    brow outwards (1 = as usual).
    """

    arch: float
    thickness: float
    reach: float
    hairs: int
    hair_length: float
    radius: float


def sample_brow_style(random: np.random.Generator, gender: float) -> BrowStyle:
    """Brows drawn at random; men's (gender 1) are thicker and flatter."""
    return BrowStyle(
        arch=round(float(random.normal(0.0010 - 0.0014 * gender, 0.0010)), 5),
        thickness=round(float(random.uniform(0.0040, 0.0065) + 0.0020 * gender), 5),
        reach=round(float(random.uniform(0.94, 1.06)), 3),
        hairs=int(random.integers(380, 620)),
        hair_length=round(float(random.uniform(0.0055, 0.0080)), 5),
        radius=round(float(random.uniform(0.00016, 0.00024)), 6),
    )


def grow_brows(head: MeshWearer, style: BrowStyle, random: np.random.Generator) -> Strands:
    """Both brows, on the brow ridge of this head."""
    along = random.random(2 * style.hairs) ** 0.85
    side = np.where(np.arange(2 * style.hairs) < style.hairs, 1.0, -1.0)
    thick = style.thickness * np.interp(along, [0, 0.12, 0.5, 0.8, 1], [0.7, 1.0, 0.85, 0.5, 0.15])
    across = random.uniform(-0.5, 0.5, len(along))
    line = np.interp(along, [0, 0.3, 0.62, 1], [0.0172, 0.0200, 0.0222, 0.0158])
    arch = style.arch * np.sin(np.pi * along.clip(0, 0.9) / 0.9) ** 2
    spot = np.column_stack(
        [side * (0.0085 + 0.0415 * style.reach * along), line + arch + across * thick]
    )
    roots, kept = _roots_in_front(head, spot)
    along, side, across = along[kept], side[kept], across[kept]
    # inner hairs stand up, the others lie outwards; upper ones turn down, lower ones up
    turn = np.interp(along, [0, 0.15, 0.45, 1], [75, 40, 15, -22]) - 35 * across
    turn = np.deg2rad(turn + random.normal(0, 9, len(along)))
    flow = np.column_stack([side * np.cos(turn), 0 * turn, np.sin(turn)])
    length = style.hair_length * np.interp(along, [0, 0.3, 1], [0.75, 1.0, 0.7])
    length = length * random.uniform(0.75, 1.1, len(along))
    points = _combed(roots, flow, length, lift=0.30, points=5)
    radius = tapered(len(roots), 5, style.radius)
    return bound_strands(head, roots, points, radius, turns_with_skin=True)


@dataclass(frozen=True, kw_only=True)
class BeardStyle:
    """The look of a beard: its parts, their length and density; lengths in metres.

    `chin_only` keeps what lies within so many metres of the middle.
    """

    beard: float
    moustache: float
    length: float
    hairs: int
    radius: float
    chin_only: float | None = None


BEARD_STYLES: Mapping[str, BeardStyle] = {
    "short": BeardStyle(beard=1, moustache=1, length=0.006, hairs=6500, radius=0.00016),
    "full": BeardStyle(beard=1, moustache=1, length=0.020, hairs=8000, radius=0.00019),
    "moustache": BeardStyle(beard=0, moustache=1, length=0.008, hairs=1500, radius=0.00018),
    "goatee": BeardStyle(
        beard=1, moustache=1, length=0.010, hairs=3000, radius=0.00017, chin_only=0.027
    ),
    "chin": BeardStyle(
        beard=1, moustache=0, length=0.012, hairs=1800, radius=0.00017, chin_only=0.020
    ),
}


def grow_beard(head: MeshWearer, style: BeardStyle, random: np.random.Generator) -> Strands:
    """Grow a beard or moustache. No hair reaches across the lips."""
    density = np.maximum(
        style.beard * head.region("beard"), style.moustache * head.region("moustache")
    )
    if style.chin_only is not None:
        density = density * (np.abs(head.canonical[:, 0]) < style.chin_only)
    roots = scatter_roots(head, density, style.hairs, random)
    above = roots.of(head.region("moustache")[:, None])[:, 0] > 0.5
    outwards = np.sign(roots.positions[:, :1]) * np.array([1.0, 0.0, 0.0])
    flow = _DOWN + np.where(above[:, None], 1.2, 0.1) * outwards
    flow = flow + random.normal(0, 0.18, flow.shape)
    length = np.where(above, np.minimum(style.length, _room_above_lips(head, roots)), style.length)
    length = length * random.uniform(0.6, 1.0, len(roots))
    short = np.interp(style.length, [0.002, 0.006], [0.9, 0.35])
    points = _combed(roots, flow, length, lift=float(short), points=_BEARD_POINTS)
    radius = tapered(len(roots), _BEARD_POINTS, style.radius)
    return bound_strands(head, roots, points, radius, turns_with_skin=True)


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
    flat = flow - (flow * normal).sum(axis=1, keepdims=True) * normal
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
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
    normal = np.cross(flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0])
    faces_us = (normal[:, 1] < 0) & (flat[:, :, 1].max(axis=1) < _FACE_DEPTH)
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


def beard(wearer: MeshWearer, random: np.random.Generator) -> tuple[str, Addition]:
    """Return a beard, moustache or goatee, with its style's name."""
    name = str(random.choice(list(BEARD_STYLES)))
    style = BEARD_STYLES[name]
    full = BEARD_STYLES["full"].hairs
    style = replace(
        style,
        length=style.length * float(random.uniform(0.7, 1.5)),
        hairs=int(_BEARD_HAIRS * max(style.hairs / full, 0.35)),
        radius=float(random.uniform(0.0006, 0.0013)),
    )
    return name, _carried(wearer, grow_beard(wearer, style, random), Part.BEARD, shade=0.35)


def brows(wearer: MeshWearer, gender: float, random: np.random.Generator) -> Addition:
    """Both brows."""
    style = sample_brow_style(random, gender)
    style = replace(
        style, hairs=int(random.integers(90, 170)), radius=float(random.uniform(0.0002, 0.0005))
    )
    return _carried(wearer, grow_brows(wearer, style, random), Part.BROWS, shade=0.0)


def _carried(wearer: MeshWearer, strands: Strands, part: Part, *, shade: float) -> Addition:
    skin = wearer.skin[strands.corners]
    axes = triangle_axes(skin)
    roots = np.einsum("sk,skc->sc", strands.barycentric, skin)
    points = roots[:, None] + strands.offsets @ axes
    outwards = np.broadcast_to(axes[:, None, 2], points.shape)
    vertices, triangles = ribbons(points, strands.radius, outwards)
    away = vertices.reshape(len(points), -1, 3) - roots[:, None]
    return Addition(
        part=part,
        points=mesh_axes(vertices),
        triangles=triangles,
        shade=np.tile(np.repeat(np.linspace(shade, 0, points.shape[1]), 2), len(points)),
        carrier=Carrier(
            corners=wearer.vertices[strands.corners],
            barycentric=strands.barycentric,
            offsets=away @ axes.transpose(0, 2, 1) / METRES_PER_UNIT,
        ),
    )
