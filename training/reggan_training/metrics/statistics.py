"""Means over identities and how sure they are."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

RESAMPLES = 5000


@dataclass(frozen=True)
class Estimate:
    """A mean over identities with its 95 % confidence interval."""

    mean: float
    low: float
    high: float


def estimate_mean(per_identity: Float[np.ndarray, " identities"], seed: int = 0) -> Estimate:
    """Mean with a bootstrap interval over identities, the same on every call.

    Source: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3
    (percentile interval).

    Raises:
        ValueError: there is no identity.
    """
    if per_identity.size == 0:
        raise ValueError("no identity to take a mean of")
    random = np.random.default_rng(seed)
    drawn = random.integers(per_identity.size, size=(RESAMPLES, per_identity.size))
    low, high = np.percentile(per_identity[drawn].mean(axis=1), [2.5, 97.5])
    return Estimate(float(per_identity.mean()), float(low), float(high))
