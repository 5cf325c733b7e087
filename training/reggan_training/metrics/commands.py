"""`reggan-plugin evaluate` and `reggan-plugin train-judge`."""

import dataclasses
import hashlib
import io
import json
from pathlib import Path

import click
import torch

from reggan_plugin.files.atomic import write_atomically
from reggan_training.checkpoint import images_seen, model_from_run
from reggan_training.data.avatar_set import load_avatar_set
from reggan_training.metrics.claims import ALL_AVATARS, Verdict
from reggan_training.metrics.evaluation import EvaluationSet, evaluate_model, load_evaluation_set
from reggan_training.metrics.judge_training import (
    ExpressionLesson,
    FaceLesson,
    JudgeSettings,
    train_network,
)
from reggan_training.metrics.judges import SHIPPED_JUDGES, Judges
from reggan_training.metrics.report import json_from_evaluation, markdown_from_evaluation
from reggan_training.metrics.sheet import draw_sheet
from reggan_training.metrics.subjects import PHOTOGRAPHS
from reggan_training.networks.reggan import RegGAN

_threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="CPU threads; by default one per core. On shared cores 1 is fastest.",
)


@click.command("evaluate")
@click.option(
    "--run",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Run folder; its averaged weights are measured.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Avatar set; only identities of the test split are used.",
)
@click.option(
    "--photos",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Real photographs, aligned by the eyes: neutral/N.jpg and happy/N.jpg.",
)
@click.option(
    "--judge",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that `train-judge` wrote.  [default: the judges that come along]",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the report.  [default: evaluation/ in the run folder]",
)
@click.option(
    "--sheet-identities",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Identities of each style on the contact sheet: the first by name.",
)
@_threads_option
@click.option(
    "--check", is_flag=True, help="Exit 1 if a claim of the project fails on all avatars together."
)
@click.pass_context
def evaluate(
    context: click.Context,
    *,
    folder: Path,
    data: Path,
    photos: Path | None,
    judge: Path | None,
    out: Path | None,
    sheet_identities: int,
    threads: int | None,
    check: bool,
) -> None:
    """Measure a training run on held-out identities, beside its rivals.

    Writes evaluation.json, table.md and sheet.jpg; the sheet of photographs is a file of its own.

    \b
    Example:
      reggan-plugin evaluate --run runs/first --data avatars --check
    """
    _set_threads(threads)
    model, judges = model_from_run(folder), Judges.load(judge or SHIPPED_JUDGES)
    held_out = load_evaluation_set(data, photos, model.settings.side_px)
    evaluation = evaluate_model(model, judges, held_out, _report)
    record = {"run": folder.name, "images_seen": images_seen(folder)}
    record |= json_from_evaluation(evaluation)
    table = markdown_from_evaluation(evaluation)
    out = out or folder / "evaluation"
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "evaluation.json", json.dumps(record, indent=1).encode())
    write_atomically(out / "table.md", table.encode())
    _write_sheets(out, model, held_out, sheet_identities)
    click.echo(table)
    failed = _report_claims(evaluation.verdicts)
    if check and failed:
        context.exit(1)


@click.command("train-judge")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Avatar set; training identities of skin only are used.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for both judges, as `evaluate --judge` takes it.",
)
@click.option(
    "--kimg",
    type=click.FloatRange(min=0, min_open=True),
    default=24,
    show_default=True,
    metavar="THOUSANDS",
    help="Length of each training.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@_threads_option
def train_judge(data: Path, out: Path, kimg: float, seed: int, threads: int | None) -> None:
    """Train the networks that `evaluate` judges with, never RegGAN itself.

    \b
    Example:
      reggan-plugin train-judge --data avatars --out runs/judge
    """
    _set_threads(threads)
    torch.manual_seed(seed)
    settings = JudgeSettings(length_kimg=kimg, seed=seed)
    training, validation = (load_avatar_set(data, (split,)) for split in ("train", "validation"))
    expression = ExpressionLesson(training, validation, settings)
    train_network(expression, settings, _report)
    face = FaceLesson(training, validation, settings)
    train_network(face, settings, _report)
    record = {
        "data_sha256": hashlib.sha256((data / "landmarks.json").read_bytes()).hexdigest(),
        "training_identities": ",".join(identity.name for identity in training),
        **{name: str(value) for name, value in dataclasses.asdict(settings).items()},
    }
    Judges(expression.network, face.network.face).save(out, record)
    click.echo(out)


def _write_sheets(out: Path, model: RegGAN, held_out: EvaluationSet, identities: int) -> None:
    """Write sheet.jpg of avatars and, where there are any, photographs.jpg."""
    shown = {style: many[:identities] for style, many in held_out.subjects.items()}
    photographs = shown.pop(PHOTOGRAPHS, ())
    avatars = [subject for many in shown.values() for subject in many]
    for name, subjects in (("sheet.jpg", avatars), ("photographs.jpg", photographs)):
        if subjects:
            content = io.BytesIO()
            draw_sheet(model, subjects).save(content, "JPEG", quality=90)
            write_atomically(out / name, content.getvalue())


def _report_claims(verdicts: tuple[Verdict, ...]) -> bool:
    """Name every claim that does not hold or cannot be judged; whether any fails on all avatars."""
    for verdict in verdicts:
        if verdict.is_void:
            _report(f"void: {verdict.sentence}")
        elif not verdict.holds:
            _report(f"does not hold: {verdict.sentence}")
    return any(not one.holds and not one.is_void for one in verdicts if one.styles == ALL_AVATARS)


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        torch.set_num_threads(threads)


def _report(line: str) -> None:
    click.echo(line, err=True)
