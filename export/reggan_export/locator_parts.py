"""The two networks of a face locator with the inputs and outputs that their files have."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.errors import SourceError
from reggan_plugin.faces.locator_crop import CROP_SIDE_PX
from reggan_training.locator.loop import read_checkpoint
from reggan_training.locator.networks import OFFSET_UNIT_PX, FaceDetector, LandmarkNetwork


class DetectorGraph(nn.Module):
    """The detector with scores as probabilities and offsets in pixels."""

    def __init__(self, network: FaceDetector) -> None:
        super().__init__()
        self.network = network

    def forward(self, gray: Float[Tensor, "n 1 h w"]) -> tuple[Tensor, Tensor]:
        """Return score [n, 1, h/8, w/8] and offsets [n, 12, h/8, w/8]."""
        logits, offsets = self.network(gray)
        return torch.sigmoid(logits), offsets * OFFSET_UNIT_PX


class ScoredLandmarks(nn.Module):
    """The landmark network with its score as a probability."""

    def __init__(self, network: LandmarkNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, crop: Float[Tensor, "n 1 s s"]) -> tuple[Tensor, Tensor]:
        """Return score [n, 1] and points [n, 6, 2]."""
        logits, points, _ = self.network(crop)
        return torch.sigmoid(logits), points


@dataclass(frozen=True, kw_only=True)
class LocatorPart:
    """One of the two files.

    Attributes:
        name: in its card, and of the file.
        graph: in evaluation mode.
        input_name: of the only input.
        output_names: of the two outputs.
        example: an input.
        dynamic_axes: of the input.
        conventions: what the numbers mean, for the card.
    """

    name: str
    graph: nn.Module
    input_name: str
    output_names: tuple[str, str]
    example: Tensor
    dynamic_axes: Mapping[int, Any]
    conventions: str


def locator_part(name: str, run: Path) -> LocatorPart:
    """Load the `detector` or the `landmarks` network of a run folder, ready for export.

    Raises:
        SourceError: the folder holds no checkpoint, or one of another network.
    """
    make = {"detector": _detector, "landmarks": _landmarks}[name]
    try:
        return make(read_checkpoint(run)["average"])
    except (FileNotFoundError, KeyError, RuntimeError) as error:
        raise SourceError(
            f"{run} holds no {name} network of this version ({error}). Name the run folder of "
            "its training.",
            kind="locator-run",
            name=name,
        ) from error


def _detector(weights: Mapping[str, Tensor]) -> LocatorPart:
    network = FaceDetector()
    network.load_state_dict(weights)
    eighths = torch.export.Dim("eighth_height", min=2), torch.export.Dim("eighth_width", min=2)
    return LocatorPart(
        name="detector",
        graph=DetectorGraph(network).eval(),
        input_name="gray",
        output_names=("score", "offsets"),
        example=torch.rand(1, 1, 96, 128),
        dynamic_axes={2: 8 * eighths[0], 3: 8 * eighths[1]},
        conventions="gray [1,1,H,W]: luma 0.299 0.587 0.114 of sRGB-encoded [0,1], H and W "
        "multiples of 8, 0.5 beyond the frame; offsets: x,y per landmark in pixels from the cell "
        "centre",
    )


def _landmarks(weights: Mapping[str, Tensor]) -> LocatorPart:
    network = LandmarkNetwork()
    network.load_state_dict(weights)
    return LocatorPart(
        name="landmarks",
        graph=ScoredLandmarks(network).eval(),
        input_name="crop",
        output_names=("score", "points"),
        example=torch.rand(3, 1, CROP_SIDE_PX, CROP_SIDE_PX),
        dynamic_axes={0: torch.export.Dim("batch", min=1, max=4096)},
        conventions=f"crop [N,1,{CROP_SIDE_PX},{CROP_SIDE_PX}]: luma as in the detector; points: "
        "pixels of the crop from its top-left corner",
    )
