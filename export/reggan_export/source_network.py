"""The networks that model files are made from, at any side, in float32 or in half precision.

Those of papers, and the two of the face locator with the inputs and outputs of their files.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import CROP_SIDE_PX
from reggan_plugin.models.model_card import UNSEALED, ModelCard, card_from_metadata
from reggan_plugin.models.onnx_messages import metadata_from_onnx
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import CANONICAL_LANDMARKS
from reggan_training.locator.training import (
    CHECKPOINT_NAME,
    OFFSET_UNIT_PX,
    FaceDetector,
    LandmarkNetwork,
)
from reggan_training.papers.networks.architectures import build_model
from reggan_training.papers.networks.expression_model import ExpressionModel, ModelSettings
from reggan_training.papers.networks.masked_regression import MaskedRegression
from reggan_training.papers.run_folder import RunFolder, initial_weights_from, model_from_run
from reggan_training.training_run import read_checkpoint

_KEPT = ("regression",)
"""Solved filters whose sums cancel: half of them would cost more accuracy than time."""


def model_at_side(model: ExpressionModel, side_px: int) -> ExpressionModel:
    """Return the same weights for crops of `side_px`; the model itself if that is its side.

    Convolutions and the low-resolution masks do not mind; what was learnt for each pixel does.

    Raises:
        UsageError: no model has such a side, or this one cannot; the message names the field.
    """
    if side_px == model.side_px:
        return model
    resized = build_model(_settings_at_side(model, side_px))
    state = model.state_dict()
    state["masks"] = F.interpolate(
        state["masks"][None], resized.masks.shape[-2:], mode="bilinear", antialias=True
    )[0]
    for name, wanted in resized.state_dict().items():
        if wanted.shape != state[name].shape:
            raise UsageError(
                f"{model.architecture} cannot run at {side_px} px: {name} was learnt at "
                f"{model.side_px} px and has the shape {list(state[name].shape)}, there it would "
                f"need {list(wanted.shape)}. Train with that side_px.",
                kind="other-side",
            )
    resized.load_state_dict(state)
    return resized.eval().requires_grad_(False)


def _settings_at_side(model: ExpressionModel, side_px: int) -> ModelSettings:
    layer = model.settings.regression
    if not isinstance(model, MaskedRegression):  # has no such layer, whatever its settings say
        layer = replace(layer, side_px=side_px)
    try:
        return replace(model.settings, side_px=side_px, regression=layer)
    except ValueError as error:
        raise UsageError(
            f"{model.architecture} cannot run at {side_px} px: {error}. Train with that side_px.",
            kind="other-side",
        ) from error


def network_from(path: Path) -> ExpressionModel:
    """Load the network of a run folder, of the checkpoint in it, or of an .onnx of ours.

    Raises:
        SourceError: it is none of these, or the run has no checkpoint yet.
        ModelError, UsageError: the .onnx is damaged, or holds no network as it was trained.
    """
    if path.suffix != ".onnx":
        return model_from_run(_folder_of_run(path))
    weights = initial_weights_from(path)
    network = build_model(weights.settings)
    weights.load_into(network)
    return network.eval().requires_grad_(False)


def card_from(path: Path, network: ExpressionModel) -> ModelCard:
    """Make an unsealed card for the network of `network_from`, at the side that it has now."""
    if path.suffix == ".onnx":
        card = card_from_metadata(metadata_from_onnx(path), str(path))
        return replace(
            card,
            image_size_px=network.side_px,
            training={**card.training, "model": asdict(network.settings)},
            weights_sha256=UNSEALED,
        )
    run = RunFolder(_folder_of_run(path))
    config = run.read_config()
    return ModelCard(
        name=run.root.name,
        version="0.1.0",
        architecture=network.architecture,
        image_size_px=network.side_px,
        expressions=EXPRESSION_NAMES,
        canonical_landmarks={
            landmark: (round(float(x), 4), round(float(y), 4))
            for landmark, (x, y) in zip(LANDMARK_NAMES, CANONICAL_LANDMARKS, strict=True)
        },
        training={
            "data": config["data"],
            "data_sha256": config["data_sha256"],
            "identities": len(config["identities"]),
            "images_seen": int(run.load()["images_seen"]),
            "seed": config["settings"]["seed"],
            "model": asdict(network.settings),  # what `train --init-from` builds
            "commits": [session["commit"] for session in config["sessions"]],
        },
        licence="Apache-2.0",
    )


def _folder_of_run(checkpoint: Path) -> Path:
    if checkpoint.is_dir():
        return checkpoint
    if checkpoint.name.startswith("checkpoint."):
        return checkpoint.parent
    raise SourceError(
        f"{checkpoint} is no run folder, no checkpoint in one and no .onnx; name the folder that "
        "`train` wrote, which holds config.json and checkpoint.safetensors."
    )


def compute_in_half(model: ExpressionModel) -> None:
    """Make the convolutions of a model take and give float16, in place.

    Inputs, outputs, the regression layer, normalisation, resampling and everything after the
    networks' last convolutions stay float32: each pixel's own sums are cheap, and there is where
    the rounding would show.
    """
    for part in _halved_parts(model):
        part.half().register_forward_pre_hook(lambda _, inputs: _all_as(torch.half, inputs))
        for norm in part.modules():
            if isinstance(norm, nn.InstanceNorm2d):
                norm.float().register_forward_pre_hook(
                    lambda _, inputs: _all_as(torch.float, inputs)
                )
                norm.register_forward_hook(lambda _, __, output: output.half())


def round_as_in_half(model: ExpressionModel) -> None:
    """Make a model answer as `compute_in_half` would have it on a GPU, in place and in float32.

    Weights and the result of every operation are rounded to what float16 holds; sums within an
    operation are not, as on tensor cores. A CPU without half-precision arithmetic takes more than
    a hundred times as long for float16 itself.
    """
    for part in _halved_parts(model):
        part.half().float()
        part.forward = _rounded(part.forward)


def _halved_parts(model: ExpressionModel) -> Iterator[nn.Module]:
    return (part for name, part in model.named_children() if name not in _KEPT)


def _all_as(dtype: torch.dtype, values: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return tuple(value.to(dtype) for value in values)


def _rounded(forward: Callable[..., Any]) -> Callable[..., Any]:
    def rounded(*inputs: Tensor) -> Any:
        with _HalfRounding():
            return forward(*(value.half().float() for value in inputs))

    return rounded


class _HalfRounding(TorchFunctionMode):
    """A mode in which the result of every function is one that float16 holds."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        is_float = isinstance(result, Tensor) and result.dtype == torch.float
        return result.half().float() if is_float else result


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


@frozen
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
        return make(read_checkpoint(run / CHECKPOINT_NAME)["ema"])
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
