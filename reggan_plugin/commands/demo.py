"""`reggan-plugin demo`: the whole job on the frames that come with the package."""

import time
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.inputs_and_faces import existing_options
from reggan_plugin.commands.options.model import model_options, open_model
from reggan_plugin.commands.options.options_and_settings_file import GroupedCommand, output_option
from reggan_plugin.drawing.contact_sheet import SheetRow, view_of_face, write_sheet
from reggan_plugin.errors import counted
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.file_safety import refuse_existing
from reggan_plugin.files.frame import copy_frame, read_frame
from reggan_plugin.jobs.frame_record import digest_of, record_path
from reggan_plugin.jobs.plan import Existing, JobPlan, plan_job
from reggan_plugin.jobs.render_job import RenderRun, run_job
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results_and_events import Event, Started
from reggan_plugin.jobs.signals_and_timeouts import stop_on_signals
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

EXPRESSIONS = ("happy", "sad")
"""The two that look best on the samples with the model that ships, of those that move most; see
docs/pictures/before_after.jpg, which has all six."""


@click.command(cls=GroupedCommand, epilog="\b\nExample:\n  reggan-plugin demo --out demo")
@model_options
@output_option(
    "-o --out DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reggan_demo"),
    help="Folder for the results.",
)
@existing_options
@verbose_option
def demo(*, model: str | None, device: str, out: Path, existing: Existing) -> None:
    """Render the sample frames with two expressions and draw a contact sheet.

    The samples are a short shot of an avatar, as PNG and as scene-linear EXR, a statue and a toon.
    It prints the folders that it writes, with the frames before and after, and the sheet. If it is
    stopped, run it again: it goes on.
    """
    begin = time.perf_counter()
    if existing is Existing.REFUSE:
        existing = Existing.RESUME  # a second time goes on
    plans = {
        shot: [
            plan_job(str(shot), None, out / f"{shot.name}_{name}", name, existing)
            for name in EXPRESSIONS
        ]
        for shot in sample_shots()
    }
    _refuse_foreign(out, plans, existing)
    transfer, in_use = open_model(model, device)
    with stop_on_signals() as stop:
        run = RenderRun(
            transfer=transfer, model=in_use, report=_say, stopped=stop.is_made, track_first=True
        )
        for shot_plans in plans.values():
            for plan, name in zip(shot_plans, EXPRESSIONS, strict=True):
                settings = RenderSettings(mix=ExpressionMix({name: 1.0}))
                summary = run_job(plan, settings, run)
                stop.raise_if_made()
                summary.raise_for_failure()
                click.echo(plan.out)
        for shot, shot_plans in plans.items():
            for task in shot_plans[0].tasks:
                before = out / shot.name / task.source.path.name
                before.parent.mkdir(exist_ok=True)
                copy_frame(task.source.path, before)
            click.echo(out / shot.name)
    rows = [_row(transfer, shot.name, shot_plans) for shot, shot_plans in plans.items()]
    write_sheet(out / "sheet.png", ["input", *EXPRESSIONS], rows)
    click.echo(out / "sheet.png")
    seconds = time.perf_counter() - begin
    count = sum(len(plan.tasks) for shot_plans in plans.values() for plan in shot_plans)
    click.echo(f"{count} frames in {seconds:.1f} s on {in_use.device}", err=True)


def _refuse_foreign(out: Path, plans: Mapping[Path, list[JobPlan]], existing: Existing) -> None:
    """Refuse to replace what no demo has made.

    Raises:
        OutputExistsError: a copy of a sample, or the sheet, would.
    """
    if existing is Existing.OVERWRITE:
        return
    tasks = [(shot, task) for shot, (first, *_) in plans.items() for task in first.tasks]
    copies = [(out / shot.name / task.source.path.name, task.source.path) for shot, task in tasks]
    foreign = [copy for copy, own in copies if copy.exists() and digest_of(copy) != digest_of(own)]
    if not any(record_path(task.output).exists() for _, task in tasks):
        foreign.append(out / "sheet.png")
    refuse_existing(foreign, overwrite=False)


def sample_shots() -> list[Path]:
    """Return the folders of sample frames, one sequence in each."""
    samples = Path(str(resources.files("reggan_plugin") / "samples"))
    return sorted(path for path in samples.iterdir() if path.is_dir())


def _say(event: Event) -> None:
    if isinstance(event, Started):
        click.echo(f"{event.out.name}: {counted(event.frames, 'frame')}", err=True)


def _row(transfer: ExpressionTransfer, label: str, plans: list[JobPlan]) -> SheetRow:
    """Return the first frame of a shot and what became of it, from the files that were written."""
    frame = read_frame(plans[0].tasks[0].source.path)
    crops = transfer.find_faces(frame, FaceChoice())
    ev = transfer.auto_exposure(frame, crops)
    results = [read_frame(plan.tasks[0].output).pixels for plan in plans]
    views = [view_of_face(frame, pixels, crops[0], ev) for pixels in (frame.pixels, *results)]
    return SheetRow(label=label, views=views)
