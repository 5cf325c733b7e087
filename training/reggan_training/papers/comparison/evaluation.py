"""One evaluation: all runs on all held-out identities, ranked, and the judges' own accuracy."""

import itertools
import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float

from reggan_plugin.errors import SourceError
from reggan_plugin.frozen import frozen
from reggan_training.data.identity_and_split import STYLES, Identity, stable_hash
from reggan_training.data.sets import choose_entries, load_sets
from reggan_training.metrics.judges import (
    ExpressionValidity,
    Judges,
    judge_true_pictures,
    verify_identities,
)
from reggan_training.metrics.trials import (
    PHOTOGRAPHS,
    Estimate,
    Kind,
    estimate_mean,
    mean_of_each,
    shows_expressions,
    subject_from_identity,
)
from reggan_training.papers.comparison.measure import (
    INPUT,
    OWN_FEATURES,
    TRUE,
    Collector,
    Contender,
    Gauge,
    Measurements,
)
from reggan_training.papers.networks.expression_model import ExpressionModel

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


@frozen(kw_only=False, eq=False)
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

    def frechet(self, made: Float[np.ndarray, "trials length"]) -> Float[np.ndarray, " parts"]:
        """Fréchet distance on all identities, then on random halves of them."""
        pairs = zip(self._parts, self._moments, strict=True)
        return np.array([_frechet(_Moments.of(made[part]), moments) for part, moments in pairs])


def estimate_from_parts(values: Float[np.ndarray, " parts"]) -> Estimate:
    """Give a distance, or a difference of two, its interval; NaN for too few identities.

    A bootstrap would repeat pictures, which alone raises these distances; so the error is taken
    from the halves.
    Source: Shao & Wu, "A General Theory for Jackknife Variance Estimation", 1989, eq. 2.5.
    """
    mean, halves = float(values[0]), values[1:]
    error = 1.96 * float(halves.std()) if halves.size else float("nan")
    return Estimate(mean, mean - error, mean + error)


@frozen(kw_only=False, eq=False)
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


@frozen(kw_only=False)
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
    identities = np.array(table.identities)[split.trials].tolist()
    distances = {}
    if quantity == FRECHET:
        truth = SetComparison(table.features[TRUE][OWN_FEATURES][split.trials], identities)
        for name in names:
            distances[name] = truth.frechet(table.features[name][OWN_FEATURES][split.trials])
    for number, first in enumerate(names):
        for second in names[number + 1 :]:
            if distances:
                difference = estimate_from_parts(distances[first] - distances[second])
            else:
                lead = table.values[first][quantity] - table.values[second][quantity]
                difference = estimate_mean(mean_of_each(lead[split.trials], identities))
            if difference.excludes_zero:
                better[second if sign * difference.mean > 0 else first] += 1
    return {name: 1 + count for name, count in better.items()}


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


_REPEATS, _WARM_UP = 15, 3
_MOST_FOR_VERIFICATION = 40
"""Identities whose faces are compared with each other to see how good the embedding is."""


@frozen
class Cost:
    """Cost of one model.

    Attributes:
        ms_per_face: median CPU time of one thread for one face at the model's own size, eager;
            what it waits for other processes does not count.
        trained: parameters found by descent.
        solved: numbers found in closed form: filters and masks.
    """

    ms_per_face: float
    trained: int
    solved: int


def cost_of(model: ExpressionModel) -> Cost:
    """Time the model and count what it stores."""
    trained = sum(value.numel() for value in model.parameters())
    stored = sum(value.numel() for value in model.state_dict().values())
    threads = torch.get_num_threads()
    image = torch.rand(1, 3, model.side_px, model.side_px)
    expression = torch.eye(model.settings.expressions)[1:2]
    times = []
    torch.set_num_threads(1)
    try:
        for _ in range(_WARM_UP + _REPEATS):
            started = time.thread_time()
            with torch.no_grad():
                model(image, expression)
            times.append(1000 * (time.thread_time() - started))
    finally:
        torch.set_num_threads(threads)
    return Cost(
        ms_per_face=statistics.median(times[_WARM_UP:]), trained=trained, solved=stored - trained
    )


@frozen(kw_only=False, eq=False)
class EvaluationSet:
    """Held-out identities by style, and those that choose the threshold of the embedding."""

    by_style: Mapping[str, Sequence[Identity]]
    validation: Sequence[Identity]


@frozen(eq=False)
class Evaluation:
    """Everything that was measured.

    Attributes:
        side_px: the size at which all pictures are compared.
        validity: how the expression judge does on true pictures, by style.
        verification_accuracy: how well the face embedding tells test identities apart.
        max_yaw_deg: by run, the turn of the head up to which it is closer to the truth than the
            unchanged input.
    """

    contenders: Sequence[Contender]
    costs: Mapping[str, Cost]
    side_px: int
    table: Measurements
    splits: Sequence[Split]
    validity: Mapping[str, ExpressionValidity]
    verification_accuracy: float | None
    max_yaw_deg: Mapping[str, float | None]
    standings: Sequence[Standing]

    @property
    def void_styles(self) -> list[str]:
        """Styles whose true pictures the expression judge does not know."""
        return [style for style, one in self.validity.items() if not one.is_valid]


def load_evaluation_set(
    roots: Sequence[Path], limit: int | None = None, trained_on: Collection[str] = ()
) -> EvaluationSet:
    """Read the test identities of every style, at most `limit` of each.

    Those that a run was `trained_on`, with other training styles than by default, are left out.

    Raises:
        SourceError: a file is missing, or no identity is held out.
    """
    by_style: dict[str, Sequence[Identity]] = {}
    for style in STYLES:
        entries = choose_entries(roots, ["test"], styles=(style,))
        entries = [entry for entry in entries if entry.name not in trained_on]
        entries = sorted(entries, key=lambda entry: stable_hash(entry.name))[:limit]
        loaded = (entry.load() for entry in entries)
        identities = shows_expressions(one for one in loaded if one is not None)
        if any(one.full_view(0) is not None for one in identities):
            by_style[style] = sorted(identities, key=lambda one: one.name)
    if not by_style:
        names = ", ".join(str(root) for root in roots)
        raise SourceError(
            f"{names}: no identity of the test split shows neutral and an expression; expected "
            "numbers that end in 9 or 0, or a style that is not trained on. Add a set.",
            kind="set-without-test",
        )
    choosing = load_sets(roots, ["validation"], limit=_MOST_FOR_VERIFICATION)
    return EvaluationSet(by_style, shows_expressions(choosing))


def evaluate_runs(
    contenders: Sequence[Contender],
    judges: Judges,
    held_out: EvaluationSet,
    report: Callable[[str], None],
    gauges: Sequence[Gauge] = (),
) -> Evaluation:
    """Measure every run on every identity, at the largest run's size."""
    side_px = max(one.model.side_px for one in contenders)
    collector = Collector(contenders, judges, gauges)
    validity = {}
    for style, identities in held_out.by_style.items():
        report(f"{style}: {len(identities)} identities")
        for identity in identities:
            subject = subject_from_identity(identity, side_px)
            if subject.numbers_of(Kind.FULL):
                collector.add(subject)
        validity[style] = judge_true_pictures(judges, identities)
    table = collector.measurements()
    splits = splits_of(table)
    void = [style for style, one in validity.items() if not one.is_valid]
    return Evaluation(
        contenders=contenders,
        costs={one.name: cost_of(one.model) for one in contenders},
        side_px=side_px,
        table=table,
        splits=splits,
        validity=validity,
        verification_accuracy=_verified(judges, held_out),
        max_yaw_deg={one.name: max_yaw_deg(table, one.name) for one in contenders},
        standings=standings(table, splits, contenders, void),
    )


def _verified(judges: Judges, held_out: EvaluationSet) -> float | None:
    """Verification on skin, or on photographs where there is no skin."""
    for style in (STYLES[0], PHOTOGRAPHS):
        testing = held_out.by_style.get(style, ())[:_MOST_FOR_VERIFICATION]
        choosing = [one for one in held_out.validation if one.style == style]
        accuracy = verify_identities(judges, choosing, testing)
        if accuracy is not None:
            return accuracy
    return None
