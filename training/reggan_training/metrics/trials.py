"""Trials of an evaluation: requests to a model, their true answers, and means over identities."""

from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from reggan_plugin.array_types import CropPixels
from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import Identity, stable_hash

RESAMPLES = 5000


@frozen(kw_only=False)
class Estimate:
    """A figure with its 95 % confidence interval."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """True if the whole interval is on one side of 0."""
        return self.low > 0 or self.high < 0


def estimate_mean(per_identity: Float[np.ndarray, " identities"]) -> Estimate:
    """Mean with a bootstrap interval over identities, the same on every call.

    Source: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3
    (percentile interval).

    Raises:
        ValueError: there is no identity.
    """
    if per_identity.size == 0:
        raise ValueError("no identity to take a mean of")
    values = per_identity.astype(np.float64)
    middle = values.mean()
    means = middle + _resampled_shares(values.size) @ (values - middle)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(middle), float(low), float(high))


def mean_of_each(
    values: Float[np.ndarray, " trials"], identities: Sequence[str]
) -> Float[np.ndarray, " identities"]:
    """Average each identity's trials, in the order in which the identities first appear."""
    _, first, number = np.unique(np.asarray(identities), return_index=True, return_inverse=True)
    sums = np.bincount(number, weights=values)
    return (sums / np.bincount(number))[np.argsort(first)]


@lru_cache(maxsize=64)
def _resampled_shares(count: int) -> Float[np.ndarray, "resamples identities"]:
    """Share of each identity in every resample; drawn with replacement."""
    drawn: Int[np.ndarray, "resamples identities"]
    drawn = np.random.default_rng(0).integers(count, size=(RESAMPLES, count))
    shares = np.zeros((RESAMPLES, count))
    np.add.at(shares, (np.arange(RESAMPLES)[:, None], drawn), 1.0 / count)
    return shares


PHOTOGRAPHS = "photograph"
"""The style of real people; every other style is an avatar's."""
HALF_LOW, HALF_HIGH = 0.35, 0.65
"""Intensities of the graded views that count as half an expression."""
_SAME_EXPRESSION = 0.6
"""A source that already shows so much of the wanted expression has little left to change."""


class Kind(Enum):
    """A kind of trial: its source, and its intensity."""

    FULL = "neutral source, full expression"
    DISTURBED = "other source, full expression"
    HALF = "neutral source, half an expression"


@frozen(kw_only=False)
class Trial:
    """One request: a source view, an expression at an intensity, the view that answers it."""

    kind: Kind
    source_view: int
    target_view: int
    expression: int
    intensity: float

    @property
    def command(self) -> Float[Tensor, " expressions"]:
        """The model's second input."""
        return self.intensity * torch.eye(len(EXPRESSION_NAMES))[self.expression]


@frozen(kw_only=False, eq=False)
class TrialSubject:
    """One identity with its trials; each is cut by the landmarks of its source."""

    name: str
    style: str
    yaw_deg: float
    trials: tuple[Trial, ...]
    sources: Float[Tensor, "trials 3 side side"]
    targets: Float[Tensor, "trials 3 side side"]

    @property
    def commands(self) -> Float[Tensor, "trials expressions"]:
        """The model's second input for every trial."""
        return torch.stack([trial.command for trial in self.trials])

    @property
    def shown(self) -> tuple[int, ...]:
        """The expressions that the identity's own pictures show: neutral and those asked for."""
        return tuple(sorted({0, *(trial.expression for trial in self.trials)}))

    def numbers_of(self, *kinds: Kind) -> list[int]:
        """Numbers of the trials of these kinds."""
        return [i for i, trial in enumerate(self.trials) if trial.kind in kinds]


def trials_of(identity: Identity) -> tuple[Trial, ...]:
    """Everything that an identity's views can answer; empty if it shows no change from neutral."""
    neutral = identity.full_view(0)
    full = {e: identity.full_view(e) for e in range(len(EXPRESSION_NAMES))}
    trials = []
    if neutral is not None:
        trials += [
            Trial(Kind.FULL, neutral, view, e, 1.0)
            for e, view in full.items()
            if e and view is not None
        ]
        trials += _half_trials(identity, neutral)
    for e, view in full.items():
        source = _disturbed_source(identity, e)
        if view is not None and source is not None:
            trials.append(Trial(Kind.DISTURBED, source, view, e, 1.0))
    return tuple(trials)


def subject_from_identity(identity: Identity, side_px: int) -> TrialSubject:
    """Cut the pictures of all trials."""
    trials = trials_of(identity)
    crops = {v: identity.place_crop(side_px, v) for v in {t.source_view for t in trials}}
    cuts: dict[tuple[int, int], Float[Tensor, "3 side side"]] = {}
    for trial in trials:
        for view in (trial.source_view, trial.target_view):
            if (trial.source_view, view) not in cuts:
                picture = identity.cut(view, crops[trial.source_view])
                cuts[trial.source_view, view] = planes(picture)
    return TrialSubject(
        identity.name,
        identity.style,
        identity.yaw_deg,
        trials,
        torch.stack([cuts[t.source_view, t.source_view] for t in trials]),
        torch.stack([cuts[t.source_view, t.target_view] for t in trials]),
    )


def full_views(
    identity: Identity, side_px: int, wide_px: int | None = None
) -> tuple[Float[Tensor, "views 3 side side"], tuple[int, ...]]:
    """Neutral and the full expressions with their numbers, cut by the neutral landmarks.

    `wide_px` is the side of a larger crop, with a margin around. An
    identity without a neutral view is cut by its first.
    """
    shown = [(e, identity.full_view(e)) for e in range(len(EXPRESSION_NAMES))]
    there = [(e, view) for e, view in shown if view is not None]
    crop = identity.place_crop(side_px, there[0][1])
    crop = crop if wide_px is None else crop.resized(wide_px)
    pictures = torch.stack([planes(identity.cut(view, crop)) for _, view in there])
    return pictures, tuple(e for e, _ in there)


def shows_expressions(identities: Iterable[Identity]) -> list[Identity]:
    """Those of the identities that have a full view of at least two expressions."""
    count = range(len(EXPRESSION_NAMES))
    return [one for one in identities if sum(one.full_view(e) is not None for e in count) >= 2]


def planes(image: CropPixels) -> Float[Tensor, "3 side side"]:
    """Turn a picture into what a network takes."""
    return torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)).permute(2, 0, 1)


def _half_trials(identity: Identity, neutral: int) -> list[Trial]:
    trials = []
    for view, state in enumerate(identity.states):
        expression = int(state.argmax())
        intensity = float(state[expression])
        if identity.is_plain[view] and HALF_LOW <= intensity <= HALF_HIGH:
            trials.append(Trial(Kind.HALF, neutral, view, expression, intensity))
    return trials


def _disturbed_source(identity: Identity, wanted: int) -> int | None:
    """Draw a view that is not plainly neutral and does not show the wanted expression yet.

    Disturbed and graded views come first; sets without any use other full expressions. Which
    of several is taken differs between identities and expressions, not between calls.
    """
    strongest = identity.states.max(axis=1)
    is_neutral = identity.is_plain & (strongest == 0)
    usable = ~is_neutral & (identity.states[:, wanted] < _SAME_EXPRESSION)
    partial: Sequence[int] = np.flatnonzero(
        usable & (~identity.is_plain | (strongest <= HALF_HIGH))
    ).tolist()
    views = partial or np.flatnonzero(usable).tolist()
    return views[(stable_hash(identity.name) + wanted) % len(views)] if views else None
