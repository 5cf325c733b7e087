"""An evaluation as JSON and as the table that a README shows."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_training.metrics.claims import CLAIMS, ECS_QUANTITIES, Verdict
from reggan_training.metrics.evaluation import Evaluation
from reggan_training.metrics.measure import INPUT, REGGAN, REGRESSIONS, TRUE, StyleResult
from reggan_training.metrics.statistics import Estimate, estimate_mean
from reggan_training.metrics.subjects import title_of

_REGRESSION_FORMS = dict(
    zip(REGRESSIONS, ("its change added to the input", "its own output, enlarged"), strict=True)
)
_COLUMNS = {
    "PSNR dB": ("psnr", "{:.2f}"),
    "SSIM": ("ssim", "{:.3f}"),
    "perceptual": ("perceptual", "{:.3f}"),
    "ECS": ("ecs", "{:.2f}"),
    "probability": ("probability", "{:.2f}"),
    "FSS": ("fss", "{:.3f}"),
}


def json_from_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    """Every estimate with its interval, by style, method and quantity."""
    return {
        "regression_alone": evaluation.regression,
        "face_verification_accuracy": evaluation.verification_accuracy,
        "styles": {r.style: _json_from_style(r, evaluation) for r in evaluation.results},
        "claims": [_json_from_verdict(verdict) for verdict in evaluation.verdicts],
    }


def markdown_from_evaluation(evaluation: Evaluation) -> str:
    """The table of methods, the table of paired differences, and what to know of both."""
    parts = [_table_of_methods(evaluation), _table_of_differences(evaluation.verdicts)]
    notes = [
        "Means over held-out identities ± half of the 95 % bootstrap interval. PSNR, SSIM and the "
        "perceptual distance are taken where the true picture differs from the input, dilated by "
        "8 px at 256; SSIM is that of luminance; all methods share one mask. *Regression* is the "
        "regression layer alone, in that of its two forms that has the higher PSNR: "
        f"{_REGRESSION_FORMS[evaluation.regression]}. ECS is the share of pictures in which the "
        "expression judge names the wanted expression, with its mean probability. It names the "
        f"true pictures, neutral ones among them, rightly in {_accuracies(evaluation)}. The face "
        f"embedding of FSS is right on {evaluation.verification_accuracy:.0%} of held-out pairs "
        "of recoloured faces."
    ]
    for style, validity in evaluation.validity.items():
        if not validity.is_valid:
            notes.append(f"The ECS of {title_of(style)} is void: {validity.reason}.")
    return "\n\n".join([*parts, *notes]) + "\n"


def _table_of_methods(evaluation: Evaluation) -> str:
    lines = [_row(["style", "n", "method", *_COLUMNS])]
    lines.append(_row(["---"] * (len(_COLUMNS) + 3)))
    for result in evaluation.results:
        validity = evaluation.validity[result.style]
        for method in (INPUT, evaluation.regression, REGGAN, TRUE):
            cells = [title_of(result.style), str(len(result.identities)), method.split(",")[0]]
            for quantity, number in _COLUMNS.values():
                value = result.values[method].get(quantity)
                is_void = quantity in ECS_QUANTITIES and not validity.is_valid
                if value is None or is_void:
                    cells.append("void" if is_void else "")
                else:
                    cells.append(_short(estimate_mean(value.mean(axis=1)), number))
            lines.append(_row(cells))
    return "\n".join(lines)


def _table_of_differences(verdicts: Sequence[Verdict]) -> str:
    titles = {quantity: title for title, (quantity, _) in _COLUMNS.items()}
    heads = [f"{titles[claim.quantity]} − {claim.rival}" for claim in CLAIMS]
    lines = [_row(["RegGAN less the rival", *heads]), _row(["---"] * (1 + len(heads)))]
    for styles in dict.fromkeys(verdict.styles for verdict in verdicts):
        cells = []
        for verdict in (one for one in verdicts if one.styles == styles):
            number = "{:+.2f}" if verdict.claim.quantity in ("psnr", *ECS_QUANTITIES) else "{:+.3f}"
            mark = "" if verdict.holds else " ✗"
            cells.append("void" if verdict.is_void else _short(verdict.difference, number) + mark)
        lines.append(_row([title_of(styles), *cells]))
    return "\n".join(lines)


def _json_from_style(result: StyleResult, evaluation: Evaluation) -> dict[str, Any]:
    validity = evaluation.validity[result.style]
    return {
        "identities": list(result.identities),
        "judge": {
            "accuracy": validity.accuracy,
            "accuracy_misaligned": evaluation.misaligned_accuracy.get(result.style),
            "ecs_is_void": not validity.is_valid,
            "confusion": validity.confusion.tolist(),
        },
        "methods": {
            method: {
                quantity: {
                    **dataclasses.asdict(estimate_mean(value.mean(axis=1))),
                    "by_expression": _by_expression(result, value),
                }
                for quantity, value in values.items()
            }
            for method, values in result.values.items()
        },
    }


def _by_expression(
    result: StyleResult, value: np.ndarray[tuple[int, int], np.dtype[np.float32]]
) -> dict[str, float]:
    means = value.mean(axis=0)
    return {
        EXPRESSION_NAMES[e]: float(mean) for e, mean in zip(result.expressions, means, strict=True)
    }


def _json_from_verdict(verdict: Verdict) -> dict[str, Any]:
    return {**dataclasses.asdict(verdict), "holds": None if verdict.is_void else verdict.holds}


def _accuracies(evaluation: Evaluation) -> str:
    each = [f"{one.accuracy:.0%} ({title_of(s)})" for s, one in evaluation.validity.items()]
    return ", ".join(each)


def _short(estimate: Estimate, number: str) -> str:
    half = (estimate.high - estimate.low) / 2
    return f"{number.format(estimate.mean)} ± {number.replace('+', '').format(half)}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
