"""PyTorch as a runner, to be compared with: eager, and with a CUDA graph replayed."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reggan_plugin.backends.runner import ASKED_FOR, Tensors
from reggan_training.papers.networks.expression_model import ExpressionModel

_WARM_UP = 3


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
