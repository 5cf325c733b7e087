"""Ranking of the runs on the trials of each split, as far as the figures tell them apart."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from reggan_training.data.split import STYLES
from reggan_training.metrics.statistics import Estimate, estimate_mean, mean_of_each
from reggan_training.metrics.trials import PHOTOGRAPHS, Kind
from reggan_training.papers.comparison.measure import (
    INPUT,
    OWN_FEATURES,
    TRUE,
    Contender,
    Measurements,
)

ALL_AVATARS = "all avatars"
ECS_QUANTITIES = ("ecs", "probability")
"""Figures of the expression judge: hits, and the mean probability of the wanted expression."""
YAW_EDGES_DEG = (0.0, 10.0, 25.0, 45.0)
UNKNOWN_YAW = "unknown"
_AVATARS = tuple(style for style in STYLES if style != PHOTOGRAPHS)
_HALVES = 40
FRECHET = "frechet"
RANKED = ("ecs", "probability", FRECHET, "fss", "perceptual", "psnr")
"""The quantities in which runs are ranked."""
_LOWER_IS_BETTER = (FRECHET, "perceptual")


@dataclass(frozen=True, eq=False)
class Split:
    """Some of the trials, under a name; `group` is what the splits differ in."""

    group: str
    name: str
    trials: Bool[np.ndarray, " trials"]


def splits_of(table: Measurements) -> list[Split]:
    """Everything the tables show, in their order; splits without a trial are left out."""
    full, half = table.are_of(Kind.FULL), table.are_of(Kind.HALF)
    avatars = table.have_style(_AVATARS)
    splits = [Split("all", ALL_AVATARS, full & avatars)]
    splits += [Split("style", style, full & table.have_style([style])) for style in STYLES]
    splits += yaw_splits(table)
    splits += [
        Split("source", "neutral", full & avatars),
        Split("source", "not neutral", table.are_of(Kind.DISTURBED) & avatars),
        Split("half", ALL_AVATARS, half & avatars),
    ]
    splits += [Split("half", style, half & table.have_style([style])) for style in STYLES]
    return [split for split in splits if split.trials.any()]


def yaw_splits(table: Measurements) -> list[Split]:
    """Avatars with neutral sources by how far the head turns; those of unknown yaw apart."""
    asked = table.are_of(Kind.FULL) & table.have_style(_AVATARS)
    turn = np.abs(table.yaw_deg)
    splits = [
        Split("yaw", yaw_name(low, high), asked & (turn >= low) & (turn < high))
        for low, high in zip(YAW_EDGES_DEG, (*YAW_EDGES_DEG[1:-1], np.inf), strict=False)
    ]
    splits.append(Split("yaw", UNKNOWN_YAW, asked & np.isnan(turn)))
    return [split for split in splits if split.trials.any()]


def yaw_name(low_deg: float, high_deg: float) -> str:
    """Such as `10–25°`; the last bin is named after the widest turn that is rendered."""
    return f"{low_deg:.0f}–{min(high_deg, YAW_EDGES_DEG[-1]):.0f}°"


def counted(
    table: Measurements, split: Split, quantity: str, void_styles: Sequence[str]
) -> Bool[np.ndarray, " trials"]:
    """Select the trials of a split that count for a quantity: ECS needs a judge to be believed."""
    if quantity not in ECS_QUANTITIES:
        return split.trials
    return split.trials & ~table.have_style(void_styles)


class SetComparison:
    """True pictures of some identities, against which sets of made ones are held.

    What depends on the true pictures alone is worked out once.
    """

    def __init__(self, true: Float[np.ndarray, "trials length"], identities: Sequence[str]) -> None:
        self._parts = [np.ones(len(true), dtype=bool), *half_sets(identities)]
        self._moments = [_Moments.of(true[part]) for part in self._parts]

    def frechet(self, made: Float[np.ndarray, "trials length"]) -> "DistanceOfSets":
        """Fréchet distance of the whole and of the halves."""
        return DistanceOfSets(
            np.array(
                [
                    _frechet(_Moments.of(made[part]), moments)
                    for part, moments in zip(self._parts, self._moments, strict=True)
                ]
            )
        )


@dataclass(frozen=True, eq=False)
class DistanceOfSets:
    """A distance on all identities, then on random halves of them.

    A bootstrap would repeat pictures, which alone raises these distances; so the error is taken
    from the halves.
    Source: Shao & Wu, "A General Theory for Jackknife Variance Estimation", 1989, eq. 2.5.
    """

    values: Float[np.ndarray, " parts"]

    @property
    def estimate(self) -> Estimate:
        """The distance with its interval; NaN for too few identities."""
        mean, halves = float(self.values[0]), self.values[1:]
        error = 1.96 * float(halves.std()) if halves.size else float("nan")
        return Estimate(mean, mean - error, mean + error)

    def less(self, other: "DistanceOfSets") -> "DistanceOfSets":
        """By how much this distance is the larger, half by half."""
        return DistanceOfSets(self.values - other.values)


@dataclass(frozen=True, eq=False)
class _Moments:
    mean: Float[np.ndarray, " length"]
    covariance: Float[np.ndarray, "length length"]

    @classmethod
    def of(cls, features: Float[np.ndarray, "count length"]) -> "_Moments":
        covariance = np.atleast_2d(np.cov(features, rowvar=False))
        return cls(features.mean(axis=0), covariance)

    @cached_property
    def root(self) -> Float[np.ndarray, "length length"]:
        """The symmetric root of the covariance."""
        values, vectors = np.linalg.eigh(self.covariance)
        return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T


def half_sets(identities: Sequence[str]) -> list[Bool[np.ndarray, " trials"]]:
    """List the trials of random halves of the identities, the same on every call.

    None if there are fewer than four identities.
    """
    names, number = np.unique(np.asarray(identities), return_inverse=True)
    if len(names) < 4:
        return []
    random = np.random.default_rng(0)
    halves = []
    for _ in range(_HALVES):
        chosen = np.zeros(len(names), dtype=bool)
        chosen[random.choice(len(names), len(names) // 2, replace=False)] = True
        halves.append(chosen[number])
    return halves


def _frechet(made: _Moments, true: _Moments) -> float:
    """Squared Fréchet distance of two Gaussians fitted to the features.

    Biased upwards for small sets: compare only sets of one size.
    Source: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule", NeurIPS 2017, eq. 6.
    """
    # tr sqrt(AB) = tr sqrt(B^1/2 A B^1/2), whose eigenvalues are real and not negative.
    values = np.linalg.eigvalsh(true.root @ made.covariance @ true.root)
    cross = np.sqrt(values.clip(min=0)).sum()
    shift = made.mean - true.mean
    spread = np.trace(made.covariance) + np.trace(true.covariance) - 2 * cross
    return float(shift @ shift + spread)


@dataclass(frozen=True)
class Standing:
    """Ranks of the runs in one quantity on one split.

    A rank is 1 and one more for every run that is better by more than chance: the 95 %
    interval of the paired difference lies on one side of 0. So runs can share a rank.
    """

    split: str
    quantity: str
    ranks: Mapping[str, int]


def standings(
    table: Measurements,
    splits: Sequence[Split],
    contenders: Sequence[Contender],
    void_styles: Collection[str],
) -> list[Standing]:
    """Ranks on all avatars and on every style.

    Runs that have not converged are left out: nothing is claimed over them. None if fewer than
    two are left.
    """
    names = [one.name for one in contenders if one.is_converged]
    results: list[Standing] = []
    if len(names) < 2:
        return results
    for split in (one for one in splits if one.group in ("all", "style")):
        for quantity in RANKED:
            trials = counted(table, split, quantity, list(void_styles))
            if trials.any():
                chosen = Split(split.group, split.name, trials)
                results.append(
                    Standing(split.name, quantity, _ranks(table, chosen, quantity, names))
                )
    return results


def _ranks(
    table: Measurements, split: Split, quantity: str, names: Sequence[str]
) -> dict[str, int]:
    better = dict.fromkeys(names, 0)
    sign = -1 if quantity in _LOWER_IS_BETTER else 1
    distances = _set_distances(table, split, names) if quantity == FRECHET else {}
    names_of_trials = np.array(table.identities)[split.trials].tolist()
    for number, first in enumerate(names):
        for second in names[number + 1 :]:
            if distances:
                difference = distances[first].less(distances[second]).estimate
            else:
                lead = table.values[first][quantity] - table.values[second][quantity]
                difference = estimate_mean(mean_of_each(lead[split.trials], names_of_trials))
            if difference.excludes_zero:
                better[second if sign * difference.mean > 0 else first] += 1
    return {name: 1 + count for name, count in better.items()}


def _set_distances(
    table: Measurements, split: Split, names: Sequence[str]
) -> dict[str, DistanceOfSets]:
    identities = np.array(table.identities)[split.trials].tolist()
    truth = SetComparison(table.features[TRUE][OWN_FEATURES][split.trials], identities)
    return {name: truth.frechet(table.features[name][OWN_FEATURES][split.trials]) for name in names}


def max_yaw_deg(table: Measurements, method: str) -> float | None:
    """Find the lower edge of the first yaw bin where a method's mean PSNR is not above the input's.

    Where it wins in every bin, the upper edge of the last one that was measured. None if no yaw
    is known.
    """
    splits = {split.name: split for split in yaw_splits(table) if split.name != UNKNOWN_YAW}
    limit = None
    for low, high in itertools.pairwise(YAW_EDGES_DEG):
        split = splits.get(yaw_name(low, high))
        if split is None:
            continue
        names = np.array(table.identities)[split.trials]
        gain = table.values[method]["psnr"] - table.values[INPUT]["psnr"]
        if mean_of_each(gain[split.trials], names.tolist()).mean() <= 0:
            return low
        limit = high
    return limit
