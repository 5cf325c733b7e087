"""Times models turn by turn, so that whatever else the machine does slows all alike."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from reggan_plugin.benchmark.contestant import Contestant

_WARM_UP = 3
_FEWEST_TURNS = 5


@dataclass(frozen=True, kw_only=True)
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
    contestants: Sequence[Contestant],
    batches: Sequence[int],
    rounds: int,
    report: Callable[[str], None],
) -> list[tuple[Timing, ...]]:
    """Return timings of each contestant by batch size.

    Args:
        contestants: in any order; each runs once a turn.
        batches: sizes.
        rounds: turns at batch 1; others get as many faces, but never fewer than five turns.
        report: told what is under way.
    """
    found: list[list[Timing]] = [[] for _ in contestants]
    for batch in batches:
        turns = max(min(_FEWEST_TURNS, rounds), rounds // batch)
        report(f"batch {batch}: {turns} turns of {len(contestants)}")
        inputs = [one.inputs(batch) for one in contestants]
        seconds = np.empty((len(contestants), turns, 2))
        for turn in range(-_WARM_UP, turns):
            for index, one in enumerate(contestants):
                wall, cpu = time.perf_counter(), time.process_time()
                one.runner.run(inputs[index])
                if turn >= 0:  # the first runs allocate
                    seconds[index, turn] = time.perf_counter() - wall, time.process_time() - cpu
        for own, timed in zip(found, seconds, strict=True):
            own.append(_timing(batch, timed[:, 0], timed[:, 1]))
    return [tuple(own) for own in found]


def _timing(batch: int, wall_s: np.ndarray, cpu_s: np.ndarray) -> Timing:
    median_s = float(np.median(wall_s))
    return Timing(
        batch=batch,
        runs=len(wall_s),
        median_ms=round(1000 * median_s, 3),
        p99_ms=round(1000 * float(np.percentile(wall_s, 99)), 3),
        cpu_ms=round(1000 * float(np.median(cpu_s)), 3),
        faces_per_s=round(batch / median_s, 2),
    )
