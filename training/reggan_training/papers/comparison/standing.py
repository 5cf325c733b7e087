"""Ranking of the runs, as far as the figures tell them apart."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reggan_training.metrics.statistics import estimate_mean, mean_of_each
from reggan_training.papers.comparison.contenders import INPUT, TRUE, Contender
from reggan_training.papers.comparison.measure import OWN_FEATURES, Measurements
from reggan_training.papers.comparison.set_distance import DistanceOfSets, SetComparison
from reggan_training.papers.comparison.splits import (
    UNKNOWN_YAW,
    YAW_EDGES_DEG,
    Split,
    counted,
    yaw_name,
    yaw_splits,
)

FRECHET = "frechet"
RANKED = ("ecs", "probability", FRECHET, "fss", "perceptual", "psnr")
"""The quantities in which runs are ranked."""
_LOWER_IS_BETTER = (FRECHET, "perceptual")


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
