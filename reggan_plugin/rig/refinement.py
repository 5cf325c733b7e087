"""What a network adds to a rig's answer: the rest of the motion, and the light of folds.

It sees the face and, in the same places, what the rig is about to do with it. Its answer is bounded
by that: nothing is added where the rig moves nothing, and all of it goes as an intensity goes to 0.
Motion is added to the vertices, so lids and lips stay edges of a mesh.

A face has two sheets of skin that meet at the mouth's line, so there are two planes of motion: one
for what goes with the skull, one for what goes with the jaw.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.rig.layout import SIDES, rows_of
from reggan_plugin.rig.planes import sampled
from reggan_plugin.rig.raster import MeshRaster, rasterise
from reggan_plugin.rig.template import Template

CELLS: Final = 128
"""Side of the planes that the network sees, and of its light; its motion has half of it."""
PLANES: Final = ("right", "down", "light", "lower", "face", "x", "y", "z")
"""What the rig is about to do: motion in eye distances, the logarithm of the light's factor, 1
where the skin goes with the jaw, 1 where there is a face, and the place on the template."""
LOWER: Final = 0.4
"""Share of the jaw's motion from which on a vertex belongs to the lower lip."""
_RIM: Final = 0.05
"""Eye distances from a lid's edge over which motion is added: lids meet where the rig says."""
_LIPS_APART: Final = 0.04
"""Eye distances between lips from which on each has a motion of its own."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Refinement:
    """A network's answer.

    Attributes:
        motion: to be added, eye distances: right and down of the upper sheet, of the lower one.
        gain: to be added to the logarithm of the light's factor.
    """

    motion: Float[np.ndarray, "cells cells 4"]
    gain: Float[np.ndarray, "cells cells 1"]


def source_raster(template: Template, here: Float[np.ndarray, "vertices 3"]) -> MeshRaster:
    """What of a template each cell shows, where the source has its vertices."""
    return rasterise(here * CELLS, template.triangles, CELLS, CELLS)


def request_planes(
    template: Template,
    raster: MeshRaster,
    motion: Float[np.ndarray, "vertices 2"],
    light: Float[np.ndarray, " vertices"],
) -> Float[np.ndarray, "planes cells cells"]:
    """What a rig is about to do with a face, where the source has it, as `PLANES` says.

    Args:
        template: that is laid over the face.
        raster: as `source_raster` makes it.
        motion: of the vertices, right and down in the crop, eye distances.
        light: natural logarithms of the factors on the light of the vertices.
    """
    lower = is_lower(template).astype(np.float32)
    face = np.ones(len(lower), np.float32)
    values = np.column_stack([motion, light, lower, face, template.rest])
    return np.ascontiguousarray(raster.mixed(values, template.triangles).transpose(2, 0, 1))


def is_lower(template: Template) -> Bool[np.ndarray, " vertices"]:
    """Vertices that go with the jaw."""
    return template.jaw >= LOWER


Refine = Callable[[Float[np.ndarray, "planes cells cells"]], Refinement]
"""A network, asked about one face: what `request_planes` says in, its answer out."""


def added_motion(
    template: Template,
    refinement: Refinement,
    places: Float[np.ndarray, "vertices 2"],
    apart: float,
) -> Float[np.ndarray, "vertices 2"]:
    """Motion to be added to the vertices, eye distances.

    Args:
        template: whose vertices move.
        refinement: of the face.
        places: of the vertices in the source, in parts of the crop's side.
        apart: distance of the lips in the rig's result, eye distances; lips that it shuts stay
            shut.
    """
    planes = sampled(refinement.motion, places * np.float32(len(refinement.motion)))
    upper, lower = planes[:, :2], planes[:, 2:]
    both = (upper + lower) / 2
    own = np.where(is_lower(template)[:, None], lower, upper)
    share = np.float32(np.clip(apart / _LIPS_APART, 0, 1))
    free = template.keep * _away_from_lids(template)
    return (both + share * (own - both)) * free[:, None]


@cache
def _away_from_lids(template: Template) -> Float[np.ndarray, " vertices"]:
    """0 on the edges of lids, 1 away from them."""
    rows = [rows_of(name, side) for name in ("lid_upper", "lid_lower") for side in SIDES]
    marks = template.landmarks[np.concatenate(rows)]
    square = ((template.rest[:, None] - marks[None]) ** 2).sum(axis=2).min(axis=1)
    return (1 - np.exp(-square / _RIM**2)).astype(np.float32)
