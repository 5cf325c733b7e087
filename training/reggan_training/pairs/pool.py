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

from reggan_plugin.controls import CONTROLS
from reggan_plugin.errors import TrainingDivergedError
from reggan_training.pairs.sitting import Pairs, draw_sitting

_POLL_S = 0.2


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """How many pairs are kept, and how fast they are replaced.

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


class PairPool:
    """Pairs in memory that processes share. Sitting k lies in slot k modulo the pool's size."""

    def __init__(
        self,
        paths: Callable[[], Sequence[Path]],
        side_px: int,
        settings: PoolSettings,
        start_step: int = 0,
        batch: int = 16,
    ) -> None:
        """Start the producers.

        Args:
            paths: files of heads to draw from; asked again for each sitting, as a set may grow
                while it is trained on (which gives up repeatability until it is complete).
            side_px: of the pictures.
            settings: of the pool.
            start_step: of a run that goes on.
            batch: pairs of a step.
        """
        self.settings, self.side_px, self.batch = settings, side_px, batch
        self.waited_s = 0.0
        self._begin = self._wanted_at(start_step) if start_step else 0
        slots = (settings.sittings, settings.pairs)
        picture = (*slots, 3, side_px, side_px)
        plane = (*slots, 1, side_px, side_px)
        self._store = {
            "source": torch.zeros(picture, dtype=torch.uint8),
            "target": torch.zeros(picture, dtype=torch.uint8),
            "motion": torch.zeros((*slots, 2, side_px, side_px), dtype=torch.float16),
            "visible": torch.zeros(plane, dtype=torch.uint8),
            "hit": torch.zeros(plane, dtype=torch.uint8),
            "part": torch.zeros(plane, dtype=torch.uint8),
            "controls": torch.zeros((*slots, len(CONTROLS))),
        }
        for values in self._store.values():
            values.share_memory_()
        context = multiprocessing.get_context("fork")
        self._done = [context.Value("q", 0) for _ in range(settings.producers)]
        self._allowed = context.Value("q", self._begin + settings.sittings)
        self._producers = [
            context.Process(target=self._produce, args=(rank, paths), daemon=True)
            for rank in range(settings.producers)
        ]
        for producer in self._producers:
            producer.start()

    def draw(self, step: int) -> Pairs:
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
        rows = {name: values[sitting, pair] for name, values in self._store.items()}
        return Pairs(
            source=rows["source"].float() / 255,
            target=rows["target"].float() / 255,
            motion=rows["motion"].float(),
            visible=rows["visible"].float(),
            hit=rows["hit"].float(),
            part=rows["part"].long(),
            controls=rows["controls"],
        )

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

    def _produce(self, rank: int, paths: Callable[[], Sequence[Path]]) -> None:
        torch.set_num_threads(1)
        number = self._begin + rank
        while True:
            while number >= self._allowed.value:
                time.sleep(_POLL_S)
            files = paths()
            random = np.random.default_rng([self.settings.seed, number])
            path = files[int(random.integers(len(files)))]
            seed = (self.settings.seed, 1, number)
            self._keep(number, draw_sitting(path, seed, self.settings.pairs, self.side_px))
            self._done[rank].value += 1
            number += self.settings.producers

    def _keep(self, number: int, pairs: Pairs) -> None:
        slot = number % self.settings.sittings
        for name, values in self._store.items():
            values[slot] = _stored(getattr(pairs, name), values.dtype, name in ("source", "target"))


def _stored(values: Tensor, dtype: torch.dtype, is_picture: bool) -> Tensor:
    return (values * 255 + 0.5).clamp(0, 255).to(dtype) if is_picture else values.to(dtype)
