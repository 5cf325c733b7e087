"""Train the parts of the landmark network on a pool of pictures that processes draw meanwhile."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from reggan_plugin.errors import SourceError
from reggan_training.landmarks.crops import FrontCrops, PartCrops, draw_crops, draw_front_crops
from reggan_training.landmarks.front_network import (
    FrontNetwork,
    face_features,
    front_loss,
    measure_front,
)
from reggan_training.landmarks.part_networks import FRONT, PartNetwork
from reggan_training.landmarks.picture_pool import (
    POOL,
    TEST_POOL,
    DrawingProcesses,
    DrawRows,
    PicturePool,
    PoolRun,
    arrays_of,
    landmark_rows,
)
from reggan_training.training_run import Network, NetworkTraining, append_line, run_training
from reggan_training.weights_from_onnx import exported_weights, load_exported

SHARES: Final = {"eye": 0.23, "brow": 0.1, "mouth": 0.28, "face": 0.24, FRONT: 0.15}
"""Of the time, by kind of network."""
LOG: Final = "log.jsonl"
_BATCH, RATE, _LEAST_RATE = 24, 1.5e-3, 1e-5
_PLAIN_SQUARES = 150
"""Steps in which places are learnt without deviations."""
_STATISTICS = 64
"""Pictures of which batch norms take their statistics where a file has none."""
_STEPS_AT_ONCE = 8
"""Of one network before the turn of the next."""
_REFRESH_S, _MEASURE_S = 45.0, 300.0
_FIRST_GROUP: Final = {"eye": 24, "mouth": 24}
"""Landmarks of an eye's lids, before its iris; of the outer lips, before the inner ones."""

Measurement = dict[str, float | str]
Report = Callable[[Measurement], None]

_POLL_S: Final = 2.0


class KindTraining(NetworkTraining[Network]):
    """The network of one kind in training, such as that of the eyes.

    Attributes:
        kind: of `SHARES`.
        loss: of the last step.
    """

    def __init__(self, network: Network, kind: str, folder: Path) -> None:
        """Begin, or go on with what the run's folder holds of a kind."""
        super().__init__(network, folder / f"{kind}.pt", rate=RATE)
        self.kind, self.loss = kind, 0.0

    def take_exported(self, file: Path, pool: PicturePool, random: torch.Generator) -> None:
        """Begin with the weights in a file of contract 3, on a pool with pictures."""
        index = torch.randint(pool.count, (_STATISTICS,), generator=random)
        weights = exported_weights(file, f"networks.{self.kind}.")
        load_exported(self.network, weights, *self.inputs(pool, index, random))
        self.ema.load_state_dict(self.network.state_dict())
        self.steps = _PLAIN_SQUARES

    def train_steps(
        self, pool: PicturePool, count: int, random: torch.Generator, rate: float
    ) -> None:
        """Train so many steps on random pictures of a pool.

        Args:
            pool: with at least one picture.
            count: of steps.
            random: of pictures and crops.
            rate: at which to learn; the first steps of a run are slower.
        """
        started = time.monotonic()
        for _ in range(count):
            index = torch.randint(pool.count, (_BATCH,), generator=random)
            self.network.train()
            loss = self.loss_of(pool, index, random)
            self.descend(loss, rate)
            self.loss = float(loss.detach())
        self.seconds += time.monotonic() - started

    def inputs(
        self, pool: PicturePool, index: Tensor, random: torch.Generator
    ) -> tuple[Tensor, ...]:
        """Make what the network is given of these pictures."""
        raise NotImplementedError

    def loss_of(self, pool: PicturePool, index: Tensor, random: torch.Generator) -> Tensor:
        """Loss on crops of these pictures."""
        raise NotImplementedError

    def measured(self, test: PicturePool) -> dict[str, float]:
        """Measure the EMA weights on held-out heads."""
        raise NotImplementedError


class PartTraining(KindTraining[PartNetwork]):
    """The network of a part's landmarks."""

    def __init__(self, kind: str, folder: Path) -> None:
        """See `KindTraining`."""
        super().__init__(PartNetwork(kind), kind, folder)

    def inputs(
        self, pool: PicturePool, index: Tensor, random: torch.Generator
    ) -> tuple[Tensor, ...]:
        """Crops of the part."""
        return (draw_crops(pool, index, self.kind, random).picture,)

    def loss_of(self, pool: PicturePool, index: Tensor, random: torch.Generator) -> Tensor:
        """See `landmark_loss`."""
        crops = draw_crops(pool, index, self.kind, random)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answer = self.network(crops.picture.contiguous(memory_format=torch.channels_last))
        return landmark_loss(answer, crops, plain=self.steps < _PLAIN_SQUARES)

    def measured(self, test: PicturePool) -> dict[str, float]:
        """See `measure`."""
        return measure(self.ema, test)


class FrontTraining(KindTraining[FrontNetwork]):
    """The network of what lies in front, on the features of that of the face."""

    def __init__(self, face: PartNetwork, folder: Path) -> None:
        """See `KindTraining`; `face` is not changed here."""
        super().__init__(FrontNetwork(), FRONT, folder)
        self._face = face

    def inputs(
        self, pool: PicturePool, index: Tensor, random: torch.Generator
    ) -> tuple[Tensor, ...]:
        """Squares of faces, and their features."""
        return self._given(draw_front_crops(pool, index, random))

    @torch.no_grad()
    def _given(self, crops: FrontCrops) -> tuple[Tensor, Tensor]:
        self._face.eval()
        picture = crops.picture.contiguous(memory_format=torch.channels_last)
        return picture, face_features(self._face, picture)

    def loss_of(self, pool: PicturePool, index: Tensor, random: torch.Generator) -> Tensor:
        """See `front_loss`."""
        crops = draw_front_crops(pool, index, random)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answer = self.network(*self._given(crops))
        return front_loss(answer, crops)

    def measured(self, test: PicturePool) -> dict[str, float]:
        """See `measure_front`."""
        return measure_front(self.ema, self._face, test)


def landmark_loss(answer: tuple[Tensor, Tensor], crops: PartCrops, *, plain: bool) -> Tensor:
    """Gaussian negative log-likelihood of the places.

    Args:
        answer: of a network.
        crops: the truth.
        plain: squared errors instead, until the places are about right.

    Source: Wood et al., 3D face reconstruction with dense landmarks, ECCV 2022, eq. 1.
    """
    places, sigma = answer
    square = ((places - crops.places) ** 2).sum(-1)
    sigma = sigma.clamp(-7, 0)
    if plain:
        return 300 * square.mean() + 0.01 * (sigma + 3).pow(2).mean()
    return (2 * sigma + square / (2 * torch.exp(2 * sigma))).mean()


@torch.no_grad()
def measure(network: PartNetwork, test: PicturePool) -> dict[str, float]:
    """Errors on held-out heads, in percent of the square's side.

    Returns:
        `mean` and `median`; `sure`, the mean of the more certain half; `z`, the root of the mean
        square of errors over deviations, 1 where the network is honest. `first` and `second` (and
        their medians): of an eye its lids and its iris, of a mouth its outer and its inner lips.
    """
    network.eval()
    random = torch.Generator().manual_seed(3)
    distances, sigmas = [], []
    for start in range(0, test.count, 50):
        index = torch.arange(start, min(start + 50, test.count))
        crops = draw_crops(test, index, network.kind, random, augments=False)
        places, sigma = network(crops.picture)
        distances.append((places - crops.places).norm(dim=-1))
        sigmas.append(sigma.exp())
    distance, deviation = 100 * torch.cat(distances), 100 * torch.cat(sigmas)
    figures = {
        "mean": distance.mean(),
        "median": distance.median(),
        "sure": distance[deviation <= deviation.median()].mean(),
        "z": ((distance / deviation) ** 2).mean().sqrt() / math.sqrt(2),
    }
    if network.kind in _FIRST_GROUP:
        size = _FIRST_GROUP[network.kind]
        for name, own in (("first", distance[:, :size]), ("second", distance[:, size:])):
            figures |= {name: own.mean(), f"{name}_median": own.median()}
    return {name: round(float(value), 3) for name, value in figures.items()}


class PoolTask:
    """Training by the clock on a pool that grows meanwhile.

    The learning rate falls from its height to nearly nothing over the length, also of a run that
    goes on. Networks are stored and measured every five minutes and in the end.
    """

    def __init__(self, log: Path, pool: PicturePool, length_s: float, report: Report) -> None:
        """Begin.

        Args:
            log: gets each measurement as a line.
            pool: to train on; new rows are read meanwhile.
            length_s: seconds.
            report: told each measurement.
        """
        self.pool = pool
        self._log, self._length_s, self._report = log, length_s, report
        self._began: float | None = None
        self._refreshed = time.monotonic()

    def learn(self, rate: float) -> dict[str, float]:
        """Take a step or a few; returns the losses."""
        raise NotImplementedError

    def stored(self) -> Iterator[Measurement]:
        """Store each network; yields what it is measured to be."""
        raise NotImplementedError

    @property
    def progress(self) -> float:
        """By the clock, which begins to run when it is first asked for."""
        now = time.monotonic()
        if self._began is None:
            self._began = now
        return (now - self._began) / self._length_s

    def take_step(self) -> dict[str, float]:
        """Learn at the rate of the hour."""
        fall = 0.5 + 0.5 * math.cos(math.pi * min(self.progress, 1.0))
        losses = self.learn(RATE * fall + _LEAST_RATE)
        if time.monotonic() - self._refreshed > _REFRESH_S:
            self.pool.refresh()
            self._refreshed = time.monotonic()
        return losses

    def is_due(self, since_s: float) -> bool:
        """Every five minutes."""
        return since_s > _MEASURE_S

    def store(self, losses: Mapping[str, float], since_s: float) -> None:  # noqa: ARG002
        """Store, measure and report."""
        for found in self.stored():
            append_line(self._log, found)
            self._report(found)


class LandmarkTask(PoolTask):
    """All networks of the landmarks in turns, each for its share of the time."""

    def __init__(self, run: PoolRun, pool: PicturePool, test: PicturePool, report: Report) -> None:
        """Go on where a run stopped, or begin; `test` is of held-out heads."""
        super().__init__(run.folder / LOG, pool, run.length_s, report)
        parts = {kind: PartTraining(kind, run.folder) for kind in SHARES if kind != FRONT}
        front = FrontTraining(parts["face"].ema, run.folder)
        networks: list[PartTraining | FrontTraining] = [*parts.values(), front]
        self._test = test
        steps = sum(one.steps for one in networks)
        self._random = torch.Generator().manual_seed(steps)
        for one in networks:
            if run.init_from is not None and not one.steps:
                one.take_exported(run.init_from, pool, self._random)
                one.save()
        self._running = [one for one in networks if one.kind in (run.only or SHARES)]

    def learn(self, rate: float) -> dict[str, float]:
        """Take a few steps of the network that is furthest behind."""
        behind = min(self._running, key=lambda one: one.seconds / SHARES[one.kind])
        behind.train_steps(self.pool, _STEPS_AT_ONCE, self._random, rate)
        return {behind.kind: behind.loss}

    def stored(self) -> Iterator[Measurement]:
        """Store and measure each network."""
        for one in self._running:
            one.save()
            yield {
                "kind": one.kind,
                "crops": one.steps * _BATCH,
                "seconds": round(one.seconds),
                "pool": self.pool.count,
                "loss": round(one.loss, 3),
                **one.measured(self._test),
            }


def train_landmarks(run: PoolRun, report: Report) -> None:
    """Draw pictures and train all networks on them; go on where a run was stopped.

    Args:
        run: what to do.
        report: told each measurement.

    Raises:
        SourceError: no pictures were drawn, or none of held-out heads.
    """
    train_on_drawn(run, landmark_rows, arrays_of(SHARES), LandmarkTask, report)


def train_on_drawn(
    run: PoolRun,
    draw: DrawRows,
    arrays: Iterable[str],
    task: Callable[[PoolRun, PicturePool, PicturePool, Report], PoolTask],
    report: Report,
) -> None:
    """Draw a pool, and train on it as soon as there is enough.

    Args:
        run: what to do.
        draw: rows of a head.
        arrays: of a row.
        task: made of the run, a pool to train on, and one of held-out heads.
        report: told each measurement.

    Raises:
        SourceError: no rows were drawn, or none of held-out heads.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(run.seed)
    names = tuple(arrays)
    pool, test = (PicturePool(run.folder / name, names) for name in (POOL, TEST_POOL))
    with DrawingProcesses(run, draw) as drawing:
        _wait_for_pictures(run, pool, test, drawing)

        def report_both(found: Measurement) -> None:
            drawing.draw_on()  # says so where one has ended
            report(found)

        run_training(task(run, pool, test, report_both))


def _wait_for_pictures(
    run: PoolRun, pool: PicturePool, test: PicturePool, drawing: DrawingProcesses
) -> None:
    """Wait until there are enough to begin with, or no more will come."""
    while True:
        still_drawn = drawing.draw_on()
        pool.refresh()
        test.refresh()
        if pool.count >= run.first and test.count >= run.test_pictures:
            return
        if not still_drawn:
            break
        time.sleep(_POLL_S)
    if not pool.count or not test.count:
        raise SourceError(
            f"{run.folder} holds {pool.count} pictures to train on and {test.count} of held-out "
            "heads, and nothing draws more of them. A hundred take about a minute of one core.",
            kind="too-few-pictures",
        )
