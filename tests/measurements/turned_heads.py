"""What the turn of a head does to the model's answer: up to which `max_yaw_deg` it is worth using.

    python -m tests.measurements.turned_heads --ict ict_face_model_light.npz \\
        --makehuman makehuman --face-units faceunits01 --valid valid

Held-out heads turn to their left or right, by turns, and are asked for the six expressions in full.
The crop lies where true landmarks put it. Means over heads and expressions: *explained* and
*projection* as `evaluate-motion` has them, and PSNR in the region that truly changes, of the answer
and of the unchanged picture. `--turns` is in degrees.
"""

from pathlib import Path

import click
import numpy as np
import torch

from reggan_plugin.change.answer import Answer, AnswerSource
from reggan_plugin.vocabulary.expression import BASIC_EXPRESSIONS
from reggan_training.commands.options import OpenFamilies, family_options
from reggan_training.heads.head import HeadMesh
from reggan_training.metrics.motion.evaluation import answers_to, compose
from reggan_training.metrics.motion.measures import (
    ResultKind,
    changeable_region,
    changed_region,
    explained_motion,
    moved_region,
    region_psnr_db,
)
from reggan_training.metrics.motion.test_heads import (
    EXPRESSIONS,
    SUPERSAMPLING,
    MotionTrial,
    TestHead,
    held_out_identities,
    style_of,
)
from reggan_training.rendering.rasterising import frontal_camera, rasterise_head
from tests.measurements.heads_and_model import SEED, SIDE_PX, model_option, opened

FIGURES = (
    "explained",
    "projection",
    "dB",
    "dB unchanged",
    "dB gained",
    "heads worse than unchanged",
)


@click.command()
@family_options
@model_option
@click.option("--identities", default=2, help="Held-out heads of each family; 2.")
@click.option("--turns", default="0,15,25,35,45,55", help="In degrees.")
def main(*, open_families: OpenFamilies, model: Path, identities: int, turns: str) -> None:
    """Print a line for each turn."""
    torch.set_num_threads(1)
    asked, degrees = opened(model), [float(turn) for turn in turns.split(",")]
    found: dict[float, list[list[float]]] = {turn: [] for turn in degrees}
    number = 0
    for family in open_families():
        for name in held_out_identities(family, identities, SEED):
            head, side = family.head(name), (-1) ** number
            for turn in degrees:
                seen = turned(head, side * turn, style_of(number))
                found[turn].append(measure(asked, seen))
            click.echo(f"{family.name}/{name}, {style_of(number)}", err=True)
            number += 1
    print(f"{number} heads\n\n| turn | {' | '.join(FIGURES)} |\n|---|{'---|' * len(FIGURES)}")
    for turn, rows in found.items():
        print(f"| {turn:g}° | {_line(np.array(rows))} |")


def turned(head: HeadMesh, yaw_deg: float, style: str) -> TestHead:
    """A head at rest and with each expression, seen by a camera that is level with it."""
    states = [
        {shape: value for shape, value in one.weights.items() if shape in head.controls}
        for one in BASIC_EXPRESSIONS
    ]
    camera = frontal_camera(head.landmarks(head.rest), yaw_deg)
    side_px = SUPERSAMPLING * SIDE_PX
    return TestHead(rasterise_head(head, states, camera, face_px=side_px), style)


def measure(model: AnswerSource, head: TestHead) -> list[float]:
    """Explained, projection, dB of the answer and of the picture as it was: means."""
    trials = [
        head.trial(ResultKind.FULL, name, 0, place)
        for place, name in enumerate(EXPRESSIONS, start=1)
    ]
    answers = answers_to(model, trials)
    rows = [_figures(trial, answer) for trial, answer in zip(trials, answers, strict=True)]
    return list(np.nanmean(rows, axis=0))


def _figures(trial: MotionTrial, answer: Answer) -> list[float]:
    face = trial.face
    made = compose(face.source, answer)
    inside = changeable_region(face.side_px)
    share = explained_motion(made.motion, face.motion, moved_region(face) & inside)
    changed = changed_region(face) & inside
    shown = (made.picture, face.source)
    return [
        share.share,
        share.projection,
        *(region_psnr_db(picture, face.target, changed) for picture in shown),
    ]


def _line(rows: np.ndarray) -> str:
    explained, projection, result, unchanged = rows.mean(axis=0)
    worse = int((rows[:, 2] < rows[:, 3]).sum())
    figures = f"{explained:.2f} | {projection:.2f} | {result:.2f} | {unchanged:.2f}"
    return f"{figures} | {result - unchanged:.2f} | {worse} of {len(rows)}"


if __name__ == "__main__":
    main()
