"""A GPU that exists only here, and a TensorRT for it.

`FakeDevice` does what is asked of a stream when it is waited for and not before, so that whatever
reads or reuses a buffer too early gets the wrong numbers.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reggan_plugin.backends.engine_cache import EngineCache
from reggan_plugin.errors import DeviceUnavailableError

FAKE_TENSORRT = Path(__file__).with_name("fake_tensorrt.py")


class FakeMemory:
    def __init__(self, device: "FakeDevice", size_bytes: int) -> None:
        self.address = 4096 * (1 + len(device.memory))
        device.memory[self.address] = np.full(size_bytes // 4, np.nan, np.float32)
        self.values = device.memory[self.address]


class FakeStream:
    """Queues work; `wait` does it."""

    def __init__(self, device: "FakeDevice", handle: int) -> None:
        self.handle, self._device = handle, device
        self._queue: list[tuple[str, Callable[[], None]]] = []
        self._recording: list[tuple[str, Callable[[], None]]] | None = None

    def add(self, what: str, work: Callable[[], None]) -> None:
        target = self._queue if self._recording is None else self._recording
        target.append((what, work))
        busy = sum(bool(stream._queue) for stream in self._device.streams.values())
        self._device.most_busy = max(self._device.most_busy, busy)

    def upload(self, target: Any, source: Any) -> None:
        self._must_be_pinned(source)
        self.add("upload", lambda: target.values.__setitem__(slice(None), source.ravel()))

    def download(self, target: Any, source: Any) -> None:
        self._must_be_pinned(target)
        self.add("download", lambda: target.reshape(-1).__setitem__(slice(None), source.values))

    def wait(self) -> None:
        if self._device.fails:
            raise DeviceUnavailableError("The GPU fails with cudaErrorUnknown.", "See doctor.")
        for what, work in self._queue:
            self._device.done.append((self.handle, what))
            work()
        self._queue.clear()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        assert not self._queue, "a graph is recorded on a stream that is still at work"
        self._recording = []
        work()
        recorded, self._recording = self._recording, None

        def replay() -> None:
            self._device.replays += 1
            for what, step in recorded:
                self.add(what, step)

        return replay

    def _must_be_pinned(self, array: Any) -> None:
        assert any(array is pinned for pinned in self._device.pinned)


class FakeDevice:
    index = 0
    name = "NVIDIA Fake"
    compute_capability = (9, 0)
    driver = "13.0"

    def __init__(self) -> None:
        self.memory: dict[int, Any] = {}
        self.streams: dict[int, FakeStream] = {}
        self.pinned: list[Any] = []
        self.done: list[tuple[int, str]] = []
        self.activated = self.replays = self.most_busy = 0
        self.fails = False
        self.room_bytes = 1 << 30

    def activate(self) -> None:
        self.activated += 1

    def allocate(self, size_bytes: int) -> FakeMemory:
        self.room_bytes -= size_bytes
        if self.room_bytes < 0:
            raise DeviceUnavailableError("cudaErrorMemoryAllocation.", "Use a smaller --batch.")
        return FakeMemory(self, size_bytes)

    def allocate_pinned(self, shape: tuple[int, ...]) -> Any:
        self.pinned.append(np.full(shape, np.nan, np.float32))
        return self.pinned[-1]

    def new_stream(self) -> FakeStream:
        handle = 100 + len(self.streams)
        self.streams[handle] = FakeStream(self, handle)
        return self.streams[handle]


@pytest.fixture
def device() -> FakeDevice:
    return FakeDevice()


@pytest.fixture
def trt(device: FakeDevice) -> Any:
    """fake_tensorrt.py, loaded anew."""
    spec = importlib.util.spec_from_file_location("fake_tensorrt", FAKE_TENSORRT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module._device = device
    return module


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "cache")
