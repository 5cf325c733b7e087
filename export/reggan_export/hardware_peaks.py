"""Measured peaks of a device: compute, memory, and the way to it."""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

_SECONDS = 0.5
"""Duration of the search for each peak; the best turn counts."""
_MATRIX_SIDE = {"cpu": 512, "cuda": 8192}
_PICTURES = {"cpu": 1, "cuda": 64}
_CHANNELS, _PICTURE_PX = 256, 64
_COPIED_BYTES = {"cpu": 64 << 20, "cuda": 1 << 30}
"""Far beyond any cache, but on the CPU short enough to be left alone by other programs."""
_LINK_BYTES = 64 << 20


@dataclass(frozen=True, kw_only=True)
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
    """The better of two: which library is the faster one differs from processor to processor."""
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
