"""What it costs that a frame and its record are on the disk before they take their names.

    python tests/measurements/durable_writes.py FOLDER

Writes frames of three sizes with a record each, with and without `fsync`, into a folder on the
disk in question. First one after the other; then as a job does it, where two threads write while
the next frame is worked on. That work is a pause here, as long as README's table of stages says,
so that other load on the processor does not blur the difference. Milliseconds a frame: the medians
of turns.
"""

import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from reggan_plugin.file_safety import write_atomically
from reggan_plugin.jobs.frames_in_flight import run_overlapped

FRAMES, TURNS = 12, 4
RECORD = os.urandom(2000)


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A kind of frame: the size of its file, and seconds of work before and while it is written."""

    name: str
    file_bytes: int
    work_s: float
    encode_s: float


SHOTS = (
    Shot(name="1080p PNG", file_bytes=3_000_000, work_s=0.125, encode_s=0.02),
    Shot(name="4K PNG", file_bytes=12_000_000, work_s=0.6, encode_s=0.1),
    Shot(name="4K EXR", file_bytes=50_000_000, work_s=1.2, encode_s=0.15),
)


def main(folder: Path) -> None:
    """Print one line for each kind of frame."""
    for shot in SHOTS:
        content = os.urandom(shot.file_bytes)
        alone: dict[bool, list[float]] = {True: [], False: []}
        job: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(2 * TURNS):
            is_durable = turn % 2 == 0
            with mock.patch.object(os, "fsync", os.fsync if is_durable else lambda _: None):
                alone[is_durable] += [_write(folder, content, i) for i in range(FRAMES)]
                job[is_durable].append(_job(folder, content, shot) / FRAMES)
        print(f"{shot.name}: written alone {_compared(alone)}; in a job {_compared(job)}")


def _write(folder: Path, content: bytes, number: int) -> float:
    begin = time.perf_counter()
    write_atomically(folder / f"{number}.json", RECORD)
    write_atomically(folder / f"{number}", content)
    return time.perf_counter() - begin


def _job(folder: Path, content: bytes, shot: Shot) -> float:
    begin = time.perf_counter()

    def process(items: Sequence[tuple[int, None]]) -> list[int]:
        time.sleep(shot.work_s)
        return [number for number, _ in items]

    def write(number: int, _: int) -> float:
        time.sleep(shot.encode_s)
        return _write(folder, content, number)

    list(
        run_overlapped(
            range(FRAMES),
            read=lambda _: None,
            process=process,
            write=write,
            room_beside=lambda _: 4,
            stopped=lambda: False,
        )
    )
    return time.perf_counter() - begin


def _compared(seconds: dict[bool, list[float]]) -> str:
    on, off = (1000 * statistics.median(seconds[kind]) for kind in (True, False))
    return f"{on:.1f} ms with fsync, {off:.1f} without ({100 * (on / off - 1):+.1f} %)"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
