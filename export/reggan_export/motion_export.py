"""A motion network and its painter to one ONNX file, with a card and proof that it holds."""

import copy
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
from reggan_export.onnx_file import store_weights_as_half, write_proven
from reggan_export.parity_report import Bound, Comparison, ParityReport, difference_between
from reggan_plugin.controls import CONTROLS
from reggan_plugin.model_card import MOTION_CONTRACT, MOTION_OUTPUTS, ModelCard
from reggan_training.motion.trained_model import TrainedModel, read_trained_model
from reggan_training.motion.training_run import CHECKPOINT, read_checkpoint
from reggan_training.motion.whole_run import MOTION, RECORD
from reggan_training.pairs.camera import CANONICAL_LANDMARKS
from reggan_training.pairs.head_controls import controls_of_heads
from reggan_training.pairs.rasterised_head import MOUTH_WINDOW

_MOST_CROPS = 64
_BOUNDS = (
    # not the largest: where two surfaces meet, a rounding may decide which of them is looked for
    Bound(quantity="motion", unit="px", statistic="mean", limit=0.02),
    Bound(quantity="gain", unit="log", statistic="max", limit=0.05),
    Bound(quantity="cover", unit="levels", statistic="mean", limit=0.25),
    Bound(quantity="paint", unit="levels", statistic="mean", limit=0.25),
)
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
) -> ParityReport:
    """Write the model as contract 2 wants it, weights as float16.

    Args:
        module: with the weights to ship.
        out: the .onnx; replaced if it exists.
        name: in the card.
        version: of the weights.
        training: data, run, seed, commits: see `ModelCard`.
        max_yaw_deg: see `ModelCard`.
        controls: that it can be asked for, in the order of `CONTROLS`.

    Raises:
        ModelParityError: ONNX Runtime answers otherwise than PyTorch; nothing is left at `out`.
    """
    painters = {} if module.painter is None else {"mouth": MOUTH_WINDOW}
    own = tuple(f"{part}_{what}" for part in painters for what in ("cover", "paint"))
    card = ModelCard(
        name=name,
        version=version,
        architecture="reggan",
        image_size_px=module.side_px,
        contract=MOTION_CONTRACT,
        controls=controls,
        outputs=(*MOTION_OUTPUTS, *own),
        painters=painters,
        canonical_landmarks=CANONICAL_LANDMARKS,
        training=training,
        licence="Apache-2.0",
        max_yaw_deg=max_yaw_deg,
    )
    graph = graph_of_motion(module, card.outputs)
    keep_controls(graph, controls)
    halved = copy.deepcopy(graph)
    store_weights_as_half(halved)
    return write_proven(halved, card.to_json(), out, lambda file: _compare(file, module, card))


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
) -> ParityReport:
    """Export what `train-motion` trained; a painter that is not there yet is left out.

    Args:
        folder: of the run.
        out: the .onnx; replaced if it exists.
        name: in the card.
        version: of the weights; None for 0.1.0.
        max_yaw_deg: see `ModelCard`.
        controls: see `export_motion_model`; those of `controls_of_run`.

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


def _compare(file: Path, module: TrainedModel, card: ModelCard) -> ParityReport:
    """Both on smooth pictures and on random blends of what the card says can be asked for."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(8, 3, 24, 24, generator=random)
    size = (module.side_px, module.side_px)
    images = torch.nn.functional.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
    blends = torch.rand(8, len(CONTROLS), generator=random) ** 4
    outputs, columns = card.outputs, [CONTROLS.index(name) for name in card.controls]
    session = InferenceSession(str(file), providers=["CPUExecutionProvider"])
    probes = {}
    for number in range(len(images)):
        image, asked = images[number : number + 1], blends[number : number + 1, columns]
        blend = torch.zeros(1, len(CONTROLS))
        blend[:, columns] = asked
        with torch.no_grad():
            expected = dict(zip(outputs, module(image, blend), strict=True))
        found = session.run(list(outputs), {"image": image.numpy(), "controls": asked.numpy()})
        pairs = dict(zip(outputs, found, strict=True))
        probes[f"blend {number}"] = {
            bound.quantity: difference_between(
                _joined(pairs, bound.quantity, module.side_px),
                _joined(
                    {k: v.numpy() for k, v in expected.items()}, bound.quantity, module.side_px
                ),
            )
            for bound in _BOUNDS
        }
    return ParityReport(
        model=card.name,
        precision="fp32",
        reference="PyTorch",
        frames=[f"smooth noise {number}" for number in range(len(images))],
        bounds=_BOUNDS,
        comparisons=[Comparison(subject="ONNX Runtime on the CPU", differences=probes)],
        not_opened={},
    )


def _joined(outputs: Mapping[str, np.ndarray], quantity: str, side_px: int) -> np.ndarray:
    """All outputs of a kind in its unit, in one row."""
    unit = _UNITS[quantity] or float(side_px)
    kind = [v.ravel() for k, v in outputs.items() if k == quantity or k.endswith(f"_{quantity}")]
    return np.concatenate(kind) * unit
