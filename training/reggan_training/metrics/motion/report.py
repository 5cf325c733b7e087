"""The bounds that a motion model has to keep, the figures as JSON, and the one table to read."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from reggan_training.metrics.motion.figures import (
    CROSS_FADE,
    INPUT,
    PARTS,
    RESULT,
    TRUE,
    TRUE_MOTION,
    WHOLE,
    ResultKind,
    Results,
    mean_difference,
    names_in,
    of_kind,
    summarise,
)

LEAST_EXPLAINED, LEAST_EXPLAINED_LEFT_OUT = 0.85, 0.7
LARGEST_GHOST = 0.02
"""Excess over the truth's own correlation that the noise of a good warp has."""
LEAST_TEETH = 0.9
LEAST_RISES = 0.9
ABOVE_0 = 1e-9
"""Least figure of what has to be better, however little."""
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


@dataclass(frozen=True, kw_only=True)
class MotionBound:
    """A figure beside what it should be.

    Attributes:
        faces: which it is of.
        found: NaN if there was nothing to measure, which is never enough.
        reachable: the same of the rig's own motion, light and colours; NaN where that says
            nothing.
    """

    name: str
    faces: str
    found: float
    least: float = -math.inf
    most: float = math.inf
    reachable: float = math.nan

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
        sentence = f"{self.name}, {self.faces}: found {found}, expected {self.expected}"
        if math.isnan(self.reachable):
            return sentence
        return f"{sentence}; the true motion has {self.reachable:.3f}"


def judge_bounds(results: Results, left_out: Collection[str] = ()) -> list[MotionBound]:
    """Every bound on every family; those on expressions for all families together.

    Args:
        results: of all faces.
        left_out: families that the model was not trained on: less of their motion is enough.
    """
    bounds = []
    for family in names_in(one.family for one in results):
        faces = [one for one in results if one.family == family]
        share = LEAST_EXPLAINED_LEFT_OUT if family in left_out else LEAST_EXPLAINED
        bounds += [
            *_of_motion(faces, family, share),
            *_of_fidelity(of_kind(faces, ResultKind.FULL), family),
            *_of_picture(of_kind(faces, ResultKind.FULL, ResultKind.LARGE), family),
            *_of_ways(faces, family),
        ]
    return bounds + _of_expressions(of_kind(results, ResultKind.FULL))


def _of_motion(results: Results, family: str, least_explained: float) -> list[MotionBound]:
    full = of_kind(results, ResultKind.FULL)
    explained, cover = (summarise(full, RESULT, name) for name in ("explained", "cover"))
    folds = summarise(results, RESULT, "folds")
    return [
        MotionBound(
            name="true motion explained", faces=family, found=explained, least=least_explained
        ),
        MotionBound(name="folds per face", faces=family, found=folds, most=0),
        MotionBound(name="cover, intersection over union", faces=family, found=cover, least=0.6),
    ]


def _of_fidelity(full: Results, family: str) -> list[MotionBound]:
    return [
        MotionBound(
            name=f"PSNR over that of the {INPUT} in {part}, dB",
            faces=family,
            found=mean_difference(full, RESULT, INPUT, "psnr", part),
            least=ABOVE_0,
        )
        for part in PARTS
        if part != WHOLE
    ]


def _of_picture(full: Results, family: str) -> list[MotionBound]:
    limits = {
        "detail": ("detail", 0.9, 1.1),
        "large detail": ("detail in large frames", 0.9, 1.1),
        "ghost": ("double contours beyond the truth's own", -math.inf, LARGEST_GHOST),
        "colour": ("median ΔE2000 of what is uncovered", -math.inf, 8),
        "mouth colour": ("median ΔE2000 in the open mouth", -math.inf, 8),
        "teeth": ("share of teeth within the true hues", LEAST_TEETH, math.inf),
        "oversaturated": ("oversaturated pixels per face", -math.inf, 0),
    }
    return [
        MotionBound(
            name=name,
            faces=family,
            found=summarise(full, RESULT, quantity),
            least=least,
            most=most,
            reachable=summarise(full, TRUE_MOTION, quantity),
        )
        for quantity, (name, least, most) in limits.items()
    ]


def _of_ways(results: Results, family: str) -> list[MotionBound]:
    """Half an expression, more and more of one, away from one, and away from the person."""
    full, half, back = (
        of_kind(results, kind)
        for kind in (ResultKind.FULL, ResultKind.HALF, ResultKind.NEUTRALISED)
    )
    return [
        MotionBound(
            name="PSNR of half intensity over a cross-fade's, dB",
            faces=family,
            found=mean_difference(half, RESULT, CROSS_FADE, "psnr"),
            least=ABOVE_0,
        ),
        MotionBound(
            name="share of faces whose motion rises with the intensity",
            faces=family,
            found=summarise(full, RESULT, "rises"),
            least=LEAST_RISES,
        ),
        MotionBound(
            name="PSNR of the neutralised face over the unchanged input's, dB",
            faces=family,
            found=mean_difference(back, RESULT, INPUT, "psnr"),
            least=ABOVE_0,
        ),
        MotionBound(
            name="distance of the face embedding over the true render's",
            faces=family,
            found=_quotient(full, "distance"),
            most=1.1,
        ),
    ]


def _of_expressions(full: Results) -> list[MotionBound]:
    """One for each expression that the judge reads in any true picture."""
    found = {
        expression: _quotient([one for one in full if one.expression == expression], "named")
        for expression in names_in(one.expression for one in full)
    }
    return [
        MotionBound(name="ECS over the true pictures'", faces=expression, found=value, least=0.95)
        for expression, value in found.items()
        if not math.isnan(value)
    ]


def warnings_of(results: Results) -> list[str]:
    """ECS that says nothing, or looks like a win and is none: above the true pictures' own."""
    full = of_kind(results, ResultKind.FULL)
    warnings = []
    for expression in names_in(one.expression for one in full):
        faces = [one for one in full if one.expression == expression]
        ours, theirs = (summarise(faces, method, "named") for method in (RESULT, TRUE))
        if theirs == 0:
            warnings.append(
                f"The judge reads {expression} in no true picture of it: its ECS is no bound."
            )
        elif ours > theirs:
            warnings.append(
                f"ECS of {expression} is {ours:.2f}, above the true pictures' {theirs:.2f}: "
                "overdone expressions, not better ones. Look at them."
            )
    return warnings


def _quotient(results: Results, quantity: str) -> float:
    """Return a judge's figure of the results over that of the true pictures."""
    ours, theirs = (summarise(results, method, quantity) for method in (RESULT, TRUE))
    return ours / theirs if theirs else float("nan")


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
