"""Trains the two judges on training identities; which state is kept, validation decides."""

import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import Identity
from reggan_training.data.pair_batches import augment_colours, replace_surroundings, rotations
from reggan_training.locator.labelled_pictures import mix_channels, stylise
from reggan_training.metrics.judges import (
    CANONICAL_SIDE_PX,
    CROP_SIDE_PX,
    EMBEDDING_LENGTH,
    JUDGE_SIDE_PX,
    ExpressionJudge,
    FaceEmbedding,
    FaceViews,
    chosen_threshold,
    identity_pairs,
    name_expressions,
    recoloured_views,
    verification_accuracy,
)
from reggan_training.metrics.trials import full_views
from reggan_training.tensor_shapes import Images, Intensities
from reggan_training.training_run import progress_line, run_training

STORED_SIDE_PX = 152
"""Stored views are larger than the judge's crop, so that a jittered crop stays inside."""
_FURTHER_SHARE = 0.3
"""Part of the draws that show a graded or disturbed view, of identities that have any."""

_CHECK_EVERY_STEPS = 75


class JudgeViews:
    """Holds every face in several styles and draws disturbed batches of them.

    All views of an identity are cut by its neutral landmarks, as the outputs of a model are:
    the judge must not read the expression from how the crop lies. Graded views, closed eyes
    and open mouths are among them, labelled with what they show: half a smile is half happy
    and half neutral, so that the judge's probability grows with the intensity.
    """

    def __init__(
        self, identities: Sequence[Identity], styles: int, random: np.random.Generator
    ) -> None:
        self.random = random
        self._views = [torch.from_numpy(_styled(one, styles, random)) for one in identities]
        self._labels = [label_of(one.states) for one in identities]
        self._chances = [_chances(one) for one in identities]
        self._identity_chances = balanced_chances([one.style for one in identities])

    def draw(self, batch_size: int) -> tuple[Images, Intensities]:
        """Draw a batch of views in [0, 1] and the share of every expression in them."""
        pictures, labels = [], []
        chosen = self.random.choice(len(self._views), batch_size, p=self._identity_chances)
        for who in chosen:
            stored = self._views[who]  # [view, style, h, w]
            view = int(self.random.choice(len(stored), p=self._chances[who]))
            pictures.append(stored[view, int(self.random.integers(stored.shape[1]))])
            labels.append(self._labels[who][view])
        label = torch.from_numpy(np.stack(labels).astype(np.float32))
        return disturbed_views(torch.stack(pictures), self.random), label


def disturbed_views(
    stored: UInt8[Tensor, "batch side side"], random: np.random.Generator
) -> Float[Tensor, "batch 3 view view"]:
    """Disturb stored grey views, each shifted, bent, mirrored, relit and hidden in part, in [0, 1].

    Args:
        stored: with sides of `STORED_SIDE_PX`.
        random: everything is drawn from it.
    """
    gray = F.grid_sample(
        stored[:, None].float() / 255.0,
        _jittered_grids(len(stored), random),
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    return _disturb(gray, random).expand(-1, 3, -1, -1)


def label_of(
    states: Float[np.ndarray, "views expressions"],
) -> Float[np.ndarray, "views expressions"]:
    """Share of each expression in views: their intensity, and neutral for the rest."""
    label = states.clip(0, 1)
    label[:, 0] = 1 - label[:, 1:].sum(axis=1).clip(0, 1)
    return label / label.sum(axis=1, keepdims=True)


def balanced_chances(styles: Sequence[str]) -> Float[np.ndarray, " identities"]:
    """Frequency of each identity: a style's share grows with the root of its identities.

    A few photographs would drown among many renders, and be learnt by heart in equal parts.
    """
    count = Counter(styles)
    chances = np.array([count[style] ** -0.5 for style in styles])
    return chances / chances.sum()


def _chances(identity: Identity) -> Float[np.ndarray, " views"]:
    """Frequency of each view: full expressions in equal parts, all further ones seldom."""
    shown = [identity.full_view(e) for e in range(len(EXPRESSION_NAMES))]
    chances = np.zeros(len(identity.images))
    chances[[view for view in shown if view is not None]] = 1.0
    further = chances == 0
    if further.any() and not further.all():
        chances[further] = _FURTHER_SHARE / (1 - _FURTHER_SHARE) * chances.sum() / further.sum()
    return chances / chances.sum()


def _jittered_grids(count: int, random: np.random.Generator) -> Float[Tensor, "count side side 2"]:
    """Return sampling positions, in [-1, 1] of a stored view, of crops that lie slightly wrong.

    Rotated, scaled along both axes, shifted, mirrored, and bent by a smooth random warp.
    """
    side_px, ratio = JUDGE_SIDE_PX, JUDGE_SIDE_PX / STORED_SIDE_PX
    angle = random.normal(0, 0.05, count)
    scale = random.normal(1, 0.045, (count, 1, 2)) * ratio
    linear = rotations(angle) * scale
    linear[random.random(count) < 0.5, :, 0] *= -1
    shift = random.normal(0, 0.03, (count, 2, 1))
    theta = torch.from_numpy(np.concatenate([linear, shift], axis=2).astype(np.float32))
    grid = F.affine_grid(theta, [count, 1, side_px, side_px], align_corners=False)
    bend = torch.from_numpy(random.normal(0, 0.016, (count, 2, 5, 5)).astype(np.float32))
    warp = F.interpolate(bend, size=(side_px, side_px), mode="bicubic", align_corners=False)
    return grid + warp.permute(0, 2, 3, 1)


def _disturb(
    images: Float[Tensor, "batch channels side side"], random: np.random.Generator
) -> Float[Tensor, "batch channels side side"]:
    """Tone, blur or sharpness, noise and patches that hide a part; within [0, 1]."""
    batch, _, side, _ = images.shape
    gamma = np.exp(random.normal(0, 0.35, (batch, 1, 1, 1))).astype(np.float32)
    images = images.clamp(0, 1) ** torch.from_numpy(gamma)
    slope = torch.from_numpy(random.normal(0, 0.25, (batch, 2, 1, 1)).astype(np.float32))
    axis = torch.linspace(-1, 1, side)
    light = slope[:, :1] * axis + slope[:, 1:] * axis[:, None]
    images = images * (1 + light).clamp(0.3, 2)
    amount = torch.from_numpy(random.uniform(-0.6, 1.0, (batch, 1, 1, 1)).astype(np.float32))
    images = images + amount * (F.avg_pool2d(images, 3, 1, 1) - images)
    deviation = random.exponential(0.012, (batch, 1, 1, 1)).astype(np.float32)
    images = images + torch.from_numpy(deviation) * torch.randn_like(images)
    for index in np.flatnonzero(random.random(batch) < 0.4):
        height, width = random.integers(side // 10, side // 3, 2)
        top, left = random.integers(0, side - height), random.integers(0, side - width)
        images[index, :, top : top + height, left : left + width] = float(random.random())
    return images.clamp(0, 1)


def _styled(
    identity: Identity, styles: int, random: np.random.Generator
) -> UInt8[np.ndarray, "views styles side side"]:
    """Every view in several grey styles."""
    neutral = identity.full_view(0) or 0
    crop = identity.place_crop(CANONICAL_SIDE_PX, neutral).resized(STORED_SIDE_PX)
    stack = np.stack([identity.cut(view, crop) for view in range(len(identity.images))])
    points = (identity.landmarks @ crop.crop_from_frame[:, :2].T) + crop.crop_from_frame[:, 2]
    plain = torch.from_numpy(stack).permute(0, 3, 1, 2)[None]
    made = []
    for _ in range(styles):
        changed = augment_colours(replace_surroundings(plain.clone(), random), random)[0]
        pixels = (changed.permute(0, 2, 3, 1).numpy() * 255 + 0.5).astype(np.uint8)
        grays = [mix_channels(picture, random) for picture in pixels]
        made.append([stylise(g, p, random) for g, p in zip(grays, points, strict=True)])
    return np.ascontiguousarray(np.array(made).swapaxes(0, 1))


@frozen
class JudgeSettings:
    """Settings of training a judge.

    Attributes:
        length_kimg: views to see, in thousands.
        styles: grey styles that every face is held in, for the expression judge.
    """

    length_kimg: float
    seed: int
    batch_size: int = 32
    learning_rate: float = 2e-3
    styles: int = 6


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


Lesson = ExpressionLesson | FaceLesson
"""Lesson of one judge: the loss on a fresh batch, and how well it has learnt it (higher is
better)."""


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
