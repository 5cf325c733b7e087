"""The discriminator's side of a training step."""

import torch
from jaxtyping import Float
from torch import Tensor

from reggan_training.data.pairs import PairBatch
from reggan_training.papers import losses
from reggan_training.papers.configuration import AdversarySettings, GanLossWeights
from reggan_training.papers.networks.discriminator import Discriminator
from reggan_training.papers.networks.expression_model import ModelSettings
from reggan_training.processes import Processes

_SMALL_SIDE_PX = 128
"""Up to this side the discriminator reads blocks of 2x2 pixels, above of 4x4."""


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

    def judge(
        self, image: Float[Tensor, "batch 3 side side"]
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Patch scores, expression logits and features; float32 but for the features."""
        with torch.autocast(image.device.type, torch.bfloat16, enabled=self.half_precision):
            score, logits, features = self.discriminator(image)
        return score.float(), logits.float(), features

    def train_step(
        self,
        batch: PairBatch,
        real: Float[Tensor, "batch 3 side side"],
        fake: Float[Tensor, "batch 3 side side"],
        weights: Float[Tensor, "batch 1 side side"],
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
        self,
        batch: PairBatch,
        real: Float[Tensor, "batch 3 side side"],
        fake: Float[Tensor, "batch 3 side side"],
        weights: Float[Tensor, "batch 1 side side"],
        wanted: GanLossWeights,
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
