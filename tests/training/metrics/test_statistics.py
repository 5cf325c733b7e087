"""Means, intervals and distances between sets."""

import numpy as np
import pytest

from reggan_training.metrics.trials import estimate_mean, mean_of_each
from reggan_training.papers.comparison.evaluation import SetComparison, estimate_from_parts
from reggan_training.papers.comparison.outside_networks import fid_and_kid


def test_the_interval_repeats_and_covers() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        values = random.normal(3.0, 1.0, 25)
        estimate = estimate_mean(values)
        assert estimate == estimate_mean(values)
        assert estimate.mean == pytest.approx(values.mean())
        assert estimate.low <= estimate.mean <= estimate.high
        covered += estimate.low <= 3.0 <= estimate.high
    assert covered >= 88


def test_identities_count_equally_however_many_trials_they_have() -> None:
    values = np.array([1.0, 5.0, 2.0, 3.0])
    assert mean_of_each(values, ["b", "a", "b", "b"]).tolist() == [2.0, 5.0]


def sets(count: int, shift: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    mix = random.normal(size=(12, 12))
    return random.normal(size=(count, 12)) @ mix + shift, random.normal(size=(count, 12)) @ mix


def frechet_distance(made: np.ndarray, true: np.ndarray) -> float:
    """Of sets that are of one identity, so without halves."""
    return estimate_from_parts(SetComparison(true, ["one"] * len(true)).frechet(made)).mean


def test_the_distance_agrees_with_torchmetrics() -> None:
    made, true = sets(200)
    expected = fid_and_kid(made, true)
    assert frechet_distance(made, true) == pytest.approx(expected["fid"], rel=1e-3)


def test_equal_sets_have_no_distance_and_further_ones_more() -> None:
    made, true = sets(300, shift=0.0)
    assert frechet_distance(true, true) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(made + 2, true) > frechet_distance(made, true) > 0


def test_a_distance_has_an_interval_over_identities() -> None:
    made, true = sets(120)
    names = [f"identity {row // 4}" for row in range(120)]
    truth = SetComparison(true, names)
    estimate = estimate_from_parts(truth.frechet(made))
    assert estimate.mean == pytest.approx(frechet_distance(made, true))
    assert estimate.low < estimate.mean < estimate.high
    assert estimate == estimate_from_parts(SetComparison(true, names).frechet(made))
    same = truth.frechet(made)
    assert not estimate_from_parts(same - truth.frechet(made)).excludes_zero
    worse = estimate_from_parts(truth.frechet(made + 3) - same)
    assert worse.excludes_zero
    assert worse.mean > 0


def test_too_few_identities_give_no_interval_and_no_verdict() -> None:
    made, true = sets(30)
    truth = SetComparison(true, ["a", "b", "c"] * 10)
    assert np.isnan(estimate_from_parts(truth.frechet(made)).low)
    assert not estimate_from_parts(truth.frechet(made + 9) - truth.frechet(made)).excludes_zero
