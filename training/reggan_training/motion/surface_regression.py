"""How every place of a face moves with every shape: an average over heads, in closed form.

    d(u) = sum_e a_e D_e(u)

u is the place on the face (`HeadMesh.canonical`, the same on every identity of every family), d the
displacement of that place in the head's own axes, in eye distances. On the surface a rig is linear
in its weights, so a ridge for each cell of u is all that there is to solve; pose, crop and
occlusion are no concern of it. `fixed_point` makes the motion of pixels of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from reggan_plugin.controls import ARKIT_SHAPES
from reggan_training.heads.head import Part
from reggan_training.motion.sampling import warp
from reggan_training.pairs.rasterised_head import read_head
from reggan_training.pairs.sitting import MIRROR_OF_CONTROL

SURFACE_CELLS = 80
SURFACE_LEFT, SURFACE_TOP, SURFACE_SIDE = -1.6, 0.9, 3.2
"""The square of canonical coordinates that is divided into cells, y up, in eye distances."""
_PENALTY = 3.0
"""Of the ridge, in squared weights summed over states."""
_SPREAD = (0.2, 0.6, 0.2)
"""Share of a cell's examples that its neighbours on a line count."""
_LEAST_FACING, _LEAST_Z = 0.15, -0.9
"""Of a vertex that stands for its place: it looks to the front and is no deeper than the ears."""
_ROUNDS = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class SurfaceExamples:
    """Some states of a head on the cells that it covers.

    Attributes:
        weights: less those of the state that displacements are measured from.
        cells: rows of the flattened grid, each once.
        displacement: mean of a cell's vertices, in the head's axes, in eye distances.
    """

    weights: Float[Tensor, "states shapes"]
    cells: Int[Tensor, " cells"]
    displacement: Float[Tensor, "states cells 3"]


def surface_examples(paths: Sequence[Path]) -> Iterator[SurfaceExamples]:
    """Yield all states of all heads, each as it is and in the mirror."""
    order = torch.tensor(MIRROR_OF_CONTROL[:-1])
    for path in paths:
        head = read_head(path)
        stored = [[float(s.get(name, 0.0)) for name in ARKIT_SHAPES] for s in head.states]
        weights = torch.tensor(stored[1:]) - torch.tensor(stored[0])
        rotation = torch.from_numpy(head.camera.rotation).float()
        positions = torch.from_numpy(head.positions) @ rotation  # in the head's axes
        facing = torch.from_numpy(head.normals[0]).float() @ rotation
        place = torch.from_numpy(head.canonical).float()
        skin = torch.zeros(len(place), dtype=torch.bool)
        is_skin = torch.isin(torch.from_numpy(head.parts), torch.tensor([Part.SKIN, Part.BROWS]))
        skin[torch.from_numpy(head.triangles[is_skin.numpy()].ravel().astype("int64"))] = True
        kept = skin & (facing[:, 2] > _LEAST_FACING) & (place[:, 2] > _LEAST_Z)
        moved = (positions[1:] - positions[0])[:, kept]
        yield _on_cells(weights, place[kept], moved)
        mirror = torch.tensor([-1.0, 1.0, 1.0])
        yield _on_cells(weights[:, order], place[kept] * mirror, moved * mirror)


def _on_cells(
    weights: Float[Tensor, "states shapes"],
    place: Float[Tensor, "vertices 3"],
    moved: Float[Tensor, "states vertices 3"],
) -> SurfaceExamples:
    scaled = torch.stack([place[:, 0] - SURFACE_LEFT, SURFACE_TOP - place[:, 1]], dim=1)
    column, row = (scaled * (SURFACE_CELLS / SURFACE_SIDE)).floor().long().unbind(1)
    inside = (column >= 0) & (column < SURFACE_CELLS) & (row >= 0) & (row < SURFACE_CELLS)
    cell = (row * SURFACE_CELLS + column)[inside]
    cells, places, counts = torch.unique(cell, return_inverse=True, return_counts=True)
    total = torch.zeros(len(weights), len(cells), 3)
    total.index_add_(1, places, moved[:, inside].float())
    return SurfaceExamples(weights=weights, cells=cells, displacement=total / counts[None, :, None])


def fit_surface(
    examples: Iterable[SurfaceExamples],
) -> Float[Tensor, "shapes 3 cells cells"]:
    """Solve D; cells without examples take those of their neighbours, others do not move."""
    shapes = len(ARKIT_SHAPES)
    gram = torch.zeros(SURFACE_CELLS**2, shapes * shapes)
    moved = torch.zeros(SURFACE_CELLS**2, shapes * 3)
    for example in examples:
        gram[example.cells] += (example.weights.T @ example.weights).flatten()
        sums = torch.einsum("ke,kcx->cex", example.weights, example.displacement)
        moved[example.cells] += sums.flatten(1)
    gram, moved = _spread(gram), _spread(moved)
    ridge = _PENALTY * torch.eye(shapes)
    solved = torch.linalg.solve(
        gram.reshape(-1, shapes, shapes) + ridge, moved.reshape(-1, shapes, 3)
    )
    return solved.permute(1, 2, 0).reshape(shapes, 3, SURFACE_CELLS, SURFACE_CELLS)


def _spread(sums: Float[Tensor, "grid columns"]) -> Float[Tensor, "grid columns"]:
    """Sums in which the cells around count, too."""
    picture = sums.T.reshape(-1, 1, SURFACE_CELLS, SURFACE_CELLS)
    line = torch.tensor(_SPREAD)
    across = F.conv2d(picture, line.view(1, 1, 1, -1), padding=(0, 1))
    down = F.conv2d(across, line.view(1, 1, -1, 1), padding=(1, 0))
    return down.reshape(sums.shape[1], -1).T


def displacement_at(
    table: Float[Tensor, "batch 3 cells cells"], place: Float[Tensor, "batch 2 side side"]
) -> Float[Tensor, "batch 3 side side"]:
    """Displacement of the places that pixels show; (x, y up), 0 outside of the table."""
    x = (place[:, 0] - SURFACE_LEFT) * (2 / SURFACE_SIDE) - 1
    y = (SURFACE_TOP - place[:, 1]) * (2 / SURFACE_SIDE) - 1
    grid = torch.stack([x, y], dim=3)
    return F.grid_sample(table, grid, padding_mode="zeros", align_corners=False)


def fixed_point(
    forward: Float[Tensor, "batch 2 side side"], start: Float[Tensor, "batch 2 side side"]
) -> tuple[Float[Tensor, "batch 2 side side"], Float[Tensor, "batch 2 side side"]]:
    """Backward motion of a forward one, m(q) = -f(q + m(q)), and what is left unsolved.

    Where two surfaces could be seen, or none, `start` decides which of them is looked for; none is
    there where the remainder is long.

    Args:
        forward: where what is seen at a pixel goes, in parts of the side.
        start: a guess.
    """
    motion = start
    for _ in range(_ROUNDS):
        motion = -warp(forward, motion)
    return motion, motion + warp(forward, motion)
