"""Baselines of `reggan-plugin bench --peers`: other papers' shapes, PyTorch, the hardware."""

import dataclasses
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor

from reggan_export.onnx_file import store_weights_as_half
from reggan_export.picture_model_export import graph_of
from reggan_export.roofline import count_work, measure_peaks
from reggan_export.source_network import compute_in_half, network_from
from reggan_plugin.backends.runner import ASKED_FOR, Tensors
from reggan_plugin.benchmark.contestant import Contestant, Roof
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
from reggan_training.papers.regression import RegressionSettings

_WARM_UP = 3

_log = logging.getLogger(__name__)
PEERS = ("sargan", "us-gan", "stargan")
_ON_NVIDIA = ("cuda", "tensorrt", "tensorrt-ep", "rtx", "torch-cuda", "torch-cuda-graph")


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


class GraphRunner:
    """A network recorded as a CUDA graph for each batch size, with pinned host memory."""

    def __init__(self, model: ExpressionModel, device: torch.device) -> None:
        self._model, self._device = model.to(device).eval(), device
        self._recorded: dict[int, _Recording] = {}
        self.device = f"torch-{device.type}-graph"
        self.reason = ASKED_FOR
        self.metadata: Mapping[str, str] = {}

    @torch.inference_mode()
    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Return `face` and `mask` for `image` and `expression`."""
        batch = len(inputs["image"])
        if batch not in self._recorded:
            self._recorded[batch] = _Recording(self._model, self._device, inputs)
        return self._recorded[batch].replay(inputs)


class _Recording:
    """One graph with the memory that it reads and writes: copies in, network, copies out."""

    def __init__(
        self,
        model: ExpressionModel,
        device: torch.device,
        inputs: Mapping[str, NDArray[np.float32]],
    ) -> None:
        self._host_in = {
            name: torch.from_numpy(inputs[name].copy()).pin_memory()
            for name in ("image", "expression")
        }
        on_device = {name: value.to(device) for name, value in self._host_in.items()}
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        with torch.cuda.stream(stream):  # what is allocated once must not be inside the graph
            for _ in range(_WARM_UP):
                face, mask = model(on_device["image"], on_device["expression"])
        stream.synchronize()
        self._host_out = {
            "face": torch.empty_like(face, device="cpu").pin_memory(),
            "mask": torch.empty_like(mask, device="cpu").pin_memory(),
        }
        self._device, self._graph = device, torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            _copy(on_device, self._host_in)
            face, mask = model(on_device["image"], on_device["expression"])
            _copy(self._host_out, {"face": face, "mask": mask})
        self._kept = on_device  # the graph reads it

    def replay(self, inputs: Mapping[str, NDArray[np.float32]]) -> Tensors:
        for name, pinned in self._host_in.items():
            pinned.numpy()[...] = inputs[name]
        self._graph.replay()
        torch.cuda.synchronize(self._device)
        return {name: value.numpy().copy() for name, value in self._host_out.items()}


def _copy(targets: Mapping[str, Tensor], sources: Mapping[str, Tensor]) -> None:
    for name, target in targets.items():
        target.copy_(sources[name], non_blocking=True)


class ExportBaselines:
    """See `reggan_plugin.benchmark.contestant.Baselines`."""

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
            opened.append(_in_pytorch(model, card, EagerRunner, "cpu"))
        if torch.cuda.is_available():
            torch.backends.cudnn.benchmark = True  # PyTorch at its best ...
            torch.backends.cudnn.allow_tf32 = False  # ... in the precision that the card says
            opened += [
                _in_pytorch(model, card, kind, "cuda:0") for kind in (EagerRunner, GraphRunner)
            ]
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


def _in_pytorch(
    model: Path, card: ModelCard, kind: type[EagerRunner | GraphRunner], device: str
) -> Contestant:
    started = time.perf_counter()
    network = network_from(model)
    if card.precision == "fp16" and device != "cpu":
        compute_in_half(network)
    runner = kind(network, torch.device(device))
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
