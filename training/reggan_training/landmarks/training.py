"""Train the parts of the landmark network on a pool of pictures that grows meanwhile.

    python -m reggan_training.landmarks.training RUN --pool POOL --test POOL --kinds eye,brow --until TIME

RUN holds a checkpoint for each kind (safetensors: weights, their EMA, and the optimiser) and log.jsonl;
the same line goes on where it was stopped.
"""

import argparse
import copy
import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.rig.crops import INPUT_PX
from reggan_plugin.rig.layout import COUNT, MIRROR
from reggan_training.landmarks.network import POINTS_OF, PartNetwork
from reggan_training.landmarks.pictures import KEPT_PX, _WIDER

_SIDES = {"face": ("face",), "mouth": ("mouth",), "eye": ("eye_right", "eye_left"), "brow": ("brow_right", "brow_left")}
_SHARES = {"face": 0.28, "eye": 0.27, "brow": 0.12, "mouth": 0.33}
_JITTER = {"face": (0.02, 0.08, 5.0), "eye": (0.045, 0.08, 6.0), "brow": (0.06, 0.09, 7.0), "mouth": (0.03, 0.07, 6.0)}
"""Deviations of the square's middle in parts of its side, of the logarithm of that, of its roll in degrees."""
_BATCH, _RATE = 24, 1.5e-3


class Pool:
    """Shards of pictures in memory, for some kinds of parts."""

    def __init__(self, folder: Path, kinds: list[str], most: int = 60000) -> None:
        self._folder, self._done, self._most = folder, set(), most
        self._names = ["points"]
        for kind in kinds:
            for name in _SIDES[kind]:
                self._names += [name, f"{name}_to"]
            if kind == "face":
                self._names.append("label")
        self._parts: dict[str, list[Tensor]] = {name: [] for name in self._names}
        self._starts: list[int] = []
        self.count = 0

    def refresh(self) -> None:
        """Read the shards that are new."""
        for path in sorted(self._folder.glob("*.npz")):
            if path in self._done or self.count >= self._most:
                continue
            with np.load(path) as shard:
                for name in self._names:
                    self._parts[name].append(torch.from_numpy(shard[name]))
                length = len(shard["points"])
            self._starts.append(self.count)
            self.count += length
            self._done.add(path)

    def rows(self, name: str, index: Tensor) -> Tensor:
        """Rows of an array, from all shards."""
        starts = torch.tensor(self._starts)
        shard = torch.searchsorted(starts, index, right=True) - 1
        own = index - starts[shard]
        return torch.stack([self._parts[name][int(s)][int(k)] for s, k in zip(shard, own, strict=True)])


@dataclass(frozen=True, kw_only=True)
class Crops:
    """What a network is shown: pictures, places and what lies where; `eye_px` per side of the square."""

    picture: Float[Tensor, "batch 3 side side"]
    places: Float[Tensor, "batch points 2"]
    label: Tensor | None


def draw_crops(pool: Pool, index: Tensor, kind: str, random: torch.Generator, *, augments: bool = True) -> Crops:
    """Squares around a part, jittered as a coarse pass would place them."""
    count, side, kept = len(index), INPUT_PX[kind], KEPT_PX[kind]

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=random)

    flip = uniform(count) < 0.5
    points = pool.rows("points", index)
    if len(_SIDES[kind]) == 2:  # the left one is looked at in a mirror
        pictures, matrices = (
            torch.where(
                flip.view(-1, *[1] * (pool.rows(_SIDES[kind][0] + end, index[:1]).dim() - 1)),
                pool.rows(_SIDES[kind][1] + end, index),
                pool.rows(_SIDES[kind][0] + end, index),
            )
            for end in ("", "_to")
        )
    else:
        pictures, matrices = (pool.rows(_SIDES[kind][0] + end, index) for end in ("", "_to"))
    points = torch.where(flip[:, None, None], points[:, MIRROR], points)
    rows = torch.tensor(POINTS_OF[kind])
    own = torch.einsum("bij,bpj->bpi", matrices[:, :, :2], points[:, rows]) + matrices[:, None, :, 2]
    own = own / kept - 0.5  # in parts of what is kept, from its middle
    sigma = _JITTER[kind]
    strength = torch.ones(count)
    if augments and kind == "face":  # half are placed by a locator, not by a first pass
        strength = torch.where(uniform(count) < 0.4, 2.2, 1.0)
    shift = normal(count, 2) * sigma[0] * strength[:, None] / _WIDER
    scale = torch.exp(normal(count) * sigma[1] * strength) / _WIDER
    turn = normal(count) * math.radians(sigma[2])
    if kind == "face":
        scale, shift = scale.clamp(max=1.02), shift.clamp(-0.1, 0.1)
    c, s = torch.cos(turn) * scale, torch.sin(turn) * scale
    linear = torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], 1)
    linear[flip, :, 0] *= -1
    centres = (torch.arange(side) + 0.5) / side - 0.5
    grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), -1).view(1, -1, 2)
    at = ((grid @ linear.transpose(1, 2) + shift[:, None]) * 2).view(count, side, side, 2)
    picture = F.grid_sample(pictures.permute(0, 3, 1, 2).float() / 255, at, align_corners=False, padding_mode="border")
    places = torch.linalg.solve(linear[:, None], (own - shift[:, None])[..., None])[..., 0]
    label = None
    if kind == "face":
        plane = pool.rows("label", index)[:, None].float()
        label = F.grid_sample(plane, at[:, ::2, ::2], mode="nearest", align_corners=False)[:, 0].long()
    if augments:
        picture = _recoloured(picture, normal, uniform)
    return Crops(picture=picture.clamp(0, 1), places=places, label=label)


def _recoloured(x: Tensor, normal, uniform) -> Tensor:  # noqa: ANN001
    count, _, side, _ = x.shape
    gamma = torch.exp(normal(count, 1, 1, 1) * 0.22)
    gain = torch.exp(normal(count, 1, 1, 1) * 0.15) * torch.exp(normal(count, 3, 1, 1) * 0.06)
    x = x.clamp(1e-3, 1) ** gamma * gain + normal(count, 1, 1, 1) * 0.05
    grey = uniform(count) < 0.12
    x[grey] = x[grey].mean(1, keepdim=True).expand(-1, 3, -1, -1)
    blurred = uniform(count) < 0.3
    if blurred.any():
        size = int(side * float(uniform(1)) * 0.6 + side * 0.35)
        small = F.interpolate(x[blurred], size=size, mode="area")
        x[blurred] = F.interpolate(small, size=side, mode="bilinear", align_corners=False)
    hidden = uniform(count) < 0.12
    if hidden.any():
        number = int(hidden.sum())
        mask = F.interpolate(normal(number, 1, 5, 5), size=side, mode="bilinear") > 1.1
        x[hidden] = torch.where(mask, uniform(number, 3, 1, 1) + 0.1 * normal(number, 3, side, side), x[hidden])
    return x + normal(count, 3, side, side) * (uniform(count, 1, 1, 1) ** 2 * 0.06)


def loss_of(answer: tuple[Tensor, Tensor, Tensor | None], crops: Crops, warm: bool) -> Tensor:
    """Gaussian negative log-likelihood of the places, cross-entropy of the labels.

    Args:
        answer: of the network.
        crops: the truth.
        warm: the first steps: plain squares, until the places are about right.
    """
    places, sigma, label = answer
    square = ((places - crops.places) ** 2).sum(-1)
    sigma = sigma.clamp(-7, 0)
    loss = 300 * square.mean() + 0.01 * (sigma + 3).pow(2).mean() if warm else (2 * sigma + square / (2 * torch.exp(2 * sigma))).mean()
    if label is not None and crops.label is not None:
        loss = loss + F.cross_entropy(label.float(), crops.label)
    return loss


class Kind:
    """One network in training."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.path = kind, folder / f"{kind}.pt"
        self.network = PartNetwork(kind).to(memory_format=torch.channels_last)
        self.ema = copy.deepcopy(self.network)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=_RATE, weight_decay=1e-3)
        self.steps, self.seconds, self.loss = 0, 0.0, 0.0
        if self.path.exists():
            stored = torch.load(self.path, weights_only=True)
            self.network.load_state_dict(stored["network"])
            self.ema.load_state_dict(stored["ema"])
            self.optimiser.load_state_dict(stored["optimiser"])
            self.steps, self.seconds = stored["steps"], stored["seconds"]

    def save(self) -> None:
        partial = self.path.with_suffix(".partial")
        torch.save({"network": self.network.state_dict(), "ema": self.ema.state_dict(), "optimiser": self.optimiser.state_dict(), "steps": self.steps, "seconds": self.seconds}, partial)
        partial.rename(self.path)

    def step(self, pool: Pool, random: torch.Generator, rate: float) -> None:
        index = torch.randint(pool.count, (_BATCH,), generator=random)
        crops = draw_crops(pool, index, self.kind, random)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * min(1.0, (self.steps + 1) / 100)
        self.network.train()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answer = self.network(crops.picture.contiguous(memory_format=torch.channels_last))
        loss = loss_of(answer, crops, self.steps < 150)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()
        self.steps += 1
        self.loss = float(loss.detach())
        decay = min(0.999, (1 + self.steps) / (20 + self.steps))
        with torch.no_grad():
            for mean, own in zip(self.ema.state_dict().values(), self.network.state_dict().values(), strict=True):
                if mean.dtype.is_floating_point:
                    mean.lerp_(own, 1 - decay)
                else:
                    mean.copy_(own)


def errors(network: PartNetwork, kind: str, test: Pool) -> dict[str, float]:
    """Mean errors in percent of the square's side: all, and of the most certain half."""
    network.eval()
    random = torch.Generator().manual_seed(3)
    distances, sigmas = [], []
    with torch.no_grad():
        for start in range(0, test.count, 50):
            crops = draw_crops(test, torch.arange(start, min(start + 50, test.count)), kind, random, augments=False)
            places, sigma, _ = network(crops.picture)
            distances.append((places - crops.places).norm(dim=-1))
            sigmas.append(sigma.exp())
    distance, sigma = 100 * torch.cat(distances), 100 * torch.cat(sigmas)
    sure = sigma <= sigma.median()
    result = {"mean": distance.mean(), "median": distance.median(), "sure": distance[sure].mean(), "z": ((distance / sigma) ** 2).mean().sqrt() / math.sqrt(2)}
    if kind in ("eye", "mouth"):
        split = 24
        result |= {"first": distance[:, :split].mean(), "second": distance[:, split:].mean(), "first_median": distance[:, :split].median(), "second_median": distance[:, split:].median()}
    return {name: round(float(value), 3) for name, value in result.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--pool", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--kinds", required=True)
    parser.add_argument("--until", type=float, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    kinds = arguments.kinds.split(",")
    arguments.run.mkdir(parents=True, exist_ok=True)
    pool, test = Pool(arguments.pool, kinds), Pool(arguments.test, kinds)
    test.refresh()
    while True:
        pool.refresh()
        if pool.count > 1000:
            break
        time.sleep(5)
    running = [Kind(kind, arguments.run) for kind in kinds]
    random = torch.Generator().manual_seed(int(time.time()))
    began = time.time()
    looked, measured = began, began
    while time.time() < arguments.until:
        one = min(running, key=lambda kind: kind.seconds / _SHARES[kind.kind])
        share = min(1.0, (time.time() - began) / max(arguments.until - began - 20, 1))
        rate = _RATE * (0.5 + 0.5 * math.cos(math.pi * share)) + 1e-5
        started = time.time()
        for _ in range(8):
            one.step(pool, random, rate)
        one.seconds += time.time() - started
        if time.time() - looked > 45:
            pool.refresh()
            looked = time.time()
        if time.time() - measured > 300 or time.time() > arguments.until - 12:
            measured = time.time()
            for kind in running:
                kind.save()
                record = {"kind": kind.kind, "crops": kind.steps * _BATCH, "seconds": round(kind.seconds), "pool": pool.count, "loss": round(kind.loss, 3), **errors(kind.ema, kind.kind, test)}
                print(json.dumps(record), flush=True)
                with (arguments.run / "log.jsonl").open("a") as log:
                    log.write(json.dumps(record) + "\n")
    for kind in running:
        kind.save()


if __name__ == "__main__":
    os.nice(5)
    main()
