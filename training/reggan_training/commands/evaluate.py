"""`reggan-plugin evaluate`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.options_and_settings_file import shown_option
from reggan_plugin.drawing.contact_sheet import draw_sheet, encoded_picture
from reggan_plugin.errors import UsageError
from reggan_plugin.file_safety import write_atomically
from reggan_training.commands.options import (
    FOLDER,
    FOLDER_TO_WRITE,
    SET,
    identities_option,
    report_line,
    set_threads,
    threads_option,
    write_report,
)

if TYPE_CHECKING:
    from reggan_training.papers.comparison.evaluation import EvaluationSet
    from reggan_training.papers.comparison.measure import Contender


@click.command("evaluate")
@click.argument("runs", nargs=-1, required=True, type=FOLDER)
@click.option(
    "--data",
    "roots",
    type=SET,
    required=True,
    multiple=True,
    help="A set of pictures. May be given several times. Only identities of its test split count "
    "that none of the runs was trained on.",
)
@click.option(
    "--judge",
    type=FOLDER,
    help="Folder that `train-judge` wrote.  [default: the judges that come along]",
)
@shown_option(
    "--metric-weights DIR",
    type=FOLDER,
    help="Folder with networks of others, as ONNX: expression (ECS), face (FSS), inception (FID, "
    "KID), qualiclip. A file that is missing is named, with where to get it and how it is used.",
)
@click.option(
    "--out",
    type=FOLDER_TO_WRITE,
    help="Folder for the report.  [default: evaluation/ in the first run's folder]",
)
@identities_option("style")
@shown_option(
    "--sheet-identities N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many identities of each style the contact sheet shows.",
)
@threads_option()
@verbose_option
def evaluate(
    *,
    runs: tuple[Path, ...],
    roots: tuple[Path, ...],
    judge: Path | None,
    metric_weights: Path | None,
    out: Path | None,
    identities: int | None,
    sheet_identities: int,
    threads: int | None,
) -> None:
    """Measure training runs on held-out identities, beside each other and the unchanged input.

    It writes evaluation.json, table.md and sheet.jpg. The EMA weights of each run are measured.

    \b
    Example:
      reggan-plugin evaluate runs/first --data pictures
    """
    from reggan_training.metrics.judges import SHIPPED_JUDGES, Judges
    from reggan_training.papers.comparison.evaluation import evaluate_runs, load_evaluation_set
    from reggan_training.papers.comparison.outside_networks import load_gauges, missing_files
    from reggan_training.papers.comparison.report import json_from_evaluation, markdown_from_record
    from reggan_training.papers.run_folder import RunFolder

    set_threads(threads)
    contenders, judges = _contenders(runs), Judges.load(judge or SHIPPED_JUDGES)
    gauges = load_gauges(metric_weights)
    for line in missing_files(metric_weights):
        report_line(line)
    trained_on = {name for run in runs for name in RunFolder(run).read_config()["identities"]}
    held_out = load_evaluation_set(roots, identities, trained_on)
    evaluation = evaluate_runs(contenders, judges, held_out, report_line, gauges)
    record = {"data": [root.name for root in roots], **json_from_evaluation(evaluation)}
    table = markdown_from_record(record)
    out = out or runs[0] / "evaluation"
    write_report(out, record, table)
    _write_sheet(out / "sheet.jpg", contenders, held_out, sheet_identities)
    click.echo(table)


def _contenders(folders: Sequence[Path]) -> "list[Contender]":
    """List the runs under their folders' names, with the parent's where two are alike.

    Raises:
        UsageError: a run is named twice, or like a method that is not a run.
    """
    from reggan_training.papers.comparison.measure import INPUT, REGRESSION, TRUE, Contender
    from reggan_training.papers.held_out_curve import held_out_improvement
    from reggan_training.papers.run_folder import images_seen, model_from_run

    resolved = [folder.resolve() for folder in folders]
    names = [folder.name for folder in resolved]
    taken = {INPUT, TRUE, REGRESSION, *(name for name in names if names.count(name) > 1)}
    names = [
        f"{folder.parent.name}/{name}" if name in taken else name
        for folder, name in zip(resolved, names, strict=True)
    ]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"The run {twice} is named more than once; name each run once.")
    return [
        Contender(
            name=name,
            folder=folder,
            model=model_from_run(folder),
            images_seen=images_seen(folder),
            improvement=held_out_improvement(folder),
        )
        for name, folder in zip(names, folders, strict=True)
    ]


def _write_sheet(
    path: Path, contenders: "Sequence[Contender]", held_out: "EvaluationSet", count: int
) -> None:
    from reggan_training.metrics.trials import subject_from_identity
    from reggan_training.papers.comparison.report import SHEET_CELL_PX, SHEET_COLUMNS, sheet_rows

    side_px = max(one.model.side_px for one in contenders)
    shown = [
        subject_from_identity(identity, side_px)
        for identities in held_out.by_style.values()
        for identity in [one for one in identities if one.full_view(0) is not None][:count]
    ]
    sheet = draw_sheet(SHEET_COLUMNS, sheet_rows(contenders, shown), SHEET_CELL_PX)
    write_atomically(path, encoded_picture(sheet, "JPEG", quality=90))
