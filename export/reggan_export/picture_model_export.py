"""`export onnx` of contract 1: a network of any architecture to a verified ONNX file."""

import copy
from dataclasses import replace
from pathlib import Path

import onnx
import torch

from reggan_export.onnx_file import graph_from_module, store_weights_as_half, write_verified
from reggan_export.source_network import card_from, compute_in_half, model_at_side, network_from
from reggan_export.verify.verify_model import OUTPUT_NAMES, verify_model
from reggan_export.verify.verify_report import VerifyReport
from reggan_plugin.backends.devices import AUTO_ORDER
from reggan_plugin.errors import ModelParityError
from reggan_plugin.frozen import frozen
from reggan_training.papers.networks.expression_model import ExpressionModel

_MOST_CROPS = 64
"""In one batch."""


@frozen
class ExportedModel:
    """The result of an export.

    Attributes:
        report: how the file compares with PyTorch.
        weights_are_half: large weights are stored as float16.
        live_norms: normalisations that could not be folded.
    """

    report: VerifyReport
    weights_are_half: bool
    live_norms: int


def export_expression_model(
    source: Path,
    out: Path,
    *,
    name: str,
    version: str | None = None,
    max_yaw_deg: float | None = None,
    precision: str = "fp32",
    side_px: int | None = None,
) -> ExportedModel:
    """Export the EMA weights of a run, or an .onnx of ours in another precision.

    Weights are stored as float16, unless that alone would carry the file over its bound.

    Args:
        source: see `network_from`.
        out: the .onnx to write; replaced if it exists.
        name: in the card.
        version: of the weights; None for that of the source, 0.1.0 for a run.
        max_yaw_deg: see `ModelCard`; None for that of the source.
        precision: `fp32`, or `fp16` for convolutions in half precision.
        side_px: of the crop; None for that of the source.

    Raises:
        SourceError: there is no such run, or it has no checkpoint yet.
        UsageError: the model cannot have such a side.
        ModelError: an .onnx is damaged or not ours.
        ModelParityError: the file answers otherwise than PyTorch; nothing is left at `out`.
    """
    network = network_from(source)
    network = model_at_side(network, side_px or network.side_px)
    card = card_from(source, network)
    card = replace(
        card,
        name=name,
        version=version or card.version,
        max_yaw_deg=card.max_yaw_deg if max_yaw_deg is None else max_yaw_deg,
        precision=precision,
    )
    if precision == "fp16":
        compute_in_half(network)
    graph = graph_of(network)

    def write(stored: onnx.ModelProto) -> VerifyReport:
        return write_verified(
            stored,
            card.to_json(),
            out,
            lambda file: verify_model(file, checkpoint=source, devices=AUTO_ORDER),
        )

    halved = copy.deepcopy(graph)
    store_weights_as_half(halved)
    try:
        report, is_half = write(halved), True
    except ModelParityError:
        report, is_half = write(graph), False
    # What takes its statistics from each picture cannot be folded into convolutions.
    live_norms = sum(node.op_type == "InstanceNormalization" for node in graph.graph.node)
    return ExportedModel(report=report, weights_are_half=is_half, live_norms=live_norms)


def graph_of(network: ExpressionModel) -> onnx.ModelProto:
    """Trace the graph of a network for any number of crops up to 64."""
    side, expressions = network.side_px, network.settings.expressions
    batch = torch.export.Dim("batch", min=1, max=_MOST_CROPS)
    return graph_from_module(
        network,
        (torch.rand(2, 3, side, side), torch.eye(expressions)[:2]),
        inputs=["image", "expression"],
        outputs=OUTPUT_NAMES,
        dynamic_axes=[{0: batch}, {0: batch}],
    )
