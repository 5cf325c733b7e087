"""The discriminator's side of a training step."""

import torch
from jaxtyping import Float
from torch import Tensor

from reggan_training import losses
from reggan_training.configuration import AdversarySettings, GanLossWeights
from reggan_training.data.pairs import PairBatch
from reggan_training.networks.discriminator import Discriminator
from reggan_training.networks.expression_model import ModelSettings
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

    def improve(
        self,
        batch: PairBatch,
        rendered: Float[Tensor, "batch 3 side side"],
        made: Float[Tensor, "batch 3 side side"],
        weights: Float[Tensor, "batch 1 side side"],
        step: int,
        random: torch.Generator,
    ) -> dict[str, Tensor]:
        """Take one step towards telling composites of renders from made ones."""
        settings, made = self.settings, made.detach()
        score, logits, _ = self.judge(torch.cat([rendered, made]))
        real, fake = score.chunk(2)
        loss = {"hinge": losses.hinge_loss, "wasserstein": losses.wasserstein_loss}
        local = losses.patch_weights(weights, real)
        parts = {
            "d_adversarial": loss[settings.objective](real, fake, local, batch.is_render),
            "d_expression": losses.expression_loss(logits[: len(made)], batch.label, batch.is_full),
        }
        total = parts["d_adversarial"] + settings.expression_weight * parts["d_expression"]
        if settings.penalty != "none" and step % settings.penalty_every == 0:
            parts["d_penalty"] = self._penalty(rendered, made, random)
            weight = settings.penalty_weight * settings.penalty_every
            total = total + weight * parts["d_penalty"]
        self.adam.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        self.processes.average_gradients(self.discriminator.parameters())
        self.adam.step()
        return parts

    def advise(
        self,
        batch: PairBatch,
        rendered: Float[Tensor, "batch 3 side side"],
        made: Float[Tensor, "batch 3 side side"],
        weights: Float[Tensor, "batch 1 side side"],
        wanted: GanLossWeights,
    ) -> dict[str, Tensor]:
        """The losses of some weight that a generator can learn from here, by their names."""
        self.discriminator.requires_grad_(False)
        score, logits, features = self.judge(made)
        parts = {
            "adversarial": losses.adversarial_loss(score, losses.patch_weights(weights, score)),
            "expression": losses.expression_loss(logits, batch.label, batch.is_full),
        }
        if wanted.features > 0:
            with torch.no_grad():
                _, _, aim = self.judge(rendered)
            parts["features"] = losses.feature_loss(features, aim, batch.is_render).float()
        self.discriminator.requires_grad_(True)
        return {name: value for name, value in parts.items() if getattr(wanted, name) > 0}

    def _penalty(self, rendered: Tensor, made: Tensor, random: torch.Generator) -> Tensor:
        def score(image: Tensor) -> Tensor:
            patches: Tensor = self.discriminator(image)[0]
            return patches

        if self.settings.penalty == "r1":
            return losses.r1_penalty(score, rendered)
        share = torch.rand(len(made), 1, 1, 1, generator=random).to(made.device)
        return losses.interpolation_penalty(score, rendered, made, share)
