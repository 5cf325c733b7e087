"""`reggan-plugin render`: frames in, the same frames with another expression out."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from reggan_plugin.backends.device_name import AUTO, GPU, device_from_text
from reggan_plugin.commands.input_options import AskedInputs, input_options
from reggan_plugin.commands.intensity_options import AskedExpression, intensity_options
from reggan_plugin.commands.model_in_use import open_model
from reggan_plugin.commands.options import (
    GroupedCommand,
    existing_options,
    exposure_option,
    face_options,
    given_files,
    grouped_option,
    model_options,
    stall_option,
)
from reggan_plugin.commands.picture_options import picture_options
from reggan_plugin.commands.progress import (
    ProgressStyle,
    libraries_on_stderr,
    progress_on_stderr,
    progress_option,
    quiet_option,
)
from reggan_plugin.commands.signing_options import signing_options
from reggan_plugin.commands.standard_streams import piped_files
from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.change_layers import MOTION_LAYERS
from reggan_plugin.files.picture_settings import PictureSettings
from reggan_plugin.files.signing import Signing
from reggan_plugin.files.video_codecs import VIDEO_CODECS
from reggan_plugin.jobs.interruption import stop_on_signals
from reggan_plugin.jobs.io_timeout import IoTimeout
from reggan_plugin.jobs.plan import Existing, FrameTask, JobPlan
from reggan_plugin.jobs.render_settings import MissingFace, RenderSettings
from reggan_plugin.jobs.results import (
    SUMMARY_VERSION,
    JobSummary,
    ModelInUse,
    document_of_missing,
)
from reggan_plugin.jobs.resume import tasks_to_do
from reggan_plugin.jobs.several_jobs import PlannedJob, run_jobs
from reggan_plugin.model_card import MOTION_CONTRACT
from reggan_plugin.transfer import ExpressionTransfer

MOST_BATCH = 64


@click.command(
    cls=GroupedCommand,
    epilog="\b\nExample:\n  reggan-plugin render shot/ --expression happy --intensity 0.7",
)
@input_options
@intensity_options
@exposure_option("Expression")
@face_options
@picture_options
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
    "Model",
    "--batch",
    type=click.IntRange(1, MOST_BATCH),
    default=1,
    show_default=True,
    metavar="N",
    help="Faces that the model is given at once, of several frames. It saves time on a GPU alone.",
)
@grouped_option(
    "Output",
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR|FILE|-",
    help="Folder for the frames, or the file of a single one; - is standard output.  [default: "
    "<name>_<expression> beside the source]",
)
@existing_options
@grouped_option(
    "Output",
    "--stamp/--no-stamp",
    default=True,
    show_default=True,
    help="Say in the metadata of changed frames that a model changed them, and how.",
)
@signing_options
@grouped_option(
    "Output",
    "--codec",
    type=click.Choice(list(VIDEO_CODECS)),
    help="Codec of a video.  [default: the source's, or what its container usually holds]",
)
@grouped_option(
    "Output", "--dry-run", is_flag=True, help="List what would be written, and write nothing."
)
@grouped_option(
    "Output",
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON summary instead of the paths that were written; log in JSON lines.",
)
@progress_option("Output")
@quiet_option("Output")
@stall_option
@verbose_option
def render(
    *,
    asked_inputs: AskedInputs,
    asked: AskedExpression,
    exposure_ev: float | None,
    choice: FaceChoice,
    picture: PictureSettings,
    on_missing_face: MissingFace,
    model: str | None,
    device: str,
    batch: int,
    out: Path | None,
    existing: Existing,
    codec: str | None,
    stamp: bool,
    signing: Signing | None,
    dry_run: bool,
    as_json: bool,
    style: ProgressStyle,
    quiet: bool,
    stall_s: float,
) -> None:
    """Change the expression in frames and keep everything else.

    INPUT is any number of pictures, folders, sequences (shot.####.exr) and globs; - is a picture
    from standard input. The frames keep their names, format, bit depth, metadata and alpha;
    passes of an EXR that are known move with the face (--move-layers), other layers stay. The
    result of a single picture is called <name>_<expression>. A frame that fails leaves the others
    as they are; the exit code is then 1. A sequence of any length takes about 2 GB of memory at 4K,
    4 GB at 8K and 6 GB at 16k.

    Beside the frames, in .reggan, is a record of how each was made: --resume reads it. A whole
    sequence is tracked first, so that faces are steady; a --range without --tracks is not.
    """
    with (
        progress_on_stderr("quiet" if quiet else style, as_json=as_json) as report,
        stop_on_signals() as stop,
        piped_files(asked_inputs.paths, out, as_json=as_json) as piped,
    ):
        named = asked_inputs.at(piped.inputs)
        inputs = given_files()
        planned, passed_over = IoTimeout(stall_s).call(
            named.name,
            lambda: named.plan(
                piped.out,
                asked.label,
                existing,
                matte=picture.matte,
                layer_files=picture.layer_files,
                inputs=inputs,
            ),
        )
        settings = RenderSettings(
            mix=asked.mix,
            choice=choice,
            on_missing_face=on_missing_face,
            exposure_ev=exposure_ev,
            picture=picture,
            stamp=stamp,
            signing=signing,
        )
        jobs = [
            PlannedJob(
                plan=source.plan,
                settings=_on_shot(settings, asked, source.plan),
                movie=source.movie(codec),
            )
            for source in planned
        ]
        for movie in (job.movie for job in jobs if job.movie is not None):
            movie.refuse_impossible(settings)
        frames = [task.source for source in planned for task in source.plan.tasks]
        IoTimeout(stall_s).call(named.name, lambda: picture.refuse_impossible(frames))
        if dry_run and device not in (AUTO, GPU):
            device_from_text(device)  # refuses what is no device anywhere
        in_hand = jobs[0].settings
        transfer, in_use = _open_model(in_hand, model, "cpu" if dry_run else device, batch)
        if dry_run:
            _print_plans(jobs, in_use, as_json)
            return
        with libraries_on_stderr():
            summary = run_jobs(
                jobs,
                transfer,
                model=in_use,
                report=report,
                stopped=stop.is_made,
                stall_s=stall_s,
                track_first=True,
                notices=_passed_over(passed_over),
            )
        if not piped.writes:
            _print_summary(summary, as_json)
        stop.raise_if_made()
        summary.raise_for_failure()


def _on_shot(settings: RenderSettings, asked: AskedExpression, plan: JobPlan) -> RenderSettings:
    """The settings with the expression laid on a shot."""
    frames = plan.shot.frames
    placed = asked.on_shot(frames[0].number or 0)
    return replace(settings, mix=placed.mix, curve=placed.curve, fades=placed.fades)


def _passed_over(results: Sequence[Path]) -> list[str]:
    if not results:
        return []
    more = f" and {len(results) - 1} more" if len(results) > 1 else ""
    return [
        f"{results[0]}{more} was made by an earlier run and is no input here. Name it alone to "
        "change it again."
    ]


def _open_model(
    settings: RenderSettings, model: str | None, device: str, batch: int
) -> tuple[ExpressionTransfer | None, ModelInUse | None]:
    """The model, if there is anything for it to change."""
    if settings.mix.changes_nothing:
        return None, None
    transfer, in_use = open_model(model, device, batch)
    transfer.card.vector_of(settings.mix)  # refuses what the model cannot do
    if transfer.card.contract != MOTION_CONTRACT:
        _refuse_motion(settings.picture, transfer.card.name)
    return transfer, in_use


def _refuse_motion(picture: PictureSettings, model: str) -> None:
    """Refuse what only a model can do that says where a face moves.

    Raises:
        UsageError: something of that is asked for.
    """
    found = f"The model {model} answers with pictures and says nothing of where a face moves"
    other = "or take a model with controls: reggan-plugin models lists them."
    if picture.moves_alpha:
        raise UsageError(f"{found}, so alpha cannot move with it. Leave out --move-alpha, {other}")
    if picture.needs_motion:
        raise UsageError(
            f"{found}, so passes cannot move with it, and there is no {', '.join(MOTION_LAYERS)}. "
            f"Leave out --move-layers and ask for mask and delta alone (--exr-layers mask,delta), "
            f"{other}"
        )


def _print_plans(jobs: Sequence[PlannedJob], model: ModelInUse | None, as_json: bool) -> None:
    to_do = [tasks_to_do(job.plan, job.settings, model) for job in jobs]
    if not as_json:
        for job, own in zip(jobs, to_do, strict=True):
            video = job.plan.whole
            for path in [task.output for task in own] if video is None else [video]:
                click.echo(path)
        return
    documents = [_document_of_plan(job.plan, own) for job, own in zip(jobs, to_do, strict=True)]
    whole = (
        documents[0]
        if len(jobs) == 1
        else {
            "v": SUMMARY_VERSION,
            "dry_run": True,
            "would_write": [one for document in documents for one in document["would_write"]],
            "would_skip": [one for document in documents for one in document["would_skip"]],
            "jobs": documents,
        }
    )
    click.echo(json.dumps(whole, indent=2))


def _document_of_plan(plan: JobPlan, to_do: Sequence[FrameTask]) -> dict[str, Any]:
    return {
        "v": SUMMARY_VERSION,
        "dry_run": True,
        "source": plan.source,
        "out": str(plan.whole or plan.out),
        "would_write": [
            {"source": str(task.source.path), "output": str(task.output)} for task in to_do
        ],
        "would_skip": [str(task.output) for task in plan.tasks if task not in to_do],
        **document_of_missing(plan.missing),
    }


def _print_summary(summary: JobSummary, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(summary.document(), indent=2))
        return
    for part in summary.parts or (summary,):
        written = [result.output for result in part.results if result.is_on_disk]
        for path in written if part.whole is None else [part.whole]:
            click.echo(path)
