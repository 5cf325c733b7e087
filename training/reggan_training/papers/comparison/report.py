"""An evaluation as JSON, as the tables that a reader sees, and as a contact sheet."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool

from reggan_plugin.drawing.contact_sheet import SheetRow
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.metrics.image_distance import resized
from reggan_training.metrics.motion.report import markdown_table
from reggan_training.metrics.trials import Estimate, Kind, TrialSubject, estimate_mean, mean_of_each
from reggan_training.papers.comparison.evaluation import (
    ALL_AVATARS,
    ECS_QUANTITIES,
    FRECHET,
    Evaluation,
    SetComparison,
    Split,
    counted,
    estimate_from_parts,
)
from reggan_training.papers.comparison.measure import (
    INPUT,
    OWN_FEATURES,
    REGRESSION,
    TRUE,
    Contender,
    Measurements,
    composite,
    mask_of,
)
from reggan_training.papers.comparison.outside_networks import INCEPTION, fid_and_kid

_COMPARED_AS_SETS = ("all", "style", "yaw")
"""Groups of splits for which distances between sets are worked out."""
_LEAST_PICTURES = 2
SCHEMA = 3
Record = Mapping[str, Any]
_COLUMNS = {
    "psnr": ("PSNR dB", "{:.2f}"),
    "ssim": ("SSIM", "{:.3f}"),
    "perceptual": ("perceptual", "{:.3f}"),
    "ecs": ("ECS", "{:.2f}"),
    "probability": ("probability", "{:.2f}"),
    "fss": ("FSS", "{:.3f}"),
    FRECHET: ("Fréchet", "{:.2f}"),
}
_HALF_COLUMNS = ("psnr", "ssim", "perceptual")
_OUTSIDE_COLUMNS = {
    "outside_ecs": ("ECS", "{:.2f}"),
    "outside_probability": ("probability", "{:.2f}"),
    "outside_fss": ("FSS", "{:.3f}"),
    "fid": ("FID", "{:.1f}"),
    "kid": ("KID", "{:.4f}"),
    "quality": ("QualiCLIP", "{:.3f}"),
}
SHEET_CELL_PX = 144
_LONGEST_LABEL = 12


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
    distances = {FRECHET: _json_from_estimate(estimate_from_parts(truth.frechet(made)))}
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


def notes_on(record: Record) -> list[str]:
    """Write notes on the figures of `json_from_evaluation`'s record, and what they cannot say."""
    notes = [
        *_notes_on_distances(record),
        "Time: median CPU time for one face at the run's own size, PyTorch on one thread. "
        "*Trained* parameters are found by descent, *solved* numbers (filters, masks) in closed "
        "form. *Yaw*: up to this turn of the head the run is closer to the truth than the input.",
        "The regression layer is that of the first run alone: its change added to the input.",
    ]
    if "half" in record["splits"]:
        notes.append(
            "*Half an expression*: true renders of intensity 0.35–0.65, asked for at their own "
            "intensity. A cross-fade is input + intensity · (the run's full expression − input)."
        )
    if record["standings"]:
        notes.append(
            "*Standing*: 1 and one more for every run that is better by more than chance (the 95 % "
            "interval of the paired difference excludes 0); equal ranks cannot be told apart."
        )
    return notes + _warnings(record)


def _notes_on_distances(record: Record) -> list[str]:
    judged = {name: one["accuracy"] for name, one in record["judge"]["styles"].items()}
    accuracies = ", ".join(f"{value:.0%} ({name})" for name, value in judged.items())
    verified = record["judge"]["face_verification_accuracy"]
    embedding = (
        "" if verified is None else f"; the embedding is right on {verified:.0%} of held-out pairs"
    )
    return [
        "Means over held-out identities ± half of the 95 % interval (bootstrap over identities; "
        "for Fréchet distance from random halves of them). All pictures are compared "
        f"at {record['side_px']} px, through the first run's mask and the same composite. PSNR, "
        "SSIM and the perceptual distance are taken where the true picture differs from the "
        "input, dilated by 8 px at 256; SSIM is that of luminance. ECS is the share of pictures "
        "in which the expression judge names the wanted expression, with its mean probability; it "
        "chooses between the expressions that the set shows of the person. It "
        f"names the true pictures, neutral ones among them, rightly in {accuracies}. FSS is the "
        f"cosine of face embeddings, input against output{embedding}. Fréchet distance "
        "compares, in the features of that embedding, equally many pictures of every method with "
        "the true ones; its size depends on the number of pictures and on the faces, so compare "
        "within a split only."
    ]


def _warnings(record: Record) -> list[str]:
    warnings = [
        f"{name} is **not converged**: {_why_not_converged(run)}. It is left out of the standing, "
        "and no ranking is claimed over it."
        for name, run in record["runs"].items()
        if not run["is_converged"]
    ]
    warnings += [
        f"The ECS of {style} is not counted: {one['reason']}."
        for style, one in record["judge"]["styles"].items()
        if one["ecs_is_void"]
    ]
    return warnings


def _why_not_converged(run: Record) -> str:
    improvement = run["improvement_in_last_quarter"]
    if improvement is None:
        return "its held-out curve is too short to say that it has come to rest"
    return f"its held-out score still improved by {improvement:.1%} in the last quarter"


def markdown_from_record(record: Record) -> str:
    """All tables of `json_from_evaluation`'s record, and what to know of them."""
    splits = record["splits"]
    parts = ["## Runs", _table_of_runs(record)]
    summary = splits.get("all") or splits["style"]
    title = ALL_AVATARS if "all" in splits else "photographs"
    parts += [f"## Summary: {title}", _table_of_splits(record, summary, _COLUMNS, "faces")]
    if record["standings"]:
        runs = list(record["standings"][0]["ranks"])
        rows = [
            [one["split"], _COLUMNS[one["quantity"]][0], *(str(one["ranks"][run]) for run in runs)]
            for one in record["standings"]
        ]
        parts += ["## Standing", markdown_table(["faces", "by", *runs], rows)]
    if "half" in splits:
        half = {name: _COLUMNS[name] for name in _HALF_COLUMNS}
        parts += ["## Half an expression", _table_of_splits(record, splits["half"], half, "faces")]
    for group, title in (("style", "Styles"), ("yaw", "Turned heads"), ("source", "Sources")):
        if group in splits:
            columns = {
                name: column
                for name, column in _COLUMNS.items()
                if group != "source" or name != FRECHET
            }
            parts += [f"## {title}", _table_of_splits(record, splits[group], columns, group)]
    if any("outside_ecs" in c or "fid" in c or "quality" in c for c in _all_cells(record)):
        outside = {**splits.get("all", {}), **splits["style"]}
        table = _table_of_splits(record, outside, _OUTSIDE_COLUMNS, "faces")
        parts += ["## With outside networks", table]
    return "\n\n".join([*parts, "## Notes", *notes_on(record)]) + "\n"


def _table_of_runs(record: Record) -> str:
    heads = ["run", "architecture", "side px", "kimg", "ms per face", "trained", "solved", "yaw"]
    rows = []
    for name, run in record["runs"].items():
        yaw = run["max_yaw_deg"]
        rows.append(
            [
                _marked(record, name),
                run["architecture"],
                str(run["side_px"]),
                f"{run['images_seen'] / 1000:.1f}",
                f"{run['ms_per_face']:.1f}",
                f"{run['trained'] / 1e6:.2f} M",
                f"{run['solved'] / 1e6:.2f} M",
                "unknown" if yaw is None else f"to {yaw:.0f}°",
            ]
        )
    return markdown_table(heads, rows)


def _table_of_splits(
    record: Record, splits: Record, columns: Mapping[str, tuple[str, str]], first: str
) -> str:
    """Write a row for each method on each split."""
    rows = []
    for name, split in splits.items():
        for method in split["shown"]:
            cells = split["methods"][method]
            if not any(quantity in cells for quantity in columns):
                continue  # the true picture has no distance to itself
            row = [name, str(len(split["identities"])), _marked(record, method)]
            for quantity, (_, number) in columns.items():
                if quantity in cells:
                    row.append(_short(cells[quantity], number))
                else:
                    row.append("not counted" if quantity in ECS_QUANTITIES else "")
            rows.append(row)
    return markdown_table([first, "n", "method", *(title for title, _ in columns.values())], rows)


def _marked(record: Record, method: str) -> str:
    """Mark a method's name if it is a run that has not converged."""
    run = record["runs"].get(method)
    mark = " (not converged)" if run is not None and not run["is_converged"] else ""
    return method + mark


def _all_cells(record: Record) -> list[Record]:
    groups = record["splits"].values()
    return [cells for g in groups for split in g.values() for cells in split["methods"].values()]


def _short(estimate: Record, number: str) -> str:
    mean = number.format(estimate["mean"])
    if estimate["low"] is None:
        return mean
    half = (estimate["high"] - estimate["low"]) / 2
    return f"{mean} ± {number.replace('+', '').format(half)}"


SHEET_COLUMNS = ("input", *EXPRESSION_NAMES[1:])


def sheet_rows(contenders: Sequence[Contender], subjects: Sequence[TrialSubject]) -> list[SheetRow]:
    """For each subject a row of every run at full intensity, then the true pictures.

    The first column is the neutral source; expressions that a subject does not show are black.
    """
    rows = []
    for subject in subjects:
        numbers = subject.numbers_of(Kind.FULL)
        sources, commands = subject.sources[numbers], subject.commands[numbers]
        mask = mask_of(contenders[0].model, sources, commands)
        made = {one.name: composite(one.model, sources, commands, mask) for one in contenders}
        for label, pictures in {**made, "true": subject.targets[numbers]}.items():
            shown = torch.zeros(len(SHEET_COLUMNS), *sources.shape[1:])
            shown[0] = sources[0]
            shown[[subject.trials[number].expression for number in numbers]] = pictures
            views = resized(shown, SHEET_CELL_PX).clamp(0, 1).permute(0, 2, 3, 1).numpy()
            name = label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"
            rows.append(SheetRow(label=f"{subject.style}\n{name}", views=list(views)))
    return rows
