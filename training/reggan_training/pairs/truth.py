"""Truth of a pair of states: the motion of every pixel, and what the source cannot show."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from reggan_plugin.vocabulary.face_shapes import CONTROLS, NEUTRAL
from reggan_training.pairs.rasterising import Rasters
from reggan_training.pairs.shading import HeadShader, mixed
from reggan_training.pairs.states import Weights

_SAME_DEPTH, _SAME_PLACE = 0.05, 0.06
"""In eye distances: how near the source's surface must lie to be the one that the target shows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairTruth:
    """Truth of a pair over one window, at its raster's resolution.

    Attributes:
        motion: backward, in parts of the crop's side: the surface seen at q in the target was at
            q + motion(q) in the source. 0 on background.
        visible: the source shows what the target shows; else it has to be painted (cover).
        hit: the target shows the head, not background.
        part: `Part` of what the target shows, 255 on background.
    """

    motion: Float[Tensor, "2 side side"]
    visible: Bool[Tensor, "side side"]
    hit: Bool[Tensor, "side side"]
    part: Int[Tensor, "side side"]


def truth_of_pair(shader: HeadShader, rasters: Rasters, source: int, target: int) -> PairTruth:
    """Follow what the target shows back to where the source had it."""
    head, side, device = shader.head, rasters.side_px, shader.device
    hit, corners, weights = shader.surface_points(rasters, target)
    was = mixed(shader.positions[source], corners, weights)
    rest = mixed(shader.fixed[:, :3], corners, weights)
    place = project(shader, was)
    # not the pixel's centre: thinned rasters see the surface beside it
    now = project(shader, mixed(shader.positions[target], corners, weights))
    motion = torch.zeros(side * side, 2, device=device)
    motion[hit.pixels] = place - now
    seen = _shows_same(shader, source, place, was[:, 2], rest)
    is_head = torch.zeros(side * side, dtype=torch.bool, device=device)
    is_head[hit.pixels] = True
    was_head = torch.from_numpy(rasters.triangle[source] < len(head.triangles)).to(device).flatten()
    visible = ~is_head & ~was_head  # background in both
    visible[hit.pixels] = seen
    part = torch.full((side * side,), 255, device=device)
    part[hit.pixels] = shader.parts[hit.triangle]
    return PairTruth(
        motion=motion.T.reshape(2, side, side),
        visible=visible.reshape(side, side),
        hit=is_head.reshape(side, side),
        part=part.reshape(side, side),
    )


def project(shader: HeadShader, viewed: Float[Tensor, "points 3"]) -> Float[Tensor, "points 2"]:
    """Crop coordinates; see `Camera.project`."""
    camera = shader.head.camera
    factor = camera.distance / (camera.distance - viewed[:, 2:])
    plane = viewed[:, :2] * factor * torch.tensor([1.0, -1.0], device=viewed.device)
    matrix = torch.from_numpy(camera.crop_from_plane).float().to(viewed.device)
    return plane @ matrix[:, :2].T + matrix[:, 2]


def _shows_same(
    shader: HeadShader,
    state: int,
    place: Float[Tensor, "points 2"],
    depth: Float[Tensor, " points"],
    rest: Float[Tensor, "points 3"],
) -> Bool[Tensor, " points"]:
    """Whether a state shows these surface points where it has them."""
    rasters = shader.head.face
    side = rasters.side_px
    hit, corners, weights = shader.surface_points(rasters, state)
    known = torch.full((side * side, 4), torch.inf, device=place.device)
    surface = torch.cat([shader.positions[state][:, 2:], shader.fixed[:, :3]], dim=1)
    known[hit.pixels] = mixed(surface, corners, weights)
    cell = (place * side).floor().long()
    inside = ((cell >= 0) & (cell < side)).all(1)
    cell = cell.clamp(0, side - 1)
    found = known[cell[:, 1] * side + cell[:, 0]]
    same_depth = (found[:, 0] - depth).abs() < _SAME_DEPTH
    same_place = (found[:, 1:] - rest).norm(dim=1) < _SAME_PLACE
    return inside & same_depth & same_place


def request_of_pair(
    source: Weights, target: Weights, rest: float
) -> Float[np.ndarray, " controls"]:
    """Return the control vector that leads from one state to another.

    With source weights s, target weights t and rest r it asks for a = t - (1 - r) s, which must not
    be negative. Order of `CONTROLS`.
    """
    vector = np.zeros(len(CONTROLS), dtype=np.float32)
    for index, name in enumerate(CONTROLS[:-1]):
        vector[index] = max(0.0, target.get(name, 0.0) - (1 - rest) * source.get(name, 0.0))
    vector[CONTROLS.index(NEUTRAL)] = rest
    return vector
