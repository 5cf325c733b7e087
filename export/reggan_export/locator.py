"""Locator checkpoints to ONNX, with their card and a parity check."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
import onnxruntime
import torch
from jaxtyping import Float
from torch import Tensor, nn

from reggan_export.onnx_file import write_model
from reggan_plugin.faces.landmarks import LANDMARK_NAMES
from reggan_plugin.faces.locator import (
    CARD_KIND,
    CARD_SCHEMA,
    DETECTOR_NAME,
    LANDMARKS_NAME,
)
from reggan_plugin.faces.locator_crop import CROP_SIDE_PX
from reggan_plugin.model_card import UNSEALED
from reggan_training.locator.detector_network import OFFSET_UNIT_PX, FaceDetector
from reggan_training.locator.landmark_network import LandmarkNetwork
from reggan_training.locator.loop import read_checkpoint

PARITY_TOLERANCE = {"score": 1e-4, "offsets": 1e-2, "points": 1e-2}
"""Largest absolute difference PyTorch - ONNX Runtime: probability, and pixels."""


class DetectorGraph(nn.Module):
    """The detector with scores as probabilities and offsets in pixels."""

    def __init__(self, network: FaceDetector) -> None:
        super().__init__()
        self.network = network

    def forward(self, gray: Float[Tensor, "n 1 h w"]) -> tuple[Tensor, Tensor]:
        """Return score [n, 1, h/8, w/8] and offsets [n, 12, h/8, w/8]."""
        logits, offsets = self.network(gray)
        return torch.sigmoid(logits), offsets * OFFSET_UNIT_PX


class LandmarkGraph(nn.Module):
    """The landmark network with its score as a probability."""

    def __init__(self, network: LandmarkNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, crop: Float[Tensor, "n 1 s s"]) -> tuple[Tensor, Tensor]:
        """Return score [n, 1] and points [n, 6, 2]."""
        logits, points, _ = self.network(crop)
        return torch.sigmoid(logits), points


@dataclass(frozen=True)
class Part:
    """One of the two files: its graph, tensor names and which axes vary."""

    file_name: str
    graph: nn.Module
    input_name: str
    output_names: tuple[str, str]
    example: Tensor
    dynamic_axes: dict[int, Any]
    conventions: str


def detector_part(run: Path) -> Part:
    """Return the detector of a run folder, ready for export."""
    network = FaceDetector()
    network.load_state_dict(read_checkpoint(run)["average"])
    eighth = torch.export.Dim("eighth_height", min=2), torch.export.Dim("eighth_width", min=2)
    return Part(
        DETECTOR_NAME,
        DetectorGraph(network).eval(),
        "gray",
        ("score", "offsets"),
        torch.rand(1, 1, 96, 128),
        {2: 8 * eighth[0], 3: 8 * eighth[1]},
        "gray [1,1,H,W]: luma 0.299 0.587 0.114 of sRGB-encoded [0,1], H and W multiples of 8, "
        "0.5 beyond the frame; offsets: x,y per landmark in pixels from the cell centre",
    )


def landmarks_part(run: Path) -> Part:
    """Return the landmark network of a run folder, ready for export."""
    network = LandmarkNetwork()
    network.load_state_dict(read_checkpoint(run)["average"])
    return Part(
        LANDMARKS_NAME,
        LandmarkGraph(network).eval(),
        "crop",
        ("score", "points"),
        torch.rand(3, 1, CROP_SIDE_PX, CROP_SIDE_PX),
        {0: torch.export.Dim("batch", min=1, max=4096)},
        f"crop [N,1,{CROP_SIDE_PX},{CROP_SIDE_PX}]: luma as in the detector; points: pixels of "
        "the crop from its top-left corner",
    )


def export_part(part: Part, run: Path, folder: Path) -> dict[str, float]:
    """Write one file and return its largest difference from PyTorch per output.

    Raises:
        click.ClickException: a difference exceeds PARITY_TOLERANCE; nothing is written.
    """
    program = torch.onnx.export(
        part.graph,
        (part.example,),
        input_names=[part.input_name],
        output_names=list(part.output_names),
        dynamic_shapes=(part.dynamic_axes,),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    model = program.model_proto
    differences = measure_parity(part, model)
    for name, difference in differences.items():
        if difference > PARITY_TOLERANCE[name]:
            raise click.ClickException(
                f"{part.file_name}: {name} differs by {difference:.2g} between PyTorch and ONNX "
                f"Runtime; at most {PARITY_TOLERANCE[name]:.2g} is allowed. Nothing was written."
            )
    write_model(model, _card(part, run), folder / part.file_name)
    return differences


def measure_parity(part: Part, model: onnx.ModelProto) -> dict[str, float]:
    """Return the largest absolute difference per output, at the example's shape and another."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    largest = dict.fromkeys(part.output_names, 0.0)
    other_shape = [
        n + (8 if axis > 1 else 2) if axis in part.dynamic_axes else n
        for axis, n in enumerate(part.example.shape)
    ]
    for example in (part.example, torch.rand(other_shape)):
        with torch.no_grad():
            expected = part.graph(example)
        found = session.run(list(part.output_names), {part.input_name: example.numpy()})
        for name, one, two in zip(part.output_names, expected, found, strict=True):
            largest[name] = max(largest[name], float(np.abs(one.numpy() - two).max()))
    return largest


def _card(part: Part, run: Path) -> str:
    card = {
        "kind": CARD_KIND,
        "schema": CARD_SCHEMA,
        "part": part.file_name.removesuffix(".onnx"),
        "landmarks": list(LANDMARK_NAMES),
        "conventions": part.conventions,
        "training_data": "rendered avatars of CC0 heads, style photo only, restyled to grey "
        "statues, metals and drawings; procedural backgrounds",
        "split": "photo identities whose number ends in 1-7; 8 validation; 9, 0 and every "
        "other style test; least score chosen on validation and bronze 00000, 00003, 00006",
        "run": describe_run(run),
        "licence": "Apache-2.0",
        "weights_sha256": UNSEALED,
    }
    return json.dumps(card)


def describe_run(run: Path) -> dict[str, Any]:
    """Return a run's configuration, what it has seen, and the runs it started from, by name."""
    config: dict[str, Any] = json.loads((run / "config.json").read_text())
    seen_kimg = read_checkpoint(run)["step"] * config["batch"] / 1000
    earlier = Path(config.pop("start_from") or run)
    negatives = [Path(name).name for name in config.pop("negatives")]
    description = {"name": run.resolve().name, **config, "seen_kimg": seen_kimg}
    if negatives:
        description["negatives"] = negatives
    if earlier != run:
        description["started_from"] = describe_run(earlier)
    return description


@click.command("export-locator")
@click.option(
    "--run",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder that holds the run folders `detector` and `landmarks`.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for detector.onnx and landmarks.onnx.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
def export_locator(run: Path, out: Path, overwrite: bool) -> None:
    """Export a trained face locator to ONNX and report its parity with PyTorch.

    \b
    Example:
      reggan-plugin export-locator --run runs/locator --out weights/face_locator
    """
    torch.manual_seed(0)
    out.mkdir(parents=True, exist_ok=True)
    for part, folder in (
        (detector_part(run / "detector"), run / "detector"),
        (landmarks_part(run / "landmarks"), run / "landmarks"),
    ):
        target = out / part.file_name
        if target.exists() and not overwrite:
            raise click.ClickException(f"{target} exists. Add --overwrite to replace it.")
        differences = export_part(part, folder, out)
        click.echo(json.dumps({"file": str(target), "largest_difference": differences}))
