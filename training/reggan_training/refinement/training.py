"""Train the refinement on a pool of examples that grows meanwhile.

A run's folder holds `refinement.pt` (weights, their EMA, the optimiser, how long it was trained),
and refinement.jsonl with all measurements.
"""

import copy
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.rig.refinement import PLANES
from reggan_plugin.rig.template import CONVENTIONS
from reggan_training.landmarks.pool import PicturePool
from reggan_training.landmarks.training import Measurement, Report
from reggan_training.refinement.network import RefinementNetwork

ARRAYS: Final = ("picture", "asked", "motion", "light", "known")
"""Of a shard."""
CHECKPOINT, LOG = "refinement.pt", "refinement.jsonl"
_BATCH, _RATE, _LEAST_RATE = 16, 1.5e-3, 1e-5
_RATE_RISES: Final = 200
"""Steps over which the learning rate rises."""
_EPSILON: Final = 0.004
"""Eye distances within which errors of motion count as squares."""
_LIGHT_WEIGHT: Final = 0.12
_REFRESH_S, _MEASURE_S = 45.0, 300.0
_LOWER, _FACE = PLANES.index("lower"), PLANES.index("face")
_LIGHT, _MEANT = PLANES.index("light"), PLANES.index(f"{CONVENTIONS[0]}_right")
_SIDEWAYS: Final = [k for k, name in enumerate(PLANES) if name == "x" or name.endswith("right")]

Answer = tuple[Tensor, Tensor, Tensor]
"""Of the network: mix, motion, light."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Examples, as `ExampleDrawing` draws them, float32."""

    picture: Float[Tensor, "batch 3 cells cells"]
    asked: Float[Tensor, "batch planes cells cells"]
    motion: Float[Tensor, "batch 2 cells cells"]
    light: Float[Tensor, "batch 1 cells cells"]
    known: Float[Tensor, "batch 1 cells cells"]

    @classmethod
    def of(cls, pool: PicturePool, index: Tensor) -> "Batch":
        """Rows of a pool; what is no face counts for nothing."""
        rows = {name: pool.rows(name, index).float() for name in ARRAYS}
        return cls(
            picture=rows["picture"].permute(0, 3, 1, 2) / 255,
            asked=rows["asked"],
            motion=rows["motion"],
            light=rows["light"],
            known=rows["known"][:, None] * rows["asked"][:, _FACE, None],
        )

    def augmented(self, random: torch.Generator) -> "Batch":
        """Mirrored one time in two, in colours that differ a little, and shifted."""
        picture, asked, motion = self.picture, self.asked, self.motion
        light, known = self.light, self.known
        if torch.rand((), generator=random) < 0.5:
            picture, asked, motion, light, known = (
                one.flip(3) for one in (picture, asked, motion, light, known)
            )
            asked, motion = asked.clone(), motion.clone()
            asked[:, _SIDEWAYS] *= -1
            motion[:, 0] *= -1
        count = len(picture)
        gain = 1 + 0.25 * (torch.rand(count, 3, 1, 1, generator=random) - 0.5)
        lift = 0.1 * (torch.rand(count, 3, 1, 1, generator=random) - 0.5)
        picture = (picture * gain + lift).clamp(0, 1)
        dx, dy = (int(k) for k in torch.randint(-4, 5, (2,), generator=random))
        moved = [one.roll((dy, dx), (2, 3)) for one in (picture, asked, motion, light, known)]
        return Batch(
            picture=moved[0], asked=moved[1], motion=moved[2], light=moved[3], known=moved[4]
        )

    def errors(
        self, answer: Answer
    ) -> tuple[Float[Tensor, "batch 2 cells cells"], Float[Tensor, "batch 1 cells cells"]]:
        """What is left between the rig with an answer and the truth, 0 where nothing is known."""
        mix, added = (
            F.interpolate(one, scale_factor=2.0, mode="bilinear", align_corners=False)
            for one in answer[:2]
        )
        lower = self.asked[:, _LOWER, None]
        meant = self.asked[:, _MEANT:]
        meant = meant.reshape(len(meant), -1, 2, *meant.shape[2:])
        motion = self.asked[:, :2] + (mix[:, :, None] * meant).sum(1)
        motion = motion + added[:, :2] * (1 - lower) + added[:, 2:] * lower
        light = self.asked[:, _LIGHT, None] + answer[2]
        return (motion - self.motion) * self.known, (light - self.light) * self.known


class RefinementTraining:
    """The network in training.

    Args:
        folder: of the run; its checkpoint is gone on with if it is there.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / CHECKPOINT
        network = RefinementNetwork()
        self.network: RefinementNetwork = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = copy.deepcopy(self.network)
        self._optimiser = torch.optim.AdamW(self.network.parameters(), lr=_RATE, weight_decay=1e-3)
        self.steps = 0
        if self._path.exists():
            stored = torch.load(self._path, weights_only=True)
            self.network.load_state_dict(stored["network"])
            self.ema.load_state_dict(stored["ema"])
            self._optimiser.load_state_dict(stored["optimiser"])
            self.steps = stored["steps"]

    def save(self) -> None:
        """Write the checkpoint."""
        stored = {
            "network": self.network.state_dict(),
            "ema": self.ema.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "steps": self.steps,
        }
        partial = self._path.with_suffix(".partial")
        torch.save(stored, partial)
        partial.replace(self._path)

    def train_step(self, batch: Batch, rate: float) -> None:
        """Learn from examples."""
        for group in self._optimiser.param_groups:
            group["lr"] = rate * min(1.0, (self.steps + 1) / _RATE_RISES)
        self.network.train()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answer = self.network(batch.picture, batch.asked)
        motion, light = batch.errors((answer[0].float(), answer[1].float(), answer[2].float()))
        far = (motion.square().sum(1) + _EPSILON**2).sqrt() - _EPSILON
        dim = (light.abs() + 3 * light.square()).mean()
        loss = (far + 6 * motion.square().sum(1)).mean() + _LIGHT_WEIGHT * dim
        self._optimiser.zero_grad()
        (100 * loss).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self._optimiser.step()
        self.steps += 1
        self._update_ema(min(0.998, (1 + self.steps) / (20 + self.steps)))

    @torch.no_grad()
    def _update_ema(self, decay: float) -> None:
        states = self.ema.state_dict().values(), self.network.state_dict().values()
        for mean, own in zip(*states, strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(own, 1 - decay)
            else:
                mean.copy_(own)


@torch.no_grad()
def measure(network: RefinementNetwork, test: PicturePool) -> dict[str, float]:
    """Shares of the true motion and of the true change of light that are explained.

    Returns:
        `motion` and `light`: 1 - sum of squared errors over that of the truth; `rig_motion` and
        `rig_light`, of the rig alone.
    """
    network.eval()
    sums = dict.fromkeys(("motion", "light", "rig_motion", "rig_light", "m", "l"), 0.0)
    for start in range(0, test.count, 40):
        batch = Batch.of(test, torch.arange(start, min(start + 40, test.count)))
        answer = network(batch.picture, batch.asked)
        mix, motion, light = answer
        nothing = torch.zeros_like(mix), torch.zeros_like(motion), torch.zeros_like(light)
        for name, one in (("", answer), ("rig_", nothing)):
            motion, light = batch.errors(one)
            sums[name + "motion"] += float(motion.square().sum())
            sums[name + "light"] += float(light.square().sum())
        sums["m"] += float((batch.motion * batch.known).square().sum())
        sums["l"] += float((batch.light * batch.known).square().sum())
    return {
        name: round(1 - sums[name] / max(sums[name.removeprefix("rig_")[0]], 1e-9), 4)
        for name in ("motion", "rig_motion", "light", "rig_light")
    }


def train(
    folder: Path, pool: PicturePool, test: PicturePool, length_s: float, report: Report
) -> None:
    """Train for so many seconds; go on where a run stopped.

    The learning rate falls from its height to nearly nothing over the length, also of a run that
    goes on. The network is stored and measured every few minutes and in the end.

    Args:
        folder: of the run.
        pool: examples to train on; new ones are read meanwhile.
        test: of held-out heads.
        length_s: seconds.
        report: told each measurement, which is also written to the run's log.
    """
    running = RefinementTraining(folder)
    random = torch.Generator().manual_seed(running.steps)
    began = refreshed = measured = time.monotonic()

    def store() -> None:
        running.save()
        found: Measurement = {
            "steps": running.steps,
            "pool": pool.count,
            **measure(running.ema, test),
        }
        with (folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(found) + "\n")
        report(found)

    while (passed := time.monotonic() - began) < length_s:
        rate = _RATE * (0.5 + 0.5 * math.cos(math.pi * passed / length_s)) + _LEAST_RATE
        index = torch.randint(pool.count, (_BATCH,), generator=random)
        running.train_step(Batch.of(pool, index).augmented(random), rate)
        if time.monotonic() - refreshed > _REFRESH_S:
            pool.refresh()
            refreshed = time.monotonic()
        if time.monotonic() - measured > _MEASURE_S:
            store()
            measured = time.monotonic()
    store()
