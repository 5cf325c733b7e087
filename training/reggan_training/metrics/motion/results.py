"""Measurements of every face, and figures of many of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from reggan_training.metrics.motion.figures import WHOLE, Figures, named
from reggan_training.metrics.statistics import mean_of_each

RESULT, TRUE_MOTION = "result", "true motion"
INPUT, TRUE, CROSS_FADE = "unchanged input", "true picture", "cross-fade"

_MEDIANS = ("colour", "mouth colour", "distance")
"""Quantities of which the median over faces is taken, since few of them are far off."""


class ResultKind(Enum):
    """The request to a face."""

    FULL = "neutral source, full expression"
    LARGE = "the same in a large crop, for its detail alone"
    HALF = "neutral source, half an expression"
    NEUTRALISED = "source with an expression, neutral"


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceResult:
    """One request to one face.

    Attributes:
        family: of the head; see `HeadMesh`.
        style: of its look, such as skin or stone.
        expression: the one that was asked for, or taken away.
        figures: by method, such as `RESULT`.
    """

    family: str
    identity: str
    style: str
    expression: str
    kind: ResultKind
    figures: Mapping[str, Figures]


Results = Sequence[FaceResult]


def of_kind(results: Results, *kinds: ResultKind) -> list[FaceResult]:
    """Those of some kinds."""
    return [one for one in results if one.kind in kinds]


def summarise(results: Results, method: str, quantity: str, part: str = WHOLE) -> float:
    """One figure of many faces.

    The mean over identities, whatever the number of their faces; the median over faces for
    colours and distances. Faces with nothing to measure do not count; NaN if none is left.
    `cover` is intersection over union of all faces together.
    """
    if quantity == "cover":
        both, either = (
            np.nansum(values_of(results, method, named(f"cover {what}", part)))
            for what in ("intersection", "union")
        )
        return float(both / either) if either else float("nan")
    values = values_of(results, method, named(quantity, part))
    if quantity in _MEDIANS:
        there = values[~np.isnan(values)]
        return float(np.median(there)) if there.size else float("nan")
    return _mean(results, values)


def mean_difference(
    results: Results, first: str, second: str, quantity: str, part: str = WHOLE
) -> float:
    """Mean difference of a quantity between two methods, on the same faces."""
    ours, theirs = (values_of(results, method, named(quantity, part)) for method in (first, second))
    return _mean(results, ours - theirs)


def values_of(
    results: Results, method: str, key: str
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """A figure of every face; NaN for a face that has none."""
    return np.array([one.figures.get(method, {}).get(key, float("nan")) for one in results])


def names_in(values: Iterable[str]) -> list[str]:
    """The different names, in the order of their first appearance."""
    return list(dict.fromkeys(values))


def _mean(results: Results, values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    there = ~np.isnan(values)
    if not there.any():
        return float("nan")
    who = [f"{one.family}/{one.identity}" for one in results]
    kept = [name for name, is_there in zip(who, there, strict=True) if is_there]
    return float(mean_of_each(values[there], kept).mean())
