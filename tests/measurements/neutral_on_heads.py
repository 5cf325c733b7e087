"""How neutral the model makes a face that shows an expression, on heads nobody trained on.

    python -m tests.measurements.neutral_on_heads --heads test-heads

`--heads` is what `dataset test-heads` wrote. Each of the six expressions is asked to go, in full
and by half; the truth is the render of the same face at rest. Means over the heads: *explained* and
*projection* as `evaluate-motion` has them, and PSNR in the region that truly changes, of the face
as it was, of the answer, and of the answer asked to go once more.
"""

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import torch

from reggan_plugin.change.answer import AnswerSource
from reggan_plugin.vocabulary.face_shapes import CONTROLS, NEUTRAL
from reggan_training.metrics.motion.answer import compose, motion_answers
from reggan_training.metrics.motion.evaluation import find_heads
from reggan_training.metrics.motion.face import (
    FaceAnswer,
    changeable_region,
    changed_region,
    moved_region,
)
from reggan_training.metrics.motion.figures import ResultKind
from reggan_training.metrics.motion.quantities import explained_motion, region_psnr_db
from reggan_training.metrics.motion.test_heads import (
    EXPRESSIONS,
    MotionTrial,
    TestHead,
    read_head,
    style_of,
)
from tests.measurements.heads_and_model import model_option, opened

FIGURES = ("explained", "projection", "dB, as it was", "dB, once", "dB, twice")


@click.command()
@click.option("--heads", type=click.Path(exists=True, path_type=Path), required=True)
@model_option
@click.option("--identities", default=2, help="Heads of each family; 2.")
def main(*, heads: Path, model: Path, identities: int) -> None:
    """Print a table: all, each family, each expression."""
    torch.set_num_threads(1)
    asked, found = opened(model), {}
    files = find_heads(heads, identities).values()
    for number, path in enumerate(path for paths in files for path in paths):
        head = TestHead(read_head(path), style_of(number))
        click.echo(f"{head.name}, {head.look.style}", err=True)
        for state in range(1, 1 + 2 * len(EXPRESSIONS)):
            half, name = divmod(state - 1, len(EXPRESSIONS))
            label = EXPRESSIONS[name] + (", half" if half else "")
            trial = head.trial(ResultKind.NEUTRALISED, label, state, 0)
            found[head.head.family, head.name, label] = measure(asked, trial)
    print(f"| faces | n | {' | '.join(FIGURES)} |\n|---|---|{'---|' * len(FIGURES)}")
    print(_line("all", list(found.values())))
    for place in (0, 2):
        for label in dict.fromkeys(key[place] for key in found):
            print(_line(label, [row for key, row in found.items() if key[place] == label]))


def measure(model: AnswerSource, trial: MotionTrial) -> list[float]:
    """The figures of one face, in the order of `FIGURES`."""
    face = trial.face
    once = neutralised(model, face.source)
    twice = neutralised(model, once.picture)
    inside = changeable_region(face.side_px)
    share = explained_motion(once.motion, face.motion, moved_region(face) & inside)
    changed = changed_region(face) & inside
    shown = (face.source, once.picture, twice.picture)
    return [
        share.share,
        share.projection,
        *(region_psnr_db(picture, face.target, changed) for picture in shown),
    ]


def neutralised(model: AnswerSource, picture: np.ndarray) -> FaceAnswer:
    """A crop [3, side, side] that is asked to show nothing."""
    controls = torch.tensor([[float(name == NEUTRAL) for name in CONTROLS]])
    (answer,) = motion_answers(model, torch.from_numpy(picture)[None], controls)
    return compose(picture, answer)


def _line(label: str, rows: Sequence[Sequence[float]]) -> str:
    means = np.nanmean(np.array(rows), axis=0)
    cells = [f"{value:.2f}" for value in means]
    return f"| {label} | {len(rows)} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
