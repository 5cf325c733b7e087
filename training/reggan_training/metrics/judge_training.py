"""Trains the two judges on training identities; which state is kept, validation decides."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.data.identity import Identity
from reggan_training.metrics.expression_judge import ExpressionJudge
from reggan_training.metrics.face_embedding import EMBEDDING_LENGTH, FaceEmbedding
from reggan_training.metrics.face_views import CROP_SIDE_PX, FaceViews, recoloured_views
from reggan_training.metrics.judge_views import JudgeViews
from reggan_training.metrics.judges import (
    chosen_threshold,
    identity_pairs,
    name_expressions,
    verification_accuracy,
)
from reggan_training.metrics.trials import full_views

_CHECK_EVERY_STEPS = 75


@dataclass(frozen=True, kw_only=True)
class JudgeSettings:
    """Settings of training a judge.

    Attributes:
        length_kimg: views to see, in thousands.
        styles: grey styles that every face is held in, for the expression judge.
    """

    length_kimg: float = 24.0
    seed: int = 1
    batch_size: int = 32
    learning_rate: float = 2e-3
    styles: int = 6


@runtime_checkable
class Lesson(Protocol):
    """Lesson of one judge, and how well it has learnt it."""

    @property
    def network(self) -> nn.Module:
        """The judge."""
        ...

    def loss(self, batch_size: int) -> Tensor:
        """Loss on a fresh batch."""
        ...

    def score(self) -> float:
        """Quality on validation identities; higher is better."""
        ...


class ExpressionLesson:
    """Naming the expression of grey, stylised, disturbed views."""

    def __init__(
        self,
        identities: Sequence[Identity],
        validation: Sequence[Identity],
        settings: JudgeSettings,
    ) -> None:
        self.network = ExpressionJudge(len(EXPRESSION_NAMES))
        self._views = JudgeViews(identities, settings.styles, np.random.default_rng(settings.seed))
        views = [full_views(one, CROP_SIDE_PX) for one in validation]
        self._validation = torch.cat([pictures for pictures, _ in views])
        self._true = torch.tensor([e for _, shown in views for e in shown])

    def loss(self, batch_size: int) -> Tensor:
        """Cross entropy with the shares of the expressions, softened."""
        views, label = self._views.draw(batch_size)
        logits = self.network(views).float()
        return F.cross_entropy(logits, label, label_smoothing=0.05)

    def score(self) -> float:
        """Mean log-probability of the true expression: finer than counting hits."""
        probability = name_expressions(self.network, self._validation)
        true = probability.gather(1, self._true[:, None])
        return float(true.clamp(min=1e-3).log().mean())


class _IdentityClassifier(nn.Module):
    """The embedding with one direction for every training identity; these are not kept."""

    def __init__(self, identities: int) -> None:
        super().__init__()
        self.face = FaceEmbedding(len(EXPRESSION_NAMES))
        self.directions = nn.Parameter(torch.randn(identities, EMBEDDING_LENGTH))


class FaceLesson:
    """Knowing every training identity by its angle, and naming the expression.

    Source: the identity loss is Wang et al., "CosFace", CVPR 2018, eq. 4.
    """

    _SCALE, _MARGIN = 16.0, 0.15

    def __init__(
        self,
        identities: Sequence[Identity],
        validation: Sequence[Identity],
        settings: JudgeSettings,
    ) -> None:
        self.network = _IdentityClassifier(len(identities))
        self._views = FaceViews(identities, np.random.default_rng(settings.seed))
        self._validation = [recoloured_views(identity) for identity in validation]

    def loss(self, batch_size: int) -> Tensor:
        """Cross entropy over the identities, with a margin, and over the expressions."""
        views, who, label = self._views.draw(batch_size)
        embedding, logits = self.network.face(views)
        cosine = embedding @ F.normalize(self.network.directions, dim=1).T
        cosine = cosine - self._MARGIN * F.one_hot(who, cosine.shape[1])
        identity = F.cross_entropy(self._SCALE * cosine, who)
        return identity + F.cross_entropy(logits.float(), label)

    def score(self) -> float:
        """Share of pairs of validation faces that are told apart or recognised."""
        pairs = identity_pairs(self.network.face, self._validation)
        return verification_accuracy(pairs, chosen_threshold(pairs))


def train_network(lesson: Lesson, settings: JudgeSettings, report: Callable[[str], None]) -> None:
    """Train the lesson's network and leave it at its best state, ready to judge."""
    network = lesson.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    steps = max(1, round(1000 * settings.length_kimg / settings.batch_size))
    adam = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        adam, settings.learning_rate, total_steps=steps, pct_start=0.15
    )
    best, best_score, recent = network.state_dict(), -np.inf, 0.0
    for step in range(1, steps + 1):
        network.train()
        with torch.autocast("cpu", torch.bfloat16):
            loss = lesson.loss(settings.batch_size)
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        schedule.step()
        recent += loss.item() / _CHECK_EVERY_STEPS
        if step % _CHECK_EVERY_STEPS == 0 or step == steps:
            network.eval()
            with torch.no_grad():
                score = lesson.score()
            if score >= best_score:
                best, best_score = copy.deepcopy(network.state_dict()), score
            report(f"step {step}/{steps}  loss {recent:.3f}  validation {score:.3f}")
            recent = 0.0
    network.load_state_dict(best)
    network.eval()
