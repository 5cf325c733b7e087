"""What the networks are shown: squares around parts of pictures, jittered and recoloured."""

import math
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from reggan_plugin.frozen import frozen
from reggan_plugin.rig.dense_landmarks import MIRROR
from reggan_training.landmarks.part_networks import FRONT, INPUT_PX, POINTS_OF
from reggan_training.landmarks.picture_pool import (
    FRONT_SHARES,
    KEPT_PX,
    SIDES_OF,
    WIDER,
    PicturePool,
)
from reggan_training.tensor_shapes import Images

_JITTER: Final = {
    "face": (0.02, 0.08, 5.0),
    "eye": (0.045, 0.08, 6.0),
    "brow": (0.06, 0.09, 7.0),
    "mouth": (0.03, 0.07, 6.0),
    "front": (0.02, 0.06, 4.0),
}
"""How far the coarse pass places squares off, a little overdone: deviations of the middle in parts
of the side, of the side's logarithm, and of the roll in degrees."""
_BY_LOCATOR, _LOCATOR_JITTER = 0.4, 2.2
"""Share of the faces that a locator places instead of a first pass, and how much worse it does."""
_GREY, _BLURRED, _HIDDEN = 0.12, 0.3, 0.12
"""Shares of the crops without colour, of small pictures, with something before them."""


@frozen(eq=False)
class PartCrops:
    """Crops of one kind of part.

    Attributes:
        picture: sRGB-encoded, [0, 1]; of left parts the mirror image.
        places: of the landmarks of `POINTS_OF`, in parts of the side from the middle.
    """

    picture: Images
    places: Float[Tensor, "batch points 2"]


@frozen(eq=False)
class FrontCrops:
    """Squares of faces, and what lies where in them.

    Attributes:
        picture: sRGB-encoded, [0, 1].
        shares: of `front_network.SHOWN` at each pixel; their sum is 1.
    """

    picture: Images
    shares: Float[Tensor, "batch shown side side"]


def draw_front_crops(
    pool: PicturePool,
    index: Int[Tensor, " batch"],
    random: torch.Generator,
    *,
    augments: bool = True,
) -> FrontCrops:
    """Cut squares of faces about as the landmarks place them; see `draw_crops`."""
    draw = _Draw(random)
    flip = draw.uniform(len(index)) < 0.5
    linear, shift = _jitter(FRONT, flip, draw, augments=augments)
    at = _grid(linear, shift, INPUT_PX[FRONT])
    picture, shares = (
        F.grid_sample(
            pool.rows(name, index).permute(0, 3, 1, 2).float() / 255,
            at,
            align_corners=False,
            padding_mode="border",
        )
        for name in (FRONT, FRONT_SHARES)
    )
    behind, front, spectacles = (shares[:, one : one + 1] for one in range(3))
    if augments:
        picture, hides = _recoloured(picture, draw)
        behind, spectacles = behind * ~hides, spectacles * ~hides
        front = torch.where(hides, 1.0, front)
    head = (1 - behind - front - spectacles).clamp(min=0)
    return FrontCrops(
        picture=picture.clamp(0, 1), shares=torch.cat([behind, head, front, spectacles], 1)
    )


def draw_crops(
    pool: PicturePool,
    index: Int[Tensor, " batch"],
    kind: str,
    random: torch.Generator,
    *,
    augments: bool = True,
) -> PartCrops:
    """Cut squares around a part as a coarse pass would place them.

    Args:
        pool: pictures, with arrays of that kind.
        index: which of them.
        kind: of part.
        random: of the side of the face, the jitter and the colours.
        augments: recolour and spoil them; False to measure.
    """
    draw = _Draw(random)
    kept = KEPT_PX[kind]
    flip = draw.uniform(len(index)) < 0.5
    pictures = _kept_squares(pool, index, kind, flip, "")
    matrices = _kept_squares(pool, index, kind, flip, "_to")
    points = pool.rows("points", index)
    points = torch.where(flip[:, None, None], points[:, MIRROR], points)
    own = points[:, torch.tensor(POINTS_OF[kind])]
    own = torch.einsum("bij,bpj->bpi", matrices[:, :, :2], own) + matrices[:, None, :, 2]
    own = own / kept - 0.5  # in parts of what is kept, from its middle
    linear, shift = _jitter(kind, flip, draw, augments=augments)
    at = _grid(linear, shift, INPUT_PX[kind])
    picture = F.grid_sample(
        pictures.permute(0, 3, 1, 2).float() / 255, at, align_corners=False, padding_mode="border"
    )
    if augments:
        picture, _ = _recoloured(picture, draw)
    places = torch.linalg.solve(linear[:, None], (own - shift[:, None])[..., None])[..., 0]
    return PartCrops(picture=picture.clamp(0, 1), places=places)


class _Draw:
    """Random tensors."""

    def __init__(self, random: torch.Generator) -> None:
        self._random = random

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self._random)

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self._random)


def _kept_squares(
    pool: PicturePool,
    index: Int[Tensor, " batch"],
    kind: str,
    flip: Bool[Tensor, " batch"],
    suffix: str,
) -> Tensor:
    """Rows of a part: of pairs the left one where a crop is to be a mirror image."""
    names = [name + suffix for name in SIDES_OF[kind]]
    own = pool.rows(names[0], index)
    if len(names) == 1:
        return own
    wide = flip.view(-1, *[1] * (own.dim() - 1))
    return torch.where(wide, pool.rows(names[1], index), own)


def _jitter(
    kind: str, flip: Bool[Tensor, " batch"], draw: _Draw, *, augments: bool
) -> tuple[Float[Tensor, "batch 2 2"], Float[Tensor, "batch 2"]]:
    """Where the squares lie in what is kept: a linear map and the middle, in parts of its side."""
    count = len(flip)
    of_middle, of_size, of_roll = _JITTER[kind]
    strength = torch.ones(count)
    if augments and kind == "face":
        strength = torch.where(draw.uniform(count) < _BY_LOCATOR, _LOCATOR_JITTER, 1.0)
    shift = draw.normal(count, 2) * of_middle * strength[:, None] / WIDER
    scale = torch.exp(draw.normal(count) * of_size * strength) / WIDER
    turn = draw.normal(count) * math.radians(of_roll)
    if kind == "face":
        scale, shift = scale.clamp(max=1.02), shift.clamp(-0.1, 0.1)
    c, s = torch.cos(turn) * scale, torch.sin(turn) * scale
    linear = torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], 1)
    linear[flip, :, 0] *= -1
    return linear, shift


def _grid(
    linear: Float[Tensor, "batch 2 2"], shift: Float[Tensor, "batch 2"], side: int
) -> Float[Tensor, "batch side side 2"]:
    """Where the pixels of squares lie in what is kept, as `grid_sample` takes it."""
    centres = (torch.arange(side) + 0.5) / side - 0.5
    grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), -1).view(1, -1, 2)
    at = (grid @ linear.transpose(1, 2) + shift[:, None]) * 2
    return at.view(len(linear), side, side, 2)


def _recoloured(x: Images, draw: _Draw) -> tuple[Images, Bool[Tensor, "batch 1 side side"]]:
    """Crops in other light, some grey, small, partly hidden, with noise. Changes `x`.

    Returns:
        Them, and where they are hidden.
    """
    count, _, side, _ = x.shape
    hides = torch.zeros(count, 1, side, side, dtype=torch.bool)
    gamma = torch.exp(draw.normal(count, 1, 1, 1) * 0.22)
    gain = torch.exp(draw.normal(count, 1, 1, 1) * 0.15)
    gain = gain * torch.exp(draw.normal(count, 3, 1, 1) * 0.06)
    x = x.clamp(1e-3, 1) ** gamma * gain + draw.normal(count, 1, 1, 1) * 0.05
    grey = draw.uniform(count) < _GREY
    x[grey] = x[grey].mean(1, keepdim=True).expand(-1, 3, -1, -1)
    blurred = draw.uniform(count) < _BLURRED
    if blurred.any():
        size = int(side * float(draw.uniform(1)) * 0.6 + side * 0.35)
        small = F.interpolate(x[blurred], size=size, mode="area")
        x[blurred] = F.interpolate(small, size=side, mode="bilinear", align_corners=False)
    hidden = draw.uniform(count) < _HIDDEN
    if hidden.any():
        x[hidden], hides[hidden] = _partly_hidden(x[hidden], draw)
    noise = draw.normal(count, 3, side, side) * (draw.uniform(count, 1, 1, 1) ** 2 * 0.06)
    return x + noise, hides


def _partly_hidden(x: Images, draw: _Draw) -> tuple[Images, Tensor]:
    """Crops with blotches of noise before them, and where these are."""
    count, _, side, _ = x.shape
    mask = F.interpolate(draw.normal(count, 1, 5, 5), size=side, mode="bilinear") > 1.1
    blotches = draw.uniform(count, 3, 1, 1) + 0.1 * draw.normal(count, 3, side, side)
    return torch.where(mask, blotches, x), mask
