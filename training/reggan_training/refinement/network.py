"""The network of the refinement: an hourglass that sees a face and what the rig is about to do.

Beside it the discriminator of its last training: it sees the light of a changed face.
"""

from itertools import pairwise
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.rig.refinement import PLANES
from reggan_plugin.rig.template_fit import CONVENTIONS
from reggan_training.landmarks.part_networks import Residual, block

_WIDTHS: Final = (32, 48, 80, 128, 160)
"""Channels at half of the resolution, a quarter and so on."""
_MERGED: Final = 40
_SCALE: Final = (8.0, 8.0, 4.0, *(1.0,) * 5, *(16.0,) * (2 * len(CONVENTIONS)))
"""Of `PLANES`, so that all have about the same size."""
_MOST_MOTION, _MOTION_RISES = 0.08, 0.05
_MOST_LIGHT, _LIGHT_RISES = 0.7, 0.03
"""Bounds of what is added, and the rig's own motion nearby, both in eye distances, at which they
are three quarters reached."""
_MIX_CELLS, _MOTION_CELLS = 9, 3
"""Over which shares and motion are averaged: edges of lips stay smooth lines."""
_JUDGED: Final = 6
"""Planes that the discriminator sees: a picture, motion, light."""
_NEARBY: Final = 9
"""Cells over which the rig's motion is averaged, twice."""


class RigRefiner(nn.Module):
    """Motion and light to be added to a rig's answer."""

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        widths = _WIDTHS
        self.stem = block(4 * (3 + len(PLANES)), widths[0])
        self.down = nn.ModuleList(
            [
                nn.Sequential(block(before, wide, 2), Residual(wide))
                for before, wide in pairwise(widths)
            ]
        )
        self.deepest = Residual(widths[-1])
        self.lateral = nn.ModuleList([nn.Conv2d(wide, _MERGED, 1) for wide in reversed(widths)])
        self.smooth = nn.ModuleList([block(_MERGED, _MERGED) for _ in widths[1:]])
        self.mix = nn.Conv2d(_MERGED, len(CONVENTIONS), 3, padding=1)
        self.family = nn.Linear(widths[-1], len(CONVENTIONS))
        self.motion = nn.Conv2d(_MERGED, 4, 3, padding=1)
        self.fine = block(_MERGED // 4 + 3 + len(PLANES), 16)
        self.light = nn.Conv2d(16, 1, 3, padding=1)
        for last in (self.mix, self.motion, self.light, self.family):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        self.register_buffer("scale", torch.tensor(_SCALE)[:, None, None], persistent=False)

    def forward(
        self,
        picture: Float[Tensor, "batch 3 cells cells"],
        asked: Float[Tensor, "batch planes cells cells"],
    ) -> tuple[
        Float[Tensor, "batch conventions half half"],
        Float[Tensor, "batch 4 half half"],
        Float[Tensor, "batch 1 cells cells"],
    ]:
        """Say what is to be added.

        Args:
            picture: sRGB-encoded, [0, 1].
            asked: as `reggan_plugin.rig.refinement.PLANES` says.

        Returns:
            Shares of the conventions; motion in eye distances, right and down of the upper sheet
            and of the lower one, both at half of the resolution; natural logarithms of factors on
            the light.
        """
        seen = torch.cat([(picture - 0.5) * 4, asked * self.scale], 1)
        levels = [self.stem(F.pixel_unshuffle(seen, 2))]
        for down in self.down:
            levels.append(down(levels[-1]))
        levels[-1] = self.deepest(levels[-1])
        family = self.family(levels[-1].mean((2, 3)))[..., None, None]
        merged = self.lateral[0](levels.pop())
        for lateral, smooth in zip(list(self.lateral)[1:], self.smooth, strict=True):
            up = F.interpolate(merged, scale_factor=2.0, mode="nearest")
            merged = smooth(lateral(levels.pop()) + up)
        nearby = _nearby(asked)
        fine = self.fine(torch.cat([F.pixel_shuffle(merged, 2), seen], 1))
        light = self.light(fine).tanh() * (_MOST_LIGHT * (nearby / _LIGHT_RISES).tanh())
        bound = _MOST_MOTION * (F.avg_pool2d(nearby, 2) / _MOTION_RISES).tanh()
        mix = (_smooth(self.mix(merged), _MIX_CELLS) + family).softmax(1)
        return mix, _smooth(self.motion(merged).tanh() * bound, _MOTION_CELLS), light


class LightDiscriminator(nn.Module):
    """Tells, patch by patch, whether a change of light is the true one of a face and its motion.

    Source: Isola et al., Image-to-image translation with conditional adversarial networks, CVPR
    2017, section 3.2 (patches); Miyato et al., arXiv 1802.05957 (spectral normalisation).
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (_JUDGED, 24, 48, 72)
        layers: list[nn.Module] = []
        for before, wide in pairwise(widths):
            convolution = nn.Conv2d(before, wide, 4, 2, 1)
            layers += [nn.utils.parametrizations.spectral_norm(convolution), nn.LeakyReLU(0.2)]
        last = nn.Conv2d(widths[-1], 1, 3, 1, 1)
        self.layers = nn.Sequential(*layers, nn.utils.parametrizations.spectral_norm(last))

    def forward(
        self,
        picture: Float[Tensor, "batch 3 cells cells"],
        motion: Float[Tensor, "batch 2 cells cells"],
        light: Float[Tensor, "batch 1 cells cells"],
    ) -> Float[Tensor, "batch 1 patches patches"]:
        """Score patches; above 0 is real.

        Args:
            picture: the source, sRGB-encoded, [0, 1].
            motion: of the rig, eye distances.
            light: natural logarithm of the factor on the light; 0 where it is unknown.
        """
        seen = torch.cat([(picture - 0.5) * 2, motion * _SCALE[0], light * 4], 1)
        score: Tensor = self.layers(seen)
        return score


def _smooth(planes: Tensor, cells: int) -> Tensor:
    edge = cells // 2
    return _averaged(F.pad(planes, (edge, edge, edge, edge), mode="replicate"), cells, 0)


def _nearby(asked: Tensor) -> Float[Tensor, "batch 1 cells cells"]:
    """How far the rig moves what is around each cell, eye distances."""
    far = (asked[:, :2].square().sum(1, keepdim=True) + 1e-12).sqrt() - 1e-6
    for _ in range(2):
        far = _averaged(far, _NEARBY, _NEARBY // 2)
    return far


def _averaged(planes: Tensor, cells: int, edge: int) -> Tensor:
    """Average squares of cells along columns, then rows: a third of the time of both at once."""
    planes = F.avg_pool2d(planes, (cells, 1), 1, (edge, 0))
    return F.avg_pool2d(planes, (1, cells), 1, (0, edge))
