"""Pictures between two renders: both moved along the flow between them, and only then blended."""

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

LOW_PX = 72
"""Side of a stored flow."""


def flow_between(
    first: UInt8[np.ndarray, "side side 3"],
    second: UInt8[np.ndarray, "side side 3"],
) -> Float[np.ndarray, "2 low low"]:
    """Optical flow (x, y) that leads from the first picture to the second, in shares of the side.

    Source: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016.
    """
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second)]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = search.calc(grey[0], grey[1], None)
    small = cv2.resize(flow, (LOW_PX, LOW_PX), interpolation=cv2.INTER_AREA)
    return np.moveaxis(small / len(first), 2, 0).astype(np.float16)


def interpolate_along_flow(
    first: Float[Tensor, "batch 3 side side"],
    second: Float[Tensor, "batch 3 side side"],
    forward: Float[Tensor, "batch 2 low low"],
    backward: Float[Tensor, "batch 2 low low"],
    share: Float[Tensor, " batch"],
) -> Float[Tensor, "batch 3 side side"]:
    """The pictures `share` of the way from `first` to `second`, so that no mouth is doubled.

    `forward` leads from first to second, in shares of the side; `backward` the other way.
    """
    weight = share[:, None, None, None]
    start = _carry(first, forward * weight)
    end = _carry(second, backward * (1 - weight))
    return (1 - weight) * start + weight * end


def _carry(
    images: Float[Tensor, "batch 3 side side"], flow: Float[Tensor, "batch 2 low low"]
) -> Float[Tensor, "batch 3 side side"]:
    side = images.shape[-1]
    shift = F.interpolate(flow, size=(side, side), mode="bilinear", align_corners=False)
    centres = (torch.arange(side) + 0.5) / side * 2 - 1
    grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1)
    position = grid - 2 * shift.permute(0, 2, 3, 1)
    return F.grid_sample(
        images, position, mode="bilinear", padding_mode="border", align_corners=False
    )
