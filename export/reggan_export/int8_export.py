"""A model quantised to 8 bits for CPUs, if it still says the same."""

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from reggan_export.onnx_file import restore_weights, store_weights_as_half, write_verified
from reggan_export.verify.crops_and_bounds import (
    SAMPLES,
    Crops,
    largest_faces,
    single_vectors,
    verify_crops,
)
from reggan_export.verify.verify_model import verify_model
from reggan_export.verify.verify_report import VerifyReport
from reggan_plugin.backends.devices import Tensors
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.errors import EmptySourceError, UsageError
from reggan_plugin.files.image_format import can_read
from reggan_plugin.frozen import frozen
from reggan_plugin.models.model_card import (
    PICTURE_CONTRACT,
    UNSEALED,
    ModelCard,
    card_from_metadata,
    check_seal,
)
from reggan_plugin.models.onnx_messages import metadata_from_onnx

_OTHER_FRAMES = tuple(SAMPLES / f"avatar_png/avatar.{number}.png" for number in range(1002, 1007))
_MOST_FRAMES = 64

_TIMED_RUNS = 9


def calibration_crops(card: ModelCard, folder: Path | None = None) -> Crops:
    """Faces to take the range of values from: other pictures than a model is verified on.

    Args:
        card: of the model that will see them.
        folder: searched with its subfolders for display-encoded frames; the first 64 faces are
            taken. Without it the other sample frames, and `verify_crops` mirrored.

    Raises:
        EmptySourceError: the folder shows no face.
    """
    if folder is None:
        return np.concatenate(
            [np.stack(list(largest_faces(_OTHER_FRAMES, card))), verify_crops(card)[..., ::-1]]
        )
    frames = (path for path in sorted(folder.rglob("*")) if can_read(path))
    found = [
        crop for crop, _ in zip(largest_faces(frames, card), range(_MOST_FRAMES), strict=False)
    ]
    if not found:
        raise EmptySourceError(
            f"{folder} holds no display-encoded frame (PNG, JPEG, TIFF) with a face; name a "
            "folder of frames like those that will be rendered."
        )
    return np.stack(found)


@frozen
class QuantisedModel:
    """The result of a quantisation.

    Attributes:
        report: how the file compares with the one that it was made from.
        crops: how many faces the ranges were taken from.
        speed_up: time of one crop before, divided by that after; one thread, medians.
    """

    report: VerifyReport
    crops: int
    speed_up: float


def quantise_for_cpu(model: Path, out: Path, data: Path | None = None) -> QuantisedModel:
    """Quantise the convolutions of an fp32 file: activations unsigned, weights by channel.

    The regression layer stays as it is: its one convolution only gathers pixels.

    Args:
        model: an expression model.
        out: the .onnx to write; replaced if it exists.
        data: see `calibration_crops`.

    Raises:
        ModelError: `model` cannot be honoured.
        UsageError: it is not an fp32 expression model, or has nothing to quantise.
        EmptySourceError: `data` shows no face.
        ModelParityError: the result differs too much; nothing is left at `out`.
    """
    check_seal(model)
    card = card_from_metadata(metadata_from_onnx(model), str(model))
    if card.contract != PICTURE_CONTRACT:
        raise UsageError(
            f"{model} finds landmarks (contract {card.contract}), which 8 bits place too roughly; "
            "take the fp32 file, or quantise a model of named expressions (contract 1)."
        )
    if card.precision != "fp32":
        raise UsageError(
            f"{model} is {card.precision} already; quantise the fp32 file that it was made from."
        )
    crops = calibration_crops(card, data)
    graph = _quantised(onnx.load(model), crops, card)
    store_weights_as_half(graph)
    unsealed = dataclasses.replace(card, name=out.stem, precision="int8", weights_sha256=UNSEALED)
    report = write_verified(
        graph, unsealed.to_json(), out, lambda file: verify_model(file, checkpoint=model)
    )
    return QuantisedModel(report=report, crops=len(crops), speed_up=_speed_up(model, out, card))


def _quantised(model: onnx.ModelProto, crops: Crops, card: ModelCard) -> onnx.ModelProto:
    restore_weights(model.graph)
    gathering = _gathering(model)
    if len(gathering) == sum(node.op_type == "Conv" for node in model.graph.node):
        raise UsageError(
            f"{card.architecture} has no convolutions that could be quantised; take the fp32 file."
        )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        plain, before, after = (Path(folder) / f"{step}.onnx" for step in ("plain", "in", "out"))
        onnx.save(model, plain)
        quant_pre_process(plain, before, skip_optimization=True, skip_symbolic_shape=True)
        quantize_static(
            before,
            after,
            _CropReader(crops, card),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=gathering,
        )
        return onnx.load(after)


def _gathering(model: onnx.ModelProto) -> list[str]:
    """Convolutions that only move pixels: their weights are zeros and ones."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "Conv"
        and np.isin(numpy_helper.to_array(weights[node.input[1]]), (0, 1)).all()
    ]


class _CropReader(CalibrationDataReader):  # type: ignore[misc]
    """Every crop with one expression after the other, whole and at half intensity."""

    def __init__(self, crops: Crops, card: ModelCard) -> None:
        self._inputs = self._all_inputs(crops, card)

    def get_next(self) -> Tensors | None:
        """Return the next inputs; None after the last."""
        return next(self._inputs, None)

    @staticmethod
    def _all_inputs(crops: Crops, card: ModelCard) -> Iterator[Tensors]:
        vectors = list(single_vectors(card).values())
        for number, crop in enumerate(crops):
            for vector in vectors[number % 2 :: 2]:
                yield {"image": crop[None], "expression": vector[None]}


def _speed_up(before: Path, after: Path, card: ModelCard) -> float:
    side = card.image_size_px
    vector = np.eye(len(card.expressions), dtype=np.float32)[:1]
    inputs = {"image": np.full((1, 3, side, side), 0.5, np.float32), "expression": vector}
    runners = [open_runner(path, "cpu", threads=1) for path in (before, after)]
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(_TIMED_RUNS):  # in turn, so that a busy machine slows both
        for runner, own in zip(runners, seconds, strict=True):
            started = time.perf_counter()
            runner.run(inputs)
            own.append(time.perf_counter() - started)
    return statistics.median(seconds[0]) / statistics.median(seconds[1])
