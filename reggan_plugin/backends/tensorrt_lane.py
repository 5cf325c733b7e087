"""One batch size of an engine, with buffers, stream and recorded graph of its own.

TensorRT forbids to change a context from which a graph was recorded, so every lane has its own.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reggan_plugin.backends.cuda_device import CudaDevice, DeviceMemory
from reggan_plugin.backends.runner import Tensors
from reggan_plugin.errors import ModelError


class Lane:
    """Runs exactly `batch` crops at a time: `start`, then `finish`."""

    def __init__(
        self,
        engine: Any,
        device: CudaDevice,
        inputs: Mapping[str, tuple[int, ...]],
        outputs: tuple[str, ...],
    ) -> None:
        """Prepare a lane.

        Args:
            engine: a TensorRT engine whose tensors are float32.
            device: the GPU that it is on, which is the calling thread's.
            inputs: shape by name.
            outputs: names.

        Raises:
            DeviceMemoryError: the GPU has no memory left.
            DeviceUnavailableError: it fails.
            ModelError: the engine does not take these shapes.
        """
        self._stream = device.new_stream()
        self._context = engine.create_execution_context()
        if self._context is None:
            raise ModelError(
                "TensorRT gives no context for the engine, most likely for want of memory on the "
                "GPU. Close what else uses it.",
                kind="engine-too-large",
            )
        for name, shape in inputs.items():
            self._demand(self._context.set_input_shape(name, shape), f"{name} of shape {shape}")
        shapes = {**inputs, **{name: self._output_shape(name) for name in outputs}}
        self._pinned = {name: device.allocate_pinned(shape) for name, shape in shapes.items()}
        self._memory: dict[str, DeviceMemory] = {
            name: device.allocate(array.nbytes) for name, array in self._pinned.items()
        }
        for name, memory in self._memory.items():
            self._demand(self._context.set_tensor_address(name, memory.address), name)
        self._inputs, self._outputs = tuple(inputs), outputs
        # What TensorRT does at the first run of a shape cannot be recorded.
        for name in inputs:
            self._pinned[name].fill(0)
        self._enqueue()
        self._stream.wait()
        self._replay = self._stream.record(self._enqueue)

    def start(self, inputs: Mapping[str, NDArray[np.float32]]) -> None:
        """Begin a run; the arrays may change as soon as this returns.

        Rows that are missing from the batch are filled with copies of the last one.
        """
        for name in self._inputs:
            rows = len(inputs[name])
            self._pinned[name][:rows] = inputs[name]
            self._pinned[name][rows:] = inputs[name][-1]
        self._replay()

    def finish(self, rows: int) -> Tensors:
        """Wait for the run; returns the first `rows` of each output, the caller's own.

        Raises:
            DeviceUnavailableError: the GPU failed meanwhile.
        """
        self._stream.wait()
        return {name: self._pinned[name][:rows].copy() for name in self._outputs}

    def _enqueue(self) -> None:
        for name in self._inputs:
            self._stream.upload(self._memory[name], self._pinned[name])
        self._demand(self._context.execute_async_v3(self._stream.handle), "the run")
        for name in self._outputs:
            self._stream.download(self._pinned[name], self._memory[name])

    def _output_shape(self, name: str) -> tuple[int, ...]:
        shape = tuple(self._context.get_tensor_shape(name))
        self._demand(min(shape) > 0, f"{name} of the open shape {shape}")
        return shape

    @staticmethod
    def _demand(accepted: bool, what: str) -> None:
        if not accepted:
            raise ModelError(
                f"TensorRT refuses {what}; the engine does not fit its model. Build it again.",
                kind="engine-to-build",
            )
