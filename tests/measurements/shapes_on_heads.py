"""What a model makes of each face shape alone and of random pairs, on heads nobody trained on.

    python -m tests.measurements.shapes_on_heads --ict ict_face_model_light.npz \\
        --makehuman makehuman --face-units faceunits01 --valid valid

Each shape is asked for in full on a neutral face, laid over it; mouthClose on an open jaw. Means
over the heads: *explained*, the share of the rig's own motion where that moves (the lower of the
projection on it and of 1 - error²); *projection*, how far of the way it goes; *cross-talk*, the
squared motion where the rig has none (below 0.01 eye distances), over the rig's squared motion;
*linear*, the share of the motion at 0.25, 0.5 and 0.75 that is that of weight 1 in proportion;
*other side*, for shapes of one side, the share of the squared motion on the other half of the face,
and the same of the rig, whose shapes cross the middle a little. The head is turned as drawn.
"""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import click
import numpy as np
import torch

from reggan_training.commands.options import OpenFamilies, family_options
from reggan_training.heads.head import HeadMesh
from reggan_training.rendering.face_states import Weights
from tests.measurements.heads_and_model import SEED, held_out_heads, model_option, opened
from tests.measurements.shape_answers import (
    AskedShapes,
    ShapeAnswer,
    measure_shapes,
    states_of_shapes,
)

FIGURES = [one.name for one in fields(ShapeAnswer)][2:]


@click.command()
@family_options
@model_option
@click.option("--identities", default=2, help="Held-out heads of each family; 2.")
@click.option("--pairs", default=20, help="Random pairs of shapes on each head; 20.")
def main(*, open_families: OpenFamilies, model: Path, identities: int, pairs: int) -> None:
    """Print a line for each shape, for pairs and for each family."""
    torch.set_num_threads(1)
    asked = opened(model)
    found: list[ShapeAnswer] = []
    drawn: list[list[AskedShapes]] = []

    def states(head: HeadMesh) -> list[Weights]:
        random = np.random.default_rng([SEED, len(drawn)])
        made, requests = states_of_shapes(head.controls, pairs, random)
        drawn.append(requests)
        return made

    for seen in held_out_heads(open_families(), identities, states):
        click.echo(f"{seen.name}, {seen.look.style}", err=True)
        found += measure_shapes(asked, seen, drawn[-1])
    print(f"{len(drawn)} held-out heads, {len(found)} requests\n")
    print("\n".join(report(found)))


def report(found: Sequence[ShapeAnswer]) -> list[str]:
    """A table in Markdown: medians of the shapes and means of pairs, then each shape."""
    lines = [
        f"| | {' | '.join(name.replace('_', ' ') for name in FIGURES)} |",
        f"|---|{'---|' * len(FIGURES)}",
        *_summary("all", found),
    ]
    for family in dict.fromkeys(one.family for one in found):
        lines += _summary(family, [one for one in found if one.family == family])
    shapes = _by_shape(found)
    return [*lines, *(_line(name, _mean(answers)) for name, answers in shapes.items())]


def _summary(label: str, found: Sequence[ShapeAnswer]) -> list[str]:
    means = np.array([_mean(answers) for answers in _by_shape(found).values()])
    pairs = [one for one in found if len(one.shapes) > 1]
    return [
        _line(f"**{label}**, median shape", np.nanmedian(means, axis=0)),
        *([_line(f"**{label}**, {len(pairs)} pairs", _mean(pairs))] if pairs else []),
    ]


def _by_shape(found: Sequence[ShapeAnswer]) -> dict[str, list[ShapeAnswer]]:
    alone: dict[str, list[ShapeAnswer]] = {}
    for one in found:
        if len(one.shapes) == 1:
            alone.setdefault(one.shapes[0], []).append(one)
    return dict(sorted(alone.items()))


def _mean(answers: Sequence[ShapeAnswer]) -> np.ndarray:
    """Means of the figures over heads that have something to measure."""
    rows = np.ma.masked_invalid([[getattr(one, name) for name in FIGURES] for one in answers])
    return rows.mean(axis=0).filled(np.nan)


def _line(label: str, figures: np.ndarray) -> str:
    return f"| {label} | {' | '.join(f'{x:.2f}' if x == x else '–' for x in figures)} |"


if __name__ == "__main__":
    main()
