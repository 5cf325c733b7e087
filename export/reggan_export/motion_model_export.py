"""`export onnx` of contract 2: a motion network and its painter to one verified ONNX file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime import InferenceSession

from reggan_export.fewer_controls import keep_controls
from reggan_export.graph_from_module import graph_from_module
from reggan_export.half_precision import convolve_in_half, round_convolutions
from reggan_export.onnx_file import restore_weights, store_weights_as_half, write_verified
from reggan_export.verify.bounds import EXPORT_BOUNDS
from reggan_export.verify.verify_report import Comparison, VerifyReport, difference_between
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.vocabulary.face_shapes import CONTROLS
from reggan_training.motion.trained_model import TrainedModel, card_of_model, read_trained_model
from reggan_training.motion.training_run import CHECKPOINT, read_checkpoint
from reggan_training.motion.whole_run import MOTION, RECORD
from reggan_training.pairs.head_controls import controls_of_heads

_MOST_CROPS = 64
_UNITS = {"motion": None, "gain": 1.0, "cover": 255.0, "paint": 255.0}
"""Factor of a difference; motion by the crop's side in pixels."""


def export_motion_model(
    module: TrainedModel,
    out: Path,
    *,
    name: str,
    version: str,
    training: Mapping[str, Any],
    max_yaw_deg: float | None = None,
    controls: tuple[str, ...] = CONTROLS,
    precision: str = "fp32",
) -> VerifyReport:
    """Write the model as contract 2 wants it, weights as float16.

    Args:
        module: with the weights to ship.
        out: the .onnx; replaced if it exists.
        name: in the card.
        version: of the weights.
        training: data, run, seed, commits: see `ModelCard`.
        max_yaw_deg: see `ModelCard`.
        controls: that it can be asked for, in the order of `CONTROLS`.
        precision: `fp32`, or `fp16` for convolutions in half precision.

    Raises:
        ModelParityError: ONNX Runtime answers otherwise than PyTorch; nothing is left at `out`.
    """
    card = card_of_model(
        module,
        name=name,
        version=version,
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
    return write_verified(graph, card.to_json(), out, lambda file: _compare(file, module, card))


def is_motion_run(folder: Path) -> bool:
    """True if a folder is a run of `train-motion`."""
    return (folder / MOTION / CHECKPOINT).is_file()


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
    """Export what `train-motion` trained; a painter that is not there yet is left out.

    Args:
        folder: of the run.
        out: the .onnx; replaced if it exists.
        name: in the card.
        version: of the weights; None for 0.1.0.
        max_yaw_deg: see `ModelCard`.
        controls: see `export_motion_model`; those of `controls_of_run`.
        precision: see `export_motion_model`.

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
    return export_motion_model(
        read_trained_model(folder),
        out,
        name=name,
        version=version or "0.1.0",
        training=training,
        max_yaw_deg=max_yaw_deg,
        controls=controls,
        precision=precision,
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


def _compare(file: Path, module: TrainedModel, card: ModelCard) -> VerifyReport:
    """Both on smooth pictures and on random blends of what the card says can be asked for."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(8, 3, 24, 24, generator=random)
    size = (module.side_px, module.side_px)
    images = torch.nn.functional.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
    drawn = torch.rand(8, len(CONTROLS), generator=random) ** 4
    columns = [CONTROLS.index(name) for name in card.controls]
    blends = torch.zeros_like(drawn)
    blends[:, columns] = drawn[:, columns]
    with torch.no_grad():
        answer = module(images, blends)
    expected = {name: value.numpy() for name, value in zip(card.outputs, answer, strict=True)}
    inputs = {"image": images.numpy(), "controls": blends[:, columns].numpy()}
    comparisons = []
    for subject, stored in _ways_to_run(file, card.precision).items():
        session = InferenceSession(stored, providers=["CPUExecutionProvider"])
        found = dict(zip(card.outputs, session.run(card.outputs, inputs), strict=True))
        probes = {
            f"blend {number}": {
                quantity: difference_between(
                    _joined(found, number, quantity, module.side_px),
                    _joined(expected, number, quantity, module.side_px),
                )
                for quantity in _UNITS
            }
            for number in range(len(images))
        }
        comparisons.append(Comparison(subject=subject, differences=probes))
    return VerifyReport(
        model=card.name,
        precision=card.precision,
        reference="PyTorch",
        frames=[f"smooth noise {number}" for number in range(len(images))],
        bounds=EXPORT_BOUNDS[card.precision],
        comparisons=comparisons,
        not_opened={},
    )


def _ways_to_run(file: Path, precision: str) -> dict[str, bytes]:
    """The file, and in fp16 what a GPU will have it say: on a CPU it is computed in fp32."""
    ways = {"ONNX Runtime on the CPU": file.read_bytes()}
    if precision == "fp16":
        graph = onnx.load(file)
        round_convolutions(graph)
        ways["ONNX Runtime rounded to fp16"] = graph.SerializeToString()
    return ways


def _joined(
    outputs: Mapping[str, np.ndarray], place: int, quantity: str, side_px: int
) -> np.ndarray:
    """All outputs of a kind for one crop, in its unit, in one row."""
    unit = _UNITS[quantity] or float(side_px)
    kind = [
        values[place].ravel()
        for name, values in outputs.items()
        if name == quantity or name.endswith(f"_{quantity}")
    ]
    return np.concatenate(kind) * unit
