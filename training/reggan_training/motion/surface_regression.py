"""How every place of a face moves and turns with every shape, over all heads, in closed form.

    d(u) = sum_e a_e D_e(u)

u is the place on the face (`seam_aligned`, the same on every identity of every family), d the
displacement of that place in the head's own axes, in eye distances. On the surface a rig is linear
in its weights, so a ridge for each cell of u is all that there is to solve; pose, crop and
occlusion are no concern of it. Between the lips the surface tears: `lip_tables` gives each lip a
table that goes on beyond the seam. Under the lids is an eyeball that stays (`eye_table`).
`fixed_point` makes the motion of pixels of a table.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.heads.head import Part
from reggan_training.motion.sampling import warp
from reggan_training.pairs.batch import MIRROR_OF_CONTROL
from reggan_training.pairs.head_file import read_head
from reggan_training.pairs.lip_seam import LOWER_JAW, MOUTH_CORNER_X, SEAM_Y, seam_aligned
from reggan_training.pairs.rasterised_head import RasterisedHead
from reggan_training.pairs.shading import hollows_of

SURFACE_CELLS = 80
SURFACE_LEFT, SURFACE_TOP, SURFACE_SIDE = -1.6, 0.9, 3.2
"""The square of canonical coordinates that is divided into cells, y up, in eye distances."""
MOVED, TURNED = slice(0, 3), slice(3, 7)
"""Channels of what is solved."""
_MIRROR = torch.tensor([-1.0, 1.0, 1.0, -1.0, 1.0, 1.0, 1.0])
"""Signs of these channels seen in a mirror."""
_PENALTY = 3.0
"""Of the ridge, in squared weights summed over states."""
_REST_HEADS = 200
"""At most, that normals at rest are averaged over."""
_SPREAD = (0.2, 0.6, 0.2)
"""Share of a cell's examples that its neighbours on a line count."""
_LEAST_FACING, _LEAST_Z = 0.15, -0.9
"""Of a vertex that stands for its place: it looks to the front and is no deeper than the ears."""
_ROUNDS, _STEP = 8, 0.6
"""Of the search for a fixed point; whole steps swing to and fro where a lid is pressed together."""
_NEAR_SEAM = 0.1
"""Canonical height within which the jaw tells which lip a vertex is of."""
_BESIDE_CORNER = 0.03
_CELL = SURFACE_SIDE / SURFACE_CELLS
_SEAM_ROW = round((SURFACE_TOP - SEAM_Y) / _CELL)
"""First row of the lower lip."""
_MOUTH_COLUMNS = slice(
    math.ceil((-MOUTH_CORNER_X - SURFACE_LEFT) / _CELL),
    math.floor((MOUTH_CORNER_X - SURFACE_LEFT) / _CELL),
)
_EYE_Y, _LID_HEIGHT = -0.02, 0.09
"""Canonical height of the middle between open lids, and of their margins above and below it."""
_UPPER_ROWS, _LOWER_ROWS = slice(_SEAM_ROW - 15, _SEAM_ROW), slice(_SEAM_ROW, _SEAM_ROW + 17)
"""What is above and below the mouth: as far as a jaw can open."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SurfaceExamples:
    """Some states of a head on the cells that it covers.

    Attributes:
        weights: less those of the state that displacements are measured from.
        cells: rows of the flattened grid, each once.
        change: means of a cell's vertices: `MOVED`, in the head's axes, in eye distances, and
            `TURNED`, of the unit normal in the head's axes and of how hollow the surface is.
    """

    weights: Float[Tensor, "states shapes"]
    cells: Int[Tensor, " cells"]
    change: Float[Tensor, "states cells channels"]


def surface_examples(paths: Sequence[Path]) -> Iterator[SurfaceExamples]:
    """Yield all states of all heads, each as it is and in the mirror."""
    order = torch.tensor(MIRROR_OF_CONTROL[:-1])
    for path in paths:
        head = read_head(path)
        stored = [[float(s.get(name, 0.0)) for name in ARKIT_SHAPES] for s in head.states]
        weights = torch.tensor(stored[1:]) - torch.tensor(stored[0])
        rotation = torch.from_numpy(head.camera.rotation).float()
        positions = torch.from_numpy(head.positions) @ rotation  # in the head's axes
        place = _on_own_lip(head)
        kept = _is_seen_skin(head, place)
        normals = torch.from_numpy(head.normals).float()
        hollows = hollows_of(positions, normals @ rotation, torch.from_numpy(head.triangles).long())
        states = torch.cat([positions, normals @ rotation, hollows], dim=2)[:, kept]
        change = states[1:] - states[0]
        yield _on_cells(weights, place[kept], change)
        yield _on_cells(weights[:, order], place[kept] * _MIRROR[:3], change * _MIRROR)


def rest_normals(paths: Sequence[Path]) -> Float[Tensor, "3 cells cells"]:
    """Mean normals of faces at rest and of their mirror images, in the head's axes."""
    total = torch.zeros(SURFACE_CELLS**2, 3)
    counts = torch.zeros(SURFACE_CELLS**2, 1)
    for path in paths[:: max(1, len(paths) // _REST_HEADS)]:
        head = read_head(path)
        place = torch.from_numpy(seam_aligned(head)).float()
        kept = _is_seen_skin(head, place)
        rotation = torch.from_numpy(head.camera.rotation).float()
        normals = (torch.from_numpy(head.normals[0]).float() @ rotation)[kept]
        for sign in (torch.ones(3), _MIRROR[:3]):
            seen = _on_cells(torch.zeros(1, 0), place[kept] * sign, (normals * sign)[None])
            total[seen.cells] += seen.change[0]
            counts[seen.cells] += 1
    mean = _spread(total) / _spread(counts).clamp(min=1e-3)
    return mean.T.reshape(3, SURFACE_CELLS, SURFACE_CELLS)


def _is_seen_skin(
    head: RasterisedHead, place: Float[Tensor, "vertices 3"]
) -> Bool[Tensor, " vertices"]:
    """Vertices that stand for their places: skin that looks to the front."""
    rotation = torch.from_numpy(head.camera.rotation).float()
    facing = torch.from_numpy(head.normals[0]).float() @ rotation
    skin = torch.zeros(len(place), dtype=torch.bool)
    is_skin = torch.isin(torch.from_numpy(head.parts), torch.tensor([Part.SKIN, Part.BROWS]))
    skin[torch.from_numpy(head.triangles[is_skin.numpy()].ravel().astype("int64"))] = True
    return skin & (facing[:, 2] > _LEAST_FACING) & (place[:, 2] > _LEAST_Z)


def _on_own_lip(head: RasterisedHead) -> Float[Tensor, "vertices 3"]:
    """Places of vertices, those of each lip on its side of the seam."""
    place = torch.from_numpy(seam_aligned(head)).float()
    is_lower = torch.from_numpy(head.jaw) >= LOWER_JAW
    height = place[:, 1]
    is_lip = (place[:, 0].abs() < MOUTH_CORNER_X - _BESIDE_CORNER) & (
        (height - SEAM_Y).abs() < _NEAR_SEAM
    )
    own_side = torch.where(
        is_lower, height.clamp(max=SEAM_Y - 1e-3), height.clamp(min=SEAM_Y + 1e-3)
    )
    place[:, 1] = torch.where(is_lip, own_side, height)
    return place


def _on_cells(
    weights: Float[Tensor, "states shapes"],
    place: Float[Tensor, "vertices 3"],
    change: Float[Tensor, "states vertices channels"],
) -> SurfaceExamples:
    scaled = torch.stack([place[:, 0] - SURFACE_LEFT, SURFACE_TOP - place[:, 1]], dim=1)
    column, row = (scaled * (SURFACE_CELLS / SURFACE_SIDE)).floor().long().unbind(1)
    inside = (column >= 0) & (column < SURFACE_CELLS) & (row >= 0) & (row < SURFACE_CELLS)
    cell = (row * SURFACE_CELLS + column)[inside]
    cells, places, counts = torch.unique(cell, return_inverse=True, return_counts=True)
    total = torch.zeros(len(weights), len(cells), change.shape[2])
    total.index_add_(1, places, change[:, inside].float())
    return SurfaceExamples(weights=weights, cells=cells, change=total / counts[None, :, None])


def fit_surface(
    examples: Iterable[SurfaceExamples],
    towards: Float[Tensor, "shapes channels cells cells"] | None = None,
) -> Float[Tensor, "shapes channels cells cells"]:
    """Solve D; cells without examples take those of their neighbours.

    Args:
        examples: of any heads.
        towards: what the ridge draws to, and all that is known of what no example shows; 0 if None.
    """
    shapes, channels = len(ARKIT_SHAPES), TURNED.stop
    gram = torch.zeros(SURFACE_CELLS**2, shapes * shapes)
    changed = torch.zeros(SURFACE_CELLS**2, shapes * channels)
    for example in examples:
        gram[example.cells] += (example.weights.T @ example.weights).flatten()
        sums = torch.einsum("ke,kcx->cex", example.weights, example.change)
        changed[example.cells] += sums.flatten(1)
    gram, changed = _spread(gram), _spread(changed)
    if towards is not None:
        changed += _PENALTY * towards.flatten(2).permute(2, 0, 1).flatten(1)
    ridge = _PENALTY * torch.eye(shapes)
    solved = torch.linalg.solve(
        gram.reshape(-1, shapes, shapes) + ridge, changed.reshape(-1, shapes, channels)
    )
    return solved.permute(1, 2, 0).reshape(shapes, channels, SURFACE_CELLS, SURFACE_CELLS)


def eye_table(table: Float[Tensor, "batch 3 cells cells"]) -> Float[Tensor, "batch 3 cells cells"]:
    """How eyeballs are drawn out under lids that open wide; under lids that close they stay.

    What a lid uncovers is not in the picture, so that its edge is stretched over it, less and less
    towards the middle of the eye.
    """
    height = SURFACE_TOP - _EYE_Y - (torch.arange(SURFACE_CELLS, device=table.device) + 0.5) * _CELL
    nearness = (height.abs() / _LID_HEIGHT).clamp(max=1.0) ** 2
    up = table[:, 1]
    outwards = torch.where(height[:, None] > 0, up.clamp(min=0), up.clamp(max=0))
    drawn = outwards * nearness[:, None]
    return torch.stack([torch.zeros_like(drawn), drawn, torch.zeros_like(drawn)], dim=1)


def _spread(sums: Float[Tensor, "grid columns"]) -> Float[Tensor, "grid columns"]:
    """Sums in which the cells around count, too, those of the other lip apart."""
    picture = sums.T.reshape(-1, 1, SURFACE_CELLS, SURFACE_CELLS)
    line = torch.tensor(_SPREAD)

    def spread_without(rows: slice) -> Tensor:
        kept = picture.clone()
        kept[..., rows, _MOUTH_COLUMNS] = 0
        across = F.conv2d(kept, line.view(1, 1, 1, -1), padding=(0, 1))
        return F.conv2d(across, line.view(1, 1, -1, 1), padding=(1, 0))

    result = spread_without(_LOWER_ROWS)
    lower = spread_without(_UPPER_ROWS)[..., _LOWER_ROWS, _MOUTH_COLUMNS]
    result[..., _LOWER_ROWS, _MOUTH_COLUMNS] = lower
    return result.reshape(sums.shape[1], -1).T


def lip_tables(
    table: Float[Tensor, "batch 3 cells cells"],
) -> tuple[Float[Tensor, "batch 3 cells cells"], Float[Tensor, "batch 3 cells cells"]]:
    """The table as the upper lip goes on below the seam, and as the lower lip does above it."""
    column = torch.arange(SURFACE_CELLS, device=table.device)
    row = column[:, None]
    of_mouth = (column >= _MOUTH_COLUMNS.start) & (column < _MOUTH_COLUMNS.stop)
    is_below = of_mouth & (row >= _LOWER_ROWS.start) & (row < _LOWER_ROWS.stop)
    is_above = of_mouth & (row >= _UPPER_ROWS.start) & (row < _UPPER_ROWS.stop)
    upper_edge, lower_edge = (table[:, :, k : k + 1] for k in (_SEAM_ROW - 1, _SEAM_ROW))
    return torch.where(is_below, upper_edge, table), torch.where(is_above, lower_edge, table)


def values_at(
    table: Float[Tensor, "batch channels cells cells"], place: Float[Tensor, "batch 2 side side"]
) -> Float[Tensor, "batch channels side side"]:
    """What a table has for the places that pixels show; (x, y up), 0 outside of the table."""
    x = (place[:, 0] - SURFACE_LEFT) * (2 / SURFACE_SIDE) - 1
    y = (SURFACE_TOP - place[:, 1]) * (2 / SURFACE_SIDE) - 1
    grid = torch.stack([x, y], dim=3)
    return F.grid_sample(table, grid, padding_mode="zeros", align_corners=False)


def fixed_point(
    forward: Float[Tensor, "batch 2 side side"], start: Float[Tensor, "batch 2 side side"]
) -> tuple[Float[Tensor, "batch 2 side side"], Float[Tensor, "batch 2 side side"]]:
    """Backward motion of a forward one, m(q) = -f(q + m(q)), and what is left unsolved.

    Where two surfaces could be seen, `start` decides which of them is looked for; none is there
    where the remainder is long.

    Args:
        forward: where what is seen at a pixel goes, in parts of the side.
        start: a guess.
    """
    motion = start
    for _ in range(_ROUNDS):
        motion = motion - _STEP * (motion + warp(forward, motion))
    return motion, motion + warp(forward, motion)
