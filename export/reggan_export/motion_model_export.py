"""`export onnx` of contract 2: a motion network and its painter to one verified ONNX file."""

import json
from pathlib import Path

import onnx
import torch

from reggan_export.fewer_controls import keep_controls
from reggan_export.graph_from_module import graph_from_module
from reggan_export.half_precision import convolve_in_half
from reggan_export.onnx_file import restore_weights, store_weights_as_half, write_verified
from reggan_export.verify.verify_model import verify_model
from reggan_export.verify.verify_report import VerifyReport
from reggan_plugin.vocabulary.face_shapes import CONTROLS
from reggan_training.motion.trained_model import TrainedModel, card_of_model, read_trained_model
from reggan_training.motion.training_run import read_checkpoint
from reggan_training.motion.whole_run import MOTION, RECORD
from reggan_training.pairs.head_controls import controls_of_heads

_MOST_CROPS = 64


def export_motion_run(
    folder: Path,
    out: Path,
    *,
    name: str,
    version: str | None = None,
    max_yaw_deg: float | None = None,
    controls: tuple[str, ...] = CONTROLS,
    precision: str = "fp32",
) -> VerifyReport:
    """Export what `train-motion` trained, weights as float16.

    A painter that is not there yet is left out.

    Args:
        folder: of the run.
        out: the .onnx; replaced if it exists.
        name: in the card.
        version: of the weights; None for 0.1.0.
        max_yaw_deg: see `ModelCard`.
        controls: that it can be asked for, in the order of `CONTROLS`; see `controls_of_run`.
        precision: `fp32`, or `fp16` for convolutions in half precision.

    Raises:
        SourceError: a checkpoint cannot be read.
        ModelParityError: ONNX Runtime answers otherwise than PyTorch; nothing is left at `out`.
    """
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    starts = [session.get("started_from") for session in record["sessions"]]
    start = next((found for found in starts if found), None)
    own_images = read_checkpoint(folder / MOTION).shown
    training = {
        "data": "rasterised heads",
        "identities": len(record["identities"]),
        "without": record["settings"]["without"],
        "started_from": start,
        "images_seen": own_images + (start["images_seen"] if start else 0),
        "seed": record["settings"]["seed"],
        "commits": [session["commit"] for session in record["sessions"]],
    }
    module = read_trained_model(folder)
    card = card_of_model(
        module,
        name=name,
        version=version or "0.1.0",
        controls=controls,
        training=training,
        max_yaw_deg=max_yaw_deg,
        precision=precision,
    )
    graph = graph_of_motion(module, card.outputs)
    keep_controls(graph, controls)
    if precision == "fp16":
        restore_weights(graph)  # bytes, too: TensorRT takes them for quantised weights
        convolve_in_half(graph)
    store_weights_as_half(graph)
    return write_verified(
        graph, card.to_json(), out, lambda file: verify_model(file, checkpoint=folder, devices=())
    )


def controls_of_run(folder: Path, heads: Path | None = None) -> tuple[str, ...] | None:
    """The face shapes that some head of a run's training has, and `neutral`.

    Args:
        folder: of the run.
        heads: the folder of its heads; None is the one that the run names, and the answer is None
            if that is not there any more.

    Raises:
        SourceError: `heads` holds none of them, or what is no rasterised head.
    """
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    named = Path(record["settings"]["heads"])
    if heads is None and not named.is_dir():
        return None
    return controls_of_heads(heads or named, set(record["identities"]))


def graph_of_motion(module: TrainedModel, outputs: tuple[str, ...]) -> onnx.ModelProto:
    """The graph for any number of crops up to 64."""
    batch = torch.export.Dim("batch", min=1, max=_MOST_CROPS)
    example = (torch.rand(2, 3, module.side_px, module.side_px), torch.rand(2, len(CONTROLS)))
    return graph_from_module(
        module,
        example,
        inputs=["image", "controls"],
        outputs=list(outputs),
        dynamic_axes=[{0: batch}, {0: batch}],
    )
