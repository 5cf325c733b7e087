"""What our CUDA layer calls exists; without a GPU it says so; with one it does what it says."""

import ast
import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from reggan_plugin.backends import cuda_device
from reggan_plugin.backends.cuda_device import count_devices, open_cuda_device
from reggan_plugin.errors import DeviceMemoryError, DeviceUnavailableError, RegganError

runtime = pytest.importorskip("cuda.bindings.runtime", reason="cuda-bindings is not installed")


def test_every_name_that_is_called_is_in_the_package() -> None:
    tree = ast.parse(Path(inspect.getfile(cuda_device)).read_text(encoding="utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    called = {name for name in used if name.startswith("cuda")}
    assert len(called) > 20
    kinds = (runtime, runtime.cudaMemcpyKind, runtime.cudaStreamCaptureMode)
    assert {name for name in called if not any(hasattr(kind, name) for kind in kinds)} == set()
    codes = runtime.cudaError_t
    assert set(cuda_device.NO_DEVICE_CODES) == {
        int(codes.cudaErrorInsufficientDriver),
        int(codes.cudaErrorNoDevice),
    }


def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(DeviceUnavailableError, match=r"number 99 was asked for"):
        open_cuda_device(99)


@pytest.mark.parametrize(
    ("code", "error", "kind"),
    [
        ("MemoryAllocation", DeviceMemoryError, "device-memory"),
        ("Unknown", DeviceUnavailableError, "gpu-fails"),
    ],
)
def test_an_error_code_becomes_an_error_with_its_name(
    code: str, error: type[RegganError], kind: str
) -> None:
    answer = getattr(runtime.cudaError_t, f"cudaError{code}")
    with pytest.raises(error, match=rf"cudaError{code}: ") as refusal:
        cuda_device._checked((answer, None))
    assert refusal.value.kind == kind


def test_every_call_has_arguments_that_the_package_takes() -> None:
    """Without a GPU it looks at them and then says 35; wrong ones are a TypeError before that."""
    if count_devices():
        pytest.skip("a GPU would use them")
    stream = cuda_device._Stream.__new__(cuda_device._Stream)
    stream._runtime, stream.handle = runtime, 0
    device = cuda_device._Device.__new__(cuda_device._Device)
    device._runtime, device.index = runtime, 0
    array, memory = np.zeros((2, 3), np.float32), SimpleNamespace(address=4096)
    for call in (
        lambda: stream.upload(memory, array),
        lambda: stream.download(array, memory),
        lambda: stream.record(lambda: None),
        lambda: device.allocate_pinned((2, 3)),
        lambda: device.allocate(24),
        lambda: cuda_device._Device(0),
        device.new_stream,
        device.activate,
        stream.wait,
    ):
        with pytest.raises(DeviceUnavailableError, match="cudaErrorInsufficientDriver"):
            call()


@pytest.fixture
def gpu() -> Any:
    if not count_devices():
        pytest.skip("no GPU")
    device = open_cuda_device(0)
    device.activate()
    return device


@pytest.mark.gpu
def test_a_recorded_graph_copies_what_is_in_the_buffers_when_it_is_replayed(gpu: Any) -> None:
    there, back = gpu.allocate_pinned((4, 5)), gpu.allocate_pinned((4, 5))
    memory, stream = gpu.allocate(there.nbytes), gpu.new_stream()

    def work() -> None:
        stream.upload(memory, there)
        stream.download(back, memory)

    back.fill(-1)
    replay = stream.record(work)
    assert (back == -1).all()
    for value in (1, 2):
        there.fill(value)
        replay()
        stream.wait()
        np.testing.assert_array_equal(back, there)


@pytest.mark.gpu
def test_the_gpu_says_what_it_is(gpu: Any) -> None:
    assert "NVIDIA" in gpu.name
    assert gpu.compute_capability >= (7, 5)
    assert float(gpu.driver) >= 12


@pytest.mark.gpu
def test_too_much_memory_is_refused(gpu: Any) -> None:
    with pytest.raises(DeviceMemoryError, match="cudaErrorMemoryAllocation"):
        gpu.allocate(1 << 50)
