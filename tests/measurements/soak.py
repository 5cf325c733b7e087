"""Whether memory and open files stay flat over a long shot.

    python tests/measurements/soak.py [--frames 2000]

A shot of 720p half-float EXR is tracked and rendered by one process, which looks at itself after
every 50th frame. Twenty frames are made, the others are links to them; outputs are deleted once
they are written, so that it fits on any disk. Memory is the median over 25 frames, as one frame
more or less may be under way. Prints a table as JSON, and exits with 1 if at frame
500, or at the last, memory is more than 10 % above that at frame 50, or a file stays open. Linux.
"""

import argparse
import gc
import json
import os
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import OpenEXR
from PIL import Image

import reggan_plugin
from reggan_plugin.imaging.colour import linear_from_srgb
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.render_job import RenderRun, run_job
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results_and_events import Event, FrameDone, FrameTracked
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

SAMPLE = Path(reggan_plugin.__file__).parent / "samples" / "avatar_png" / "avatar.1001.png"
DISTINCT, LOOK_EVERY, MEDIAN_OF, ALLOWED_GROWTH = 20, 50, 25, 1.10
FIRST_LOOK, SECOND_LOOK = 50, 500


def make_shot(folder: Path, frames: int) -> None:
    """The sample frame moved to and fro, as half-float EXR; the numbers go on with links."""
    pixels = np.asarray(Image.open(SAMPLE).convert("RGB"), dtype=np.float32) / 255
    linear = linear_from_srgb(pixels)
    for number in range(1, frames + 1):
        path = folder / f"soak.{number:05d}.exr"
        place = (number - 1) % DISTINCT
        if number > DISTINCT:
            os.link(folder / f"soak.{place + 1:05d}.exr", path)
            continue
        moved = np.roll(linear, min(place, DISTINCT - place), axis=1).astype(np.float16)
        OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, {"RGB": moved}).write(str(path))


class Watch:
    """Looks at the process while a job reports."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, dict[str, float]]] = {"track": {}, "render": {}}
        self._recent_mib: deque[float] = deque(maxlen=MEDIAN_OF)
        self._begin = time.perf_counter()

    def __call__(self, event: Event) -> None:
        """Take an event; delete an output that is there."""
        match event:
            case FrameDone():
                result = event.result
                if result.outcome != "written":
                    raise RuntimeError(f"{result.source}: {result.outcome}, {result.message}")
                result.output.unlink()
                self._look("render", event.done)
            case FrameTracked():
                self._look("track", event.done)

    def _look(self, step: str, done: int) -> None:
        self._recent_mib.append(memory_mib())
        if done % LOOK_EVERY:
            return
        gc.collect()
        self.rows[step][done] = {
            "memory_mib": round(median(self._recent_mib), 1),
            "open_files": sum(1 for _ in Path("/proc/self/fd").iterdir()),
            "threads": threading.active_count(),
            "seconds": round(time.perf_counter() - self._begin),
        }


def memory_mib() -> float:
    """What the process holds now, without what it shares and may drop."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


def complaints(rows: dict[int, dict[str, float]], step: str) -> list[str]:
    """What has grown that should not."""
    found = []
    first = rows[FIRST_LOOK]
    for done in sorted({SECOND_LOOK, max(rows)} & rows.keys()):
        if rows[done]["memory_mib"] > ALLOWED_GROWTH * first["memory_mib"]:
            found.append(f"{step}: memory has grown by frame {done}")
        if rows[done]["open_files"] > first["open_files"]:
            found.append(f"{step}: files stay open at frame {done}")
    return found


def main() -> int:
    """Run the shot; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=2000)
    frames = parser.parse_args().frames
    watch: Callable[[Event], None] = (looks := Watch())
    with tempfile.TemporaryDirectory() as name:
        shot = Path(name) / "shot"
        shot.mkdir()
        make_shot(shot, frames)
        summary = run_job(
            plan_job(str(shot), None, Path(name) / "out", "happy", Existing.REFUSE),
            RenderSettings(mix=ExpressionMix({"happy": 1.0})),
            RenderRun(
                transfer=ExpressionTransfer(device="cpu"),
                model=None,
                report=watch,
                track_first=True,
            ),
        )
        summary.raise_for_failure()
    found = [text for step, rows in looks.rows.items() for text in complaints(rows, step)]
    print(json.dumps({"frames": frames, **looks.rows, "complaints": found}, indent=1))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
