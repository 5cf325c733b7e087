"""The figures of an evaluation as JSON, and the one table that a reader sees."""

import math
from collections.abc import Sequence
from typing import Any

from reggan_training.metrics.motion.bounds import MotionBound, warnings_of
from reggan_training.metrics.motion.figures import (
    INPUT,
    PARTS,
    RESULT,
    TRUE,
    TRUE_MOTION,
    WHOLE,
    ResultKind,
    Results,
    names_in,
    of_kind,
    summarise,
)

SCHEMA = 1
METHODS = (RESULT, TRUE_MOTION, INPUT, TRUE)
_COLUMNS = {
    "psnr": ("PSNR dB", "{:.2f}"),
    "explained": ("explained", "{:.2f}"),
    "projection": ("projection", "{:.2f}"),
    "error": ("error", "{:.3f}"),
    "error 95": ("95 %", "{:.3f}"),
    "folds": ("folds", "{:.1f}"),
    "cover": ("cover IoU", "{:.2f}"),
    "detail": ("detail", "{:.2f}"),
    "fine": ("fine", "{:.2f}"),
    "medium": ("medium", "{:.2f}"),
    "in place": ("in place", "{:.2f}"),
    "large detail": ("large", "{:.2f}"),
    "ghost": ("double", "{:.3f}"),
    "ghost weight": ("weight", "{:.2f}"),
    "colour": ("ΔE", "{:.1f}"),
    "mouth colour": ("ΔE mouth", "{:.1f}"),
    "teeth": ("teeth", "{:.2f}"),
    "oversaturated": ("saturated", "{:.1f}"),
    "distance": ("identity", "{:.3f}"),
    "named": ("ECS", "{:.2f}"),
}
NOTES = """\
Faces are held-out heads with neutral sources and full expressions. *Explained* is the lower of
the motion's projection on the true one and of 1 − error², since each alone can be fooled; *error*
is the end-point error in eye distances (median, 95 %). *Detail* is gradient energy over the
truth's in the changed region, *in place* the part of it that lies where the truth has it.
*Double* is the correlation with the source's contours where they should be gone, less the truth's
own; *weight* is how much of them is left. *ΔE* is the median CIEDE2000 of uncovered pixels,
*teeth* the share of their pixels within the true hues, *saturated* the pixels per face with more
chroma than source and truth have near that hue, *identity* the median distance of the face
embedding to the source. *True motion* is the rig's own motion, cover and colours through the same
composite: what a perfect model of this contract would reach.
"""


def json_from_results(results: Results, bounds: Sequence[MotionBound]) -> dict[str, Any]:
    """Everything that was measured, face by face, with what is concluded from it."""
    return {
        "schema": SCHEMA,
        "bounds": [
            {
                "name": one.name,
                "faces": one.faces,
                "found": _plain(one.found),
                "expected": one.expected,
                "reachable": _plain(one.reachable),
                "holds": one.holds,
            }
            for one in bounds
        ],
        "warnings": warnings_of(results),
        "faces": [
            {
                "family": one.family,
                "identity": one.identity,
                "style": one.style,
                "expression": one.expression,
                "kind": one.kind.name.lower(),
                "figures": {
                    method: {name: _plain(value) for name, value in figures.items()}
                    for method, figures in one.figures.items()
                },
            }
            for one in results
        ],
    }


def markdown_from_results(results: Results, bounds: Sequence[MotionBound]) -> str:
    """Write the table, then each bound, those that are missed first."""
    full = of_kind(results, ResultKind.FULL, ResultKind.LARGE)
    rows = _rows("all", full)
    for attribute in ("family", "expression", "style"):
        for name in names_in(getattr(one, attribute) for one in full):
            rows += _rows(name, [one for one in full if getattr(one, attribute) == name])
    for part in (one for one in PARTS if one != WHOLE):
        rows += _rows(part, full, part)
    heads = ["faces", "n", "method", *(title for title, _ in _COLUMNS.values())]
    missed = sorted(bounds, key=lambda one: one.holds)
    verdicts = [
        [
            "yes" if one.holds else "**no**",
            one.name,
            one.faces,
            _number(one.found),
            one.expected,
            "" if math.isnan(one.reachable) else _number(one.reachable),
        ]
        for one in missed
    ]
    parts = [
        "## Measures",
        _table(heads, rows),
        NOTES,
        "## Bounds",
        _table(["kept", "bound", "faces", "found", "expected", "true motion"], verdicts),
        *warnings_of(results),
    ]
    return "\n\n".join(parts) + "\n"


def _rows(title: str, results: Results, part: str = WHOLE) -> list[list[str]]:
    """Write a line for each method that was measured."""
    rows = []
    for method in METHODS:
        cells = []
        for quantity, (_, form) in _COLUMNS.items():
            value = summarise(results, method, quantity, part)
            cells.append("" if math.isnan(value) else form.format(value))
        if any(cells):
            rows.append([title, str(len(of_kind(results, ResultKind.FULL))), method, *cells])
    return rows


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float) -> str:
    return "nothing to measure" if math.isnan(value) else f"{value:.3f}"


def _plain(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value
