"""One benchmark from beginning to end.

Models are timed turn by turn, so that whatever else the machine does slows all alike.
"""

import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.benchmark.model_on_device import (
    Baselines,
    ColdStart,
    Contestant,
    Roof,
    load_baselines,
    measure_cold_start,
    open_contestant,
    open_everywhere,
)
from reggan_plugin.benchmark.pipeline_timing import (
    SAMPLE_FROM_SUFFIX,
    PipelineTiming,
    measure_pipeline,
)
from reggan_plugin.frozen import frozen

_WARM_UP = 3
_FEWEST_TURNS = 5

Report = Callable[[str], None]
"""Is told what is under way."""


@frozen
class Timing:
    """One batch size of one contestant.

    Attributes:
        batch: faces in a run.
        runs: how many were timed.
        median_ms: wall time of a run.
        p99_ms: 99 of 100 runs are not longer.
        cpu_ms: median processor time of a run, of all threads; what it waits does not count.
        faces_per_s: at the median.
    """

    batch: int
    runs: int
    median_ms: float
    p99_ms: float
    cpu_ms: float
    faces_per_s: float


def time_in_turns(
    contestants: Sequence[Contestant], batches: Sequence[int], rounds: int, report: Report
) -> list[tuple[Timing, ...]]:
    """Return timings of each contestant by batch size.

    Args:
        contestants: in any order; each runs once a turn.
        batches: sizes.
        rounds: turns at batch 1; others get as many faces, but never fewer than five turns.
        report: is told of each size.
    """
    found: list[list[Timing]] = [[] for _ in contestants]
    for batch in batches:
        turns = max(min(_FEWEST_TURNS, rounds), rounds // batch)
        report(f"batch {batch}: {turns} turns of {len(contestants)}")
        inputs = [one.inputs(batch) for one in contestants]
        milliseconds = np.empty((len(contestants), turns, 2))
        for turn in range(-_WARM_UP, turns):
            for index, one in enumerate(contestants):
                wall, cpu = time.perf_counter(), time.process_time()
                one.runner.run(inputs[index])
                if turn >= 0:  # the first runs allocate
                    spent = time.perf_counter() - wall, time.process_time() - cpu
                    milliseconds[index, turn] = np.multiply(1000, spent)
        for own, timed in zip(found, milliseconds, strict=True):
            (median_ms, cpu_ms), p99_ms = np.median(timed, axis=0), np.percentile(timed[:, 0], 99)
            timing = Timing(
                batch=batch,
                runs=turns,
                median_ms=round(float(median_ms), 3),
                p99_ms=round(float(p99_ms), 3),
                cpu_ms=round(float(cpu_ms), 3),
                faces_per_s=round(1000 * batch / float(median_ms), 2),
            )
            own.append(timing)
    return [tuple(own) for own in found]


_PACKAGES = ("reggan-plugin", "numpy", "onnxruntime", "onnxruntime-gpu", "torch", "tensorrt")

SCHEMA = 1


def describe_machine() -> dict[str, Any]:
    """Processor, GPUs, system and versions, as JSON holds them."""
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "gpus": _nvidia_gpus(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
    }


def _processor() -> str:
    """Its name as it is sold, where the system tells it."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text(encoding="utf-8").splitlines() if table.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _nvidia_gpus() -> list[str]:
    """Name, driver and memory of each; none where there is no driver to ask."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)
    return answer.stdout.strip().splitlines() if answer.returncode == 0 else []


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@frozen
class ModelResult:
    """One contestant.

    Attributes:
        model: its name.
        device: where it ran.
        precision: as its card says.
        load_s: see `Contestant`.
        timings: by batch size.
        times_first: its median against the first contestant's, by batch size: above 1 is slower.
        cpu_times_first: the same of its processor time, which holds on a busy machine, but says
            nothing of a GPU.
        cold_start: None where no file is opened.
        roof: None where it was not asked for or cannot be told.
    """

    model: str
    device: str
    precision: str
    load_s: float
    timings: tuple[Timing, ...]
    times_first: Mapping[int, float]
    cpu_times_first: Mapping[int, float]
    cold_start: ColdStart | None
    roof: Roof | None


@frozen
class BenchReport:
    """Everything that one run measured."""

    machine: Mapping[str, Any]
    threads: int | None
    models: tuple[ModelResult, ...]
    refused: Mapping[str, str]
    """Devices that cannot be had here, and why."""
    pipeline: tuple[PipelineTiming, ...]

    def document(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        return {"schema": SCHEMA, **asdict(self)}

    def lines(self) -> Iterator[str]:
        """Yield the report as text."""
        gpus = "".join(f"; {gpu}" for gpu in self.machine["gpus"])
        yield f"{self.machine['cpu']}, {self.machine['cores']} cores{gpus}"
        yield f"load {self.machine['load']} at the start; threads {self.threads or 'all'}"
        yield ""
        yield from _table(list(_model_rows(self.models)))
        if self.pipeline:
            yield ""
            yield from _table(list(_pipeline_rows(self.pipeline)))
        for device, reason in self.refused.items():
            yield f"not {device}: {reason}"


def _model_rows(models: Sequence[ModelResult]) -> Iterator[tuple[str, ...]]:
    yield (
        *("model", "device", "precision", "batch", "median ms", "p99 ms", "CPU ms"),
        *("faces/s", "x first", "x CPU", "x roof", "cold s"),
    )
    for one in models:
        for timing in one.timings:
            least = one.roof.least_ms[timing.batch] if one.roof else None
            cold = one.cold_start.process_s if one.cold_start else None
            yield (
                *(one.model, one.device, one.precision, str(timing.batch)),
                *(f"{timing.median_ms:.2f}", f"{timing.p99_ms:.2f}", f"{timing.cpu_ms:.2f}"),
                f"{timing.faces_per_s:.1f}",
                f"{one.times_first[timing.batch]:.2f}",
                f"{one.cpu_times_first[timing.batch]:.2f}",
                f"{timing.median_ms / least:.1f}" if least else "",
                f"{cold:.2f}" if cold and timing is one.timings[0] else "",
            )


def _pipeline_rows(timings: Sequence[PipelineTiming]) -> Iterator[tuple[str, ...]]:
    stages = tuple(timings[0].shares)
    yield ("model", "device", "frame", "s/frame", "CPU s", "x copying", *stages, "MiB")
    for one in timings:
        yield (
            *(one.model, one.device, f"{one.height}p {one.suffix}"),
            *(f"{one.seconds_a_frame:.2f}", f"{one.cpu_s_a_frame:.2f}", f"{one.times_copying:.2f}"),
            *(f"{100 * one.shares[stage]:.0f} %" for stage in stages),
            str(one.memory_mib or ""),
        )


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


@frozen
class BenchSettings:
    """Settings of a benchmark.

    Attributes:
        models: files; the first is what others are compared with.
        devices: names; empty for all that can be had here.
        batches: faces in a run.
        rounds: runs at batch 1.
        threads: CPU threads of one run; None for all.
        with_peers: beside other papers' generators and PyTorch, and under the roof.
        pipeline: whether whole frames are rendered, too.
        heights: of these frames.
        frames: of each such shot.
    """

    models: tuple[Path, ...]
    devices: tuple[str, ...] = ()
    batches: tuple[int, ...] = (1, 4, 8)
    rounds: int = 100
    threads: int | None = None
    with_peers: bool = False
    pipeline: bool = False
    heights: tuple[int, ...] = ()
    frames: int = 4


def run_benchmark(settings: BenchSettings, report: Report) -> BenchReport:
    """Measure everything; `report` is told what is under way.

    Raises:
        DeviceUnavailableError: a device that was named cannot be had.
        MissingExtraError: there are no peers without [export].
        ModelError: a file cannot be run.
    """
    machine = describe_machine()
    baselines = load_baselines() if settings.with_peers else None
    with ExitStack() as stack:
        models = list(settings.models)
        if baselines:
            folder = Path(
                stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            )
            report("writing peers")
            models += baselines.write_peers(models[0], folder)
        report("opening models")
        contestants, refused = _open_all(models, settings)
        if baselines:
            devices = list(dict.fromkeys(one.device for one in contestants))
            contestants += baselines.open_in_pytorch(models[0], devices, settings.threads)
        results = _time(contestants, baselines, settings, report)
    pipeline = _time_pipelines(contestants, settings, report)
    return BenchReport(
        machine=machine,
        threads=settings.threads,
        models=results,
        refused=refused,
        pipeline=pipeline,
    )


def _open_all(
    models: Sequence[Path], settings: BenchSettings
) -> tuple[list[Contestant], dict[str, str]]:
    largest = max(settings.batches)
    if not settings.devices:
        return open_everywhere(models, threads=settings.threads, largest_batch=largest)
    return [
        open_contestant(model, device, threads=settings.threads, largest_batch=largest)
        for device in settings.devices
        for model in models
    ], {}


def _time(
    contestants: Sequence[Contestant],
    baselines: Baselines | None,
    settings: BenchSettings,
    report: Report,
) -> tuple[ModelResult, ...]:
    timings = time_in_turns(contestants, settings.batches, settings.rounds, report)
    results = []
    for one, own in zip(contestants, timings, strict=True):
        cold = None
        if one.file is not None:
            report(f"cold start of {one.name} on {one.device}")
            cold = measure_cold_start(
                one.file, one.device, threads=settings.threads, largest_batch=max(settings.batches)
            )
        roof = baselines.find_roof(one, settings.batches, settings.threads) if baselines else None
        pairs = list(zip(own, timings[0], strict=True))
        result = ModelResult(
            model=one.name,
            device=one.device,
            precision=one.card.precision,
            load_s=round(one.load_s, 3),
            timings=own,
            times_first={a.batch: round(a.median_ms / b.median_ms, 2) for a, b in pairs},
            cpu_times_first={a.batch: round(a.cpu_ms / b.cpu_ms, 2) for a, b in pairs},
            cold_start=cold,
            roof=roof,
        )
        results.append(result)
    return tuple(results)


def _time_pipelines(
    contestants: Sequence[Contestant], settings: BenchSettings, report: Report
) -> tuple[PipelineTiming, ...]:
    """Return the first model on each device."""
    devices = [one.device for one in contestants if one.file == settings.models[0]]
    found = []
    for height in settings.heights if settings.pipeline else ():
        for suffix in SAMPLE_FROM_SUFFIX:
            for device in devices:
                report(f"{settings.frames} frames of {height} lines, {suffix}, on {device}")
                found.append(
                    measure_pipeline(
                        settings.models[0],
                        device,
                        height=height,
                        suffix=suffix,
                        frames=settings.frames,
                    )
                )
    return tuple(found)
