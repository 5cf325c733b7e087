"""Train the parts of the landmark network on a pool of pictures that grows meanwhile.

A run's folder holds a checkpoint for each kind, `KIND.pt` (weights, their EMA, the optimiser, how
long it was trained), and log.jsonl with all measurements.
"""

import copy
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reggan_training.landmarks.crops import PartCrops, draw_crops
from reggan_training.landmarks.network import PartNetwork
from reggan_training.landmarks.pool import PicturePool

SHARES: Final = {"eye": 0.27, "brow": 0.12, "mouth": 0.33, "face": 0.28}
"""Of the time, by kind of network."""
LOG: Final = "log.jsonl"
_BATCH, _RATE, _LEAST_RATE = 24, 1.5e-3, 1e-5
_RATE_RISES, _PLAIN_SQUARES = 100, 150
"""Steps over which the learning rate rises, and in which places are learnt without deviations."""
_STEPS_AT_ONCE = 8
"""Of one network before the turn of the next."""
_REFRESH_S, _MEASURE_S = 45.0, 300.0
_FIRST_GROUP: Final = {"eye": 24, "mouth": 24}
"""Landmarks of an eye's lids, before its iris; of the outer lips, before the inner ones."""

Measurement = dict[str, float | str]
Report = Callable[[Measurement], None]


class PartTraining:
    """One network in training.

    Args:
        kind: of part.
        folder: of the run; its checkpoint is gone on with if it is there.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self._path = kind, folder / f"{kind}.pt"
        network = PartNetwork(kind)
        self.network: PartNetwork = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = copy.deepcopy(self.network)
        self._optimiser = torch.optim.AdamW(self.network.parameters(), lr=_RATE, weight_decay=1e-3)
        self.steps, self.seconds, self.loss = 0, 0.0, 0.0
        if self._path.exists():
            stored = torch.load(self._path, weights_only=True)
            self.network.load_state_dict(stored["network"])
            self.ema.load_state_dict(stored["ema"])
            self._optimiser.load_state_dict(stored["optimiser"])
            self.steps, self.seconds = stored["steps"], stored["seconds"]

    def save(self) -> None:
        """Write the checkpoint."""
        stored = {
            "network": self.network.state_dict(),
            "ema": self.ema.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "steps": self.steps,
            "seconds": self.seconds,
        }
        partial = self._path.with_suffix(".partial")
        torch.save(stored, partial)
        partial.replace(self._path)

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
            self._train_step(draw_crops(pool, index, self.kind, random), rate)
        self.seconds += time.monotonic() - started

    def _train_step(self, crops: PartCrops, rate: float) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = rate * min(1.0, (self.steps + 1) / _RATE_RISES)
        self.network.train()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answer = self.network(crops.picture.contiguous(memory_format=torch.channels_last))
        loss = landmark_loss(answer, crops, plain=self.steps < _PLAIN_SQUARES)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self._optimiser.step()
        self.steps += 1
        self.loss = float(loss.detach())
        self._update_ema(min(0.999, (1 + self.steps) / (20 + self.steps)))

    @torch.no_grad()
    def _update_ema(self, decay: float) -> None:
        states = self.ema.state_dict().values(), self.network.state_dict().values()
        for mean, own in zip(*states, strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(own, 1 - decay)
            else:
                mean.copy_(own)


def landmark_loss(
    answer: tuple[Tensor, Tensor, Tensor | None], crops: PartCrops, *, plain: bool
) -> Tensor:
    """Gaussian negative log-likelihood of the places, cross-entropy of the labels.

    Args:
        answer: of a network.
        crops: the truth.
        plain: squared errors instead, until the places are about right.

    Source: Wood et al., 3D face reconstruction with dense landmarks, ECCV 2022, eq. 1.
    """
    places, sigma, label = answer
    square = ((places - crops.places) ** 2).sum(-1)
    sigma = sigma.clamp(-7, 0)
    if plain:
        loss = 300 * square.mean() + 0.01 * (sigma + 3).pow(2).mean()
    else:
        loss = (2 * sigma + square / (2 * torch.exp(2 * sigma))).mean()
    if label is not None and crops.label is not None:
        loss = loss + F.cross_entropy(label.float(), crops.label)
    return loss


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
        places, sigma, _ = network(crops.picture)
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
        figures |= _of_groups(distance, _FIRST_GROUP[network.kind])
    return {name: round(float(value), 3) for name, value in figures.items()}


def _of_groups(distance: Tensor, size: int) -> dict[str, Tensor]:
    first, second = distance[:, :size], distance[:, size:]
    return {
        "first": first.mean(),
        "second": second.mean(),
        "first_median": first.median(),
        "second_median": second.median(),
    }


def train_parts(
    folder: Path, pool: PicturePool, test: PicturePool, length_s: float, report: Report
) -> None:
    """Train all networks in turns, each for its share of the time; go on where a run stopped.

    The learning rate falls from its height to nearly nothing over the length, also of a run that
    goes on. Networks are stored and measured every five minutes and in the end.

    Args:
        folder: of the run.
        pool: pictures to train on; new ones are read meanwhile.
        test: of held-out heads.
        length_s: seconds.
        report: told each measurement, which is also written to the run's log.
    """
    running = [PartTraining(kind, folder) for kind in SHARES]
    random = torch.Generator().manual_seed(sum(one.steps for one in running))
    began = refreshed = measured = time.monotonic()
    while (passed := time.monotonic() - began) < length_s:
        rate = _RATE * (0.5 + 0.5 * math.cos(math.pi * passed / length_s)) + _LEAST_RATE
        behind = min(running, key=lambda one: one.seconds / SHARES[one.kind])
        behind.train_steps(pool, _STEPS_AT_ONCE, random, rate)
        if time.monotonic() - refreshed > _REFRESH_S:
            pool.refresh()
            refreshed = time.monotonic()
        if time.monotonic() - measured > _MEASURE_S:
            _store(running, folder, pool.count, test, report)
            measured = time.monotonic()
    _store(running, folder, pool.count, test, report)


def _store(
    running: list[PartTraining], folder: Path, pool: int, test: PicturePool, report: Report
) -> None:
    for one in running:
        one.save()
        found: Measurement = {
            "kind": one.kind,
            "crops": one.steps * _BATCH,
            "seconds": round(one.seconds),
            "pool": pool,
            "loss": round(one.loss, 3),
            **measure(one.ema, test),
        }
        with (folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(found) + "\n")
        report(found)
