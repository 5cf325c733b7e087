"""The figures of an evaluation as JSON: all that the Markdown report is written from."""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Bool

from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.metrics.statistics import Estimate, estimate_mean, mean_of_each
from reggan_training.papers.comparison.contenders import INPUT, REGRESSION, TRUE
from reggan_training.papers.comparison.evaluation import Evaluation
from reggan_training.papers.comparison.measure import OWN_FEATURES, Measurements
from reggan_training.papers.comparison.outside_gauges import INCEPTION, fid_and_kid
from reggan_training.papers.comparison.set_distance import SetComparison
from reggan_training.papers.comparison.splits import Split, counted
from reggan_training.papers.comparison.standing import FRECHET

_COMPARED_AS_SETS = ("all", "style", "yaw")
"""Groups of splits for which distances between sets are worked out."""
_LEAST_PICTURES = 2
SCHEMA = 3


def json_from_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    """Every estimate with its interval, by group of splits, split, method and quantity.

    `max_yaw_deg` is that of the first run: the turn of the head from which the unchanged input
    is closer to the truth.
    """
    groups: dict[str, dict[str, Any]] = {}
    for split in evaluation.splits:
        groups.setdefault(split.group, {})[split.name] = _json_from_split(split, evaluation)
    first = evaluation.contenders[0]
    return {
        "schema": SCHEMA,
        "side_px": evaluation.side_px,
        "max_yaw_deg": evaluation.max_yaw_deg[first.name],
        "runs": _json_from_runs(evaluation),
        "judge": _json_from_judges(evaluation),
        "splits": groups,
        "standings": [dataclasses.asdict(one) for one in evaluation.standings],
    }


def _json_from_runs(evaluation: Evaluation) -> dict[str, Any]:
    return {
        one.name: {
            "architecture": one.model.architecture,
            "side_px": one.model.side_px,
            "images_seen": one.images_seen,
            "is_converged": one.is_converged,
            "improvement_in_last_quarter": one.improvement,
            "max_yaw_deg": evaluation.max_yaw_deg[one.name],
            **dataclasses.asdict(evaluation.costs[one.name]),
        }
        for one in evaluation.contenders
    }


def _json_from_judges(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "face_verification_accuracy": evaluation.verification_accuracy,
        "styles": {
            style: {
                "accuracy": validity.accuracy,
                "ecs_is_void": not validity.is_valid,
                "reason": None if validity.is_valid else validity.reason,
                "confusion": validity.confusion.tolist(),
            }
            for style, validity in evaluation.validity.items()
        },
    }


def _shown_methods(evaluation: Evaluation, split: Split) -> list[str]:
    """List the methods of a split's rows in their order."""
    order = [INPUT, REGRESSION]
    for one in evaluation.contenders:
        order += [one.cross_fade, one.name] if split.group == "half" else [one.name]
    return [method for method in (*order, TRUE) if method in evaluation.table.values]


def _json_from_split(split: Split, evaluation: Evaluation) -> dict[str, Any]:
    table, shown = evaluation.table, _shown_methods(evaluation, split)
    identities = np.array(table.identities)[split.trials].tolist()
    truth = None
    if split.group in _COMPARED_AS_SETS and len(identities) >= _LEAST_PICTURES:
        truth = SetComparison(table.features[TRUE][OWN_FEATURES][split.trials], identities)
    methods: dict[str, dict[str, Any]] = {}
    for method in shown:
        cells: dict[str, Any] = {}
        for quantity, values in table.values[method].items():
            trials = counted(table, split, quantity, evaluation.void_styles)
            if trials.any():
                cells[quantity] = _cell(table, values, trials)
        if truth is not None and method != TRUE:
            cells |= _set_distances(table, method, split, truth)
        methods[method] = cells
    return {
        "identities": sorted(set(identities)),
        "trials": len(identities),
        "shown": shown,
        "methods": methods,
    }


def _cell(
    table: Measurements,
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    trials: Bool[np.ndarray, " trials"],
) -> dict[str, Any]:
    names = np.array(table.identities)[trials].tolist()
    chosen, expressions = values[trials], table.expressions[trials]
    return {
        **_json_from_estimate(estimate_mean(mean_of_each(chosen, names))),
        "by_expression": {
            EXPRESSION_NAMES[e]: float(chosen[expressions == e].mean())
            for e in np.unique(expressions)
        },
    }


def _set_distances(
    table: Measurements, method: str, split: Split, truth: SetComparison
) -> dict[str, dict[str, float | None]]:
    """Distances of the split's pictures, as a set, to the true ones."""
    made = table.features[method][OWN_FEATURES][split.trials]
    distances = {FRECHET: _json_from_estimate(truth.frechet(made).estimate)}
    if split.group == "all" and INCEPTION in table.features[method]:
        pair = (table.features[one][INCEPTION][split.trials] for one in (method, TRUE))
        for quantity, value in fid_and_kid(*pair).items():
            distances[quantity] = {"mean": value, "low": None, "high": None}
    return distances


def _json_from_estimate(estimate: Estimate) -> dict[str, float | None]:
    """Write an estimate; where there is no interval its ends are null."""
    has_interval = estimate.low == estimate.low
    low, high = (estimate.low, estimate.high) if has_interval else (None, None)
    return {"mean": estimate.mean, "low": low, "high": high}
