"""One benchmark from beginning to end."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from reggan_plugin.benchmark.cold_start import measure_cold_start
from reggan_plugin.benchmark.contestant import (
    Baselines,
    Contestant,
    load_baselines,
    open_contestant,
    open_everywhere,
)
from reggan_plugin.benchmark.model_timing import time_in_turns
from reggan_plugin.benchmark.pipeline_timing import PipelineTiming, measure_pipeline
from reggan_plugin.benchmark.report import BenchReport, ModelResult, describe_machine, model_result
from reggan_plugin.benchmark.shot import SAMPLE_FROM_SUFFIX

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BenchSettings:
    """Settings of a benchmark.

    Attributes:
        models: files; the first is what others are compared with.
        devices: names; empty for all that can be had here.
        batches: faces in a run.
        rounds: runs at batch 1.
        threads: CPU threads of one run; None for all.
        with_peers: beside other papers' generators and PyTorch, and under the roof.
        heights: of the frames that are rendered whole; empty for none.
        frames: of each such shot.
    """

    models: tuple[Path, ...]
    devices: tuple[str, ...] = ()
    batches: tuple[int, ...] = (1, 4, 8)
    rounds: int = 100
    threads: int | None = None
    with_peers: bool = False
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
        results.append(model_result(one, own, timings[0], cold_start=cold, roof=roof))
    return tuple(results)


def _time_pipelines(
    contestants: Sequence[Contestant], settings: BenchSettings, report: Report
) -> tuple[PipelineTiming, ...]:
    """Return the first model on each device."""
    devices = [one.device for one in contestants if one.file == settings.models[0]]
    found = []
    for height in settings.heights:
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
