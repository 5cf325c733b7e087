"""Train the refinement on a pool of examples that grows meanwhile.

In the last part of a run a discriminator judges the light, which squared errors make too soft: a
network that is unsure where a fold lies would draw none.

A run's folder holds `refinement.pt` and `discriminator.pt` (weights, their EMA, the optimiser, how
long they were trained), and refinement.jsonl with all measurements.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from reggan_plugin.frozen import frozen
from reggan_plugin.rig.refinement import PLANES
from reggan_plugin.rig.template_fit import CONVENTIONS
from reggan_training.landmarks.picture_pool import PicturePool, PoolRun
from reggan_training.landmarks.training import RATE, Measurement, PoolTask, Report
from reggan_training.refinement.network import LightDiscriminator, RigRefiner
from reggan_training.training_run import NetworkTraining
from reggan_training.weights_from_onnx import exported_weights, load_exported

ARRAYS: Final = ("picture", "asked", "motion", "light", "known")
"""Of a shard."""
CHECKPOINT, ADVERSARY, LOG = "refinement.pt", "discriminator.pt", "refinement.jsonl"
_BATCH: Final = 16
_STATISTICS: Final = 64
"""Examples of which batch norms take their statistics where a file has none."""
_RATE_RISES: Final = 200
"""Steps over which the learning rate rises."""
_EPSILON: Final = 0.004
"""Eye distances within which errors of motion count as squares."""
_LIGHT_WEIGHT: Final = 0.12
_NAMED_WEIGHT: Final = 0.004
"""Of naming the convention that fits best, which is learnt sooner than by what it moves."""
_ADVERSARY_FROM: Final = 0.6
"""Share of a run from which on the discriminator is trained; its weight in the network's loss rises
until half of what is left."""
_ADVERSARY_WEIGHT: Final = 0.0015
"""Of its mean score: in 26 minutes it took `edges` (see `measure`) from 0.27 to 0.37, and what is
explained of the light from 0.235 to 0.217."""
_ADVERSARY_RATE: Final = 3e-4
_LOWER, _FACE = PLANES.index("lower"), PLANES.index("face")
_LIGHT, _MEANT = PLANES.index("light"), PLANES.index(f"{CONVENTIONS[0]}_right")
_SIDEWAYS: Final = [k for k, name in enumerate(PLANES) if name == "x" or name.endswith("right")]

Answer = tuple[Tensor, Tensor, Tensor]
"""Of the network: mix, motion, light."""


@frozen
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
        return (motion - self.motion) * self.known, self.lit(answer) - self.light * self.known

    def lit(self, answer: Answer) -> Float[Tensor, "batch 1 cells cells"]:
        """Return the light that a network's answer makes of the rig's, 0 where none is known."""
        return (self.asked[:, _LIGHT, None] + answer[2]) * self.known


class RefinementTraining(NetworkTraining[RigRefiner]):
    """The network in training."""

    def __init__(self, folder: Path) -> None:
        """Begin, or go on with the checkpoint in the run's folder."""
        super().__init__(RigRefiner(), folder / CHECKPOINT, rate=RATE, rises=_RATE_RISES)

    def take_exported(self, file: Path, batch: Batch) -> None:
        """Begin with the weights in a file of contract 3; batch norms need a batch of examples."""
        weights = exported_weights(file, "refine/network.")
        load_exported(self.network, weights, batch.picture, batch.asked)
        self.ema.load_state_dict(self.network.state_dict())

    def train_step(
        self,
        batch: Batch,
        rate: float,
        adversary: "AdversaryTraining | None" = None,
        share: float = 0.0,
    ) -> float:
        """Learn from examples; returns the loss.

        Args:
            batch: examples.
            rate: at which to learn.
            adversary: learns beside it, from what it makes of them.
            share: of the adversary's weight in the loss, 0 to 1.
        """
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
        if adversary is not None:
            made = batch.lit((mix, motion, light))
            adversary.train_step(batch, made.detach())
            loss = loss - share * _ADVERSARY_WEIGHT * adversary.score(batch, made).mean()
        self.descend(100 * loss, rate, most_decay=0.998)
        return float(loss.detach())


class AdversaryTraining(NetworkTraining[LightDiscriminator]):
    """The discriminator in training."""

    def __init__(self, folder: Path) -> None:
        """Begin, or go on with the checkpoint in the run's folder."""
        super().__init__(LightDiscriminator(), folder / ADVERSARY, rate=_ADVERSARY_RATE, rises=20)

    def score(self, batch: Batch, light: Float[Tensor, "batch 1 cells cells"]) -> Tensor:
        """Score a light for the examples; above 0 is real."""
        scores: Tensor = self.network(batch.picture, batch.asked[:, :2], light)
        return scores

    def train_step(self, batch: Batch, made: Float[Tensor, "batch 1 cells cells"]) -> float:
        """Learn to tell true light from light that was made; returns the hinge loss."""
        real = self.score(batch, batch.light * batch.known)
        loss = F.relu(1 - real).mean() + F.relu(1 + self.score(batch, made)).mean()
        self.descend(loss, _ADVERSARY_RATE)
        return float(loss.detach())


@torch.no_grad()
def measure(network: RigRefiner, test: PicturePool) -> dict[str, float]:
    """Shares of the true motion and of the true change of light that are explained.

    Returns:
        `motion` and `light`: 1 - sum of squared errors over that of the truth; `rig_motion` and
        `rig_light`, of the rig alone. `edges`: slopes of the light over those of the true one, 1
        where folds are as sharp.
    """
    network.eval()
    sums = dict.fromkeys(("motion", "light", "rig_motion", "rig_light", "m", "l"), 0.0)
    slopes = [0.0, 0.0]
    for start in range(0, test.count, 40):
        batch = Batch.of(test, torch.arange(start, min(start + 40, test.count)))
        answer = network(batch.picture, batch.asked)
        mix, motion, light = answer
        nothing = torch.zeros_like(mix), torch.zeros_like(motion), torch.zeros_like(light)
        for name, one in (("", answer), ("rig_", nothing)):
            motion, light = batch.errors(one)
            sums[name + "motion"] += float(motion.square().sum())
            sums[name + "light"] += float(light.square().sum())
        known = batch.known * batch.known.roll(1, 3)
        for place, shown in enumerate((batch.lit(answer), batch.light * batch.known)):
            slopes[place] += float(((shown - shown.roll(1, 3)) * known).abs().sum())
        sums["m"] += float((batch.motion * batch.known).square().sum())
        sums["l"] += float((batch.light * batch.known).square().sum())
    shares = {
        name: round(1 - sums[name] / max(sums[name.removeprefix("rig_")[0]], 1e-9), 4)
        for name in ("motion", "rig_motion", "light", "rig_light")
    }
    return {**shares, "edges": round(slopes[0] / max(slopes[1], 1e-9), 3)}


class RefinementTask(PoolTask):
    """The network, on examples of a pool."""

    def __init__(self, run: PoolRun, pool: PicturePool, test: PicturePool, report: Report) -> None:
        """Go on where a run stopped, or begin; `test` is of held-out heads."""
        super().__init__(run.folder / LOG, pool, run.length_s, report)
        self._running, self._test = RefinementTraining(run.folder), test
        self._adversary = AdversaryTraining(run.folder)
        self._random = torch.Generator().manual_seed(self._running.steps)
        if run.init_from is not None and not self._running.steps:
            index = torch.randint(pool.count, (_STATISTICS,), generator=self._random)
            self._running.take_exported(run.init_from, Batch.of(pool, index))

    def learn(self, rate: float) -> dict[str, float]:
        """Take a step."""
        index = torch.randint(self.pool.count, (_BATCH,), generator=self._random)
        batch = Batch.of(self.pool, index).augmented(self._random)
        begun = (self.progress - _ADVERSARY_FROM) / (1 - _ADVERSARY_FROM)
        adversary = self._adversary if begun > 0 else None
        return {"loss": self._running.train_step(batch, rate, adversary, min(1.0, 2 * begun))}

    def stored(self) -> Iterator[Measurement]:
        """Store and measure the network."""
        self._running.save()
        self._adversary.save()
        yield {
            "steps": self._running.steps,
            "pool": self.pool.count,
            **measure(self._running.ema, self._test),
        }
