"""How light on a face changes with its shape, in closed form.

    l(n) = 1 + b . (n - mean n)        g = log l(n + dn) - log l(n) - k dh

n are the normals of an average face at rest, dn and dh what the shapes change of normals and
hollows (`surface_regression`). b, the light, is read from the picture: a ridge of its linear light
on the normals of the places that its pixels show. So a cheek that a smile lifts towards the light
gets brighter, and the fold beside it darker, without a pixel being drawn.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.motion.byte_table import ByteTable
from reggan_training.motion.small_inverse import inverse_of_symmetric
from reggan_training.motion.surface_reader import ReadSurface
from reggan_training.motion.surface_regression import SURFACE_CELLS, values_at
from reggan_training.pairs.truth import PixelKind
from reggan_training.srgb import linear_from_encoded

LIGHT_CELLS = SURFACE_CELLS // 2
_PENALTY = 0.03
"""Of the ridge, beside the variance of normals."""
_LEAST_LIGHT = 0.3
"""Of the mean: light falls off to no less at a shape's terminator."""
_HOLLOW = 0.7
"""Natural log of the light that a full hollow takes."""
_LARGEST = 0.5


class FaceLight(nn.Module):
    """Buffers that are solved, not learnt.

    Attributes:
        change: what shapes do to normals, in the head's axes, and to hollows.
        normals: of an average face at rest, not of unit length; float16 [1, 3, cells, cells].
    """

    normals: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.change = ByteTable(4, LIGHT_CELLS)
        empty = torch.zeros(1, 3, LIGHT_CELLS, LIGHT_CELLS, dtype=torch.float16)
        self.register_buffer("normals", empty)

    def store(
        self,
        change: Float[Tensor, "shapes 4 big big"],
        normals: Float[Tensor, "3 big big"],
    ) -> None:
        """Keep what was solved, at half of its resolution."""
        self.change.store(F.avg_pool2d(change, 2))
        self.normals.copy_(F.avg_pool2d(normals[None], 2))

    def forward(
        self,
        image: Float[Tensor, "batch 3 side side"],
        surface: ReadSurface,
        found: Float[Tensor, "batch 2 side side"],
        shapes: Float[Tensor, "batch shapes"],
    ) -> Float[Tensor, "batch 1 side side"]:
        """Natural log of a factor on linear light, for the picture after its motion.

        Args:
            image: the source, sRGB-encoded.
            surface: of the source.
            found: place that each pixel shows after the motion.
            shapes: what changes.
        """
        light, mean = self._light_in(image, surface)
        before = self._normals_at(found)
        changed = values_at(self.change(shapes), found)
        lit, relit = (
            (1 + torch.einsum("bi,biyx->byx", light, normals - mean)).clamp(min=_LEAST_LIGHT)
            for normals in (before, before + changed[:, :3])
        )
        gain = torch.log(relit / lit)[:, None] - _HOLLOW * changed[:, 3:]
        return _LARGEST * torch.tanh(gain / _LARGEST)

    def _normals_at(
        self, place: Float[Tensor, "batch 2 side side"]
    ) -> Float[Tensor, "batch 3 side side"]:
        return values_at(self.normals.float().expand(place.shape[0], -1, -1, -1), place)

    def _light_in(
        self, image: Float[Tensor, "batch 3 side side"], surface: ReadSurface
    ) -> tuple[Float[Tensor, "batch 3"], Float[Tensor, "batch 3 1 1"]]:
        """B of the module's formula, and the mean normal that it is measured from."""
        linear = linear_from_encoded(image).mean(1).flatten(1)
        normals = self._normals_at(surface.place).flatten(2)
        skin = torch.softmax(surface.kinds, dim=1)[:, PixelKind.SKIN].flatten(1)
        weight = skin * normals.square().sum(1).clamp(max=1.0)
        weight = weight / weight.sum(1, keepdim=True).clamp(min=1e-3)
        mean = torch.einsum("bn,bin->bi", weight, normals)
        brightness = (weight * linear).sum(1, keepdim=True).clamp(min=1e-3)
        beside = normals - mean[..., None]
        weighed = beside * weight[:, None]
        gram = torch.einsum("bin,bjn->bij", weighed, beside)
        gram = gram + _PENALTY * torch.eye(3, device=image.device)
        sums = torch.einsum("bin,bn->bi", weighed, linear / brightness - 1)
        light = torch.einsum("bij,bj->bi", inverse_of_symmetric(gram), sums)
        return light, mean[:, :, None, None]
