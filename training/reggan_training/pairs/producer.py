"""A process that draws sittings into a pool's memory, and another where it is killed or hangs.

It is spawned, not forked: a fork of a process with threads (PyTorch's, ONNX Runtime's) waits for
ever as soon as it frees or takes what one of those threads held.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import torch
import torch.multiprocessing
from torch import Tensor

from reggan_plugin.errors import StalledError

POLL_S = 0.2
_TRIES = 3
_END_S = 10.0
_THREADS = "OPENBLAS_NUM_THREADS"
_log = logging.getLogger(__name__)

Rows = dict[str, Tensor]
"""Tensors by name whose first axis counts pairs; pictures are kept as bytes."""
Draw = Callable[[Path, Sequence[int], int], Rows]
"""Pairs of one sitting: of a file, from a seed, so many."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedPool:
    """What the processes of a pool have in common; its tensors lie in shared memory.

    There are no locks: a process that is killed would keep them. Each number has one writer.

    Attributes:
        paths, draw: see `PairPool`; both are pickled.
        rows: [slot, pair, ...] each.
        allowed: [1], the sitting before which producers stop; the trainer's.
        done: [producer], how many sittings each has drawn; the producers'.
        begin: number of the first sitting.
        seed: of everything.
    """

    paths: Callable[[], Sequence[Path]]
    draw: Draw
    rows: Rows
    allowed: Tensor
    done: Tensor
    begin: int
    seed: int

    def next_of(self, rank: int) -> int:
        """Number of the sitting that a producer draws next."""
        return self.begin + rank + int(self.done[rank]) * len(self.done)

    def draw_next(self, rank: int) -> None:
        """Draw it into its slot; which pairs it has follows from its number alone."""
        number = self.next_of(rank)
        files = self.paths()
        path = files[int(np.random.default_rng([self.seed, number]).integers(len(files)))]
        slots, pairs = next(iter(self.rows.values())).shape[:2]
        drawn = self.draw(path, (self.seed, 1, number), pairs)
        for name, values in self.rows.items():
            values[number % slots] = drawn[name]
        self.done[rank] += 1


class Producer:
    """A process of a pool, as the trainer sees it."""

    def __init__(self, rank: int, shared: SharedPool, timeout_s: float) -> None:
        """Start it.

        Args:
            rank: among the producers.
            shared: what it draws into.
            timeout_s: a sitting that takes longer is taken for a process that hangs.
        """
        self._rank, self._shared, self._timeout_s = rank, shared, timeout_s
        self._failures, self._upcoming = 0, 0
        self._process = self._started()

    def look_after(self, waiting_since: float) -> None:
        """Start another process where this one has ended or hangs.

        Args:
            waiting_since: when the trainer began to wait, by `time.monotonic`.

        Raises:
            StalledError: it failed with an error, or three others ended or hung, too.
        """
        now = time.monotonic()
        upcoming = self._shared.next_of(self._rank)
        if upcoming > self._upcoming:
            self._upcoming, self._seen, self._failures = upcoming, now, 0
        late = now - max(self._seen, waiting_since) > self._timeout_s
        hangs = late and upcoming < int(self._shared.allowed)
        if self._process.is_alive() and not hangs:
            return
        self.end()
        self._failures += 1
        if not hangs and (self._process.exitcode or 0) > 0:  # an error, which would come again
            raise StalledError(
                "A process that draws pairs failed; its message stands above. The last checkpoint "
                "stays: mend what the message names, and run it again to go on.",
                kind="pair-process-failed",
            )
        reason = f"did not finish a sitting within {self._timeout_s:g} s" if hangs else "was ended"
        if self._failures > _TRIES:
            raise StalledError(
                f"A process that draws pairs {reason}, {self._failures} times in a row. Where "
                "memory is short, or the disk of the heads slow, draw with fewer processes. The "
                "last checkpoint stays: run it again to go on.",
                kind="pair-process-ended",
            )
        _log.warning("A process that draws pairs %s; another takes its place.", reason)
        self._process = self._started()

    def end(self) -> None:
        """End the process, even one that is stopped or hangs."""
        self._process.kill()
        self._process.join(_END_S)

    def _started(self) -> BaseProcess:
        self._seen, self._upcoming = time.monotonic(), self._shared.next_of(self._rank)
        context = torch.multiprocessing.get_context("spawn")
        process = context.Process(target=_produce, args=(self._rank, self._shared), daemon=True)
        with multiplying_in_one_thread():
            process.start()
        return process


@contextlib.contextmanager
def multiplying_in_one_thread() -> Iterator[None]:
    """Let processes that are started meanwhile keep OpenBLAS from starting threads.

    It reads the variable when NumPy is loaded, which a spawned process does before any line of
    ours: without it, each of them would take all cores for products of small matrices.
    """
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        del os.environ[_THREADS]
        if before is not None:
            os.environ[_THREADS] = before


def _produce(rank: int, shared: SharedPool) -> None:
    """Draw sittings as long as the trainer lives."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the trainer ends its processes
    torch.set_num_threads(1)
    trainer = multiprocessing.parent_process()
    while trainer is not None and trainer.is_alive():
        if shared.next_of(rank) < int(shared.allowed):
            shared.draw_next(rank)
        else:
            time.sleep(POLL_S)
