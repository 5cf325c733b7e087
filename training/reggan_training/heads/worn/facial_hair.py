"""Beards and brows of any head as ribbons that ride on the skin."""

from dataclasses import replace

import numpy as np

from reggan_training.heads.head import Part
from reggan_training.heads.worn.additions import Addition, Carrier
from reggan_training.heads.worn.facial_strands import (
    BEARD_STYLES,
    grow_beard,
    grow_brows,
    sample_brow_style,
)
from reggan_training.heads.worn.mesh_wearer import METRES_PER_UNIT, MeshWearer, mesh_axes
from reggan_training.heads.worn.ribbons import ribbons
from reggan_training.heads.worn.strands import Strands, triangle_axes

_BEARD_HAIRS = 900


def beard(wearer: MeshWearer, random: np.random.Generator) -> tuple[str, Addition]:
    """A beard, moustache or goatee, with its style's name."""
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
