"""One training step after another: networks, optimisers, learning rate."""

import copy
import math
from collections.abc import Mapping

import torch
from torch import Tensor

from reggan_plugin.errors import RegganError
from reggan_training.data.pair_batches import PairBatch
from reggan_training.papers import losses
from reggan_training.papers.configuration import AdversarySettings, GanLossWeights, TrainingSettings
from reggan_training.papers.losses import Discriminator
from reggan_training.papers.networks.expression_model import ExpressionModel, ModelSettings
from reggan_training.papers.run_folder import adam_state, prefixed, restore_adam, unprefixed
from reggan_training.tensor_shapes import Images, Masks
from reggan_training.training_run import Processes, average_into


class TrainingDivergedError(RegganError):
    """A training run whose losses or gradients are not finite any more."""

    default_kind = "training-diverged"


_SMALL_SIDE_PX = 128
"""Up to this side the discriminator reads blocks of 2x2 pixels, above of 4x4."""

_BETAS = (0.5, 0.99)
_LONGEST_GRADIENT = 5.0
_LEAST_RATE = 0.01
"""Of the learning rate that is left at the end of a run."""


class Adversary:
    """A discriminator, its optimiser, and what both heads say to the generator."""

    def __init__(
        self,
        settings: AdversarySettings,
        model: ModelSettings,
        half_precision: bool,
        processes: Processes,
    ) -> None:
        self.settings, self.processes = settings, processes
        self.half_precision = half_precision
        unshuffle = 2 if model.side_px <= _SMALL_SIDE_PX else 4
        channels = model.channels(settings.channels)
        self.discriminator = Discriminator(model.expressions, channels, unshuffle)
        self.discriminator.to(processes.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.adam = torch.optim.Adam(
            self.discriminator.parameters(), settings.learning_rate, betas=(0.5, 0.99), fused=True
        )

    def judge(self, image: Images) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Patch scores, expression logits and features; float32 but for the features."""
        with torch.autocast(image.device.type, torch.bfloat16, enabled=self.half_precision):
            score, logits, features = self.discriminator(image)
        return score.float(), logits.float(), features

    def train_step(
        self,
        batch: PairBatch,
        real: Images,
        fake: Images,
        weights: Masks,
        step: int,
        random: torch.Generator,
    ) -> dict[str, Tensor]:
        """Train the discriminator on one batch of real and fake composites."""
        settings, fake = self.settings, fake.detach()
        score, logits, _ = self.judge(torch.cat([real, fake]))
        real_score, fake_score = score.chunk(2)
        loss = {"hinge": losses.hinge_loss, "wasserstein": losses.wasserstein_loss}
        local = losses.patch_weights(weights, real_score)
        parts = {
            "d_adversarial": loss[settings.objective](
                real_score, fake_score, local, batch.is_render
            ),
            "d_expression": losses.expression_loss(logits[: len(fake)], batch.label, batch.is_full),
        }
        total = parts["d_adversarial"] + settings.expression_weight * parts["d_expression"]
        if settings.penalty != "none" and step % settings.penalty_every == 0:
            parts["d_penalty"] = self._penalty(real, fake, random)
            weight = settings.penalty_weight * settings.penalty_every
            total = total + weight * parts["d_penalty"]
        self.adam.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        self.processes.average_gradients(self.discriminator.parameters())
        self.adam.step()
        return parts

    def generator_losses(
        self, batch: PairBatch, real: Images, fake: Images, weights: Masks, wanted: GanLossWeights
    ) -> dict[str, Tensor]:
        """Losses of the generator that need the discriminator, by name; none without weight."""
        self.discriminator.requires_grad_(False)
        score, logits, features = self.judge(fake)
        parts = {
            "adversarial": losses.adversarial_loss(score, losses.patch_weights(weights, score)),
            "expression": losses.expression_loss(logits, batch.label, batch.is_full),
        }
        if wanted.features > 0:
            with torch.no_grad():
                _, _, aim = self.judge(real)
            parts["features"] = losses.feature_loss(features, aim, batch.is_render).float()
        self.discriminator.requires_grad_(True)
        return {name: value for name, value in parts.items() if getattr(wanted, name) > 0}

    def _penalty(self, real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
        def score(image: Tensor) -> Tensor:
            patches: Tensor = self.discriminator(image)[0]
            return patches

        if self.settings.penalty == "r1":
            return losses.r1_penalty(score, real)
        share = torch.rand(len(fake), 1, 1, 1, generator=random).to(fake.device)
        return losses.interpolation_penalty(score, real, fake, share)


class Trainer:
    """Improves a model that has trainable parameters.

    Nothing random outlives a step: batches are numbered, and so are the generators of random
    numbers. A resumed run therefore goes on exactly as an uninterrupted one.
    """

    def __init__(
        self, settings: TrainingSettings, model: ExpressionModel, processes: Processes
    ) -> None:
        """Take over `model`, whose closed form is solved."""
        torch.manual_seed(settings.seed + 1)
        self.settings, self.processes = settings, processes
        self.images_seen = self.steps = 0
        model.half_precision = settings.half_precision
        self.generator = model.to(processes.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        processes.share(self.generator)
        self.averaged = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.generator.train()
        self.adversary = Adversary(
            settings.adversary, settings.model, settings.half_precision, processes
        )
        processes.share(self.adversary.discriminator)
        self.adam = torch.optim.Adam(
            self.generator.parameters(), settings.learning_rate, betas=_BETAS, fused=True
        )

    @property
    def progress(self) -> float:
        """Part of the run that is done."""
        return self.images_seen / (1000 * self.settings.length_kimg)

    def train_step(self, batch: PairBatch) -> dict[str, float]:
        """Train both networks on this process's part of a batch; return the losses.

        Raises:
            TrainingDivergedError: a loss or the gradient is not finite.
        """
        self._set_rates()
        batch = PairBatch(
            **{name: value.to(self.processes.device) for name, value in vars(batch).items()}
        )
        face, mask = self.generator(batch.source, batch.expression)
        fake = losses.paste(batch.source, face, mask)
        real = losses.paste(batch.source, batch.target, mask)
        weights = losses.change_weights(batch.source, batch.target, mask)
        parts: dict[str, Tensor] = {}
        if self._uses_adversary:
            random = torch.Generator().manual_seed(
                (self.settings.seed * 1009 + self.processes.rank) * 1_000_003 + self.steps
            )
            parts |= self.adversary.train_step(batch, real, fake, weights, self.steps, random)
        if (self.steps + 1) % self.settings.adversary.steps == 0:
            parts |= self._train_generator(batch, face, real, fake, weights)
        self.steps += 1
        self.images_seen += len(batch.source) * self.processes.count
        self._average()
        return self._finite(parts)

    @property
    def _uses_adversary(self) -> bool:
        weights = self.settings.losses
        return weights.adversarial + weights.features + weights.expression > 0

    def _train_generator(
        self, batch: PairBatch, face: Tensor, real: Tensor, fake: Tensor, weights: Tensor
    ) -> dict[str, Tensor]:
        wanted, parts = self.settings.losses, dict[str, Tensor]()
        if wanted.paired > 0:
            parts["paired"] = losses.paired_loss(face, batch.target, weights + 0.05)
        if wanted.edges > 0:
            parts["edges"] = losses.edge_loss(face, batch.target, weights)
        if wanted.identity > 0:
            # change of a target that shows the expression in full when it is asked for it again
            again, own = self.generator(batch.target, batch.expression)
            own = own * batch.is_full[:, None, None, None]
            parts["identity"] = losses.paired_loss(again, batch.target, own)
        if wanted.cycle > 0:
            parts["cycle"] = self._cycle_loss(batch, fake)
        if self._uses_adversary and self.images_seen >= 1000 * self.settings.warmup_kimg:
            parts |= self.adversary.generator_losses(batch, real, fake, weights, wanted)
        if not parts:  # only the discriminator learns before the warm-up is over
            return {}
        total = torch.stack([getattr(wanted, name) * value for name, value in parts.items()]).sum()
        self.adam.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        self.processes.average_gradients(self.generator.parameters())
        parts["gradient"] = torch.nn.utils.clip_grad_norm_(
            self.generator.parameters(), _LONGEST_GRADIENT
        )
        self.adam.step()
        return parts

    def _cycle_loss(self, batch: PairBatch, fake: Tensor) -> Tensor:
        """Difference to a neutral source after an expression and neutral again."""
        neutral = torch.zeros_like(batch.expression)
        neutral[:, 0] = 1.0
        back, mask = self.generator(fake, neutral)
        is_neutral = (batch.source_state == 0).all(dim=1).float()
        return losses.paired_loss(back, batch.source, mask * is_neutral[:, None, None, None])

    def _set_rates(self) -> None:
        falling = min(1.0, (1 - self.progress) / self.settings.decay_share)
        for adam, rate in (
            (self.adam, self.settings.learning_rate),
            (self.adversary.adam, self.settings.adversary.learning_rate),
        ):
            adam.param_groups[0]["lr"] = rate * max(falling, _LEAST_RATE)

    def _average(self) -> None:
        """Update the EMA weights; early on with a shorter half-life."""
        step = self.settings.batch_size
        half_life = min(1000 * self.settings.average_kimg, self.images_seen / 3 + 1)
        average_into(self.averaged, self.generator, 0.5 ** (step / half_life))

    def _finite(self, parts: Mapping[str, Tensor]) -> dict[str, float]:
        values = torch.stack([value.detach().float() for value in parts.values()])
        numbers = self.processes.average(values).tolist()
        report = dict(zip(parts, numbers, strict=True))
        bad = [name for name, value in report.items() if not math.isfinite(value)]
        if bad:
            raise TrainingDivergedError(
                f"{', '.join(bad)} became {report[bad[0]]} at {self.images_seen / 1000:.3f} kimg, "
                f"with a learning rate of {self.settings.learning_rate:g}."
            )
        return report

    def state(self) -> dict[str, Tensor]:
        """Everything that a resumed run needs, under the names `restore` reads."""
        return {
            **prefixed("generator", self.generator.state_dict()),
            **prefixed("averaged", self.averaged.state_dict()),
            **prefixed("discriminator", self.adversary.discriminator.state_dict()),
            **prefixed("generator_adam", adam_state(self.adam)),
            **prefixed("discriminator_adam", adam_state(self.adversary.adam)),
            "images_seen": torch.tensor(self.images_seen),
            "steps": torch.tensor(self.steps),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on where `state` was taken."""
        self.generator.load_state_dict(unprefixed("generator", state))
        self.averaged.load_state_dict(unprefixed("averaged", state))
        self.adversary.discriminator.load_state_dict(unprefixed("discriminator", state))
        restore_adam(self.adam, unprefixed("generator_adam", state))
        restore_adam(self.adversary.adam, unprefixed("discriminator_adam", state))
        self.images_seen, self.steps = int(state["images_seen"]), int(state["steps"])
