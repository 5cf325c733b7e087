"""Train the refinement on a pool of examples that grows meanwhile.

A run's folder holds `refinement.pt` (weights, their EMA, the optimiser, how long it was trained),
and refinement.jsonl with all measurements.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from reggan_plugin.rig.refinement import PLANES
from reggan_plugin.rig.template import CONVENTIONS
from reggan_training.landmarks.pool import PicturePool
from reggan_training.landmarks.training import RATE, Measurement, PoolTask, Report
from reggan_training.refinement.network import RigRefiner
from reggan_training.training_run import NetworkTraining, run_training

ARRAYS: Final = ("picture", "asked", "motion", "light", "known")
"""Of a shard."""
CHECKPOINT, LOG = "refinement.pt", "refinement.jsonl"
_BATCH: Final = 16
_RATE_RISES: Final = 200
"""Steps over which the learning rate rises."""
_EPSILON: Final = 0.004
"""Eye distances within which errors of motion count as squares."""
_LIGHT_WEIGHT: Final = 0.12
_NAMED_WEIGHT: Final = 0.004
"""Of naming the convention that fits best, which is learnt sooner than by what it moves."""
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

    def conventions(self) -> Int[Tensor, " batch"]:
        """Find the convention that comes nearest to the truth of each example."""
        meant = self._meant()
        left = (self.asked[:, None, :2] + meant - self.motion[:, None]) * self.known[:, None]
        return left.square().sum((2, 3, 4)).argmin(1)

    def _meant(self) -> Float[Tensor, "batch conventions 2 cells cells"]:
        meant = self.asked[:, _MEANT:]
        return meant.reshape(len(meant), -1, 2, *meant.shape[2:])

    def errors(
        self, answer: Answer
    ) -> tuple[Float[Tensor, "batch 2 cells cells"], Float[Tensor, "batch 1 cells cells"]]:
        """Measure what is left between rig and answer and the truth, 0 where it is unknown."""
        mix, added = (
            F.interpolate(one, scale_factor=2.0, mode="bilinear", align_corners=False)
            for one in answer[:2]
        )
        lower = self.asked[:, _LOWER, None]
        motion = self.asked[:, :2] + (mix[:, :, None] * self._meant()).sum(1)
        motion = motion + added[:, :2] * (1 - lower) + added[:, 2:] * lower
        light = self.asked[:, _LIGHT, None] + answer[2]
        return (motion - self.motion) * self.known, (light - self.light) * self.known


class RefinementTraining(NetworkTraining[RigRefiner]):
    """The network in training."""

    def __init__(self, folder: Path) -> None:
        """Begin, or go on with the checkpoint in the run's folder."""
        super().__init__(RigRefiner(), folder / CHECKPOINT, rate=RATE, rises=_RATE_RISES)

    def train_step(self, batch: Batch, rate: float) -> float:
        """Learn from examples; returns the loss."""
        self.network.train()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answer = self.network(batch.picture, batch.asked)
        mix, motion, light = (one.float() for one in answer)
        wrong, dim = batch.errors((mix, motion, light))
        far = (wrong.square().sum(1) + _EPSILON**2).sqrt() - _EPSILON
        loss = (far + 6 * wrong.square().sum(1)).mean()
        loss = loss + _LIGHT_WEIGHT * (dim.abs() + 3 * dim.square()).mean()
        shares = mix.mean((2, 3)).clamp(min=1e-4).log()
        loss = loss + _NAMED_WEIGHT * F.nll_loss(shares, batch.conventions())
        self.descend(100 * loss, rate, most_decay=0.998)
        return float(loss.detach())


@torch.no_grad()
def measure(network: RigRefiner, test: PicturePool) -> dict[str, float]:
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


class RefinementTask(PoolTask):
    """The network, on examples of a pool."""

    def __init__(
        self, folder: Path, pool: PicturePool, test: PicturePool, length_s: float, report: Report
    ) -> None:
        """Go on where the run in a folder stopped; `test` is of held-out heads."""
        super().__init__(folder / LOG, pool, length_s, report)
        self._running, self._test = RefinementTraining(folder), test
        self._random = torch.Generator().manual_seed(self._running.steps)

    def learn(self, rate: float) -> dict[str, float]:
        """Take a step."""
        index = torch.randint(self.pool.count, (_BATCH,), generator=self._random)
        batch = Batch.of(self.pool, index).augmented(self._random)
        return {"loss": self._running.train_step(batch, rate)}

    def stored(self) -> Iterator[Measurement]:
        """Store and measure the network."""
        self._running.save()
        yield {
            "steps": self._running.steps,
            "pool": self.pool.count,
            **measure(self._running.ema, self._test),
        }


def train(
    folder: Path, pool: PicturePool, test: PicturePool, length_s: float, report: Report
) -> None:
    """Train for so many seconds; see `PoolTask`. Go on where a run stopped."""
    run_training(RefinementTask(folder, pool, test, length_s, report))
