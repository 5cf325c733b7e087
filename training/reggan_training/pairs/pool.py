"""A pool of pairs that producer processes refill while the trainer draws from it.

Which pairs the pool holds at a step follows from the step alone, so a run is the same from the same
seed however fast its producers are. Where they are slower than asked for, the trainer waits.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.multiprocessing as multiprocessing
from torch import Tensor

from reggan_plugin.errors import TrainingDivergedError

_POLL_S = 0.2


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """Size of the pool of pairs, and how fast they are replaced.

    Attributes:
        sittings: in the pool at once.
        pairs: of each sitting.
        reuse: how often a pair is drawn on average before it is replaced.
        first: sittings to wait for before the first draw.
        producers: processes.
        seed: of everything.
    """

    sittings: int = 160
    pairs: int = 32
    reuse: float = 4.0
    first: int = 12
    producers: int = 1
    seed: int = 0


Rows = dict[str, Tensor]
"""Tensors by name whose first axis counts pairs; pictures are kept as bytes."""
Draw = Callable[[Path, Sequence[int], int], Rows]
"""Pairs of one sitting: of a file, from a seed, so many."""


class PairPool:
    """Pairs in memory that processes share. Sitting k lies in slot k modulo the pool's size."""

    def __init__(
        self,
        paths: Callable[[], Sequence[Path]],
        draw: Draw,
        settings: PoolSettings,
        *,
        start_step: int = 0,
        batch: int = 16,
    ) -> None:
        """Draw one sitting, to know what is kept, and start the producers.

        Args:
            paths: files of heads to draw from; asked again for each sitting, as a set may grow
                while it is trained on (which gives up repeatability until it is complete).
            draw: what draws a sitting; runs in the producers.
            settings: of the pool.
            start_step: of a run that goes on.
            batch: pairs of a step.
        """
        self.settings, self.batch = settings, batch
        self.waited_s = 0.0
        self._begin = self._wanted_at(start_step) if start_step else 0
        sample = draw(paths()[0], (settings.seed, 0), 1)
        slots = (settings.sittings, settings.pairs)
        self._store = {
            name: torch.zeros((*slots, *rows.shape[1:]), dtype=rows.dtype)
            for name, rows in sample.items()
        }
        for values in self._store.values():
            values.share_memory_()  # type: ignore[no-untyped-call]
        context = multiprocessing.get_context("fork")
        self._done = [context.Value("q", 0) for _ in range(settings.producers)]
        self._allowed = context.Value("q", self._begin + settings.sittings)
        self._producers = [
            context.Process(target=self._produce, args=(rank, paths, draw), daemon=True)
            for rank in range(settings.producers)
        ]
        for producer in self._producers:
            producer.start()

    def draw(self, step: int) -> Rows:
        """Pairs of a step; waits for producers that are behind.

        Raises:
            TrainingDivergedError: a producer has died.
        """
        wanted = max(self._wanted_at(step), self._begin + self.settings.first)
        self._allowed.value = max(self._allowed.value, wanted + self.settings.sittings // 8)
        started = time.monotonic()
        while self._complete() < wanted:
            if not all(producer.is_alive() for producer in self._producers):
                raise TrainingDivergedError("A process that draws pairs has died; see its message.")
            time.sleep(_POLL_S)
        self.waited_s += time.monotonic() - started
        random = np.random.default_rng([self.settings.seed, 7, step])
        newest = self._complete() if wanted < self.settings.sittings else wanted
        first = max(self._begin, newest - self.settings.sittings)
        sitting = random.integers(first, newest, self.batch) % self.settings.sittings
        pair = random.integers(0, self.settings.pairs, self.batch)
        return {name: values[sitting, pair] for name, values in self._store.items()}

    def close(self) -> None:
        """End the producers."""
        for producer in self._producers:
            producer.terminate()
            producer.join()

    def _wanted_at(self, step: int) -> int:
        drawn = step * self.batch / self.settings.reuse
        return int(drawn / self.settings.pairs)

    def _complete(self) -> int:
        """Sittings without a gap from the first on."""
        ranks = self.settings.producers
        return min(self._begin + rank + done.value * ranks for rank, done in enumerate(self._done))

    def _produce(self, rank: int, paths: Callable[[], Sequence[Path]], draw: Draw) -> None:
        torch.set_num_threads(1)
        number = self._begin + rank
        while True:
            while number >= self._allowed.value:
                time.sleep(_POLL_S)
            files = paths()
            random = np.random.default_rng([self.settings.seed, number])
            path = files[int(random.integers(len(files)))]
            rows = draw(path, (self.settings.seed, 1, number), self.settings.pairs)
            for name, values in self._store.items():
                values[number % self.settings.sittings] = rows[name]
            self._done[rank].value += 1
            number += self.settings.producers
