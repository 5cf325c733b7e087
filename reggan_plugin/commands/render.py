"""`reggan-plugin render`: frames in, the same frames with another expression out."""

import json
from pathlib import Path

import click

from reggan_plugin.commands.model_in_use import open_model
from reggan_plugin.commands.options import (
    GroupedCommand,
    existing_options,
    exposure_from_text,
    face_options,
    grouped_option,
    model_options,
)
from reggan_plugin.commands.progress import PROGRESS_STYLES, ProgressStyle, progress_on_stderr
from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.errors import UsageError
from reggan_plugin.expressions import (
    EXPRESSION_NAMES,
    MAX_INTENSITY,
    ExpressionMix,
    parse_expression_mix,
)
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.jobs.events import Report
from reggan_plugin.jobs.frame_steps import MissingFace, RenderSettings
from reggan_plugin.jobs.interruption import StopRequest, stop_on_signals
from reggan_plugin.jobs.plan import Existing, JobPlan, plan_job
from reggan_plugin.jobs.render_job import run_job
from reggan_plugin.jobs.results import SUMMARY_VERSION, JobSummary
from reggan_plugin.models import find_model


@click.command(
    cls=GroupedCommand,
    epilog="\b\nExample:\n  reggan-plugin render --frames shot/ --expression happy --intensity 0.7",
)
@grouped_option(
    "Frames",
    "--frames",
    "source",
    required=True,
    metavar="DIR|FILE|PATTERN",
    help="A folder, one file, or a sequence: shot.####.exr, shot.%04d.png.",
)
@grouped_option(
    "Frames",
    "--range",
    "frame_range",
    metavar="1001-1100x2",
    help="Frame numbers to render.  [default: all]",
)
@grouped_option(
    "Expression",
    "--expression",
    metavar="NAME|BLEND",
    help=f"{', '.join(EXPRESSION_NAMES)}, or a blend: happy:0.6+surprised:0.3.",
)
@grouped_option(
    "Expression",
    "--intensity",
    type=click.FloatRange(0, MAX_INTENSITY),
    default=1.0,
    show_default=True,
    metavar="0-1.5",
    help="0 leaves the files as they are, 1 is the full expression.",
)
@grouped_option(
    "Expression",
    "--exposure",
    "exposure_ev",
    type=exposure_from_text,
    default="auto",
    show_default=True,
    metavar="auto|EV",
    help="Stops that bring a scene-linear face to display brightness; auto takes one value for "
    "the shot from its first face. The file's own exposure is kept.",
)
@face_options
@grouped_option(
    "Face",
    "--on-missing-face",
    type=click.Choice(["copy", "skip", "fail"]),
    default="copy",
    show_default=True,
    help="What becomes of a frame without a face.",
)
@model_options
@grouped_option(
    "Output",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for the frames.  [default: <name>_<expression> beside the source]",
)
@existing_options
@grouped_option(
    "Output", "--dry-run", is_flag=True, help="List what would be written, and write nothing."
)
@grouped_option(
    "Output",
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON summary instead of the paths that were written.",
)
@grouped_option(
    "Output",
    "--progress",
    "style",
    type=click.Choice(PROGRESS_STYLES),
    default="auto",
    show_default=True,
    help="On stderr: a bar on a terminal (auto), or lines.",
)
@verbose_option
def render(
    *,
    source: str,
    frame_range: str | None,
    expression: str | None,
    intensity: float,
    exposure_ev: float | None,
    choice: FaceChoice,
    on_missing_face: MissingFace,
    model: str | None,
    device: str,
    out: Path | None,
    existing: Existing,
    dry_run: bool,
    as_json: bool,
    style: ProgressStyle,
) -> None:
    """Change the expression in a sequence of frames and keep everything else.

    The frames keep their names, format, bit depth, metadata, alpha and layers. A frame that
    fails leaves the others as they are; the exit code is then 1. A sequence of any length
    takes about 1.4 GB of memory at 4K, 3 GB at 8K and 5 GB at 16k.
    """
    with progress_on_stderr(style) as report:
        mix = _mix(expression, intensity)
        plan = plan_job(source, frame_range, out, "_".join(mix.intensities), existing)
        if dry_run:
            find_model(model)
            _print_plan(plan, as_json)
            return
        settings = RenderSettings(
            mix=mix, choice=choice, on_missing_face=on_missing_face, exposure_ev=exposure_ev
        )
        with stop_on_signals() as stop:
            summary = _run(plan, settings, model, device, report, stop)
        _print_summary(summary, as_json)
        stop.raise_if_made()
        summary.raise_for_failure()


def _mix(expression: str | None, intensity: float) -> ExpressionMix:
    if expression is None:
        raise UsageError(
            f"No --expression was given; name one of {', '.join(EXPRESSION_NAMES)}, or a blend "
            "such as happy:0.6+surprised:0.3."
        )
    return parse_expression_mix(expression, intensity)


def _run(
    plan: JobPlan,
    settings: RenderSettings,
    model: str | None,
    device: str,
    report: Report,
    stop: StopRequest,
) -> JobSummary:
    """Run the plan; a model is opened only if there is something to change."""
    if settings.mix.changes_nothing:
        return run_job(plan, settings, None, model=None, report=report, stopped=stop.is_made)
    transfer, in_use = open_model(model, device)
    settings.mix.vector(transfer.card.expressions)  # refuses what the model cannot do
    return run_job(plan, settings, transfer, model=in_use, report=report, stopped=stop.is_made)


def _print_plan(plan: JobPlan, as_json: bool) -> None:
    to_write = [task for task in plan.tasks if not task.is_done]
    if not as_json:
        for task in to_write:
            click.echo(task.output)
        return
    pairs = [{"source": str(task.source.path), "output": str(task.output)} for task in to_write]
    document = {
        "v": SUMMARY_VERSION,
        "dry_run": True,
        "source": plan.source,
        "out": str(plan.out),
        "would_write": pairs,
        "would_skip": [str(task.output) for task in plan.tasks if task.is_done],
        "missing": list(plan.missing),
    }
    click.echo(json.dumps(document, indent=2))


def _print_summary(summary: JobSummary, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(summary.document(), indent=2))
        return
    for result in summary.results:
        if result.is_on_disk:
            click.echo(result.output)
