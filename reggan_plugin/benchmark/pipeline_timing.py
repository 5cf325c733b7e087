"""Whole frames, and where their time goes.

python -m reggan_plugin.benchmark.pipeline_timing MODEL DEVICE HEIGHT SUFFIX FRAMES
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from PIL import Image

import reggan_plugin
from reggan_plugin.array_types import Float
from reggan_plugin.benchmark.model_on_device import run_fresh
from reggan_plugin.change import pipeline
from reggan_plugin.change.picture_model import BatchedModel
from reggan_plugin.files.frame import read_frame, write_frame
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs import frame_steps
from reggan_plugin.jobs.frame_steps import FrameOutput, FrameSteps
from reggan_plugin.jobs.plan import Existing, FrameTask, JobPlan, make_output_folder, plan_job
from reggan_plugin.jobs.render_job import RenderRun, run_job
from reggan_plugin.jobs.render_settings import PictureSettings, RenderSettings
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout
from reggan_plugin.rig.rig_model import RigSource
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

_SAMPLES = Path(reggan_plugin.__file__).parent / "samples"
SAMPLE_FROM_SUFFIX = {
    "png": _SAMPLES / "avatar_png" / "avatar.1001.png",
    "exr": _SAMPLES / "avatar_exr" / "avatar.1001.exr",
}
_NOISE = 0.01
"""Standard deviation, in parts of a pixel's own brightness: black stays black."""


def make_shot(folder: Path, height: int, frames: int, suffix: str) -> list[Path]:
    """Write `shot.0001.<suffix>`, ...: 8-bit PNG, or half-float EXR with alpha, in ZIP."""
    sample = read_frame(SAMPLE_FROM_SUFFIX[suffix])
    pixels = _enlarged(sample.pixels, height)
    random = np.random.default_rng(0)
    paths = [folder / f"shot.{number:04d}.{suffix}" for number in range(1, frames + 1)]
    for path in paths:
        noise = random.standard_normal(pixels.shape[:2], dtype=np.float32)[..., None]
        noisy = pixels * (1 + _NOISE * noise)
        if suffix == "png":
            Image.fromarray((255 * noisy.clip(0, 1)).round().astype(np.uint8)).save(path)
        else:
            assert sample.alpha is not None
            alpha = _enlarged(sample.alpha[..., None], height)
            _write_exr(path, np.concatenate([noisy, alpha], axis=2))
    return paths


def _enlarged(
    pixels: Float[np.ndarray, "height width channels"], height: int
) -> Float[np.ndarray, "taller wider channels"]:
    size = (round(pixels.shape[1] * height / pixels.shape[0]), height)
    planes = [
        Image.fromarray(np.ascontiguousarray(plane)).resize(size, Image.Resampling.BILINEAR)
        for plane in np.moveaxis(pixels, 2, 0)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


def _write_exr(path: Path, rgba: Float[np.ndarray, "height width 4"]) -> None:
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {"RGBA": rgba.astype(np.float16)}) as file:
        file.write(str(path))


_STAGES: Mapping[str, Sequence[tuple[object, str]]] = {
    "read": [(frame_steps, "read_content"), (PictureSettings, "decode")],
    "face": [(ExpressionTransfer, "find_faces")],
    "crop": [(pipeline, "cut_crop")],
    "inference": [(BatchedModel, "run"), (RigSource, "answer")],
    "composite": [(pipeline, "motion_in_frame"), (pipeline, "composite_motion")],
    "write": [(PictureSettings, "encode"), (frame_steps, "write_atomically")],
}
"""Functions that do not call each other. The rest, above all colour, is `other`."""


@frozen
class PipelineTiming:
    """A shot rendered whole.

    Attributes:
        model: what rendered it.
        device: where.
        height: of the frames; they are 16:9.
        suffix: `png` or `exr`.
        frames: how many; the first, which loads and allocates, is not timed.
        seconds_a_frame: of the job, in which frames overlap.
        cpu_s_a_frame: processor time of the job, of all threads; what it waits does not count.
        times_copying: the job against reading and writing the same frames, one by one.
        shares: of the time of a frame alone, by stage; they add up to 1.
        memory_mib: the most that the process held; None where the system does not tell.
    """

    model: str
    device: str
    height: int
    suffix: str
    frames: int
    seconds_a_frame: float
    cpu_s_a_frame: float
    times_copying: float
    shares: Mapping[str, float]
    memory_mib: int | None


def measure_pipeline(
    model: Path, device: str, *, height: int, suffix: str, frames: int
) -> PipelineTiming:
    """Render a made-up shot in a fresh process.

    Raises:
        RegganError: it fails.
    """
    found = run_fresh(__name__, [str(model), device, str(height), suffix, str(frames)])
    del found["process_s"]
    return PipelineTiming(
        model=model.stem, device=device, height=height, suffix=suffix, frames=frames, **found
    )


def time_pipeline(
    model: Path, device: str, height: int, suffix: str, frames: int
) -> dict[str, Any]:
    """Measure in this process what `PipelineTiming` holds beside its arguments."""
    settings = RenderSettings(mix=ExpressionMix({"happy": 1.0}))
    transfer = ExpressionTransfer(model, device=device)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "shot"
        folder.mkdir()
        paths = make_shot(folder, height, frames + 1, suffix)
        plan = plan_job(str(folder), None, Path(name) / "out", "happy", Existing.REFUSE)
        shares = _stage_shares(plan, settings, transfer)
        copying_s = _copy_frames(paths[1:], plan.out)
        rest = plan_job(str(folder), f"2-{frames + 1}", plan.out, "happy", Existing.OVERWRITE)
        started, started_cpu = time.perf_counter(), time.process_time()
        run = RenderRun(transfer=transfer, model=None, report=lambda _: None)
        run_job(rest, settings, run).raise_for_failure()
        job_s, cpu_s = time.perf_counter() - started, time.process_time() - started_cpu
    return {
        "seconds_a_frame": round(job_s / frames, 3),
        "cpu_s_a_frame": round(cpu_s / frames, 3),
        "times_copying": round(job_s / copying_s, 2),
        "shares": shares,
        "memory_mib": _largest_memory_mib(),
    }


def _stage_shares(
    plan: JobPlan, settings: RenderSettings, transfer: ExpressionTransfer
) -> dict[str, float]:
    """Each frame alone, so that no stage waits for another's core."""
    make_output_folder(plan)
    output = FrameOutput(settings, None, IoTimeout())
    steps = FrameSteps(settings, transfer, plan.shot.frames, output, IoTimeout())
    _render_alone(plan.tasks[0], steps)
    with _stopwatches() as seconds:
        started = time.perf_counter()
        for task in plan.tasks[1:]:
            _render_alone(task, steps)
        whole_s = time.perf_counter() - started
    shares = {stage: round(spent / whole_s, 3) for stage, spent in seconds.items()}
    return {**shares, "other": round(1 - sum(shares.values()), 3)}


def _render_alone(task: FrameTask, steps: FrameSteps) -> None:
    [changed] = steps.change([(task, steps.read(task))])
    steps.write(task, changed)


@contextmanager
def _stopwatches() -> Iterator[dict[str, float]]:
    """Seconds by stage, while it lasts. From outside: a frame's way knows nothing of it."""
    seconds = dict.fromkeys(_STAGES, 0.0)

    def timed(stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return work(*arguments, **named)
            finally:
                seconds[stage] += time.perf_counter() - started

        return run

    with ExitStack() as stack:
        for stage, functions in _STAGES.items():
            for owner, name in functions:
                stack.enter_context(patch.object(owner, name, timed(stage, getattr(owner, name))))
        yield seconds


def _copy_frames(paths: list[Path], out: Path) -> float:
    """Seconds to read every frame and write it with one pixel changed, one after the other."""
    started = time.perf_counter()
    for path in paths:
        frame = read_frame(path)
        pixels = frame.pixels.copy()
        pixels[0, 0] = 1.0 - pixels[0, 0]
        write_frame(frame, pixels, out / path.name, overwrite=True)
    return time.perf_counter() - started


def _largest_memory_mib() -> int | None:
    status = Path("/proc/self/status")
    if status.exists():  # there, getrusage counts what the parent process held, too
        [line] = [one for one in status.read_text().splitlines() if one.startswith("VmHWM:")]
        return int(line.split()[1]) // 1024
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024**2  # macOS, in bytes


if __name__ == "__main__":
    model, device, height, suffix, frames = sys.argv[1:]
    print(json.dumps(time_pipeline(Path(model), device, int(height), suffix, int(frames))))
