"""Fréchet distance of two sets of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from reggan_training.metrics.statistics import Estimate

_HALVES = 40


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
