"""Models run by TensorRT engines of our own."""

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reggan_plugin.backends.cuda_device import CudaDevice, open_cuda_device
from reggan_plugin.backends.engine_builder import EngineBuilder, load_engine_file
from reggan_plugin.backends.engine_file import read_engine
from reggan_plugin.backends.engine_key import EngineOptions
from reggan_plugin.backends.runner import ASKED_FOR, Tensors
from reggan_plugin.backends.tensorrt_lane import Lane
from reggan_plugin.backends.tensorrt_library import load_tensorrt
from reggan_plugin.errors import EngineError, ModelError

IN_FLIGHT = 3
"""Batches under way at once: one is copied to the GPU, one runs, one is copied back."""
_PROFILE = 0


class TensorRTRunner:
    """An engine on a GPU; any number of threads may call `run` at once.

    Batches are padded to one of a few sizes and longer ones are cut, so that every run replays a
    graph that was recorded once for its size.
    """

    def __init__(
        self, engine: Any, trt: Any, device: CudaDevice, metadata: Mapping[str, str]
    ) -> None:
        """Take over a loaded engine.

        Raises:
            ModelError: its tensors are not those of a model of ours.
        """
        self.reason = ASKED_FOR
        self.metadata = metadata
        self.device = f"tensorrt:{device.index}" if device.index else "tensorrt"
        self._engine, self._device = engine, device
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        _demand_floats(engine, trt, names)
        is_input = {name: engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT for name in names}
        self._outputs = tuple(name for name in names if not is_input[name])
        shapes = {
            name: [tuple(shape) for shape in engine.get_tensor_profile_shape(name, _PROFILE)]
            for name in names
            if is_input[name]
        }
        self._row_shapes = {name: _row_shape(name, own) for name, own in shapes.items()}
        self._sizes = sizes_between({shape[0] for own in shapes.values() for shape in own})
        self._free: dict[int, list[Lane]] = {size: [] for size in self._sizes}
        self._lock = threading.Lock()

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Return every output by name for `inputs` by name.

        Raises:
            DeviceMemoryError: the GPU has no memory for the batch.
            DeviceUnavailableError: it fails.
            ModelError: the engine does not take these inputs.
        """
        rows = self._rows_of(inputs)
        self._device.activate()
        under_way: deque[tuple[int, Lane, int]] = deque()
        done: list[Tensors] = []
        for first, count, size in pieces(rows, self._sizes):
            if len(under_way) == IN_FLIGHT:
                done.append(self._finish(*under_way.popleft()))
            lane = self._take(size)
            lane.start({name: array[first : first + count] for name, array in inputs.items()})
            under_way.append((size, lane, count))
        done += [self._finish(*piece) for piece in under_way]
        if len(done) == 1:
            return done[0]
        return {name: np.concatenate([part[name] for part in done]) for name in self._outputs}

    def _take(self, size: int) -> Lane:
        """A lane of this size that nobody uses. One that fails is not given back."""
        with self._lock:
            if self._free[size]:
                return self._free[size].pop()
            shapes = {name: (size, *shape) for name, shape in self._row_shapes.items()}
            return Lane(self._engine, self._device, shapes, self._outputs)

    def _finish(self, size: int, lane: Lane, rows: int) -> Tensors:
        outputs = lane.finish(rows)
        with self._lock:
            self._free[size].append(lane)
        return outputs

    def _rows_of(self, inputs: Mapping[str, NDArray[np.float32]]) -> int:
        counts = {len(array) for array in inputs.values() if array.ndim}
        found = {name: (array.dtype.name, array.shape[1:]) for name, array in inputs.items()}
        expected = {name: ("float32", shape) for name, shape in self._row_shapes.items()}
        if found != expected or len(counts) != 1 or 0 in counts:
            taken = (
                f"{name} float32 ({', '.join(['N', *map(str, shape)])})"
                for name, shape in self._row_shapes.items()
            )
            given = (f"{name} {array.dtype} {array.shape}" for name, array in inputs.items())
            raise ModelError(
                f"The model gets {', '.join(given)}; its engine takes {', '.join(taken)}, the "
                "same N of 1 or more for each. The card does not fit the graph: export it again."
            )
        return counts.pop()


def sizes_between(named: set[int]) -> list[int]:
    """The batch sizes that an engine was built for, and the powers of two between them."""
    powers = (1 << exponent for exponent in range(max(named).bit_length()))
    return sorted(named | {size for size in powers if size >= min(named)})


def pieces(rows: int, sizes: list[int]) -> Iterator[tuple[int, int, int]]:
    """First row, number of rows and batch size of each run; `sizes` rise."""
    largest = sizes[-1]
    for first in range(0, rows, largest):
        count = min(largest, rows - first)
        yield first, count, next(size for size in sizes if size >= count)


def runner_from_model(
    model: Path, index: int = 0, options: EngineOptions | None = None
) -> TensorRTRunner:
    """Run an .onnx file by its engine from the cache, which is built if it is not there.

    Raises:
        DeviceUnavailableError: TensorRT, its libraries, the driver or the GPU is missing.
        ModelError: TensorRT cannot read the file.
        OutputError: an engine must be built, and the cache cannot be written.
    """
    trt = load_tensorrt()
    device = open_cuda_device(index)
    builder = EngineBuilder(model, options or EngineOptions(), trt=trt, device=device)
    stored, engine = builder.cached(exactly=False)
    return TensorRTRunner(engine, trt, device, stored.metadata)


def runner_from_engine(engine: Path, index: int = 0) -> TensorRTRunner:
    """Run an engine that `reggan-plugin export engine` wrote.

    It is native code: name only files that you trust as you would a program.

    Raises:
        DeviceUnavailableError: TensorRT, its libraries, the driver or the GPU is missing.
        EngineError: it is not such a file, is damaged, or is for another GPU or TensorRT.
    """
    try:
        stored = read_engine(engine)
    except FileNotFoundError as error:
        raise EngineError(
            f"{error.filename} does not exist; an engine is two files, FILE and FILE.json. "
            "Build it.",
            kind="engine-to-build",
        ) from error
    trt = load_tensorrt()
    device = open_cuda_device(index)
    device.activate()
    return TensorRTRunner(load_engine_file(stored, trt), trt, device, stored.metadata)


def _demand_floats(engine: Any, trt: Any, names: list[str]) -> None:
    others = [name for name in names if engine.get_tensor_dtype(name) != trt.DataType.FLOAT]
    if others:
        raise ModelError(
            f"The engine's {', '.join(others)} are not float32, as inputs and outputs of a model "
            "are at every precision. Export the model again."
        )


def _row_shape(name: str, shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    rows = {shape[1:] for shape in shapes}
    if len(rows) > 1:
        raise ModelError(
            f"The engine leaves more of {name} open than the batch ({shapes}). Expression models "
            "leave only that; run others by ONNX Runtime.",
            kind="engine-of-other-model",
        )
    return rows.pop()
