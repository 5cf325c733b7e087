"""Teeth as they are: rigid, behind the lips, at a known place of the head.

A network that paints teeth pixel by pixel answers with their average, a blur. But teeth do not move
with the face: the upper ones are fixed to the skull, the lower ones to the jaw. So where they are
is geometry. What they look like, seen from the front, is a sheet gathered from renders; how the
jaw carries the lower ones is regressed on the face shapes, in closed form; the painter of the mouth
says only how bright and of which colour they are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.heads.head import Part
from reggan_training.motion.small_inverse import inverse_of_symmetric
from reggan_training.motion.surface_reader import ReadSurface
from reggan_training.pairs.head_file import read_head
from reggan_training.pairs.lip_seam import LOWER_JAW, SEAM_Y, seam_aligned
from reggan_training.pairs.rasterised_head import MOUTH_WINDOW, RasterisedHead
from reggan_training.pairs.shading import HeadShader, mixed
from reggan_training.pairs.truth import PixelKind

SHEET_ROWS, SHEET_COLUMNS = 120, 192
_CELL: Final = 0.005
"""Side of a cell of the sheets, in eye distances."""
_LEFT, _TOP = -0.5 * SHEET_COLUMNS * _CELL, SEAM_Y + 0.5 * SHEET_ROWS * _CELL
_SHEET_FAMILY = "ict"
"""Whose teeth the sheets show where a set has them: an average of several dentures is none."""
_BEHIND_LIPS = -0.17
"""Depth of the front teeth, in eye distances before the lips."""
_FRONT_TEETH_X = 0.2
_PENALTY = 3.0
_SHEET_HEADS, _JAW_HEADS = 120, 200
"""At most, that the sheets and the jaw are gathered from."""
_LEAST_SEEN = 0.1
"""Share of the mean count of seen cells from which on a cell is full."""
_UNSEEN_SHADE = 0.5
"""Of gums that no render shows."""
_LEAST_FACING, _FRONT_DEPTH = 0.15, 0.08
"""Of what a sheet shows: it looks to the front, and lies no deeper behind its row's front."""
_ANCHOR_X, _ANCHOR_Y, _ANCHOR_CENTRE_Y = 0.45, 0.35, -1.0
"""Spread and middle of the skin that the mouth's place is read from, in canonical coordinates."""


class Teeth(nn.Module):
    """Both rows of teeth as buffers that are solved, not learnt.

    Attributes:
        sheets: [upper and lower; tooth, gum, shade; rows, columns], 0 to 1, float16.
        jaw: displacement of the lower teeth for each shape, in the head's axes, in eye distances.
    """

    sheets: Tensor
    jaw: Tensor

    def __init__(self) -> None:
        super().__init__()
        sheets = torch.zeros(2, 3, SHEET_ROWS, SHEET_COLUMNS, dtype=torch.float16)
        self.register_buffer("sheets", sheets)
        self.register_buffer("jaw", torch.zeros(len(ARKIT_SHAPES), 3))

    def forward(
        self,
        surface: ReadSurface,
        rest: Float[Tensor, "batch 2 half half"],
        target: Float[Tensor, "batch shapes"],
        side: int,
    ) -> Float[Tensor, "batch 3 fine fine"]:
        """The sheets as they are seen in the mouth window: tooth, gum, shade.

        Args:
            surface: of the source.
            rest: how far each of its pixels is from where it were at rest, in parts of the side.
            target: weights that the result shows.
            side: pixels along the mouth window.
        """
        crop_from_face = _mouth_frame(surface, rest)
        behind = _BEHIND_LIPS * surface.projection[:, :, 2]
        carried = torch.einsum("bij,bj->bi", surface.projection, target @ self.jaw)
        left, top, right, bottom = MOUTH_WINDOW
        line = (torch.arange(side, device=rest.device) + 0.5) / side
        column, row = left + (right - left) * line, top + (bottom - top) * line[:, None]
        rows = []
        for sheet, moved in zip(self.sheets.float(), (behind, behind + carried), strict=True):
            before = column - moved[:, :1, None], row - moved[:, 1:, None]
            x, y = _face_from_crop(crop_from_face, *before)
            x = (x - _LEFT) * (2 / (SHEET_COLUMNS * _CELL)) - 1
            y = (_TOP - y) * (2 / (SHEET_ROWS * _CELL)) - 1
            grid = torch.stack([x, y], dim=3)
            whole = sheet[None].expand(x.shape[0], -1, -1, -1)
            rows.append(F.grid_sample(whole, grid, padding_mode="zeros", align_corners=False))
        upper, lower = rows
        hidden = (upper[:, :1] + upper[:, 1:2]).clamp(0, 1)
        return upper + (1 - hidden) * lower


def _mouth_frame(
    surface: ReadSurface, rest: Float[Tensor, "batch 2 half half"]
) -> Float[Tensor, "batch 2 3"]:
    """The affine map from canonical (x, y, 1) around the mouth to the crop, by least squares."""
    half = surface.place.shape[-1]
    line = (torch.arange(half, device=rest.device) + 0.5) / half
    here = torch.stack(torch.meshgrid(line, line, indexing="xy"))[None]
    x, y = surface.place[:, 0], surface.place[:, 1]
    near = torch.exp(-((x / _ANCHOR_X) ** 2) - ((y - _ANCHOR_CENTRE_Y) / _ANCHOR_Y) ** 2)
    weight = near * torch.softmax(surface.kinds, dim=1)[:, PixelKind.SKIN] + 1e-6
    known = torch.stack([x, y, torch.ones_like(x)], dim=1).flatten(2)
    weighed = known * weight.flatten(1)[:, None]
    wanted = (here - rest).flatten(2)
    gram = torch.einsum("bin,bjn->bij", weighed, known)
    sums = torch.einsum("bin,bjn->bij", wanted, weighed)
    return sums @ inverse_of_symmetric(gram)


def _face_from_crop(
    crop_from_face: Float[Tensor, "batch 2 3"],
    column: Float[Tensor, "batch 1 side"],
    row: Float[Tensor, "batch side 1"],
) -> tuple[Float[Tensor, "batch side side"], Float[Tensor, "batch side side"]]:
    """Canonical x and y at columns and rows of the crop."""
    (a, b, left), (c, d, top) = (crop_from_face[:, k, :, None, None].unbind(1) for k in (0, 1))
    x, y, determinant = column - left, row - top, a * d - b * c
    return (d * x - b * y) / determinant, (a * y - c * x) / determinant


@dataclass(frozen=True, kw_only=True, eq=False)
class _Seen:
    """Teeth and gums that pixels show; rows are pixels.

    Attributes:
        place: canonical, as `seam_aligned` has it.
        is_lower, is_tooth: of the lower row; a tooth, and not its gum.
        facing: cosine between the surface and the face's front.
    """

    place: Float[Tensor, "rows 3"]
    is_lower: Bool[Tensor, " rows"]
    is_tooth: Bool[Tensor, " rows"]
    facing: Float[Tensor, " rows"]


def shows_teeth(paths: Iterable[Path]) -> bool:
    """True if the sheets' own family is among these heads."""
    return any(path.parent.name == _SHEET_FAMILY for path in paths)


def fit_teeth(paths: Sequence[Path]) -> Teeth:
    """Gather the sheets and solve the jaw over rasterised heads."""
    own = [path for path in paths if path.parent.name == _SHEET_FAMILY] or list(paths)
    seen = [_teeth_of(read_head(path)) for path in own[:_SHEET_HEADS]]
    rows = _Seen(
        place=torch.cat([part.place for part in seen]),
        is_lower=torch.cat([part.is_lower for part in seen]),
        is_tooth=torch.cat([part.is_tooth for part in seen]),
        facing=torch.cat([part.facing for part in seen]),
    )
    teeth = Teeth()
    upper, lower = (_sheet(rows, rows.is_lower == is_lower) for is_lower in (False, True))
    teeth.sheets.copy_(torch.stack([with_gums(upper, -1), with_gums(lower, 1)]).half())
    teeth.jaw.copy_(_jaw(paths[:: max(1, len(paths) // _JAW_HEADS)]))
    return teeth


def _teeth_of(head: RasterisedHead) -> _Seen:
    shader = HeadShader(head)
    rotation = torch.from_numpy(head.camera.rotation).float()
    vertices = torch.from_numpy(seam_aligned(head))
    vertices = torch.cat([vertices, torch.from_numpy(head.jaw)[:, None].float()], dim=1)
    found = []
    for state in range(len(head.states)):
        hit, corners, weights = shader.surface_points(head.mouth, state)
        part = shader.parts[hit.triangle]
        shown = (part == Part.TEETH) | (part == Part.GUMS)
        place = mixed(vertices, corners[shown], weights[shown])
        normal = mixed(shader.normals[state], corners[shown], weights[shown]) @ rotation
        is_tooth = (part[shown] == Part.TEETH).float()
        facing = F.normalize(normal, dim=1)[:, 2]
        found.append(torch.cat([place, is_tooth[:, None], facing[:, None]], dim=1))
    rows = torch.cat(found)
    return _Seen(
        place=rows[:, :3],
        is_lower=rows[:, 3] >= LOWER_JAW,
        is_tooth=rows[:, 4] > 0,
        facing=rows[:, 5],
    )


def _sheet(rows: _Seen, chosen: Bool[Tensor, " rows"]) -> Float[Tensor, "3 rows columns"]:
    """Tooth, gum and shade of one row, of its front alone: no palate, no backs of teeth."""
    x, y, z = rows.place.unbind(1)
    column, row = ((x - _LEFT) / _CELL).floor().long(), ((_TOP - y) / _CELL).floor().long()
    inside = (column >= 0) & (column < SHEET_COLUMNS) & (row >= 0) & (row < SHEET_ROWS)
    chosen = chosen & inside & (rows.facing > _LEAST_FACING)
    foremost = torch.full((SHEET_COLUMNS,), -torch.inf)
    teeth = chosen & rows.is_tooth
    foremost.scatter_reduce_(0, column[teeth], z[teeth], "amax")
    chosen = chosen & (z > foremost[column.clamp(0, SHEET_COLUMNS - 1)] - _FRONT_DEPTH)
    cell = (row * SHEET_COLUMNS + column)[chosen]
    is_tooth = rows.is_tooth[chosen].float()
    counts = torch.zeros(3, SHEET_ROWS * SHEET_COLUMNS)
    for channel, values in enumerate((is_tooth, 1 - is_tooth, rows.facing[chosen])):
        counts[channel].index_add_(0, cell, values)
    smooth = F.avg_pool2d(counts.reshape(1, 3, SHEET_ROWS, SHEET_COLUMNS), 3, 1, 1)[0]
    seen = smooth[:2].sum(0)
    typical = seen[seen > 0].mean() if (seen > 0).any() else torch.tensor(1.0)
    there = (seen / (_LEAST_SEEN * typical)).clamp(0, 1)
    return smooth / seen.clamp(min=1e-6) * there


def with_gums(sheet: Float[Tensor, "3 rows columns"], away: int) -> Float[Tensor, "3 rows columns"]:
    """A row of teeth whose gums go on where no render has shown them.

    Args:
        sheet: tooth, gum and shade.
        away: 1 where the gums lie below the teeth, -1 where above.
    """
    tooth, gum, shade = sheet if away > 0 else sheet.flip(1)
    behind = (tooth.cummax(0).values - tooth - gum).clamp(min=0)
    filled = torch.stack([tooth, gum + behind, shade + _UNSEEN_SHADE * behind])
    return filled if away > 0 else filled.flip(1)


def _jaw(paths: Sequence[Path]) -> Float[Tensor, "shapes 3"]:
    shapes = len(ARKIT_SHAPES)
    gram, moved = _PENALTY * torch.eye(shapes), torch.zeros(shapes, 3)
    for path in paths:
        head = read_head(path)
        rows = np.unique(head.triangles[head.parts == Part.TEETH])
        is_front = np.abs(head.canonical[rows, 0]) < _FRONT_TEETH_X
        rows = rows[is_front & (head.jaw[rows] >= LOWER_JAW)]
        if not len(rows):
            continue
        where = torch.from_numpy(head.positions[:, rows].mean(1) @ head.camera.rotation).float()
        stored = [[float(s.get(name, 0.0)) for name in ARKIT_SHAPES] for s in head.states]
        weights = torch.tensor(stored[1:]) - torch.tensor(stored[0])
        gram += weights.T @ weights
        moved += weights.T @ (where[1:] - where[0])
    return torch.linalg.solve(gram, moved)
