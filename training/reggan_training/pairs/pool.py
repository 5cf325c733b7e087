"""A pool of pairs that producer processes refill while the trainer draws from it.

Which pairs a sitting has follows from its number alone, and which sittings are drawn from follows
from the step; until the pool is full, those that fast producers are ahead by count, too. An eighth
of the slots is for producers to write, and is not drawn from. Where producers are slower than asked
for, the trainer waits.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from reggan_training.pairs.producer import POLL_S, Draw, Producer, Rows, SharedPool


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """Size of the pool of pairs, and how fast they are replaced.

    Attributes:
        sittings: in the pool at once.
        pairs: of each sitting.
        reuse: how often a pair is drawn on average before it is replaced.
        first: sittings to wait for before the first draw.
        producers: processes.
        timeout_s: a sitting that takes longer is taken for a process that hangs.
        seed: of everything.
    """

    sittings: int = 160
    pairs: int = 32
    reuse: float = 4.0
    first: int = 12
    producers: int = 1
    timeout_s: float = 600.0
    seed: int = 0


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
            draw: what draws a sitting; runs in the producers. Both are pickled.
            settings: of the pool.
            start_step: of a run that goes on.
            batch: pairs of a step.
        """
        self.settings, self.batch = settings, batch
        self.waited_s = 0.0
        self._begin = self._wanted_at(start_step) if start_step else 0
        sample = draw(paths()[0], (settings.seed, 0), 1)
        slots = (settings.sittings, settings.pairs)
        rows = {
            name: torch.zeros((*slots, *rows.shape[1:]), dtype=rows.dtype)
            for name, rows in sample.items()
        }
        self._shared = SharedPool(
            paths=paths,
            draw=draw,
            rows=rows,
            allowed=torch.tensor([self._begin + settings.sittings]),
            done=torch.zeros(settings.producers, dtype=torch.int64),
            begin=self._begin,
            seed=settings.seed,
        )
        for values in (*rows.values(), self._shared.allowed, self._shared.done):
            values.share_memory_()  # type: ignore[no-untyped-call]
        self._producers = [
            Producer(rank, self._shared, settings.timeout_s) for rank in range(settings.producers)
        ]

    def draw(self, step: int) -> Rows:
        """Pairs of a step; waits for producers that are behind.

        Raises:
            StalledError: producers end or hang again and again.
        """
        wanted = max(self._wanted_at(step), self._begin + self.settings.first)
        self._shared.allowed.clamp_(min=wanted + self.settings.sittings // 8)
        started = time.monotonic()
        while self._complete() < wanted:
            for producer in self._producers:
                producer.look_after(started)
            time.sleep(POLL_S)
        self.waited_s += time.monotonic() - started
        random = np.random.default_rng([self.settings.seed, 7, step])
        newest = self._complete() if wanted < self.settings.sittings else wanted
        first = int(self._shared.allowed) - self.settings.sittings  # older ones may be written over
        sitting = random.integers(first, newest, self.batch) % self.settings.sittings
        pair = random.integers(0, self.settings.pairs, self.batch)
        return {name: values[sitting, pair] for name, values in self._shared.rows.items()}

    def close(self) -> None:
        """End the producers."""
        for producer in self._producers:
            producer.end()

    def _wanted_at(self, step: int) -> int:
        drawn = step * self.batch / self.settings.reuse
        return int(drawn / self.settings.pairs)

    def _complete(self) -> int:
        """Sittings without a gap from the first on."""
        return min(map(self._shared.next_of, range(self.settings.producers)))
