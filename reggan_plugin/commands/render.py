"""`reggan-plugin render`: frames in, the same frames with another expression out."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from reggan_plugin.commands.options.grouped import GroupedCommand, given_files
from reggan_plugin.commands.options.intensity import ShotExpression
from reggan_plugin.commands.options.shared import stall_option
from reggan_plugin.commands.progress import (
    ProgressStyle,
    libraries_on_stderr,
    progress_on_stderr,
    style_options,
)
from reggan_plugin.commands.render_output import plan_atlas, print_plans, print_summary, write_atlas
from reggan_plugin.commands.render_request import ModelOptions, RenderOptions, render_options
from reggan_plugin.commands.standard_streams import STANDARD, piped_files
from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.errors import UsageError
from reggan_plugin.jobs.events import Report
from reggan_plugin.jobs.interruption import StopRequest, stop_on_signals
from reggan_plugin.jobs.joined_report import report_of_one_file
from reggan_plugin.jobs.plan import JobPlan, make_writable_folder
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results import JobSummary
from reggan_plugin.jobs.several_jobs import PlannedJob, run_jobs
from reggan_plugin.jobs.sources import Found
from reggan_plugin.jobs.stall_timeout import IoTimeout


@click.command(
    cls=GroupedCommand,
    epilog="\b\nExample:\n  reggan-plugin render shot/ --expression happy --intensity 0.7",
)
@render_options
@style_options("Output")
@stall_option
@verbose_option
def render(*, request: RenderOptions, style: ProgressStyle, stall_s: float) -> None:
    """Change the expression in frames and keep everything else.

    INPUT is any number of pictures, videos, folders, sequences (shot.####.exr) and globs. - is a
    picture or a video from standard input.

    The frames keep their names, format, bit depth, metadata and alpha. Known passes of an EXR move
    with the face (--move-layers); other layers stay. Beside its source, the result of a single
    picture is called <name>_<expression>. If a frame fails, the others go on, and the exit code is
    1. Any number of frames takes about 2 GB of memory at 4K, and 3 GB at 8K, in each process
    (--jobs).

    A whole sequence is tracked first, so that faces are steady. A --range without --tracks is not
    tracked, and neither are pictures under --watch. The folder .reggan beside the results says how
    each frame was made. --resume reads it.
    """
    watched, as_json = request.asked_inputs.watched, request.as_json
    is_endless_bar = watched is not None and style == "auto" and not as_json
    shown: ProgressStyle = "plain" if is_endless_bar else style
    with (
        progress_on_stderr(shown, as_json=as_json) as report,
        stop_on_signals() as stop,
        piped_files(request.asked_inputs.paths, request.out, as_json=as_json) as piped,
    ):
        request.asked_model.refuse_unknown()
        if watched is not None:
            from reggan_plugin.commands.render_watch import render_what_lands, watched_folder

            folder = watched_folder(request)
            transfer, in_use = request.asked_model.open_for([folder.settings])
            render_what_lands(folder, transfer, in_use, report, stop, stall_s, as_json=as_json)
            return
        inputs = request.asked_inputs.at(piped.inputs)
        if piped.writes and len(request.expressions) > 1:
            raise UsageError("Standard output takes one result. Name a folder with --out.")
        asked_out = str(piped.out) if piped.writes else request.asked_out
        named = replace(request, asked_inputs=inputs, asked_out=asked_out)
        plan = partial(_plan_jobs, named, given_files())
        jobs, found = IoTimeout(stall_s).call(inputs.name, plan)
        if request.dry_run:
            in_use = request.asked_model.in_dry_run([job.settings for job in jobs])
            print_plans(jobs, in_use, as_json, piped)
            for _, error in found.refused:
                raise error
            return
        if request.atlas is not None:
            make_writable_folder(request.atlas.parent)
        report = piped.told(report)
        told = report_of_one_file(report, Path(STANDARD)) if piped.writes else report
        summary = _run(jobs, request.asked_model, told, stop, stall_s, found)
        beside = []
        if request.atlas is not None and not summary.interrupted:
            beside = write_atlas(request.atlas, jobs, summary, piped)
        if not piped.writes:
            print_summary(summary, as_json, piped, beside)
        if summary.interrupted and not as_json and not piped.writes:
            click.echo("The same command with --resume continues.", err=True)
        stop.raise_if_made()
        summary.raise_for_failure()


def _run(
    jobs: Sequence[PlannedJob],
    asked_model: ModelOptions,
    report: Report,
    stop: StopRequest,
    stall_s: float,
    found: Found,
) -> JobSummary:
    transfer, in_use = asked_model.open_for([job.settings for job in jobs])
    notices = _passed_over(found.passed_over) + list(transfer.remarks if transfer else ())
    with libraries_on_stderr():
        return run_jobs(
            jobs,
            transfer,
            model=in_use,
            report=report,
            stopped=stop.is_made,
            stall_s=stall_s,
            track_first=True,
            side=asked_model.side_by_side(jobs[0].settings, in_use),
            notices=notices,
            refused=found.refused,
        )


def _plan_jobs(request: RenderOptions, given: Sequence[Path]) -> tuple[list[PlannedJob], Found]:
    """Plan a job for each input; also return what was found beside them.

    Raises:
        UsageError: the pictures cannot be what the settings ask for.
    """
    picture, expressions = request.picture, request.expressions
    planned, found = request.asked_inputs.plan(
        request.out,
        [asked.label for asked in expressions],
        request.existing,
        out_is_folder=request.out_is_folder,
        matte=picture.matte,
        layer_files=picture.layer_files,
        inputs=given,
    )
    jobs = [
        PlannedJob(
            plan=source.plan,
            settings=_on_shot(request.settings_of(asked), asked, source.plan),
            movie=source.movie(request.coding, request.fps),
        )
        for asked, sources in zip(expressions, planned, strict=True)
        for source in sources
    ]
    if request.on_missing_face is None and _is_one_picture(jobs):
        jobs = [
            replace(job, settings=replace(job.settings, on_missing_face="fail")) for job in jobs
        ]
    if request.atlas is not None:
        plan_atlas(request.atlas, jobs, request.existing, given)
    for job in jobs:
        if job.movie is not None:
            job.movie.refuse_impossible(job.settings)
    picture.refuse_impossible([task.source for job in jobs for task in job.plan.tasks])
    return jobs, found


def _is_one_picture(jobs: Sequence[PlannedJob]) -> bool:
    """Tell whether all results are of one picture that belongs to no shot."""
    sources = {task.source.path for job in jobs for task in job.plan.tasks}
    return len(sources) == 1 and all(len(job.plan.shot.frames) == 1 for job in jobs)


def _on_shot(settings: RenderSettings, asked: ShotExpression, plan: JobPlan) -> RenderSettings:
    """Return the settings with the expression laid on a shot."""
    frames = plan.shot.frames
    numbers = frames.numbers
    last = numbers[-1] if len(numbers) == len(frames) else None
    placed = asked.on_shot(frames[0].number or 0, last)
    return replace(settings, mix=placed.mix, curve=placed.curve, fades=placed.fades)


def _passed_over(results: Sequence[Path]) -> list[str]:
    if not results:
        return []
    more = f" and {len(results) - 1} more" if len(results) > 1 else ""
    return [
        f"{results[0]}{more} was made by an earlier run and is no input here. Name it alone to "
        "change it again."
    ]
