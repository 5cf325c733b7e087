"""`reggan-plugin dev train-judge`: the networks that `evaluate` judges with."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.options_and_settings_file import shown_option
from reggan_plugin.errors import SourceError
from reggan_training.commands.options import (
    SET,
    out_option,
    report_line,
    set_threads,
    threads_option,
)
from reggan_training.data.identity_and_split import Split

if TYPE_CHECKING:
    from reggan_training.data.identity_and_split import Identity


@click.command("train-judge")
@click.option(
    "--data",
    "roots",
    type=SET,
    required=True,
    multiple=True,
    help="Set of pictures. May be given several times. Only training identities of skin and of "
    "photographs are learnt from.",
)
@out_option("Folder for both judges, as `evaluate --judge` takes it.")
@shown_option(
    "--kimg THOUSANDS",
    type=click.FloatRange(min=0, min_open=True),
    default=24.0,
    show_default=True,
    help="Length of each training.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@threads_option()
@verbose_option
def train_judge(
    roots: tuple[Path, ...], out: Path, kimg: float, seed: int, threads: int | None
) -> None:
    """Train the networks that `evaluate` judges with, never a model itself.

    \b
    Example:
      reggan-plugin dev train-judge --data pictures --out runs/judge
    """
    import torch

    from reggan_training.metrics.judge_training import (
        ExpressionLesson,
        FaceLesson,
        JudgeSettings,
        train_network,
    )
    from reggan_training.metrics.judges import Judges, judge_true_pictures

    set_threads(threads)
    torch.manual_seed(seed)
    settings = JudgeSettings(length_kimg=kimg, seed=seed)
    training, validation = (_identities(roots, split) for split in ("train", "validation"))
    expression = ExpressionLesson(training, validation, settings)
    train_network(expression, settings, report_line)
    face = FaceLesson(training, validation, settings)
    train_network(face, settings, report_line)
    styles = Counter(identity.style for identity in training)
    record = {
        "data": ",".join(root.name for root in roots),
        "training_styles": ",".join(f"{style}:{count}" for style, count in styles.items()),
        "training_identities": ",".join(identity.name for identity in training),
        **{name: str(value) for name, value in dataclasses.asdict(settings).items()},
    }
    judges = Judges(expression.network, face.network.face)
    judges.save(out, record)
    for style in styles:
        held_out = [one for one in validation if one.style == style]
        if held_out:
            accuracy = judge_true_pictures(judges, held_out).accuracy
            report_line(f"{style}: names {accuracy:.0%} of the validation pictures rightly")
    click.echo(out)


def _identities(roots: tuple[Path, ...], split: Split) -> "list[Identity]":
    from reggan_training.data.sets import load_sets
    from reggan_training.metrics.trials import shows_expressions

    found = shows_expressions(load_sets(roots, (split,)))
    if len(found) < 2:
        names = ", ".join(str(root) for root in roots)
        raise SourceError(
            f"{names}: {len(found)} identities of the {split} split show more than one "
            "expression; expected two at least. Add a set with --data."
        )
    return found
