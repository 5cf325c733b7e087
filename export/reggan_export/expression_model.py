"""A run of any architecture to ONNX, with its card and proof that it still says the same."""

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from jaxtyping import Float

from reggan_export.onnx_file import store_weights_as_half, write_model
from reggan_plugin.errors import ModelError
from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_plugin.faces.landmarks import LANDMARK_NAMES
from reggan_plugin.model_card import ModelCard
from reggan_training.checkpoint import model_from_run
from reggan_training.data.identity import CANONICAL_LANDMARKS
from reggan_training.networks.expression_model import ExpressionModel
from reggan_training.run_folder import RunFolder

MAX_DIFFERENCE_LEVELS = 2.0
"""Largest difference between PyTorch and ONNX Runtime, in 8-bit levels: weights are float16."""


def export_expression_model(
    run_folder: Path,
    out: Path,
    *,
    name: str,
    version: str,
    max_yaw_deg: float | None = None,
    licence: str = "Apache-2.0",
) -> dict[str, float]:
    """Export the averaged weights of a run; returns the differences from PyTorch, in levels.

    Args:
        run_folder: a finished or interrupted run of any architecture.
        out: the .onnx to write; replaced if it exists.
        name: in the card, as are the following.
        version: of the weights.
        max_yaw_deg: see `ModelCard`.
        licence: SPDX name.

    Raises:
        SourceError: the folder holds no run, or the run has no checkpoint.
        ModelError: ONNX Runtime answers otherwise than PyTorch; nothing is left at `out`.
    """
    run = RunFolder(run_folder)
    model = model_from_run(run_folder)
    card = _card(run, model, name, version, max_yaw_deg, licence)
    graph = _graph(model)
    store_weights_as_half(graph)
    partial = out.with_name(f".{out.name}.unproven")
    try:
        write_model(graph, card.to_json(), partial)
        differences = measure_differences(model, partial, [_probe(model)])
        if differences["max"] > MAX_DIFFERENCE_LEVELS:
            raise ModelError(
                f"ONNX Runtime and PyTorch differ by {differences['max']:.2f} levels, at most "
                f"{MAX_DIFFERENCE_LEVELS:g} are allowed. Nothing was written."
            )
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return differences


def _graph(model: ExpressionModel) -> onnx.ModelProto:
    side = model.side_px
    example = (torch.rand(2, 3, side, side), torch.eye(len(EXPRESSION_NAMES))[1:3])
    batch = torch.export.Dim("batch", min=1, max=64)
    with warnings.catch_warnings():  # the exporter's, about its own future and our axis name
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", ".*The axis name", UserWarning)
        program = torch.onnx.export(
            model,
            example,
            input_names=["image", "expression"],
            output_names=["face", "mask"],
            dynamic_shapes=({0: batch}, {0: batch}),
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ModelError("PyTorch's exporter returned no program for this model.")
    return program.model_proto


def measure_differences(
    model: ExpressionModel, onnx_file: Path, crops: Sequence[Float[np.ndarray, "batch 3 side side"]]
) -> dict[str, float]:
    """Largest and mean difference of the composite over crops and expressions, in levels."""
    session = onnxruntime.InferenceSession(str(onnx_file), providers=["CPUExecutionProvider"])
    largest, total, count = 0.0, 0.0, 0
    asked = np.concatenate([np.eye(7), 0.5 * np.eye(7), [[0, 0.6, 0, 0, 0, 0, 0.3]]])
    for images in crops:
        for vector in asked.astype(np.float32):
            vectors = np.repeat(vector[None], len(images), axis=0)
            with torch.no_grad():
                face, mask = model(torch.from_numpy(images), torch.from_numpy(vectors))
            expected = (mask * face).numpy()
            found_face, found_mask = session.run(
                ["face", "mask"], {"image": images, "expression": vectors}
            )
            difference = 255 * np.abs(found_mask * found_face - expected)
            largest = max(largest, float(difference.max()))
            total, count = total + float(difference.sum()), count + difference.size
    return {"max": largest, "mean": total / count}


def _card(
    run: RunFolder,
    model: ExpressionModel,
    name: str,
    version: str,
    max_yaw_deg: float | None,
    licence: str,
) -> ModelCard:
    config = run.read_config()
    training = {
        "data": config["data"],
        "data_sha256": config["data_sha256"],
        "identities": len(config["identities"]),
        "images_seen": int(run.load()["images_seen"]),
        "seed": config["settings"]["seed"],
        "model": dataclasses.asdict(model.settings),  # what `train --init-from` builds
        "commits": [session["commit"] for session in config["sessions"]],
    }
    return ModelCard(
        name=name,
        version=version,
        architecture=model.architecture,
        image_size_px=model.side_px,
        expressions=EXPRESSION_NAMES,
        canonical_landmarks={
            landmark: (round(float(x), 4), round(float(y), 4))
            for landmark, (x, y) in zip(LANDMARK_NAMES, CANONICAL_LANDMARKS, strict=True)
        },
        training=training,
        licence=licence,
        max_yaw_deg=max_yaw_deg,
    )


def _probe(model: ExpressionModel) -> Float[np.ndarray, "batch 3 side side"]:
    """Smooth pictures with the statistics of a crop, for when no photograph is at hand."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(3, 3, 24, 24, generator=random)
    side = model.side_px
    smooth = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic")
    return smooth.clamp(0, 1).numpy()
