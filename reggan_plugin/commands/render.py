"""`reggan-plugin render`: frames in, the same frames with another expression out."""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import click

from reggan_plugin.commands.command_group_and_terminal import STANDARD, verbose_option
from reggan_plugin.commands.options.expression import (
    NOTHING_ASKED,
    AskedExpressions,
    ShotExpression,
    intensity_options,
)
from reggan_plugin.commands.options.inputs_and_faces import (
    FaceOptions,
    InputOptions,
    existing_options,
    face_options,
    input_options,
    stall_option,
)
from reggan_plugin.commands.options.model import ModelOptions, model_and_batch_options, rig_options
from reggan_plugin.commands.options.options_and_settings_file import (
    GroupedCommand,
    given_files,
    grouped_option,
    options_as,
    output_option,
)
from reggan_plugin.commands.options.picture import exposure_option, picture_options
from reggan_plugin.commands.progress import (
    ProgressStyle,
    libraries_on_stderr,
    progress_on_stderr,
    style_options,
)
from reggan_plugin.commands.render_output import (
    files_of_atlas,
    is_changed_atlas,
    piped_files,
    plan_atlas,
    print_plans,
    print_summary,
    write_atlas,
    written_by,
)
from reggan_plugin.errors import OutputExistsError, Remark, UsageError
from reggan_plugin.files.content_credentials import Signing
from reggan_plugin.files.image_format import is_video
from reggan_plugin.files.sequence import FrameList
from reggan_plugin.files.video import VIDEO_CODECS, Coding, VideoFile
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.input_files import Found
from reggan_plugin.jobs.plan import (
    Existing,
    OutputRequest,
    default_output_folder,
    is_name_of_picture,
    make_writable_folder,
)
from reggan_plugin.jobs.render_job import RenderRun
from reggan_plugin.jobs.render_settings import (
    Fades,
    MissingFace,
    PictureSettings,
    RenderSettings,
    RigFiles,
)
from reggan_plugin.jobs.results_and_events import JobSummary, Notice, Report, notices_of_videos
from reggan_plugin.jobs.several_renders import PlannedJob, report_of_one_file, run_jobs
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout, StopRequest, stop_on_signals
from reggan_plugin.jobs.video_job import DEFAULT_FPS, Movie
from reggan_plugin.models.model_card import find_model
from reggan_plugin.vocabulary.expression import ExpressionMix, parse_expression_mix

_MOST_FPS = 1000
_NTSC, _ROUNDED = (24000, 30000, 48000, 60000, 120000), Fraction(1, 200)
"""Frames in 1001 seconds, and by how much people round such a rate: 23.976 or 23.98."""
_MOST_BITRATE = 10**9
_CRF = {name: codec.options["crf"] for name, codec in VIDEO_CODECS.items() if codec.most_crf}
_PEM_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _signing_from_options(certificate: Path | None, key: Path | None) -> Signing | None:
    if (certificate is None) != (key is None):
        raise UsageError("--sign CERT.pem and --key KEY.pem belong together. Give both.")
    if certificate is None or key is None:
        return None
    return Signing(certificate=certificate, key=key)


def fps_from_text(text: str) -> Fraction:
    """Read frames a second: a number or a fraction."""
    try:
        fps = Fraction(text).limit_denominator(1001)
    except (ValueError, ZeroDivisionError):
        fps = Fraction(0)
    if not 0 < fps <= _MOST_FPS:
        raise click.BadParameter(
            f"{text[:80]!r} is no number of frames a second, up to {_MOST_FPS}, such as 24 or "
            "30000/1001."
        )
    ntsc = Fraction(1000 * round(fps * Fraction(1001, 1000)), 1001)
    return ntsc if ntsc.numerator in _NTSC and abs(fps - ntsc) < _ROUNDED else fps


def bitrate_from_text(text: str) -> int:
    """Read bits a second: 8M, 800k or a number."""
    found = re.fullmatch(r"(\d{1,9})([kM]?)", text)
    bits = int(found[1]) * {"": 1, "k": 1000, "M": 1_000_000}[found[2]] if found else 0
    if not 0 < bits <= _MOST_BITRATE:
        raise click.BadParameter(
            f"{text[:80]!r} is no number of bits a second, such as 8M or 800k."
        )
    return bits


def _coding_from_options(codec: str | None, quality: int | None, bitrate: int | None) -> Coding:
    if quality is not None and bitrate is not None:
        raise UsageError(
            "A quality and a bitrate were asked for; either one follows from the other.",
            kind="two-qualities",
        )
    return Coding(codec=codec, quality=quality, bitrate=bitrate)


coding_options = options_as(
    "coding",
    _coding_from_options,
    output_option(
        "--codec",
        type=click.Choice(list(VIDEO_CODECS)),
        help="Codec of a video.  [default: that of the source, or the usual one of the file "
        "format]",
    ),
    output_option(
        "--quality CRF",
        type=click.IntRange(min=0),
        help="Quality of a video, as its codec counts it: 0 is the best, and the largest file.  "
        f"[default: {', '.join(f'{crf} for {name}' for name, crf in _CRF.items())}]",
    ),
    output_option(
        "--bitrate BITS",
        type=bitrate_from_text,
        help="Bits a second of a video, such as 8M or 800k, in place of --quality.",
    ),
)
"""The command takes them as `coding`."""

signing_options = options_as(
    "signing",
    _signing_from_options,
    output_option(
        "--sign CERT.pem",
        "certificate",
        type=_PEM_FILE,
        is_input=True,
        help="Sign changed frames with Content Credentials (C2PA): inside PNG, JPEG, TIFF and "
        "WebP, in a file beside the others. CERT.pem is the signer's certificate, then those "
        "that issued it. Needs the extra [c2pa].",
    ),
    output_option(
        "--key KEY.pem",
        type=_PEM_FILE,
        is_input=True,
        help="The key of --sign, without a password. It is never written anywhere.",
    ),
)
"""`--sign` and `--key`; the command takes `signing`, None without them."""


@frozen
class RenderOptions:
    """Values of the options, by the names that the options below give them."""

    asked_inputs: InputOptions
    asked: AskedExpressions
    exposure_ev: float | None
    faces: FaceOptions
    picture: PictureSettings
    on_missing_face: MissingFace | None
    asked_model: ModelOptions
    rig_files: RigFiles
    asked_out: str | None
    atlas: Path | None
    existing: Existing
    stamp: bool
    signing: Signing | None
    coding: Coding
    fps: Fraction | None
    dry_run: bool
    as_json: bool

    @property
    def output(self) -> OutputRequest:
        """What is asked of the results; a slash at its end makes a folder, whatever its name."""
        out = self.asked_out
        return OutputRequest(
            out=None if out is None else Path(out),
            out_is_folder=(out or "").endswith(("/", os.sep)),
            existing=self.existing,
            layer_files=self.picture.layer_files,
            is_signed=self.signing is not None,
        )

    @property
    def expressions(self) -> tuple[ShotExpression, ...]:
        """The expressions, each for results of its own, with those of single faces in each.

        Raises:
            UnknownExpressionError, UsageError: a word is no expression, or there is none.
        """
        shots, mixes, by_face = self.asked.shots, self.asked.mixes, self.faces.by_face
        if not by_face:
            if not shots:
                raise UsageError(f"{NOTHING_ASKED} Over time: --intensity-curve FILE or --curves.")
            return shots
        if any(shot.curve is not None or shot.take is not None for shot in shots):
            raise UsageError(
                "A curve or a take is of all faces that are meant, and --face gives one its own "
                "expression. Leave one of them out."
            )
        own = {
            face: parse_expression_mix(text, mixes.intensity, mixes.own, adds=mixes.adds)
            for face, text in sorted(by_face.items())
        }
        rest = [shot.mix for shot in shots] or [ExpressionMix(adds=mixes.adds, own=mixes.own)]
        whole = [replace(mix, by_face=own) for mix in rest]
        return tuple(ShotExpression(mix=mix, fades=self.asked.fades) for mix in whole)

    def settings_on(
        self, asked: ShotExpression, frames: FrameList | None = None, video: VideoFile | None = None
    ) -> RenderSettings:
        """Return what becomes of the frames of a shot; None are not known yet.

        A take lies on the times of the video that they are in, if they are in one.

        Raises:
            SourceError, UsageError: the take cannot be read, or its settings are invalid.
        """
        numbers: Sequence[int] = () if frames is None else frames.numbers
        is_numbered = frames is not None and len(numbers) == len(frames)
        curve, take = asked.curve, asked.take
        if take is not None:
            first, last = numbers[0] if numbers else 0, numbers[-1] if is_numbered else None
            clock_s = None if video is None else video.times_s
            curve = take.curve_on(first, last, clock_s, asked.intensity, adds=asked.mix.adds)
        choice, by_face = self.faces.choice, self.faces.by_face
        if by_face:  # of the others only where something is asked of them
            choice = replace(choice, which="all" if self.asked.shots else tuple(sorted(by_face)))
        return RenderSettings(
            mix=asked.mix if curve is None else curve.peak,
            curve=curve,
            fades=asked.fades,
            choice=choice,
            on_missing_face=self.on_missing_face or "copy",
            exposure_ev=self.exposure_ev,
            picture=self.picture,
            rig=self.rig_files,
            stamp=self.stamp,
            signing=self.signing,
        )


render_options = options_as(
    "request",
    RenderOptions,
    input_options,
    intensity_options,
    exposure_option("Expression"),
    face_options,
    picture_options,
    grouped_option(
        "Face",
        "--on-missing-face",
        type=click.Choice(["copy", "skip", "fail"]),
        help="What to do with a frame without a face.  [default: copy; fail for one picture]",
    ),
    model_and_batch_options,
    rig_options,
    output_option(
        "-o --out DIR|FILE|-",
        "asked_out",
        type=click.Path(),
        help="Folder for the frames, which keep their names in it, or a file for a single one. "
        "{expression} in it stands for the expression's name. - is standard output.  [default: "
        "<name>_<expression> beside the source]",
    ),
    output_option(
        "--atlas FILE.png",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Also put each picture and its results side by side on one sheet. FILE.json says "
        "where each one is.",
    ),
    existing_options,
    output_option(
        "--stamp/--no-stamp",
        default=True,
        show_default=True,
        help="Say in the metadata of changed frames that a model changed them.",
    ),
    signing_options,
    coding_options,
    output_option(
        "--fps FPS",
        type=fps_from_text,
        help="Frames a second of a video that is made of pictures: 24, 23.976, 30000/1001.  "
        f"[default: {DEFAULT_FPS}]",
    ),
    output_option("--dry-run", is_flag=True, help="List what would be written. Write nothing."),
    output_option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON summary in place of the paths. Progress and messages are JSON lines.",
    ),
)
"""The command takes them as `request`."""


def _render_what_lands(
    request: RenderOptions, report: Report, stop: StopRequest, stall_s: float
) -> None:
    """Render pictures as they land, until a signal comes; print each result when it is there.

    Raises:
        Interrupted: the signal came, which is how this ends.
        RegganError: it came, and pictures have failed.
        UsageError: what is asked for needs to know the whole shot, or one picture.
    """
    from reggan_plugin.jobs.watched_folder import WatchedFolder, watch_folder  # few watch one

    folder, (asked, *more) = request.asked_inputs.watched, request.expressions
    assert folder is not None
    if more or request.atlas is not None:
        raise UsageError("--watch changes each picture once. Give one expression, and no --atlas.")
    output = request.output
    file = None if output.out_is_folder else output.out
    _refuse_unknown_shot(asked, file, dry_run=request.dry_run)
    settings = request.settings_on(asked)  # a take lies on frames that were named
    matte = settings.picture.matte
    mattes = [] if matte is None else matte.files()
    resumed = replace(output, existing=Existing.RESUME)
    watched = WatchedFolder(
        folder=folder,
        out=output.out or default_output_folder(str(folder), asked.label),
        settings=settings,
        asked=output if request.existing is not Existing.REFUSE else resumed,
        settle_s=request.asked_inputs.settle_s,
        inputs=[*given_files(), *mattes, *request.rig_files.named],
    )
    transfer, in_use = request.asked_model.open_for([watched.settings])
    run = RenderRun(
        transfer=transfer, model=in_use, report=report, stopped=stop.is_made, stall_s=stall_s
    )
    report(Notice(message=f"Waiting for pictures in {folder}. Ctrl-C ends it."))
    results = sys.stdout

    def print_paths(summary: JobSummary) -> None:
        if not request.as_json:  # which prints one summary at the end
            for path in written_by(summary):
                click.echo(path, file=results)

    with libraries_on_stderr():
        summary = watch_folder(watched, run, print_paths)
    if request.as_json and summary is not None:
        print_summary(summary, as_json=True)
    if summary is not None:  # a picture that failed may have landed anew since
        last = {result.source: result for result in summary.results}
        if any(result.outcome == "failed" for result in last.values()):
            replace(summary, results=tuple(last.values())).raise_for_failure()
    stop.raise_if_made()


def _refuse_unknown_shot(asked: ShotExpression, out: Path | None, *, dry_run: bool) -> None:
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
    if out is not None and (is_name_of_picture(out) or (is_video(out) and not out.is_dir())):
        raise UsageError(f"{out} is one file, and several pictures may land. Name a folder: --out.")
    if dry_run:
        raise UsageError("--dry-run lists what is there, and --watch waits. Leave one of them out.")


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
        piped_files(request.asked_inputs.paths, request.output.out, as_json=as_json) as piped,
    ):
        find_model(request.asked_model.model)  # fail early if there is none
        if watched is not None:
            _render_what_lands(request, report, stop, stall_s)
            return
        inputs = replace(request.asked_inputs, paths=piped.inputs)
        if piped.writes and len(request.expressions) > 1:
            raise UsageError("Standard output takes one result. Name a folder with --out.")
        asked_out = str(piped.out) if piped.writes else request.asked_out
        named = replace(request, asked_inputs=inputs, asked_out=asked_out)
        plan = partial(_plan_jobs, named, given_files())
        name = f"{inputs.paths[0]}{' ...' if len(inputs.paths) > 1 else ''}"
        jobs, found = IoTimeout(stall_s).call(name, plan)
        if piped.writes and any(task.sidecar for job in jobs for task in job.plan.tasks):
            raise UsageError(
                "A picture of this format holds no credentials, and a file beside standard output "
                "has no place. Name a file with --out, or leave the certificate out."
            )
        notices, made = notices_of_videos(found.left_out), found.passed_over
        if made:
            more = f" and {len(made) - 1} more" if len(made) > 1 else ""
            notices.append(
                f"{made[0]}{more} was made by an earlier run and is no input here. Name it alone "
                "to change it again."
            )
        if request.dry_run:
            for notice in notices:
                report(Notice(message=notice))
            in_use = request.asked_model.in_dry_run([job.settings for job in jobs])
            print_plans(jobs, in_use, as_json, piped, files_of_atlas(request.atlas))
            for _, error in found.refused:
                raise error
            return
        if request.atlas is not None:
            make_writable_folder(request.atlas.parent)
        report = piped.told(report)
        told = report_of_one_file(report, Path(STANDARD)) if piped.writes else report
        transfer, in_use = request.asked_model.open_for([job.settings for job in jobs])
        run = RenderRun(
            transfer=transfer,
            model=in_use,
            report=told,
            stopped=stop.is_made,
            stall_s=stall_s,
            track_first=True,
            side=request.asked_model.side_by_side(
                jobs[0].settings, in_use, max(len(job.plan.tasks) for job in jobs)
            ),
        )
        with libraries_on_stderr():
            summary = run_jobs(
                jobs,
                run,
                notices=[*notices, *(transfer.remarks if transfer else ())],
                refused=found.refused,
            )
        beside, stale_atlas = [], None
        if request.atlas is not None and not summary.interrupted:
            if is_changed_atlas(request.atlas, request.existing):
                said = Remark(
                    f"{request.atlas} was changed since it was rendered and is left.",
                    "changed-since",
                )
                report(Notice(message=said))
                stale_atlas = said if written_by(summary) else None
            else:
                is_new = request.existing is Existing.REFUSE
                beside = write_atlas(request.atlas, jobs, summary, piped, report, is_new=is_new)
        if not piped.writes:
            print_summary(summary, as_json, piped, beside)
        if summary.interrupted and not as_json and not piped.writes:
            click.echo("The same command with --resume continues.", err=True)
        stop.raise_if_made()
        is_said = request.on_missing_face is not None  # what becomes of pictures without a face
        expects_face = not is_said or any(job.movie is not None for job in jobs)
        summary.raise_for_failure(expects_face=expects_face)
        if stale_atlas is not None:
            raise OutputExistsError(
                f"{request.atlas} does not show what was rendered.", kind="changed-since"
            )


def _plan_jobs(request: RenderOptions, given: Sequence[Path]) -> tuple[list[PlannedJob], Found]:
    """Plan a job for each input; also return what was found beside them.

    Raises:
        UsageError: the pictures cannot be what the settings ask for, or a video, which has its
            own times, is to have others.
    """
    picture, expressions = request.picture, request.expressions
    mattes = [] if picture.matte is None else picture.matte.files()
    inputs = (*given, *mattes, *request.rig_files.named)
    labels = [asked.label for asked in expressions]
    planned, found = request.asked_inputs.plan(request.output, labels, inputs)
    jobs = []
    for asked, plans in zip(expressions, planned, strict=True):
        for plan in plans:
            settings, movie = request.settings_on(asked, plan.shot.frames, plan.video), None
            if plan.whole is not None:
                if request.fps is not None and plan.video is not None:
                    raise UsageError(f"{plan.source} has its own times. Leave --fps out.")
                fps = request.fps or DEFAULT_FPS
                movie = Movie(video=plan.video, out=plan.whole, coding=request.coding, fps=fps)
            jobs.append(PlannedJob(plan=plan, settings=settings, movie=movie))
    results = {task.source.path for job in jobs for task in job.plan.tasks}
    is_one_picture = len(results) == 1 and all(len(job.plan.shot.frames) == 1 for job in jobs)
    if request.on_missing_face is None and is_one_picture:
        jobs = [
            replace(job, settings=replace(job.settings, on_missing_face="fail")) for job in jobs
        ]
    if request.atlas is not None:
        plan_atlas(request.atlas, jobs, request.existing, inputs)
    for job in jobs:
        if job.movie is not None:
            job.movie.refuse_impossible(job.settings)
    picture.refuse_impossible([task.source for job in jobs for task in job.plan.tasks])
    return jobs, found
