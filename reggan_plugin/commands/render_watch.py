"""`render --watch`: what it can be asked for, and what it prints while pictures land."""

import sys
from dataclasses import replace
from pathlib import Path

import click

from reggan_plugin.commands.options.grouped import given_files
from reggan_plugin.commands.options.intensity import ShotExpression
from reggan_plugin.commands.progress import libraries_on_stderr
from reggan_plugin.commands.render_output import print_summary, written_by
from reggan_plugin.commands.render_request import RenderOptions
from reggan_plugin.errors import UsageError
from reggan_plugin.jobs.events import Notice, Report
from reggan_plugin.jobs.intensity_curve import Fades
from reggan_plugin.jobs.interruption import StopRequest
from reggan_plugin.jobs.output_names import default_output_folder
from reggan_plugin.jobs.plan import Existing, is_name_of_picture
from reggan_plugin.jobs.results import JobSummary, ModelInUse
from reggan_plugin.jobs.watched_folder import WatchedFolder, watch_folder
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer


def watched_folder(request: RenderOptions) -> WatchedFolder:
    """Folder that pictures land in, and what becomes of them.

    Raises:
        UsageError: what is asked for needs to know the whole shot, or one picture.
    """
    inputs, (asked, *more) = request.asked_inputs, request.expressions
    if more or request.atlas is not None:
        raise UsageError("--watch changes each picture once. Give one expression, and no --atlas.")
    settings = request.settings_of(asked)
    assert inputs.watched is not None
    file = None if request.out_is_folder else request.out
    _refuse_impossible(asked, file, dry_run=request.dry_run)
    placed = asked.on_shot(first_frame=0)  # a take lies on frames that were named
    picture = settings.picture
    mattes = [] if picture.matte is None else picture.matte.files()
    return WatchedFolder(
        folder=inputs.watched,
        out=request.out or default_output_folder(str(inputs.watched), asked.label),
        settings=replace(settings, mix=placed.mix, curve=placed.curve),
        existing=Existing.RESUME if request.existing is Existing.REFUSE else request.existing,
        settle_s=inputs.settle_s,
        layer_files=picture.layer_files,
        inputs=[*given_files(), *mattes],
    )


def render_what_lands(
    watched: WatchedFolder,
    transfer: ExpressionTransfer | None,
    model: ModelInUse | None,
    report: Report,
    stop: StopRequest,
    stall_s: float,
    *,
    as_json: bool,
) -> None:
    """Render until a signal comes, and print each result when it is there.

    Raises:
        Interrupted: the signal came, which is how this ends.
    """
    report(Notice(message=f"Waiting for pictures in {watched.folder}. Ctrl-C ends it."))
    results = sys.stdout

    def print_paths(summary: JobSummary) -> None:
        if not as_json:  # which prints one summary at the end
            for path in written_by(summary):
                click.echo(path, file=results)

    with libraries_on_stderr():
        summary = watch_folder(
            watched,
            transfer,
            model=model,
            report=report,
            on_batch=print_paths,
            stopped=stop.is_made,
            stall_s=stall_s,
        )
    if as_json and summary is not None:
        print_summary(summary, as_json=True)
    stop.raise_if_made()


def _refuse_impossible(asked: ShotExpression, out: Path | None, *, dry_run: bool) -> None:
    if asked.fades != Fades():
        raise UsageError(
            "A fade counts from the ends of a shot, which nobody knows while it lands. Leave "
            "--fade-in and --fade-out out, or write an --intensity-curve."
        )
    if asked.take is not None and not asked.take.names_frame:
        raise UsageError(
            "The first frame of a shot is not known while it lands, so the take has no place on "
            "it. Say on which frame its first row lies: --curves-offset 1001."
        )
    if out is not None and is_name_of_picture(out):
        raise UsageError(f"{out} is one picture, and several may land. Name a folder with --out.")
    if dry_run:
        raise UsageError("--dry-run lists what is there, and --watch waits. Leave one of them out.")
