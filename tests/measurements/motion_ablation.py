"""What the parts of the default model are worth: runs that differ in one thing, on held-out heads.

    python -m tests.measurements.motion_ablation --heads test-heads full=runs/full \\
        'no hint=runs/no-hint'

Faces are neutral, expressions full. The first run is measured once more without its gain, without
the painter of its mouth, and without both painters. `docs/training.md` says how the runs are made.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np
import torch

from reggan_plugin.change.answer import Answer
from reggan_training.metrics.motion.answer import compose, motion_answers
from reggan_training.metrics.motion.evaluation import find_heads
from reggan_training.metrics.motion.face_parts import FacePart
from reggan_training.metrics.motion.figures import WHOLE, measure_motion, measure_picture
from reggan_training.metrics.motion.results import (
    INPUT,
    RESULT,
    FaceResult,
    ResultKind,
    Results,
    summarise,
)
from reggan_training.metrics.motion.test_heads import TestHead, style_of
from reggan_training.metrics.motion.trained import open_run
from reggan_training.pairs.head_file import read_head

Row = dict[str, str | float]

_COLUMNS = {
    "PSNR dB": ("psnr", WHOLE),
    "mouth": ("psnr", FacePart.MOUTH.value),
    "brows and lids": ("psnr", FacePart.BROWS_AND_LIDS.value),
    "explained": ("explained", WHOLE),
    "error": ("error", WHOLE),
    "cover IoU": ("cover", WHOLE),
    "ΔE": ("colour", WHOLE),
    "double": ("ghost", WHOLE),
}


def _without_gain(answer: Answer) -> Answer:
    return replace(answer, gain=np.zeros_like(answer.gain))


def _without_mouth(answer: Answer) -> Answer:
    return replace(answer, painters=())


def _without_paint(answer: Answer) -> Answer:
    return replace(_without_mouth(answer), cover=np.zeros_like(answer.cover))


_LEFT_OUT_OF_ANSWERS: dict[str, Callable[[Answer], Answer]] = {
    "without its gain": _without_gain,
    "without the painter of the mouth": _without_mouth,
    "without any paint": _without_paint,
}
"""What can be left out of a run's answers, without a training of its own."""


def _measured(run: Path, further: bool, numbered: tuple[int, Path]) -> dict[str, list[FaceResult]]:
    """Results of one head by what is left out; the empty name is the whole answer."""
    torch.set_num_threads(1)
    number, path = numbered
    head = TestHead(read_head(path), style_of(number))
    trials = [trial for trial in head.trials() if trial.kind is ResultKind.FULL]
    sources = torch.from_numpy(np.stack([trial.face.source for trial in trials]))
    controls = torch.from_numpy(np.stack([trial.controls for trial in trials]))
    answers = motion_answers(open_run(run), sources, controls)
    kinds: dict[str, Callable[[Answer], Answer]]
    kinds = {"": lambda answer: answer} | (_LEFT_OUT_OF_ANSWERS if further else {})
    found: dict[str, list[FaceResult]] = {}
    for name, changed in kinds.items():
        for trial, answer in zip(trials, answers, strict=True):
            made = compose(trial.face.source, changed(answer))
            ours = measure_picture(made.picture, trial.face) | measure_motion(made, trial.face)
            figures = {RESULT: ours}
            if not name:
                figures[INPUT] = measure_picture(trial.face.source, trial.face)
            one = FaceResult(
                family=head.head.family,
                identity=head.head.identity,
                style=head.look.style,
                expression=trial.expression,
                kind=trial.kind,
                figures=figures,
            )
            found.setdefault(name, []).append(one)
    return found


def _row(name: str, results: Results, method: str = RESULT) -> Row:
    by_family = {
        family: summarise([one for one in results if one.family == family], method, "psnr")
        for family in dict.fromkeys(one.family for one in results)
    }
    cells = {head: summarise(results, method, *asked) for head, asked in _COLUMNS.items()}
    return {"run": name, **cells, **{f"{family} dB": value for family, value in by_family.items()}}


def _table(rows: Sequence[Row]) -> str:
    heads = list(rows[0])
    lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    for row in rows:
        cells = (_cell(head, row[head]) for head in heads)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(head: str, value: str | float) -> str:
    if isinstance(value, str) or np.isnan(value):
        return value if isinstance(value, str) else ""
    return f"{value:.3f}" if head in ("error", "double") else f"{value:.2f}"


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="NAME=RUN...")
@click.option("--heads", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--identities", default=3, help="Heads of each family; 3.")
@click.option("--processes", default=1, help="Heads at a time; 1.")
@click.option("--json", "record", type=click.Path(path_type=Path), help="Keep the table there too.")
def main(
    runs: tuple[str, ...], heads: Path, identities: int, processes: int, record: Path | None
) -> None:
    """Measure runs that differ in one thing and print their table."""
    files = [path for paths in find_heads(heads, identities).values() for path in paths]
    rows: list[Row] = []
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for place, pair in enumerate(runs):
            name, _, run = pair.partition("=")
            found = list(pool.map(partial(_measured, Path(run), not place), enumerate(files)))
            whole = {left: [one for head in found for one in head[left]] for left in found[0]}
            if not place:
                rows.append(_row("unchanged input", whole[""], INPUT))
            rows += [_row(left or name, results) for left, results in whole.items()]
            click.echo(f"measured {name}", err=True)
    click.echo(_table(rows))
    if record:
        record.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
