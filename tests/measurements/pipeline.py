"""How long a shot takes, in times of the least that its work could take.

    python tests/measurements/pipeline.py [--height 1080] [--frames 8] [--suffix exr] [--rounds 3]

The sample frames are enlarged to the height that is asked for. Measured are

- `io`: every frame is read, and written with the pixels that it gets, one after the other;
- `inference`: locator and transfer on decoded frames, one after the other;
- `render`: the whole job, frame by frame, as `render --range` does it;
- `render_tracked`: the same with tracks, as on a farm;
- `floor`: the largest of `io`, `inference`, and the CPU seconds of both divided by the cores.

All are medians over rounds that take turns, in seconds a frame. Where a machine does other things,
too, not all of its cores are there for the job: how many are is measured before each round, by
threads that only count. Also prints the largest memory of the process.
"""

import argparse
import hashlib
import json
import os
import resource
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reggan_plugin.benchmark.shot import make_shot
from reggan_plugin.expressions import ExpressionMix
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame, write_frame
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.render_job import run_job
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.track_job import track_frames
from reggan_plugin.transfer import ExpressionTransfer

HAPPY = ExpressionMix({"happy": 1.0})


class Bench:
    """The parts that take turns, on one shot."""

    def __init__(self, shot: Path, work: Path) -> None:
        """Open the model, track the shot and render it once, so that nothing is cold."""
        self._work, self._count = work, 0
        self._plan = plan_job(str(shot), None, work / "first", "happy", Existing.REFUSE)
        self._paths = [task.source.path for task in self._plan.tasks]
        self._transfer = ExpressionTransfer(device="cpu")
        self._located = RenderSettings(mix=HAPPY)
        tracks = track_frames(self._plan.shot.frames, source="").tracks
        self._tracked = RenderSettings(mix=HAPPY, choice=FaceChoice(tracks=tracks))
        self._render(self._located, work / "first")
        self._frames = [read_frame(path) for path in self._paths]
        self._results = [read_frame(task.output).pixels for task in self._plan.tasks]

    def parts(self) -> dict[str, Callable[[], None]]:
        """What is timed, by name."""
        return {
            "io": self._io,
            "inference": self._inference,
            "render": lambda: self._render(self._located, self._folder()),
            "render_tracked": lambda: self._render(self._tracked, self._folder()),
        }

    def _io(self) -> None:
        out = self._folder()
        out.mkdir()
        for path, pixels in zip(self._paths, self._results, strict=True):
            write_frame(read_frame(path), pixels, out / path.name)

    def _inference(self) -> None:
        for frame in self._frames:
            crops = self._transfer.find_faces(frame, FaceChoice())
            self._transfer.render(frame, HAPPY, crops, 0.0)

    def _render(self, settings: RenderSettings, out: Path) -> None:
        plan = plan_job(self._plan.source, None, out, "happy", Existing.REFUSE)
        summary = run_job(plan, settings, self._transfer, model=None, report=lambda _: None)
        summary.raise_for_failure()

    def _folder(self) -> Path:
        self._count += 1
        return self._work / str(self._count)


def main() -> None:
    """Print seconds a frame and ratios as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--suffix", choices=["png", "exr"], default="png")
    asked = parser.parse_args()
    clocks = {"wall": time.perf_counter, "cpu": time.process_time}
    taken: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in clocks}
    cores = []
    with tempfile.TemporaryDirectory() as name:
        shot = Path(name) / "shot"
        shot.mkdir()
        make_shot(shot, asked.height, asked.frames, asked.suffix)
        parts = Bench(shot, Path(name)).parts()
        for _ in range(asked.rounds):
            cores.append(free_cores())
            for part, run in parts.items():
                begin = {clock: read() for clock, read in clocks.items()}
                run()
                for clock, read in clocks.items():
                    taken[clock][part].append((read() - begin[clock]) / asked.frames)
    median = {
        clock: {part: round(statistics.median(values), 3) for part, values in by_part.items()}
        for clock, by_part in taken.items()
    }
    print(json.dumps(report(median, statistics.median(cores)), indent=1))


def free_cores() -> float:
    """How many cores' worth of work threads that never wait get done now."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    content = bytes(200_000_000)
    begin, begin_cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(hashlib.sha256, [content] * count))
    return (time.process_time() - begin_cpu) / (time.perf_counter() - begin)


def report(median: dict[str, dict[str, float]], cores: float) -> dict[str, object]:
    """The figures and their ratios."""
    wall, cpu = median["wall"], median["cpu"]
    floor = max(wall["io"], wall["inference"], (cpu["io"] + cpu["inference"]) / cores)
    return {
        "seconds_a_frame": median,
        "free_cores": round(cores, 2),
        "floor": round(floor, 3),
        "times_the_floor": {
            job: round(wall[job] / floor, 2) for job in ("render", "render_tracked")
        },
        "largest_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    main()
