"""Means over identities and how sure they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

RESAMPLES = 5000


@dataclass(frozen=True)
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
    means = middle + _resampled_shares(values.size, 0) @ (values - middle)
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
def _resampled_shares(count: int, seed: int) -> Float[np.ndarray, "resamples identities"]:
    """Share of each identity in every resample; drawn with replacement."""
    drawn: Int[np.ndarray, "resamples identities"]
    drawn = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
    shares = np.zeros((RESAMPLES, count))
    np.add.at(shares, (np.arange(RESAMPLES)[:, None], drawn), 1.0 / count)
    return shares
