"""`reggan-plugin evaluate` and `reggan-plugin train-judge`."""

import io
import json
from pathlib import Path

import click
import torch
from PIL import Image

from reggan_plugin.files.atomic import write_atomically
from reggan_training.checkpoint import images_seen, model_from_run
from reggan_training.data.avatar_set import load_avatar_set
from reggan_training.metrics.claims import Verdict
from reggan_training.metrics.evaluation import evaluate_model, load_evaluation_set
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
@click.option("--check", is_flag=True, help="Exit 1 if a claim of the project does not hold.")
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
    check: bool,
) -> None:
    """Measure a training run on held-out identities, beside its rivals.

    Writes evaluation.json, table.md and sheet.jpg; the sheet of photographs is a file of its own.

    \b
    Example:
      reggan-plugin evaluate --run runs/first --data avatars --check
    """
    torch.set_num_threads(1)
    model, judges = model_from_run(folder), Judges.load(judge or SHIPPED_JUDGES)
    held_out = load_evaluation_set(data, photos, model.settings.side_px)
    evaluation = evaluate_model(model, judges, held_out, _report)
    out = out or folder / "evaluation"
    out.mkdir(parents=True, exist_ok=True)
    record = {
        "run": folder.name,
        "images_seen": images_seen(folder),
        **json_from_evaluation(evaluation),
    }
    write_atomically(out / "evaluation.json", json.dumps(record, indent=1).encode())
    table = markdown_from_evaluation(evaluation)
    write_atomically(out / "table.md", table.encode())
    shown = {style: many[:sheet_identities] for style, many in held_out.subjects.items()}
    photographs = shown.pop(PHOTOGRAPHS, None)
    avatars = [subject for many in shown.values() for subject in many]
    write_atomically(out / "sheet.jpg", _jpeg(draw_sheet(model, avatars)))
    if photographs:
        write_atomically(out / "photographs.jpg", _jpeg(draw_sheet(model, photographs)))
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
@click.option("--kimg", type=click.FloatRange(min=0, min_open=True), default=24, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def train_judge(data: Path, out: Path, kimg: float, seed: int) -> None:
    """Train the networks that `evaluate` judges with, never RegGAN itself.

    \b
    Example:
      reggan-plugin train-judge --data avatars --out runs/judge
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    settings = JudgeSettings(length_kimg=kimg, seed=seed)
    training, validation = (load_avatar_set(data, (split,)) for split in ("train", "validation"))
    expression = ExpressionLesson(training, validation, settings)
    train_network(expression, settings, _report)
    face = FaceLesson(training, validation, settings)
    train_network(face, settings, _report)
    Judges(expression.network, face.network.face).save(out)
    click.echo(out)


def _report_claims(verdicts: tuple[Verdict, ...]) -> int:
    """Name every claim that does not hold or cannot be judged; returns how many do not hold."""
    for verdict in verdicts:
        if verdict.is_void:
            _report(f"void: {verdict.sentence}")
        elif not verdict.holds:
            _report(f"does not hold: {verdict.sentence}")
    failed = sum(not verdict.holds and not verdict.is_void for verdict in verdicts)
    _report(f"{len(verdicts) - failed} of {len(verdicts)} claims hold or are void")
    return failed


def _report(line: str) -> None:
    click.echo(line, err=True)


def _jpeg(sheet: Image.Image) -> bytes:
    content = io.BytesIO()
    sheet.save(content, "JPEG", quality=90)
    return content.getvalue()
