"""What a network adds to a rig's answer: whose convention, the rest of the motion, folds.

It sees the face and, in the same places, what the rig is about to do with it. Its answer is bounded
by that: rigs mean motions by the same name that differ, and it says how much of which of the
template's conventions; beside that little motion is added, none where the rig moves nothing, and
all of it goes as an intensity goes to 0. Motion is added to the vertices, so lids and lips stay
edges of a mesh.

A face has two sheets of skin that meet at the mouth's line, so there are two planes of motion: one
for what goes with the skull, one for what goes with the jaw.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.sampling import sampled
from reggan_plugin.kernels.shapes import vertex_normals
from reggan_plugin.rig.dense_landmarks import LIP_PAIRS, SIDES, rows_of
from reggan_plugin.rig.mouth_opening import parting
from reggan_plugin.rig.raster import MeshRaster, rasterise
from reggan_plugin.rig.template_fit import CONVENTIONS, Fit, Template, is_lower

CELLS: Final = 128
"""Side of the planes that the network sees, and of its light; its motion has half of it."""
PLANES: Final = (
    *("right", "down", "light", "lower", "face", "x", "y", "z"),
    *(f"{name}_{axis}" for name in CONVENTIONS for axis in ("right", "down")),
)
"""What the rig is about to do: motion in eye distances, the logarithm of the light's factor, 1
where the skin goes with the jaw, 1 where there is a face, the place on the template, and what each
convention would add to the motion."""
_RIM: Final = 0.05
"""Eye distances from a lid's edge over which motion is added: lids meet where the rig says."""
TRUST = 0.6
"""Share of what is added that is used. A head of a family that the network has not seen is taken
for one of those that it has, and then the house convention is nearer (docs/maintainers/results.md).
Of the light, which an adversary made stronger than is safe, 0.6 explains most on held-out heads."""
_EDGE_ON, _SEEN = 0.1, 0.5
"""Parts of a normal that point to the viewer, up to which no motion is added and from which on all:
where cheeks turn away the network sees hardly any of them, and bends their outline."""
_MIDDLE, _CHEEK = 0.45, 0.7
"""Eye distances from a face's middle beyond which that counts: lips and noses turn away, too."""
_LIPS_SHUT, _LIPS_APART = 0.03, 0.10
"""Eye distances between lips up to which they move as one, and from which on each by itself."""


@frozen(eq=False)
class RigRefinement:
    """A network's answer.

    Attributes:
        mix: share of each convention, in the order of `CONVENTIONS`.
        motion: to be added, eye distances: right and down of the upper sheet, of the lower one.
        gain: to be added to the logarithm of the light's factor.
    """

    mix: Float[np.ndarray, "coarse coarse conventions"]
    motion: Float[np.ndarray, "coarse coarse 4"]
    gain: Float[np.ndarray, "cells cells 1"]


@frozen(eq=False)
class RigRequest:
    """What a rig is about to do with the vertices of its template.

    Attributes:
        here: places in the source: x and y in parts of the crop's side, and nearness.
        there: likewise in the rig's result.
        motion: right and down in the crop, eye distances.
        meant: what each convention would add to it, likewise.
        light: natural logarithms of the factors on the light.
    """

    here: Float[np.ndarray, "vertices 3"]
    there: Float[np.ndarray, "vertices 3"]
    motion: Float[np.ndarray, "vertices 2"]
    meant: Float[np.ndarray, "conventions vertices 2"]
    light: Float[np.ndarray, " vertices"]

    @classmethod
    def of(
        cls,
        template: Template,
        laid: Fit,
        before: Float[np.ndarray, "vertices 3"],
        change: Float[np.ndarray, "vertices 3"],
        closing: Float[np.ndarray, " vertices"],
        weights: Mapping[str, float],
        light: Float[np.ndarray, " vertices"],
    ) -> "RigRequest":
        """Say what a template that is laid over a face is about to do.

        Args:
            template: that is laid.
            laid: how.
            before: its vertices as the source has them, in the template's space.
            change: of the vertices as the rig would have it.
            closing: of the vertices, see `Fit.moved`.
            weights: of shapes.
            light: of the vertices.
        """
        start = laid.placed(before)
        here, there = start.by_map, laid.moved_on(start, before + change, closing)
        meant = [
            (laid.moved_on(start, before + (change + one), closing) - there)[:, :2]
            for one in template.conventions_of(weights)
        ]
        return cls(
            here=here,
            there=there,
            motion=(there - here)[:, :2] / laid.map.eye,
            meant=np.stack(meant) / laid.map.eye,
            light=light,
        )

    def planes(
        self, template: Template, raster: MeshRaster | None = None
    ) -> Float[np.ndarray, "planes cells cells"]:
        """Return what a network is asked, where the source has it, as `PLANES` says.

        Args:
            template: whose vertices these are.
            raster: as `source_raster` makes it, if it is there.
        """
        raster = raster or source_raster(template, self.here)
        lower = is_lower(template).astype(np.float32)
        face = np.ones(len(lower), np.float32)
        values = [self.motion, self.light, lower, face, template.rest, *self.meant]
        drawn = raster.mixed(np.column_stack(values), template.triangles)
        return np.ascontiguousarray(drawn.transpose(2, 0, 1))


def source_raster(template: Template, here: Float[np.ndarray, "vertices 3"]) -> MeshRaster:
    """Return what of a template each cell shows, where the source has its vertices."""
    return rasterise(here * CELLS, template.triangles, CELLS, CELLS)


Refine = Callable[[Float[np.ndarray, "planes cells cells"]], RigRefinement]
"""A network, asked about one face: what `request_planes` says in, its answer out."""


def added_motion(
    template: Template,
    request: RigRequest,
    refinement: RigRefinement,
    gaps: Float[np.ndarray, " pairs"],
) -> Float[np.ndarray, "vertices 2"]:
    """Motion to be added to the vertices, eye distances; none to shapes that are a head's own.

    Args:
        template: whose vertices move.
        request: what the rig is about to do with them.
        refinement: of the face.
        gaps: between the lips in the rig's result, eye distances, in the order of `LIP_PAIRS`;
            lips that it shuts stay shut.
    """
    if not template.conventions:
        return np.zeros_like(request.motion)
    places = request.here[:, :2]
    mix = sampled(refinement.mix, places * np.float32(len(refinement.mix)))
    planes = sampled(refinement.motion, places * np.float32(len(refinement.motion)))
    own = np.where(is_lower(template)[:, None], planes[:, 2:], planes[:, :2])
    added = np.einsum("vk,kvc->vc", mix, request.meant) + own
    facing = np.abs(vertex_normals(request.here, template.triangles)[:, 2])
    turns = np.clip((_SEEN - facing) / (_SEEN - _EDGE_ON), 0, 1)
    cheek = np.clip((np.abs(template.rest[:, 0]) - _MIDDLE) / (_CHEEK - _MIDDLE), 0, 1)
    share = TRUST * template.keep * _away_from_lids(template) * (1 - turns * cheek)
    added *= share[:, None].astype(np.float32)
    upper, lower = LIP_PAIRS
    marks = template.at_landmarks(added)
    shut = 1 - np.clip((gaps - _LIPS_SHUT) / (_LIPS_APART - _LIPS_SHUT), 0, 1)
    return added - parting(template, (marks[lower] - marks[upper]) * shut[:, None])


@cache  # a template is compared by identity
def _away_from_lids(template: Template) -> Float[np.ndarray, " vertices"]:
    """0 on the edges of lids, 1 away from them."""
    rows = [rows_of(name, side) for name in ("lid_upper", "lid_lower") for side in SIDES]
    marks = template.landmarks[np.concatenate(rows)]
    square = ((template.rest[:, None] - marks[None]) ** 2).sum(axis=2).min(axis=1)
    return (1 - np.exp(-square / _RIM**2)).astype(np.float32)
