"""Baselines of `reggan-plugin bench --peers`: other papers' shapes, PyTorch, the hardware."""

import dataclasses
import functools
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import NodeProto, numpy_helper, shape_inference

from reggan_export.onnx_file import store_weights_as_half
from reggan_export.picture_model_export import graph_of
from reggan_export.source_network import compute_in_half, network_from
from reggan_plugin.backends.devices import ASKED_FOR, Tensors
from reggan_plugin.benchmark.model_on_device import Contestant, Roof
from reggan_plugin.errors import ModelError
from reggan_plugin.frozen import frozen
from reggan_plugin.models.model_card import (
    CARD_KEY,
    PICTURE_CONTRACT,
    PICTURE_OUTPUTS,
    UNSEALED,
    ModelCard,
    card_from_metadata,
)
from reggan_plugin.models.onnx_messages import metadata_from_onnx
from reggan_training.papers.networks.architectures import build_model
from reggan_training.papers.networks.expression_model import ExpressionModel, ModelSettings
from reggan_training.papers.ridge_regression import RegressionSettings

_MOVES_ONLY = frozenset(
    (
        *("Cast", "Concat", "Constant", "DepthToSpace", "Expand", "Flatten", "Gather", "Identity"),
        *("Pad", "Reshape", "Shape", "Slice", "SpaceToDepth", "Split", "Squeeze", "Transpose"),
        "Unsqueeze",
    )
)
_OPERATIONS_A_VALUE = {"GridSample": 8, "Resize": 8, "Sigmoid": 4, "Tanh": 4}
"""Of one output value, roughly; everything that is not named takes one."""
_BYTES = 4
"""Of a value that goes in or out: float32 at every precision."""

Shape = tuple[int, ...]


@frozen
class GraphWork:
    """Work of one face.

    Attributes:
        operations: additions and multiplications, each one.
        weight_bytes: as stored; read once a run, whatever the batch.
        face_bytes: of inputs and outputs, for one face.
        inner_bytes: of all tensors between them, written once and read once: what fusing saves.
    """

    operations: int
    weight_bytes: int
    face_bytes: int
    inner_bytes: int


def count_work(model: Path) -> GraphWork:
    """Count over the graph as it is stored, at batch 1.

    Raises:
        ModelError: the shape of a tensor cannot be told.
    """
    graph = _with_shapes(onnx.load(model))
    operations, inner = _sums(graph, {}, set())
    ends = {end.name: _shape_of(end) for end in (*graph.input, *graph.output)}
    return GraphWork(
        operations=operations,
        weight_bytes=_weight_bytes(graph),
        face_bytes=sum(_BYTES * math.prod(shape) for shape in ends.values()),
        inner_bytes=inner - sum(2 * _BYTES * math.prod(ends[end.name]) for end in graph.output),
    )


def _with_shapes(model: onnx.ModelProto) -> onnx.GraphProto:
    del model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        dims = value.type.tensor_type.shape.dim
        if not dims[0].HasField("dim_value"):
            dims[0].dim_value = 1
    inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    return inferred.graph


def _shape_of(value: onnx.ValueInfoProto) -> Shape:
    return tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)


def _branches(node: NodeProto) -> list[onnx.GraphProto]:
    return [one.g for one in node.attribute if one.type == onnx.AttributeProto.GRAPH]


def _weight_bytes(graph: onnx.GraphProto) -> int:
    """Those of both branches, too: both are loaded."""
    own = sum(numpy_helper.to_array(tensor).nbytes for tensor in graph.initializer)
    return own + sum(_weight_bytes(one) for node in graph.node for one in _branches(node))


def _sums(graph: onnx.GraphProto, outer: Mapping[str, Shape], folded: set[str]) -> tuple[int, int]:
    """Operations, and bytes written and read; of two branches those of the one that takes more."""
    shapes = {**outer, **{tensor.name: tuple(tensor.dims) for tensor in graph.initializer}}
    for value in (*graph.input, *graph.output, *graph.value_info):
        if all(dim.HasField("dim_value") for dim in value.type.tensor_type.shape.dim):
            shapes[value.name] = _shape_of(value)
    unknown = [name for node in graph.node for name in node.output if name and name not in shapes]
    if unknown:
        raise ModelError(
            f"The shapes of {len(unknown)} tensors cannot be told, first {unknown[0]}; work is "
            "counted for graphs that leave only the batch open. Export the model again."
        )
    constant = folded | {tensor.name for tensor in graph.initializer}
    operations = inner = 0
    for node in graph.node:
        branches = _branches(node)
        if not branches and all(name in constant for name in node.input if name):
            constant.update(node.output)  # folded when it is loaded
            continue
        inner += sum(2 * _BYTES * math.prod(shapes[name]) for name in node.output if name)
        if branches:
            work = [_sums(one, shapes, constant) for one in branches]
            operations += max(one for one, _ in work)
            inner += max(one for _, one in work)
        else:
            operations += _operations(node, shapes)
    return operations, inner


def _operations(node: NodeProto, shapes: Mapping[str, Shape]) -> int:
    made = math.prod(shapes[node.output[0]])
    match node.op_type:
        case "Conv":
            return 2 * made * math.prod(shapes[node.input[1]][1:])  # [out, in / groups, kernel]
        case "ConvTranspose":
            return 2 * math.prod(shapes[node.input[0]]) * math.prod(shapes[node.input[1]][1:])
        case "MatMul" | "Gemm":
            return 2 * made * shapes[node.input[0]][-1]
        case kind if kind.startswith("Reduce"):
            return math.prod(shapes[node.input[0]])
        case kind if kind in _MOVES_ONLY:
            return 0
        case kind:
            return made * _OPERATIONS_A_VALUE.get(kind, 1)


_SECONDS = 0.5
"""Duration of the search for each peak; the best turn counts."""
_MATRIX_SIDE = {"cpu": 512, "cuda": 8192}
_PICTURES = {"cpu": 1, "cuda": 64}
_CHANNELS, _PICTURE_PX = 256, 64
_COPIED_BYTES = {"cpu": 64 << 20, "cuda": 1 << 30}
"""Far beyond any cache, but on the CPU short enough to be left alone by other programs."""
_LINK_BYTES = 64 << 20


@frozen
class HardwarePeaks:
    """Peaks of one device in one precision.

    Attributes:
        operations_s: additions and multiplications of a large matrix product or a 3x3 convolution
            of 256 channels, in one second.
        memory_bytes_s: read and written by a large copy.
        link_bytes_s: from pinned host memory and back; None for the host itself.
    """

    operations_s: float
    memory_bytes_s: float
    link_bytes_s: float | None


@functools.cache
def measure_peaks(device: str, precision: str, threads: int | None) -> HardwarePeaks:
    """Measure once for each device, such as `cuda:0`, and precision."""
    place = torch.device(device)
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        return HardwarePeaks(
            operations_s=_operations_s(place, precision),
            memory_bytes_s=_memory_bytes_s(place),
            link_bytes_s=None if place.type == "cpu" else _link_bytes_s(place),
        )
    finally:
        torch.set_num_threads(before)


def _operations_s(device: torch.device, precision: str) -> float:
    """Take the better of two: which library is faster differs from processor to processor."""
    # Processors compute float16 in float32: that is the roof of such a file there.
    is_half = precision == "fp16" and device.type != "cpu"
    kind = torch.half if is_half else torch.float
    side = _MATRIX_SIDE[device.type]
    matrix = torch.rand(side, side, device=device, dtype=kind)
    product_s = _best_s(lambda: torch.mm(matrix, matrix), device)
    batch = _PICTURES[device.type]
    pictures = torch.rand((batch, _CHANNELS, _PICTURE_PX, _PICTURE_PX), device=device, dtype=kind)
    filters = torch.rand((_CHANNELS, _CHANNELS, 3, 3), device=device, dtype=kind)
    convolution_s = _best_s(lambda: torch.conv2d(pictures, filters, padding=1), device)
    convolved = 2 * pictures.numel() * _CHANNELS * 9
    return max(2 * side**3 / product_s, convolved / convolution_s)


def _memory_bytes_s(device: torch.device) -> float:
    count = _COPIED_BYTES[device.type]
    source = torch.zeros(count, dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    return 2 * count / _best_s(lambda: target.copy_(source), device)


def _link_bytes_s(device: torch.device) -> float:
    host = torch.zeros(_LINK_BYTES, dtype=torch.uint8).pin_memory()
    there = torch.zeros_like(host, device=device)

    def both_ways() -> None:
        there.copy_(host, non_blocking=True)
        host.copy_(there, non_blocking=True)

    return 2 * _LINK_BYTES / _best_s(both_ways, device)


def _best_s(work: Callable[[], object], device: torch.device) -> float:
    """Seconds of the fastest turn; on the CPU of processor time, shared among the threads."""
    if device.type == "cpu":
        clock, parts = time.process_time, torch.get_num_threads()
    else:
        clock, parts = time.perf_counter, 1
    best, end = float("inf"), time.perf_counter() + _SECONDS
    while time.perf_counter() < end or best == float("inf"):
        started = clock()
        work()
        if device.type != "cpu":
            torch.cuda.synchronize(device)
        best = min(best, (clock() - started) / parts)
    return best


_log = logging.getLogger(__name__)
PEERS = ("sargan", "us-gan", "stargan")
_ON_NVIDIA = ("cuda", "tensorrt", "tensorrt-ep", "rtx", "torch-cuda")


class EagerRunner:
    """A network called as it is; arrays are copied to its device and back."""

    def __init__(self, model: ExpressionModel, device: torch.device) -> None:
        self._model, self._device = model.to(device).eval(), device
        self.device = f"torch-{device.type}"
        self.reason = ASKED_FOR
        self.metadata: Mapping[str, str] = {}

    @torch.inference_mode()
    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Return `face` and `mask` for `image` and `expression`."""
        image, expression = (
            torch.from_numpy(inputs[name]).to(self._device) for name in ("image", "expression")
        )
        face, mask = self._model(image, expression)
        return {"face": face.cpu().numpy(), "mask": mask.cpu().numpy()}


class ExportBaselines:
    """See `reggan_plugin.benchmark.model_on_device.Baselines`."""

    def __init__(self) -> None:
        self._source: Path | None = None

    def write_peers(self, model: Path, folder: Path) -> list[Path]:
        """Write each peer at the model's side and precision; what they paint is noise.

        Peers are of contract 1, whatever the model is.
        """
        card = _card_of(model)
        return [_write_peer(name, card, folder / f"{name}.onnx") for name in PEERS]

    def open_in_pytorch(
        self, model: Path, devices: Sequence[str], threads: int | None
    ) -> list[Contestant]:
        """Open the model's own network: on the CPU where that takes part, and on the first GPU.

        Not that of a rig, whose file does not say how its networks are built.
        """
        self._source = model
        card = _card_of(model)
        if card.contract != PICTURE_CONTRACT:
            _log.warning(
                "%s is a rig, and its file does not say how its networks are built: it is not "
                "timed in PyTorch.",
                model.name,
            )
            return []
        opened = []
        if "cpu" in devices:
            torch.set_num_threads(threads or torch.get_num_threads())
            opened.append(_in_pytorch(model, card, "cpu"))
        if torch.cuda.is_available():
            torch.backends.cudnn.benchmark = True  # PyTorch at its best ...
            torch.backends.cudnn.allow_tf32 = False  # ... in the precision that the card says
            opened.append(_in_pytorch(model, card, "cuda:0"))
        return opened

    def find_roof(
        self, contestant: Contestant, batches: Sequence[int], threads: int | None
    ) -> Roof | None:
        """Count the graph's work and measure the device's peaks."""
        file, place = contestant.file or self._source, _torch_device(contestant.device)
        if file is None or place is None:
            return None
        work = count_work(file)
        peaks = measure_peaks(place, contestant.card.precision, threads)
        least_s = {}
        for batch in batches:
            computing = batch * work.operations / peaks.operations_s
            reading = (work.weight_bytes + batch * work.face_bytes) / peaks.memory_bytes_s
            link = peaks.link_bytes_s
            least_s[batch] = max(computing, reading) + (
                batch * work.face_bytes / link if link else 0
            )
        return Roof(
            gigaoperations=round(work.operations / 1e9, 3),
            weight_mb=round(work.weight_bytes / 1e6, 2),
            face_mb=round(work.face_bytes / 1e6, 2),
            inner_mb=round(work.inner_bytes / 1e6, 2),
            peak_tera_s=round(peaks.operations_s / 1e12, 3),
            memory_gb_s=round(peaks.memory_bytes_s / 1e9, 1),
            link_gb_s=None if peaks.link_bytes_s is None else round(peaks.link_bytes_s / 1e9, 1),
            least_ms={batch: round(1000 * value, 4) for batch, value in least_s.items()},
        )


def _card_of(model: Path) -> ModelCard:
    return card_from_metadata(metadata_from_onnx(model), str(model))


def _write_peer(architecture: str, like: ModelCard, path: Path) -> Path:
    side = like.image_size_px
    settings = ModelSettings(
        architecture=architecture,
        side_px=side,
        expressions=len(like.names),
        regression=RegressionSettings(side_px=side),
    )
    model = build_model(settings).eval()
    if like.precision == "fp16":
        compute_in_half(model)
    graph = graph_of(model)
    card = dataclasses.replace(
        like,
        name=architecture,
        architecture=architecture,
        contract=PICTURE_CONTRACT,
        expressions=like.names,
        controls=(),
        outputs=PICTURE_OUTPUTS,
        template=None,
        training={"weights": "random"},
        weights_sha256=UNSEALED,
    )
    store_weights_as_half(graph)
    onnx.helper.set_model_props(graph, {CARD_KEY: card.to_json()})
    onnx.save(graph, path)
    return path


def _in_pytorch(model: Path, card: ModelCard, device: str) -> Contestant:
    started = time.perf_counter()
    network = network_from(model)
    if card.precision == "fp16" and device != "cpu":
        compute_in_half(network)
    runner = EagerRunner(network, torch.device(device))
    return Contestant(
        name=model.stem,
        device=runner.device,
        card=card,
        runner=runner,
        load_s=time.perf_counter() - started,
        file=None,
    )


def _torch_device(device: str) -> str | None:
    """Device on which PyTorch measures the peaks; None if it cannot."""
    kind, _, index = device.partition(":")
    if kind in ("cpu", "torch-cpu", "openvino"):
        return "cpu"
    if kind in _ON_NVIDIA and torch.cuda.is_available():
        return f"cuda:{index or 0}"
    return None
