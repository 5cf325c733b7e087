"""Trains the two judges on training identities; which state is kept, validation decides."""

import copy
from collections.abc import Callable, Mapping, Sequence
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
from reggan_training.training_run import progress_line, run_training

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


class LessonTask:
    """A lesson as a task; its network is at its best state after `finish`."""

    def __init__(
        self, lesson: Lesson, settings: JudgeSettings, report: Callable[[str], None]
    ) -> None:
        self._lesson, self._settings, self._report = lesson, settings, report
        self._network = lesson.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._steps = max(1, round(1000 * settings.length_kimg / settings.batch_size))
        self._step = 0
        rate = settings.learning_rate
        self._adam = torch.optim.AdamW(self._network.parameters(), rate, weight_decay=0.02)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._adam, rate, total_steps=self._steps, pct_start=0.15
        )
        self._best, self._best_score = self._network.state_dict(), -np.inf

    @property
    def progress(self) -> float:
        """By steps."""
        return self._step / self._steps

    def take_step(self) -> dict[str, float]:
        """Learn from one batch."""
        self._network.train()
        with torch.autocast("cpu", torch.bfloat16):
            loss = self._lesson.loss(self._settings.batch_size)
        self._adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._adam.step()
        self._schedule.step()
        self._step += 1
        return {"loss": loss.item()}

    def is_due(self, since_s: float) -> bool:  # noqa: ARG002
        """Every few steps."""
        return self._step % _CHECK_EVERY_STEPS == 0

    def store(self, losses: Mapping[str, float], since_s: float) -> None:  # noqa: ARG002
        """Keep the state if it is the best so far."""
        self._network.eval()
        with torch.no_grad():
            score = self._lesson.score()
        if score >= self._best_score:
            self._best, self._best_score = copy.deepcopy(self._network.state_dict()), score
        place = f"step {self._step}/{self._steps}"
        self._report(progress_line(place, {**losses, "validation": score}))

    def finish(self) -> None:
        """Take the best state."""
        self._network.load_state_dict(self._best)
        self._network.eval()


def train_network(lesson: Lesson, settings: JudgeSettings, report: Callable[[str], None]) -> None:
    """Train the lesson's network and leave it at its best state, ready to judge."""
    task = LessonTask(lesson, settings, report)
    run_training(task)
    task.finish()
