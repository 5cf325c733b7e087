"""A model file of contract 2 with its convolutions in half precision."""

import dataclasses
from pathlib import Path

import onnx

from reggan_export.half_precision import convolve_in_half
from reggan_export.onnx_file import restore_weights, store_weights_as_half, write_verified
from reggan_export.verify.verify_model import verify_model
from reggan_export.verify.verify_report import VerifyReport
from reggan_plugin.errors import UsageError
from reggan_plugin.models.model_card import MOTION_CONTRACT, UNSEALED, ModelCard, card_from_metadata
from reggan_plugin.models.model_hash import check_seal
from reggan_plugin.models.onnx_messages import metadata_from_onnx


def halve_motion_model(
    model: Path,
    out: Path,
    *,
    name: str,
    version: str | None = None,
    max_yaw_deg: float | None = None,
) -> VerifyReport:
    """Write a file of contract 2 again with its convolutions in half precision.

    Args:
        model: an fp32 file.
        out: the .onnx; replaced if it exists.
        name: in the card.
        version: of the weights; None for that of `model`.
        max_yaw_deg: see `ModelCard`; None for that of `model`.

    Raises:
        ModelError: `model` is damaged or not ours.
        UsageError: it is not fp32.
        ModelParityError: the result differs too much from it; nothing is left at `out`.
    """
    check_seal(model)
    card = _card_of(model)
    if card.precision != "fp32":
        raise UsageError(
            f"{model} is {card.precision} already; take the fp32 file that it was made from."
        )
    card = dataclasses.replace(
        card,
        name=name,
        version=version or card.version,
        max_yaw_deg=card.max_yaw_deg if max_yaw_deg is None else max_yaw_deg,
        precision="fp16",
        weights_sha256=UNSEALED,
    )
    graph = onnx.load(model)
    restore_weights(graph)
    convolve_in_half(graph)
    store_weights_as_half(graph)
    return write_verified(
        graph, card.to_json(), out, lambda file: verify_model(file, checkpoint=model, devices=())
    )


def is_motion_file(path: Path) -> bool:
    """True if that is an .onnx of contract 2."""
    return path.suffix == ".onnx" and _card_of(path).contract == MOTION_CONTRACT


def _card_of(file: Path) -> ModelCard:
    return card_from_metadata(metadata_from_onnx(file), str(file))
