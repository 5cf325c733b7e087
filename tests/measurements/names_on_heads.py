"""Whether a judge that knows true renders of CFEE's 22 expressions by name names a model's, too.

    python -m tests.measurements.names_on_heads --ict ict_face_model_light.npz \\
        --makehuman makehuman --face-units faceunits01 --valid valid --judge names.safetensors

The judge is the small network of `evaluate`'s expression judge with 22 answers. It sees one grey
picture, neither the source nor what was asked for. It learns from true renders of heads that are
not held out (some of these choose the state that is kept), in all materials, and is asked about
heads that neither it nor any model has seen: about the true render of each name, and about what
the model makes of the neutral face. --judge keeps it: where the file is there, it is read and
nothing is learnt. 22 answers by chance are 5 % right.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click
import numpy as np
import torch

from reggan_plugin.change.answer import AnswerSource
from reggan_training.commands.options import OpenFamilies, family_options
from reggan_training.data.identity_and_split import is_held_out
from reggan_training.heads.head import HeadFamily
from reggan_training.metrics.judge_training import JudgeSettings, train_network
from reggan_training.metrics.judges import ExpressionJudge, save_judge
from reggan_training.metrics.motion.evaluation import compose, motion_answers
from reggan_training.metrics.motion.test_heads import TestHead
from reggan_training.rendering.shading import request_of_pair
from tests.measurements.heads_and_model import SEED, held_out_heads, model_option, opened
from tests.measurements.name_judge import NamedViews, NamesLesson, load_name_judge, probabilities
from tests.measurements.named_views import (
    NAMES_OF_CFEE,
    draw_named_views,
    states_of_names,
    view_of_crop,
)

LOOKS = 3
EVERY_VALIDATION = 8
"""One in so many of the heads that are learnt from chooses the judge's state instead."""
TRUE, OURS, SOURCE = "true render", "model", "neutral source"


@dataclass(frozen=True)
class Judgement:
    """What the judge named one picture: numbers in `NAMES_OF_CFEE`, and the right one's chance."""

    head: str
    family: str
    kind: str
    wanted: int
    found: int
    probability: float


@click.command()
@family_options
@model_option
@click.option("--judge", type=click.Path(path_type=Path), help="Read, or written once learnt.")
@click.option("--learn", default=48, help="Heads of each family to learn from; 48.")
@click.option("--identities", default=2, help="Held-out heads of each family; 2.")
@click.option("--kimg", default=30.0, help="Views to learn from, in thousands; 30.")
def main(
    *,
    open_families: OpenFamilies,
    model: Path,
    judge: Path | None,
    learn: int,
    identities: int,
    kimg: float,
) -> None:
    """Print how many pictures of held-out heads are named rightly, true ones and the model's."""
    torch.set_num_threads(1)
    families = open_families()
    if judge is not None and judge.exists():
        network = load_name_judge(judge)
    else:
        network = learnt(families, learn, kimg)
        if judge is not None:
            save_judge(network, judge, {"names": ",".join(NAMES_OF_CFEE)})
    asked = opened(model)
    found: list[Judgement] = []
    for head in held_out_heads(families, identities, lambda mesh: states_of_names(mesh.controls)):
        click.echo(f"{head.name}, {head.look.style}", err=True)
        found += judged(network, asked, head)
    print("\n".join(report(found)))


def learnt(families: Sequence[HeadFamily], heads: int, kimg: float) -> ExpressionJudge:
    """A judge that has learnt from so many heads of each family, as far as there are so many."""
    torch.manual_seed(SEED)
    views = [view for family in families for view in _views(family, heads)]
    chosen = np.arange(len(views)) % EVERY_VALIDATION == EVERY_VALIDATION - 1
    stacked: NamedViews = np.stack(views)
    lesson = NamesLesson(stacked[~chosen], stacked[chosen], SEED)
    click.echo(f"{len(views)} heads drawn, {chosen.sum()} of them for validation", err=True)
    settings = JudgeSettings(length_kimg=kimg, seed=SEED)
    train_network(lesson, settings, lambda line: click.echo(line, err=True))
    return lesson.network


def _views(family: HeadFamily, heads: int) -> Iterator[np.ndarray]:
    names = (n for n in family.identities(2 * heads, SEED) if not is_held_out(family.name, n))
    for number, name in enumerate(islice(names, heads)):
        yield draw_named_views(family.head(name), LOOKS, np.random.default_rng([SEED, number]))


def judged(judge: ExpressionJudge, model: AnswerSource, head: TestHead) -> list[Judgement]:
    """The judge's words on the true render and on the model's picture of every name."""
    numbers = range(1, len(NAMES_OF_CFEE))
    source, states = head.picture(0), head.head.states
    requests = [request_of_pair(states[0], states[n], 1.0) for n in numbers]
    answers = motion_answers(model, [source] * len(requests), requests)
    pictures = [
        *((TRUE, n, head.picture(n)) for n in numbers),
        *((OURS, n, compose(source, one).picture) for n, one in zip(numbers, answers, strict=True)),
        (SOURCE, 0, source),
    ]
    views = np.stack([view_of_crop(torch.from_numpy(picture)) for *_, picture in pictures])
    chances = probabilities(judge, torch.from_numpy(views))
    return [
        Judgement(
            head=head.name,
            family=head.head.family,
            kind=kind,
            wanted=wanted,
            found=int(row.argmax()),
            probability=float(row[wanted]),
        )
        for (kind, wanted, _), row in zip(pictures, chances, strict=True)
    ]


def report(found: Sequence[Judgement]) -> list[str]:
    """Accuracies by family and by name, and what the model's pictures are taken for."""
    heads = len({one.head for one in found})
    sources = [one for one in found if one.kind == SOURCE]
    lines = [
        f"{heads} held-out heads; neutral sources named neutral: {_hits(sources):.2f}",
        "",
        "| faces | n | true render | model | model, if the true one is named | chance, true "
        "| model | taken for |",
        "|---|---|---|---|---|---|---|---|",
        _row("all", found),
    ]
    families = dict.fromkeys(one.family for one in found)
    lines += [_row(family, [one for one in found if one.family == family]) for family in families]
    of_name = [[one for one in found if one.wanted == n] for n in range(len(NAMES_OF_CFEE))]
    names = zip(NAMES_OF_CFEE[1:], of_name[1:], strict=True)
    return [*lines, *(_row(name, of_it, taken=True) for name, of_it in names)]


def _row(label: str, found: Sequence[Judgement], *, taken: bool = False) -> str:
    true = [one for one in found if one.kind == TRUE]
    ours = [one for one in found if one.kind == OURS]
    known = {(one.head, one.wanted) for one in true if one.found == one.wanted}
    sure = [one for one in ours if (one.head, one.wanted) in known]
    misses = Counter(NAMES_OF_CFEE[one.found] for one in ours if one.found != one.wanted)
    words = ", ".join(f"{name} {count}" for name, count in misses.most_common(3)) if taken else ""
    true_chance, our_chance = (np.mean([one.probability for one in kind]) for kind in (true, ours))
    figures = [f"{_hits(kind):.2f}" for kind in (true, ours, sure)]
    cells = [label, str(len(ours)), *figures, f"{true_chance:.2f}", f"{our_chance:.2f}", words]
    return f"| {' | '.join(cells)} |"


def _hits(found: Sequence[Judgement]) -> float:
    """Share that is named rightly; NaN of nothing."""
    return float(np.mean([one.found == one.wanted for one in found])) if found else float("nan")


if __name__ == "__main__":
    main()
