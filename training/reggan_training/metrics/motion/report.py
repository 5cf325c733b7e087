"""The bounds that a motion model has to keep, the figures as JSON, and the one table to read."""

import math
from collections.abc import Collection, Sequence
from typing import Any

from reggan_plugin.frozen import frozen
from reggan_training.metrics.motion.measures import (
    INPUT,
    PARTS,
    RESULT,
    WHOLE,
    ResultKind,
    Results,
    names_in,
    of_kind,
    psnr_gain_db,
    summarise,
)

LEAST_EXPLAINED, LEAST_EXPLAINED_LEFT_OUT = 0.85, 0.7
LARGEST_GHOST = 0.02
"""Excess over the truth's own correlation that the noise of a good warp has."""
LEAST_RISES = 0.9
ABOVE_0 = 1e-9
"""Least figure of what has to be better, however little."""
SCHEMA = 2
METHODS = (RESULT, INPUT)
_COLUMNS = {
    "psnr": ("PSNR dB", "{:.2f}"),
    "explained": ("explained", "{:.2f}"),
    "projection": ("projection", "{:.2f}"),
    "folds": ("folds", "{:.1f}"),
    "detail": ("detail", "{:.2f}"),
    "ghost": ("double", "{:.3f}"),
    "colour": ("ΔE", "{:.1f}"),
}
NOTES = """\
Faces are held-out heads with neutral sources and full expressions. *Explained* is the lower of
the motion's projection on the true one and of 1 − error², since each alone can be fooled.
*Detail* is gradient energy over the truth's in the changed region, *double* the correlation with
the source's contours where they should be gone, less the truth's own. *ΔE* is the median CIEDE2000
of uncovered pixels.
"""


@frozen
class MotionBound:
    """A figure beside what it should be.

    Attributes:
        faces: which it is of.
        found: NaN if there was nothing to measure, which is never enough.
    """

    name: str
    faces: str
    found: float
    least: float = -math.inf
    most: float = math.inf

    @property
    def holds(self) -> bool:
        """True if the figure is within its bounds."""
        return self.least <= self.found <= self.most

    @property
    def expected(self) -> str:
        """The bounds in words."""
        if self.least == ABOVE_0:
            return "above 0"
        if math.isinf(self.most):
            return f"at least {self.least:g}"
        if math.isinf(self.least) or self.least == self.most:
            return f"at most {self.most:g}"
        return f"{self.least:g} to {self.most:g}"

    @property
    def sentence(self) -> str:
        """The value that was found and the one that was expected."""
        found = "nothing to measure" if math.isnan(self.found) else f"{self.found:.3f}"
        return f"{self.name}, {self.faces}: found {found}, expected {self.expected}"


def judge_bounds(results: Results, left_out: Collection[str] = ()) -> list[MotionBound]:
    """Every bound on every family.

    Args:
        results: of all faces.
        left_out: families that the model was not trained on: less of their motion is enough.
    """
    bounds = []
    for family in names_in(one.family for one in results):
        faces = [one for one in results if one.family == family]
        share = LEAST_EXPLAINED_LEFT_OUT if family in left_out else LEAST_EXPLAINED
        bounds += _of_family(faces, family, share)
    return bounds


def _of_family(results: Results, family: str, least_explained: float) -> list[MotionBound]:
    full, half, back = (of_kind(results, kind) for kind in ResultKind)
    above = f"over that of the {INPUT}"
    better = {f"PSNR {above} in {part}, dB": (full, part) for part in PARTS if part != WHOLE}
    better[f"PSNR of half intensity {above}, dB"] = (half, WHOLE)
    better[f"PSNR of the neutralised face {above}, dB"] = (back, WHOLE)
    limits = {
        "true motion explained": (full, "explained", least_explained, math.inf),
        "folds per face": (results, "folds", -math.inf, 0.0),
        "detail": (full, "detail", 0.9, 1.1),
        "double contours beyond the truth's own": (full, "ghost", -math.inf, LARGEST_GHOST),
        "median ΔE2000 of what is uncovered": (full, "colour", -math.inf, 8.0),
        "share of motions that rise with the intensity": (full, "rises", LEAST_RISES, math.inf),
    }
    return [
        *(
            MotionBound(
                name=name,
                faces=family,
                found=summarise(faces, RESULT, quantity),
                least=least,
                most=most,
            )
            for name, (faces, quantity, least, most) in limits.items()
        ),
        *(
            MotionBound(name=name, faces=family, found=psnr_gain_db(faces, part), least=ABOVE_0)
            for name, (faces, part) in better.items()
        ),
    ]


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
                "holds": one.holds,
            }
            for one in bounds
        ],
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
    full = of_kind(results, ResultKind.FULL)
    rows = _rows("all", full)
    for attribute in ("family", "expression", "style"):
        for name in names_in(getattr(one, attribute) for one in full):
            rows += _rows(name, [one for one in full if getattr(one, attribute) == name])
    for part in (one for one in PARTS if one != WHOLE):
        rows += _rows(part, full, part)
    heads = ["faces", "n", "method", *(title for title, _ in _COLUMNS.values())]
    missed = sorted(bounds, key=lambda one: one.holds)
    verdicts = [
        ["yes" if one.holds else "**no**", one.name, one.faces, _number(one.found), one.expected]
        for one in missed
    ]
    parts = [
        "## Measures",
        markdown_table(heads, rows),
        NOTES,
        "## Bounds",
        markdown_table(["kept", "bound", "faces", "found", "expected"], verdicts),
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
            rows.append([title, str(len(results)), method, *cells])
    return rows


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float) -> str:
    return "nothing to measure" if math.isnan(value) else f"{value:.3f}"


def _plain(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value
