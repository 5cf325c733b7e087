"""The whole landmark network as one graph: a crop in, all landmarks with their certainty out.

A coarse pass on the face, twice, so that the second begins where the first ended; then each eye,
each brow and the mouth on squares of their own, cut out of the same crop inside the graph. Left
parts are looked at in a mirror. The squares are those of `reggan_plugin.rig.crops`.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.rig.crops import (
    FACE_CENTRE,
    FACE_SIDE,
    INPUT_PX,
    LAYOUT,
    LAYOUT_WEIGHTS,
    PART_SIDES,
)
from reggan_plugin.rig.layout import COUNT, MIRROR, eye_rows, rows_of
from reggan_training.landmarks.network import POINTS_OF, PartNetwork

CROP_PX = 384
_COARSE = 4
_EYES = (0.383, 0.617, 0.300)
"""Where the crop puts the eyes: x of the right one, of the left one, y; parts of its side."""
_LABEL_PX = 64


class LandmarkGraph(nn.Module):
    """All networks joined.

    Args:
        networks: by kind, in evaluation mode.
    """

    def __init__(self, networks: Mapping[str, PartNetwork]) -> None:
        super().__init__()
        self.networks = nn.ModuleDict(dict(networks))
        weight = torch.tensor(LAYOUT_WEIGHTS / LAYOUT_WEIGHTS.sum(), dtype=torch.float32)
        self.register_buffer("weight", weight)
        self.register_buffer("layout", torch.tensor(LAYOUT, dtype=torch.float32))
        for kind in INPUT_PX:
            at = (torch.arange(INPUT_PX[kind]) + 0.5) / INPUT_PX[kind] - 0.5
            grid = torch.stack(torch.meshgrid(at, at, indexing="xy"), -1)
            self.register_buffer(f"grid_{kind}", grid.reshape(1, -1, 2))
        at = (torch.arange(_LABEL_PX) + 0.5) / _LABEL_PX
        grid = torch.stack(torch.meshgrid(at, at, indexing="xy"), -1)
        self.register_buffer("label_grid", grid.reshape(1, -1, 2))

    def forward(
        self, picture: Float[Tensor, "batch 3 side side"]
    ) -> tuple[Float[Tensor, "batch points 2"], Float[Tensor, "batch points"], Tensor]:
        """Landmarks of crops.

        Args:
            picture: sRGB-encoded, [0, 1], the face where `CANONICAL_LANDMARKS` puts it.

        Returns:
            Places and standard deviations in parts of the crop's side, and the shares of what lies
            where (`network.LABELS`) on a plane of 64 x 64 over the crop.
        """
        coarse = F.avg_pool2d(picture, _COARSE)
        batch = picture[:, 0, 0, :1]
        right, left, height = _EYES
        centre = torch.stack(
            [batch * 0 + (right + left) / 2, batch * 0 + height + FACE_CENTRE[1] * (left - right)],
            -1,
        )[:, 0]
        turn = torch.stack([batch * 0 + 1, batch * 0], -1)[:, 0]
        side = batch * 0 + FACE_SIDE * (left - right)
        for _ in range(2):
            places, sigma, label = self.networks["face"](
                self._cut(coarse, centre, side, turn, "face", False)
            )
            points = self._placed(places, centre, side, turn, False)
            face_square = centre, side, turn
            origin, eye, turn = self._frame(points)
            side = FACE_SIDE * eye[:, None]
            down = torch.stack([-turn[:, 1], turn[:, 0]], -1)
            centre = origin + FACE_CENTRE[1] * eye[:, None] * down
        sigma = torch.exp(sigma.clamp(-7, 0)) * face_square[1]
        shares = torch.softmax(label.float(), 1)
        columns = [points[:, k] for k in range(COUNT)]
        deviations = [sigma[:, k] for k in range(COUNT)]
        for kind in ("eye", "brow", "mouth"):
            for name in ("right", "left") if kind != "mouth" else ("middle",):
                rows = list(POINTS_OF[kind])
                mirrored = name == "left"
                targets = [int(MIRROR[row]) for row in rows] if mirrored else rows
                around = self._around(kind, name)
                centre, side = self._square(points[:, around], origin, eye, turn, kind)
                own, deviation, _ = self.networks[kind](
                    self._cut(picture, centre, side, turn, kind, mirrored)
                )
                own = self._placed(own, centre, side, turn, mirrored)
                deviation = torch.exp(deviation.clamp(-7, 0)) * side
                for place, row in enumerate(targets):
                    columns[row], deviations[row] = own[:, place], deviation[:, place]
        return (
            torch.stack(columns, 1),
            torch.stack(deviations, 1),
            self._spread(shares, face_square),
        )

    @staticmethod
    def _around(kind: str, name: str) -> list[int]:
        if kind == "mouth":
            rows = [*rows_of("lip_outer_upper"), *rows_of("lip_outer_lower")]
        else:
            rows = [*(eye_rows(name) if kind == "eye" else rows_of("brow", name))]
        return [int(row) for row in rows]

    def _cut(
        self, picture: Tensor, centre: Tensor, side: Tensor, turn: Tensor, kind: str, mirrored: bool
    ) -> Tensor:
        grid = getattr(self, f"grid_{kind}")
        x = -grid[..., 0] if mirrored else grid[..., 0]
        y = grid[..., 1]
        c, s = turn[:, :1], turn[:, 1:]
        at = torch.stack([c * x - s * y, s * x + c * y], -1) * side[:, :, None] + centre[:, None]
        px = INPUT_PX[kind]
        return F.grid_sample(
            picture, at.reshape(-1, px, px, 2) * 2 - 1, align_corners=False, padding_mode="border"
        )

    @staticmethod
    def _placed(
        places: Tensor, centre: Tensor, side: Tensor, turn: Tensor, mirrored: bool
    ) -> Tensor:
        x = -places[..., 0] if mirrored else places[..., 0]
        y = places[..., 1]
        c, s = turn[:, :1], turn[:, 1:]
        return torch.stack([c * x - s * y, s * x + c * y], -1) * side[:, :, None] + centre[:, None]

    def _frame(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`crops.face_frame`: origin, eye distance, and the cosine and sine of the roll."""
        lips = [int(rows_of("lip_outer_upper")[k]) for k in (0, -1)]
        seen = torch.stack(
            [
                points[:, self._around("eye", "right")].mean(1),
                points[:, self._around("eye", "left")].mean(1),
                points[:, int(rows_of("nose")[0])],
                points[:, lips[0]],
                points[:, lips[1]],
                points[:, int(rows_of("jaw")[7])],
            ],
            1,
        )
        weight = self.weight[None, :, None]
        start, end = (weight * self.layout).sum(1), (weight * seen).sum(1)
        a, b = self.layout - start[:, None], seen - end[:, None]
        real = (weight * a * b).sum((1, 2))
        turn = (weight[..., 0] * (a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])).sum(1)
        length = torch.sqrt(real**2 + turn**2 + 1e-12)
        size = length / (weight * a**2).sum((1, 2))
        unit = torch.stack([real / length, turn / length], -1)
        c, s = unit[:, 0], unit[:, 1]
        moved = torch.stack(
            [c * start[:, 0] - s * start[:, 1], s * start[:, 0] + c * start[:, 1]], -1
        )
        return end - size[:, None] * moved, size, unit

    @staticmethod
    def _square(
        around: Tensor, origin: Tensor, eye: Tensor, turn: Tensor, kind: str
    ) -> tuple[Tensor, Tensor]:
        """`crops.part_square`: its middle and side."""
        away = around - origin[:, None]
        c, s = turn[:, :1], turn[:, 1:]
        right, down = c * away[..., 0] + s * away[..., 1], -s * away[..., 0] + c * away[..., 1]
        low = torch.stack([right.amin(1), down.amin(1)], -1)
        high = torch.stack([right.amax(1), down.amax(1)], -1)
        wide, tall, least, most = PART_SIDES[kind]
        size = (high - low) / eye[:, None]
        side = torch.maximum(size[:, 0] * wide, size[:, 1] * tall).clamp(least, most) * eye
        middle = (low + high) / 2
        c, s = turn[:, 0], turn[:, 1]
        placed = torch.stack(
            [c * middle[:, 0] - s * middle[:, 1], s * middle[:, 0] + c * middle[:, 1]], -1
        )
        return origin + placed, side[:, None]

    def _spread(self, shares: Tensor, square: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Labels of the face's square over the whole crop."""
        centre, side, turn = square
        away = (self.label_grid - centre[:, None]) / side[:, :, None]
        c, s = turn[:, :1], turn[:, 1:]
        at = (
            torch.stack(
                [c * away[..., 0] + s * away[..., 1], -s * away[..., 0] + c * away[..., 1]], -1
            )
            * 2
        )
        return F.grid_sample(
            shares,
            at.reshape(-1, _LABEL_PX, _LABEL_PX, 2),
            align_corners=False,
            padding_mode="border",
        )
