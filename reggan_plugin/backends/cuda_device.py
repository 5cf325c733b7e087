"""The little of CUDA that running an engine takes: streams, copies, pinned memory, graphs.

The runner knows the two protocols only, so that its tests can put a device of their own under it.
"""

import ctypes
import weakref
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reggan_plugin.errors import DeviceMemoryError, DeviceUnavailableError

NO_DEVICE_CODES = (35, 100)
"""cudaErrorInsufficientDriver (also: no driver at all) and cudaErrorNoDevice."""
_OUT_OF_MEMORY = 2


class DeviceMemory(Protocol):
    """Memory on the device; freed when the object is."""

    @property
    def address(self) -> int:
        """Address of its first byte."""
        ...


class CudaStream(Protocol):
    """Work that the device does in order, while the caller goes on."""

    @property
    def handle(self) -> int:
        """Handle of the stream, as TensorRT takes it."""
        ...

    def upload(self, target: DeviceMemory, source: NDArray[np.float32]) -> None:
        """Have pinned memory copied to the device; neither may change before `wait`."""
        ...

    def download(self, target: NDArray[np.float32], source: DeviceMemory) -> None:
        """Have the device's memory copied to pinned memory, which is filled after `wait`."""
        ...

    def wait(self) -> None:
        """Return when all that was asked for is done.

        Raises:
            DeviceUnavailableError: some of it failed.
        """
        ...

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record what `work` asks of the stream, without doing it; returns what replays it."""
        ...


class CudaDevice(Protocol):
    """One GPU."""

    @property
    def index(self) -> int:
        """Its number, as in `tensorrt:1`."""
        ...

    @property
    def name(self) -> str:
        """Name that it is sold under."""
        ...

    @property
    def compute_capability(self) -> tuple[int, int]:
        """Its generation: (9, 0) for Hopper."""
        ...

    @property
    def driver(self) -> str:
        """The newest CUDA that the driver speaks, such as `13.0`."""
        ...

    def activate(self) -> None:
        """Make it the calling thread's device: CUDA keeps one for each thread."""
        ...

    def allocate(self, size_bytes: int) -> DeviceMemory:
        """Take memory on the device.

        Raises:
            DeviceMemoryError: there is not so much of it.
        """
        ...

    def allocate_pinned(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Take host memory that the device can copy from and to by itself."""
        ...

    def new_stream(self) -> CudaStream:
        """Return a stream that waits for no other."""
        ...


def count_devices() -> int:
    """Number of GPUs.

    Raises:
        ModuleNotFoundError: the package cuda-bindings is missing.
        DeviceUnavailableError: there is no driver, or it fails.
    """
    from cuda.bindings import runtime

    code, count = runtime.cudaGetDeviceCount()
    if int(code) in NO_DEVICE_CODES:
        return 0
    return int(_checked((code, count)))


def open_cuda_device(index: int) -> CudaDevice:
    """Return the GPU of this number.

    Raises:
        DeviceUnavailableError: there is none, or no driver.
    """
    count = count_devices()
    if index >= count:
        raise DeviceUnavailableError(
            f"CUDA finds {count} GPUs, numbered from 0; number {index} was asked for.",
            kind="gpu-fails",
        )
    return _Device(index)


class _Memory:
    def __init__(self, size_bytes: int) -> None:
        from cuda.bindings import runtime

        self.address = int(_checked(runtime.cudaMalloc(size_bytes)))
        weakref.finalize(self, runtime.cudaFree, self.address).atexit = False


class _Stream:
    def __init__(self) -> None:
        from cuda.bindings import runtime

        self._runtime: Any = runtime
        self.handle = int(
            _checked(runtime.cudaStreamCreateWithFlags(runtime.cudaStreamNonBlocking))
        )
        weakref.finalize(self, runtime.cudaStreamDestroy, self.handle).atexit = False

    def upload(self, target: DeviceMemory, source: NDArray[np.float32]) -> None:
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._copy(target.address, source.ctypes.data, source.nbytes, kind)

    def download(self, target: NDArray[np.float32], source: DeviceMemory) -> None:
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._copy(target.ctypes.data, source.address, target.nbytes, kind)

    def _copy(self, target: int, source: int, size_bytes: int, kind: Any) -> None:
        _checked(self._runtime.cudaMemcpyAsync(target, source, size_bytes, kind, self.handle))

    def wait(self) -> None:
        _checked(self._runtime.cudaStreamSynchronize(self.handle))

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        runtime = self._runtime
        # Other threads may go on allocating meanwhile; the global mode would fail them.
        mode = runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        _checked(runtime.cudaStreamBeginCapture(self.handle, mode))
        try:
            work()
        finally:  # a stream that is left recording can do nothing else any more
            code, graph = runtime.cudaStreamEndCapture(self.handle)
        _checked((code,))
        executable = _checked(runtime.cudaGraphInstantiate(graph, 0))
        _checked(runtime.cudaGraphDestroy(graph))

        def replay() -> None:
            _checked(runtime.cudaGraphLaunch(executable, self.handle))

        weakref.finalize(replay, runtime.cudaGraphExecDestroy, executable).atexit = False
        return replay


class _Device:
    def __init__(self, index: int) -> None:
        from cuda.bindings import runtime

        self._runtime: Any = runtime
        self.index = index
        properties = _checked(runtime.cudaGetDeviceProperties(index))
        self.name: str = properties.name.decode().strip("\0 ")
        self.compute_capability = (int(properties.major), int(properties.minor))
        version = int(_checked(runtime.cudaDriverGetVersion()))
        self.driver = f"{version // 1000}.{version % 1000 // 10}"

    def activate(self) -> None:
        _checked(self._runtime.cudaSetDevice(self.index))

    def allocate(self, size_bytes: int) -> _Memory:
        return _Memory(size_bytes)

    def allocate_pinned(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        size_bytes = 4 * int(np.prod(shape))
        address = int(
            _checked(self._runtime.cudaHostAlloc(size_bytes, self._runtime.cudaHostAllocDefault))
        )
        memory = (ctypes.c_float * (size_bytes // 4)).from_address(address)
        weakref.finalize(memory, self._runtime.cudaFreeHost, address).atexit = False
        return np.ctypeslib.as_array(memory).reshape(shape)

    def new_stream(self) -> _Stream:
        return _Stream()


def _checked(answer: tuple[Any, ...]) -> Any:
    """Return what a call of the CUDA runtime answered beside its error code."""
    code, *values = answer
    if int(code) == 0:
        return values[0] if values else None
    from cuda.bindings import runtime

    text = runtime.cudaGetErrorString(code)[1].decode()
    found = f"The GPU fails with {code.name}: {text}."
    if int(code) == _OUT_OF_MEMORY:
        raise DeviceMemoryError(f"{found} Close what else uses it.")
    raise DeviceUnavailableError(found, kind="gpu-fails")
