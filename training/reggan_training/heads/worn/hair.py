"""Scalp hair and fringes of any head as ribbons that stay still."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.rig.light import vertex_normals
from reggan_training.heads.head import Part
from reggan_training.heads.worn.additions import Addition
from reggan_training.heads.worn.hair_styles import HAIR_STYLES, HairStyle, grow_hair
from reggan_training.heads.worn.mesh_wearer import MeshWearer, mesh_axes
from reggan_training.heads.worn.ribbons import ribbons

_MOST_TRIANGLES = 18_000
_PLACES = 9
"""Points of a straight ribbon."""
_CAP_SHARE = 0.8
_CAP_LEAST = 0.4
"""Hair stands on a cap so often; it covers the scalp where its weight is at least this."""
_MIDDLE = np.array([0.0, 0.07, 0.0])
_ROOT_SHADE, _TIP_SHADE = 0.55, 0.0

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
    """A style drawn at random, with its name; fringes hang over brows, at times into the eyes."""
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
        radius=float(random.uniform(0.0010, 0.0040 if not style.curl else 0.0022)),
    )


def hair(
    wearer: MeshWearer, style: HairStyle, triangle_budget: int, random: np.random.Generator
) -> Addition:
    """Hair in a style, within a budget of triangles (and one of its own)."""
    points, radius = _strands(wearer, style, min(triangle_budget, _MOST_TRIANGLES), random)
    vertices, triangles = ribbons(points, radius, points - _MIDDLE)
    shade = np.tile(
        np.repeat(np.linspace(_ROOT_SHADE, _TIP_SHADE, points.shape[1]), 2), len(points)
    )
    if random.random() < _CAP_SHARE:
        cap, faces = _cap(wearer, style)
        triangles = np.concatenate([triangles, faces + len(vertices)])
        vertices = np.concatenate([vertices, cap])
        shade = np.concatenate([shade, np.full(len(cap), _ROOT_SHADE)])
    return Addition(part=Part.HAIR, points=mesh_axes(vertices), triangles=triangles, shade=shade)


def _strands(
    wearer: MeshWearer, style: HairStyle, triangle_budget: int, random: np.random.Generator
) -> tuple[Float[np.ndarray, "strands points 3"], Float[np.ndarray, "strands points"]]:
    """Strands on the head at rest and their half width, metres."""
    places = grow_hair(wearer, replace(style, hairs=8), random).offsets.shape[1]
    taken = np.linspace(0, places - 1, places if style.curl else _PLACES).round().astype(int)
    count = triangle_budget // (2 * len(taken) - 3)
    strands = grow_hair(wearer, replace(style, hairs=count), random)
    skin = wearer.skin
    roots = np.einsum("sk,skc->sc", strands.barycentric, skin[strands.corners])
    points = roots[:, None] + strands.offsets
    grown = np.linspace(0, len(points) - 1, min(count, len(points))).astype(int)  # a bun has more
    return points[grown][:, taken], strands.radius[grown][:, taken]


def _cap(
    wearer: MeshWearer, style: HairStyle
) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "triangles 3"]]:
    """The scalp once more, raised by half the height of the hair, but for its edge."""
    skin, faces = wearer.skin, wearer.triangles
    scalp = wearer.region("scalp") * (wearer.region("ears") < 0.2)
    rows = faces[(scalp[faces] > _CAP_LEAST).all(axis=1)]
    used, triangles = np.unique(rows, return_inverse=True)
    height = 0.5 * style.lift * np.clip(2 * scalp[used] - 1, 0.1, 1)
    normals = vertex_normals(skin, faces)[used]
    return skin[used] + height[:, None] * normals, triangles.reshape(-1, 3)
