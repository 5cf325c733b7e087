"""What a rig makes of heads whose truth is known, beside another model; ends with its bounds.

    python -m tests.measurements.rig_on_heads --data DIR --model rig.onnx \\
        --beside reggan_plugin/weights/reggan.onnx --out FOLDER

Held-out identities of the three families and stylised warps of others, 512 px, frontal and turned
by 20°, are asked for the six expressions, a blink, wide eyes, a dropped jaw and raised brows, and
frontal ones for single shapes. Both models see the same pixels and go the way of users' frames.
All figures, with what they mean:

    explained   1 - sum|m - t|² / sum|t|², pooled over the expressions, of skin that the source
                shows; *shape*: median over single shapes at weight 1
    dB          PSNR over that of the unchanged source, where source and truth differ: median, for
                a part that hardly changes would rule a mean. *Blurred*: errors as wide as a tooth
                count, for a picture of other teeth is further from the truth than one of none
    blink       share of the eyes' opening that a blink leaves; 0 is shut. See `rig_measures`
    wide        opening that `eyeWide` makes, over the true one
    lip edge    px between the outlines of the mouth's opening and the true one, and its area
    brows       change of the brows' shape beyond a similarity, % of the eye distance: made (true),
                and the distance between both
    landmarks   of a rig, against the true ones, mean (median), % of the eye distance; brows where
                they are seen: their true lines lie where a look paints their hair
    seconds     of a request and its picture, on faces asked before

With `--own-rig` the first model takes each head's own mesh and shapes for its template, as `--rig`
does with a user's file; `--beside` may name the same model once more.

With `--left-out valid` the model is one that was trained with `--without valid`.

A head is asked for a third of the single shapes, the next head of its group for another third;
`--all-shapes` asks each head for all. Exits with 1 if a bound is missed.
"""

import json
import sys
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import cv2
import numpy as np
import torch
from PIL import Image

from reggan_plugin.change.answer import AnswerSource
from reggan_plugin.models.model_card import RIG_CONTRACT
from reggan_plugin.rig.rig_model import RigSource
from reggan_training.landmarks.pictures import TEXTURES
from reggan_training.landmarks.points_on_mesh import SHARES
from reggan_training.metrics.motion.evaluation import open_exported
from reggan_training.rendering.head_look import keep_textures
from tests.measurements.own_rigs import rig_of
from tests.measurements.rig_measures import (
    EXPRESSIONS,
    FACE_PX,
    GROUPS,
    LANDMARK_PARTS,
    MOTION_PX,
    PSNR_PARTS,
    REQUESTS,
    SOFT_MOUTH,
    TURNED_REQUESTS,
    YAW_DEG,
    AskedFace,
    KnownLandmarks,
    StudyHead,
    View,
    explained_sums,
    landmark_errors,
    measure,
    shown_motion,
    study_heads,
)

ALL = "all"


@dataclass(frozen=True)
class Bound:
    """A figure, and on which side of a bound it has to lie; `rows` are those that it holds for."""

    name: str
    bound: float
    is_least: bool
    rows: tuple[str, ...] = (*GROUPS, ALL)


BOUNDS = (
    Bound("explained", 0.85, is_least=True, rows=tuple(SHARES)),
    Bound("explained", 0.70, is_least=True, rows=("stylised",)),
    Bound("share of views with a blink of 0.3 or less", 0.95, is_least=True, rows=(ALL,)),
    Bound("wide, off by", 0.20, is_least=False),
    Bound("lip edge", 1.0, is_least=False),
    *(Bound(f"dB {part} over the model beside it", 0.0, is_least=True) for part in PSNR_PARTS),
    Bound(SOFT_MOUTH, 2.5, is_least=True, rows=(ALL,)),
    Bound("lids across", 0.8, is_least=False),
    Bound("inner lips across", 0.8, is_least=False),
    Bound("brows across", 1.5, is_least=False, rows=(ALL,)),
)
OWN_RIG_BOUNDS = (
    Bound("explained", 0.88, is_least=True),
    Bound("share of views with a blink of 0.3 or less", 0.95, is_least=True, rows=(ALL,)),
)
"""With each head's own shapes; other bounds ask about landmarks and paint, which are the same."""
LEFT_OUT_BOUNDS = (
    Bound("explained", 0.65, is_least=True, rows=(ALL,)),
    Bound("share of views with a blink of 0.3 or less", 0.95, is_least=True, rows=(ALL,)),
)
"""On heads of a family that no part of the model has seen."""
_SHUT = 0.3
_CELL_GAP_PX = 4


@dataclass
class Found:
    """Figures of one model.

    Attributes:
        requests: by row of the table, request and figures; one each view.
        shapes: by row, shape and share explained.
        landmarks: by row and part, errors in eye distances.
    """

    requests: list[tuple[str, str, str, dict[str, float]]] = field(default_factory=list)
    shapes: list[tuple[str, str, str, float]] = field(default_factory=list)
    landmarks: list[tuple[str, str, dict[str, np.ndarray]]] = field(default_factory=list)

    def values(self, row: str, name: str, requests: Iterable[str] = REQUESTS) -> np.ndarray:
        """A figure of all views of a row that have it."""
        wanted = set(requests)
        found = [
            figures[name]
            for group, _, request, figures in self.requests
            if row in (ALL, group) and request in wanted and name in figures
        ]
        return np.array([value for value in found if value == value])

    def errors(self, row: str, part: str) -> np.ndarray:
        """Errors of landmarks in percent of the eye distance."""
        found = [one[part] for group, _, one in self.landmarks if row in (ALL, group)]
        return 100 * np.concatenate(found) if found else np.zeros(0)

    def explained(
        self, row: str, part: str = "face", requests: Iterable[str] = EXPRESSIONS
    ) -> float:
        """Share of the motion, pooled."""
        requests = list(requests)
        whole = self.values(row, f"motion {part}", requests).sum()
        return 1 - self.values(row, f"error {part}", requests).sum() / whole if whole else np.nan

    def median_shape(self, row: str) -> float:
        """Median over single shapes of the mean over heads."""
        by_shape: dict[str, list[float]] = {}
        for group, _, shape, share in self.shapes:
            if row in (ALL, group):
                by_shape.setdefault(shape, []).append(share)
        return _median([float(np.mean(values)) for values in by_shape.values()])

    def figures(self, row: str) -> dict[str, float]:
        """All figures of a row of the table."""
        wide, blink = self.values(row, "wide"), self.values(row, "blink")
        figures = {
            "explained": self.explained(row),
            "explained upper": self.explained(row, "upper"),
            "explained lower": self.explained(row, "lower"),
            **{f"explained {name}": self.explained(row, "face", [name]) for name in EXPRESSIONS},
            "explained shape": self.median_shape(row),
            **{f"dB {part}": _median(self.values(row, f"dB {part}")) for part in PSNR_PARTS},
            SOFT_MOUTH: _median(self.values(row, SOFT_MOUTH)),
            "blink": _median(blink),
            "worst blink": float(blink.max()) if len(blink) else np.nan,
            "share of views with a blink of 0.3 or less": _mean(blink <= _SHUT),
            "true blink": _median(self.values(row, "true blink")),
            "wide": _median(wide),
            "wide, off by": _median(np.abs(wide - 1)),
            "unchanged wide": _median(self.values(row, "unchanged wide")),
            "lip edge": _mean(self.values(row, "lip edge")),
            "mouth open": _median(self.values(row, "mouth open")),
            "seconds": _median(self.values(row, "seconds")),
        }
        for name in ("brow bend", "true brow bend", "brow bend error"):
            figures[name] = 100 * _mean(self.values(row, name))
        for part in LANDMARK_PARTS:
            errors = self.errors(row, part)
            figures[part], figures[f"{part}, median"] = _mean(errors), _median(errors)
        return figures


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _median(values: Sequence[float] | np.ndarray) -> float:
    return float(np.median(values)) if len(values) else float("nan")


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--model", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--beside", type=click.Path(exists=True, path_type=Path), help="Another model.")
@click.option("--true-landmarks", is_flag=True, help="Tell rigs where the landmarks are.")
@click.option("--own-rig", is_flag=True, help="Each head's own shapes move it.")
@click.option(
    "--left-out",
    type=click.Choice(list(SHARES)),
    help="Ask heads of this family alone: the model was trained without it.",
)
@click.option("--heads", default=3, show_default=True, help="Of each row of the table.")
@click.option("--all-shapes", is_flag=True, help="Ask each head for every shape.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of figures and sheets.")
def main(
    *,
    data: Path,
    model: Path,
    beside: Path | None,
    true_landmarks: bool,
    own_rig: bool,
    left_out: str | None,
    heads: int,
    all_shapes: bool,
    out: Path | None,
) -> None:
    """Print tables, then the bounds."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    keep_textures(TEXTURES)
    models = [_opened(path, true_landmarks) for path in (model, beside) if path]
    looking = open_exported(model, 1)
    if own_rig and not isinstance(looking, RigSource):
        raise click.UsageError(f"{model} lays no rig over faces; --own-rig needs one that does.")
    found = [Found() for _ in models]
    sheets: dict[str, list[np.ndarray]] = {}
    for number, head in enumerate(study_heads(data, heads)):
        if left_out not in (None, head.group):
            continue
        click.echo(f"{head.name}, {head.style}", err=True)
        if own_rig and isinstance(models[0], RigSource | KnownLandmarks):
            assert isinstance(looking, RigSource)
            models[0].template = rig_of(head.mesh, looking).template
        _ask_expressions(head, models, found, sheets if out else None)
        _ask_shapes(head, models, found, None if all_shapes else number // len(GROUPS))
        if out and (left_out or number % len(GROUPS) == len(GROUPS) - 1):
            _save_sheets(sheets, out, number // len(GROUPS))
            sheets = {}
    rows = [one.figures(ALL) for one in found]
    table = {row: [one.figures(row) for one in found] for row in GROUPS} | {ALL: rows}
    print("\n".join(_report(table, found)))
    bounds = OWN_RIG_BOUNDS if own_rig else LEFT_OUT_BOUNDS if left_out else BOUNDS
    missed, lines = _bounds_missed(table, bounds)
    print("\n".join(lines))
    if out:
        _save_figures(out / "figures.json", table, found)
    sys.exit(1 if missed else 0)


def _opened(path: Path, true_landmarks: bool) -> AnswerSource:
    source = open_exported(path, 1)
    if true_landmarks and source.card.contract == RIG_CONTRACT:
        return KnownLandmarks(source.card)
    return source


def _ask_expressions(
    head: StudyHead,
    models: Sequence[AnswerSource],
    found: Sequence[Found],
    sheets: dict[str, list[np.ndarray]] | None,
) -> None:
    for yaw_deg in (0.0, YAW_DEG):
        names = [
            name
            for name in (REQUESTS if yaw_deg == 0 else TURNED_REQUESTS)
            if any(shape in head.mesh.controls for shape in REQUESTS[name])
        ]
        view = View(head, yaw_deg, [REQUESTS[name] for name in names], FACE_PX)
        label = f"{head.name}, {yaw_deg:g}°"
        asked = [AskedFace(model, view.source, view.places) for model in models]
        for one, results in zip(asked, found, strict=True):
            if isinstance(one.source, RigSource):
                seen = view.shows(view.places)
                errors = landmark_errors(one.found().places, view.places, view.eye, seen)
                results.landmarks.append((head.group, label, errors))
        own = view.openings(0)
        for state, name in enumerate(names, start=1):
            target = view.picture(state)
            face = view.truth(state, target)
            cells = [view.source, target]
            for one, results in zip(asked, found, strict=True):
                result = measure(view, one, name, state, face, own)
                results.requests.append((head.group, label, name, result.figures))
                cells.append(result.picture)
            if sheets is not None:
                sheet = name if yaw_deg == 0 else f"{name}_turned"
                sheets.setdefault(sheet, []).append(_row_of(cells))


def _ask_shapes(
    head: StudyHead, models: Sequence[AnswerSource], found: Sequence[Found], third: int | None
) -> None:
    shapes = sorted(head.mesh.controls, key=lambda name: zlib.crc32(name.encode()))
    if third is not None:
        shapes = shapes[third % 3 :: 3]
    view = View(head, 0.0, [{name: 1.0} for name in shapes], MOTION_PX)
    asked = [AskedFace(model, view.source, view.places) for model in models]
    for state, shape in enumerate(shapes, start=1):
        face = view.truth(state, view.source)
        for one, results in zip(asked, found, strict=True):
            if shape not in one.source.card.controls:
                continue
            sums = explained_sums(shown_motion(one.answer({shape: 1.0}), MOTION_PX), face)
            if sums["motion face"] > 0:
                share = 1 - sums["error face"] / sums["motion face"]
                results.shapes.append((head.group, head.name, shape, share))


def _row_of(cells: Sequence[np.ndarray]) -> np.ndarray:
    gap = np.ones((len(cells[0]), _CELL_GAP_PX, 3), np.float32)
    row = np.concatenate([part for cell in cells for part in (cell, gap)][:-1], axis=1)
    return np.round(np.clip(row, 0, 1) * 255).astype(np.uint8)


def _save_sheets(sheets: dict[str, list[np.ndarray]], out: Path, number: int) -> None:
    """A sheet for each request: source, truth, model, the model beside it; a row each head."""
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in sheets.items():
        Image.fromarray(np.concatenate(rows)).save(out / f"{name}_{number}.png")


Table = dict[str, list[dict[str, float]]]


def _report(table: Table, found: Sequence[Found]) -> list[str]:
    heads = len({label for _, label, _, _ in found[0].requests})
    lines = [f"{heads} views; cells: the model / the model beside it", ""]
    parts = ["explained", "explained upper", "explained lower"]
    expressions = [f"explained {name}" for name in EXPRESSIONS]
    lines += _columns(table, "motion explained", [*parts, *expressions, "explained shape"])
    decibels = [*(f"dB {part}" for part in PSNR_PARTS), SOFT_MOUTH]
    lines += _columns(table, "dB over the unchanged source", decibels)
    lines += _columns(
        table,
        "openings",
        ["blink", "worst blink", "share of views with a blink of 0.3 or less", "wide",
         "wide, off by", "lip edge", "mouth open"],
        {"true blink": "true blink", "unchanged wide": "wide, unchanged"},
    )  # fmt: skip
    lines += _columns(
        table, "brows, %", ["brow bend", "brow bend error"], {"true brow bend": "true bend"}
    )
    lines += _columns(table, "cost", ["seconds"])
    if found[0].landmarks:
        lines += ["| landmarks, % |" + "".join(f" {part} |" for part in LANDMARK_PARTS)]
        lines += ["|---|" + "---|" * len(LANDMARK_PARTS)]
        for row, models in table.items():
            first = models[0]
            cells = (f"{first[p]:.2f} ({first[f'{p}, median']:.2f})" for p in LANDMARK_PARTS)
            lines.append(f"| {row} | {' | '.join(cells)} |")
        lines.append("")
    return lines


def _columns(
    table: Table, title: str, names: Sequence[str], true: dict[str, str] | None = None
) -> list[str]:
    """A table in Markdown; of `true` figures, which no model makes, a single number."""
    true = true or {}
    heads = [name.removeprefix("explained ").removeprefix("dB ") for name in names]
    lines = [f"| {title} | {' | '.join([*heads, *true.values()])} |"]
    lines.append("|---|" + "---|" * (len(names) + len(true)))
    for row, models in table.items():
        cells = [" / ".join(_number(one[name]) for one in models) for name in names]
        cells += [_number(models[0][name]) for name in true]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return [*lines, ""]


def _number(value: float) -> str:
    return f"{value:.2f}" if value == value else "–"


def _bounds_missed(table: Table, bounds: Sequence[Bound]) -> tuple[int, list[str]]:
    """How many bounds are missed, and a line for each bound."""
    missed, lines = 0, ["| bound | | missed by |", "|---|---|---|"]
    for bound in bounds:
        bad = []
        for row in bound.rows:
            value = _bounded(table[row], bound.name)
            if value != value:
                continue
            if (value < bound.bound) if bound.is_least else (value > bound.bound):
                bad.append(f"{row} {value:.2f}")
        missed += bool(bad)
        sign = "≥" if bound.is_least else "≤"
        lines.append(f"| {bound.name} | {sign} {bound.bound:g} | {', '.join(bad) or 'none'} |")
    return missed, [*lines, "", f"{missed} of {len(bounds)} bounds are missed"]


def _bounded(models: Sequence[dict[str, float]], name: str) -> float:
    over = " over the model beside it"
    if not name.endswith(over):
        return models[0][name]
    own = name.removesuffix(over)
    return models[0][own] - models[1][own] if len(models) > 1 else float("nan")


def _save_figures(path: Path, table: Table, found: Sequence[Found]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "table": table,
        "models": [
            {
                "requests": one.requests,
                "shapes": one.shapes,
                "landmarks": [(group, view, _means(own)) for group, view, own in one.landmarks],
            }
            for one in found
        ],
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1))
    partial.rename(path)


def _means(errors: dict[str, np.ndarray]) -> dict[str, float]:
    return {part: float(values.mean()) for part, values in errors.items()}


if __name__ == "__main__":
    main()
