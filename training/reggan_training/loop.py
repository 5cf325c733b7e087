"""Trains RegGAN: solve the regression layer, then train the refinement against it."""

import copy
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_training import losses
from reggan_training.change_masks import masks_from_pairs
from reggan_training.data.avatar_set import AvatarIdentity, load_avatar_set
from reggan_training.data.pairs import PairBatch, PairSampler, PairSettings
from reggan_training.networks.discriminator import Discriminator
from reggan_training.networks.reggan import RegGAN, RegGANSettings
from reggan_training.regression import RegressionSettings, RidgeSums
from reggan_training.run_folder import (
    RunFolder,
    adam_state,
    average_into,
    prefixed,
    restore_adam,
    unprefixed,
)


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weights of the generator's losses."""

    paired: float = 10.0
    edges: float = 10.0
    adversarial: float = 0.5
    features: float = 2.0
    expression: float = 0.3


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Everything that decides the outcome of a run, apart from the data.

    Attributes:
        length_kimg: training pairs to see, in thousands.
        warmup_kimg: pairs before the adversarial losses set in.
        decay_share: last part of the run in which the learning rate falls to zero.
        average_kimg: half-life of the averaged weights, which are the ones exported.
        identities: take only so many training identities; all when None.
    """

    seed: int = 1
    length_kimg: float = 56.0
    batch_size: int = 8
    learning_rate: float = 5e-4
    discriminator_rate: float = 6e-4
    warmup_kimg: float = 4.0
    decay_share: float = 0.4
    average_kimg: float = 4.0
    identities: int | None = None
    weights: LossWeights = field(default_factory=LossWeights)
    pairs: PairSettings = field(default_factory=PairSettings)
    model: RegGANSettings = field(default_factory=RegGANSettings)
    regression: RegressionSettings = field(default_factory=lambda: RegressionSettings(dilation=3))


class Trainer:
    """A run in memory: networks, optimisers and how many images they have seen."""

    def __init__(self, settings: TrainingSettings, identities: Sequence[AvatarIdentity]) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.images_seen = 0
        self.generator = RegGAN(settings.model, settings.regression)
        self.generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.generator.train()
        fit_closed_form(self.generator, identities)
        self.averaged = copy.deepcopy(self.generator).eval()
        self.discriminator = Discriminator(settings.model.expressions)
        self.generator_adam = torch.optim.Adam(
            self.generator.parameters(), settings.learning_rate, betas=(0.5, 0.99)
        )
        self.discriminator_adam = torch.optim.Adam(
            self.discriminator.parameters(), settings.discriminator_rate, betas=(0.5, 0.99)
        )

    @property
    def progress(self) -> float:
        """Part of the run that is done."""
        return self.images_seen / (1000 * self.settings.length_kimg)

    def step(self, batch: PairBatch) -> dict[str, float]:
        """Improve both networks on one batch; returns the losses."""
        falling = min(1.0, (1 - self.progress) / self.settings.decay_share)
        for adam, rate in (
            (self.generator_adam, self.settings.learning_rate),
            (self.discriminator_adam, self.settings.discriminator_rate),
        ):
            adam.param_groups[0]["lr"] = rate * max(falling, 0.01)
        face, mask = self.generator(batch.source, batch.expression)
        made = losses.paste(batch.source, face, mask)
        rendered = losses.paste(batch.source, batch.target, mask)
        weights = losses.change_weights(batch.source, batch.target, mask)
        report = self._step_discriminator(batch, rendered, made, weights)
        report |= self._step_generator(batch, face, rendered, made, weights)
        self.images_seen += len(batch.source)
        images_per_half_life = 1000 * self.settings.average_kimg
        decay = 0.5 ** (len(batch.source) / min(images_per_half_life, self.images_seen / 3 + 1))
        average_into(self.averaged, self.generator, decay)
        return report

    def _step_discriminator(
        self, batch: PairBatch, rendered: Tensor, made: Tensor, weights: Tensor
    ) -> dict[str, float]:
        with torch.autocast("cpu", torch.bfloat16):
            both = torch.cat([rendered, made.detach()])
            score, logits, _ = self.discriminator(both)
        count = len(batch.source)
        real, fake = score.float().split(count)
        adversarial = losses.hinge_loss(
            real, fake, losses.patch_weights(weights, real), batch.is_full
        )
        classified = losses.expression_loss(logits[:count], batch.label, batch.is_full)
        self.discriminator_adam.zero_grad()
        (adversarial + classified).backward()  # type: ignore[no-untyped-call]
        self.discriminator_adam.step()
        return {"d_adversarial": adversarial.item(), "d_expression": classified.item()}

    def _step_generator(
        self, batch: PairBatch, face: Tensor, rendered: Tensor, made: Tensor, weights: Tensor
    ) -> dict[str, float]:
        parts = {
            "paired": losses.paired_loss(face, batch.target, weights + 0.05),
            "edges": losses.edge_loss(face, batch.target, weights),
        }
        if self.images_seen >= 1000 * self.settings.warmup_kimg:
            self.discriminator.requires_grad_(False)
            with torch.autocast("cpu", torch.bfloat16):
                score, logits, features = self.discriminator(made)
                with torch.no_grad():
                    _, _, wanted = self.discriminator(rendered)
            parts["adversarial"] = losses.adversarial_loss(
                score.float(), losses.patch_weights(weights, score)
            )
            parts["features"] = losses.feature_loss(features, wanted, batch.is_full).float()
            parts["expression"] = losses.expression_loss(logits, batch.label, batch.is_full)
            self.discriminator.requires_grad_(True)
        total = torch.stack(
            [getattr(self.settings.weights, name) * value for name, value in parts.items()]
        ).sum()
        self.generator_adam.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.generator.parameters(), 5.0)
        self.generator_adam.step()
        return {name: value.item() for name, value in parts.items()}

    def state(self) -> dict[str, Tensor]:
        """Everything that a resumed run needs, under the names `restore` reads."""
        return {
            **prefixed("generator", self.generator.state_dict()),
            **prefixed("averaged", self.averaged.state_dict()),
            **prefixed("discriminator", self.discriminator.state_dict()),
            **prefixed("generator_adam", adam_state(self.generator_adam)),
            **prefixed("discriminator_adam", adam_state(self.discriminator_adam)),
            "images_seen": torch.tensor(self.images_seen),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on where `state` was taken."""
        for name in ("generator", "averaged", "discriminator"):
            getattr(self, name).load_state_dict(unprefixed(name, state))
        restore_adam(self.generator_adam, unprefixed("generator_adam", state))
        restore_adam(self.discriminator_adam, unprefixed("discriminator_adam", state))
        self.images_seen = int(state["images_seen"])


def train(
    data: Path,
    out: Path,
    settings: TrainingSettings,
    *,
    report: Callable[[str], None],
    checkpoint_every_s: float = 120.0,
) -> RunFolder:
    """Train, or resume, the run in `out` until it has seen `length_kimg`.

    Raises:
        SourceError: the data is incomplete, or `out` holds a run with other settings.
    """
    identities = load_avatar_set(data, ("train",), settings.identities)
    held_out = load_avatar_set(data, ("validation",), 4)
    run = RunFolder(out)
    run.open_session(settings, data, [identity.name for identity in identities])
    trainer = Trainer(settings, identities)
    if run.checkpoint.is_file():
        trainer.restore(run.load())
        report(f"resuming at {trainer.images_seen / 1000:.1f} kimg")
    sampler = PairSampler(identities, settings.pairs, settings.seed + trainer.images_seen)
    started, saved = time.monotonic(), time.monotonic()
    seen_at_start, sums, count = trainer.images_seen, dict[str, float](), 0
    for batch in _drawn_ahead(sampler, settings.batch_size, lambda: trainer.progress >= 1):
        for name, value in trainer.step(batch).items():
            sums[name] = sums.get(name, 0.0) + value
        count += 1
        done = trainer.progress >= 1
        if done or time.monotonic() - saved > checkpoint_every_s:
            saved = time.monotonic()
            rate = (trainer.images_seen - seen_at_start) / (saved - started)
            means = {name: value / count for name, value in sums.items()}
            run.log(kimg=trainer.images_seen / 1000, images_per_s=rate, **means)
            run.save(trainer.state())
            run.save_grid(
                f"{trainer.images_seen // 1000:06d}", sample_grid(trainer.averaged, held_out)
            )
            summary = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
            report(f"{trainer.images_seen / 1000:7.1f} kimg  {rate:5.1f} img/s  {summary}")
            sums, count = {}, 0
    return run


def fit_closed_form(model: RegGAN, identities: Sequence[AvatarIdentity]) -> None:
    """Solve the regression layer of every expression and learn its mask.

    Expressions are fitted from neutral; neutral from all the others. Each pair counts twice,
    as it is and mirrored.
    """
    settings = model.regression.settings
    sums = [RidgeSums(settings) for _ in EXPRESSION_NAMES]
    kept = []
    for identity in identities:
        crop = identity.place_crop(model.settings.side_px)
        stack = np.stack([identity.cut(e, crop) for e in range(len(EXPRESSION_NAMES))])
        kept.append((stack * 255 + 0.5).astype(np.uint8))
        images = torch.from_numpy(stack).permute(0, 3, 1, 2)
        half = F.avg_pool2d(images, model.settings.side_px // settings.side_px)
        for pair in (half, half.flip(-1)):
            for e in range(1, len(EXPRESSION_NAMES)):
                sums[e].add(pair[:1], pair[e : e + 1])
                sums[0].add(pair[e : e + 1], pair[:1])
    identity_filter = torch.zeros(settings.columns, 1, 1)
    identity_filter[settings.taps // 2] = 1.0
    model.regression.changes.copy_(torch.stack([s.solve()[0] - identity_filter for s in sums]))
    low_px = model.masks.shape[-1]
    masks = masks_from_pairs(np.stack(kept).astype(np.float32) / 255.0, low_px)
    model.masks.copy_(torch.from_numpy(masks))


def sample_grid(
    model: RegGAN, identities: Sequence[AvatarIdentity]
) -> Float[Tensor, "rows columns 3 side side"]:
    """Rows: source, full expressions, then half of each, of held-out identities."""
    count = len(EXPRESSION_NAMES)
    asked = torch.cat([torch.eye(count), 0.5 * torch.eye(count)[1:]])
    rows = []
    for identity in identities:
        crop = identity.place_crop(model.settings.side_px)
        image = torch.from_numpy(identity.cut(0, crop)).permute(2, 0, 1)[None]
        with torch.no_grad():
            many = image.expand(len(asked), -1, -1, -1)
            face, mask = model(many, asked)
        rows.append(torch.cat([image, losses.paste(many, face, mask)[1:]]))
    return torch.stack(rows)


def _drawn_ahead(
    sampler: PairSampler, batch_size: int, finished: Callable[[], bool]
) -> Iterator[PairBatch]:
    """Draw batches on another thread while the networks work on the last one."""
    with ThreadPoolExecutor(1, thread_name_prefix="draw") as drawer:
        waiting = deque(drawer.submit(sampler.draw, batch_size) for _ in range(2))
        while not finished():
            yield waiting.popleft().result()
            waiting.append(drawer.submit(sampler.draw, batch_size))
        drawer.shutdown(cancel_futures=True)
