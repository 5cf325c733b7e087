"""The streams of `render`: a picture or video from standard input, results on standard output.

The faces of a video are tracked before any frame is changed, so that it is kept in a temporary
file.
"""

import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from reggan_plugin.commands.command_group_and_terminal import STANDARD, refuse_closed_output
from reggan_plugin.errors import (
    EmptySourceError,
    OutputError,
    OutputExistsError,
    RegganError,
    Remark,
    SourceError,
    StalledError,
    UnreadableFrameError,
    UsageError,
    counted,
)
from reggan_plugin.file_safety import (
    found_at,
    is_taken,
    path_from,
    refuse_overwriting,
    write_atomically,
)
from reggan_plugin.files.formats.png import SIGNATURE, read_chunks
from reggan_plugin.files.image_format import HEAD_BYTES, format_of, image_formats, is_video
from reggan_plugin.files.video import video_suffix_of
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.finished_frames import FinishedFrames
from reggan_plugin.jobs.frame_record import digest_of, record_path, sha256_of
from reggan_plugin.jobs.frame_steps import read_input
from reggan_plugin.jobs.plan import Existing, FrameTask, JobPlan
from reggan_plugin.jobs.render_job import settings_with_kept_tracks
from reggan_plugin.jobs.render_settings import RenderSettings, SettingsByFrame
from reggan_plugin.jobs.results_and_events import (
    SUMMARY_VERSION,
    Event,
    FrameDone,
    JobSummary,
    ModelInUse,
    Notice,
    Report,
    document_of_missing,
)
from reggan_plugin.jobs.several_renders import PlannedJob
from reggan_plugin.jobs.signals_and_timeouts import DEFAULT_STALL_S, IoTimeout
from reggan_plugin.json_and_toml import json_text, read_json

_END_AND_BEGIN_OF_JPEG = b"\xff\xd9\xff\xd8\xff"
_MULTI_PICTURE_FORMAT = b"MPF\0"
"""Marks a JPEG of a camera that holds others, such as the second eye: one file, and one picture."""
_MARK_WITHIN = 64 * 1024
_MOST_NAME_BYTES = 255
"""That file systems take."""


def holds_several_pictures(content: bytes) -> bool:
    """Tell whether a PNG or JPEG is followed by another one; readers see only the first."""
    if content.startswith(SIGNATURE):
        try:
            end = len(SIGNATURE) + sum(len(chunk.raw) for chunk in read_chunks(content))
        except UnreadableFrameError:  # which is said when it is read
            return False
        return content.startswith(SIGNATURE, end)
    is_jpeg = content.startswith(_END_AND_BEGIN_OF_JPEG[2:])
    is_of_camera = _MULTI_PICTURE_FORMAT in content[:_MARK_WITHIN]
    return is_jpeg and not is_of_camera and _END_AND_BEGIN_OF_JPEG in content


_INPUT, _OUTPUT = "standard input", "standard output"


@frozen
class PipedFiles:
    """Files that stand in for the streams.

    Attributes:
        inputs: files and folders.
        out: as the user gave it, or the file that goes to standard output in the end.
        writes: whether one goes there, so that nothing else may.
        kept: the file that standard input was kept in, for a while.
    """

    inputs: tuple[str, ...]
    out: Path | None
    writes: bool
    kept: Path | None = None

    def said(self, document: str) -> str:
        """Return a JSON text in which standard input is called -, as the user called it."""
        if self.kept is None:
            return document
        return document.replace(json_text(str(self.kept))[1:-1], STANDARD)

    def told(self, report: Report) -> Report:
        """Return a report in which what is said of standard input names no temporary file."""
        if self.kept is None:
            return report
        folder = f"{self.kept.parent}/"

        def tell(event: Event) -> None:
            if isinstance(event, FrameDone) and isinstance(event.result.message, Remark):
                said = event.result.message
                named = Remark(said.replace(folder, ""), said.kind, **said.fields)
                event = replace(event, result=replace(event.result, message=named))
            report(event)

        return tell


NO_PIPE = PipedFiles(inputs=(), out=None, writes=False)


@contextmanager
def piped_files(
    inputs: tuple[str, ...], out: Path | None, *, as_json: bool
) -> Iterator[PipedFiles]:
    """Put standard input into a file that lives as long as this, and the result on standard output.

    Without an error, the file at `out` is written to standard output at the end.

    Raises:
        UsageError: more than one file, a terminal, or a summary for the same stream.
        UnreadableFrameError: standard input is empty, or neither picture nor video.
    """
    reads = STANDARD in inputs
    writes = out == Path(STANDARD) or (reads and out is None)
    if not (reads or writes):
        yield PipedFiles(inputs=inputs, out=out, writes=False)
        return
    _refuse_impossible(inputs, out, reads=reads, writes=writes, as_json=as_json)
    with tempfile.TemporaryDirectory(prefix="reggan-") as folder, _without_folder(folder):
        if reads:
            inputs = (str(_kept_input(Path(folder))),)
        kept = Path(inputs[0]) if reads else None
        if not writes:
            yield PipedFiles(inputs=inputs, out=out, writes=False, kept=kept)
            return
        result = Path(folder, "out", _OUTPUT).with_suffix(Path(inputs[0]).suffix)
        yield PipedFiles(inputs=inputs, out=result, writes=True, kept=kept)
        if result.exists():
            try:
                with result.open("rb") as file:
                    shutil.copyfileobj(file, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            except BrokenPipeError:
                raise
            except OSError as error:
                raise OutputError(
                    f"Standard output cannot be written: {error.strerror}. Send it elsewhere."
                ) from error


@contextmanager
def _without_folder(folder: str) -> Iterator[None]:
    """Let errors name standard input, not the file that stands in for it."""
    try:
        yield
    except RegganError as error:
        sentence = str(error).replace(f"{folder}/out/", "").replace(f"{folder}/", "")
        if sentence == str(error):
            raise
        raise type(error)(sentence, kind=error.kind, **error.fields) from error


def _refuse_impossible(
    inputs: tuple[str, ...], out: Path | None, *, reads: bool, writes: bool, as_json: bool
) -> None:
    if len(inputs) == 1 and not reads and not Path(inputs[0]).exists():
        raise EmptySourceError(f"{inputs[0]}: there is no such file. Check the name.")
    if len(inputs) != 1 or not (reads or Path(inputs[0]).is_file()):
        raise UsageError(
            "- stands for one picture or video; standard input and output take no sequence. Name "
            "files or folders."
        )
    if writes and as_json:
        raise UsageError(
            "Standard output would hold the result and the JSON summary. Leave --json out, or "
            "name a file with --out."
        )
    written = [] if writes or out is None else [out]
    refuse_overwriting(written, [] if reads else map(Path, inputs))
    if writes:
        refuse_closed_output()
    if writes and sys.stdout.isatty():
        raise UsageError(
            "Standard output is this terminal, which shows no pictures. Name a file with --out, "
            "or send the output on: > out.png"
        )


def _kept_input(folder: Path) -> Path:
    if sys.stdin is None:
        raise UnreadableFrameError(
            "Standard input is closed. Send one picture or video to it, or name a file."
        )
    stream = sys.stdin.buffer
    head = stream.read(HEAD_BYTES)
    if not head:
        raise UnreadableFrameError(
            "Standard input is empty (0 bytes). Send one picture or video to it."
        )
    path = (folder / _INPUT).with_suffix(_suffix_of(head))
    with path.open("wb") as file:
        file.write(head)
        shutil.copyfileobj(stream, file)
    if not is_video(path) and holds_several_pictures(path.read_bytes()):
        raise UnreadableFrameError(
            "Standard input holds several pictures, and - stands for one. Send them as a video: "
            "ffmpeg -i ... -c:v ffv1 -f matroska -"
        )
    return path


def _suffix_of(head: bytes) -> str:
    """Return ending for the name of a file that begins like this."""
    found = format_of(head)
    suffix = found.suffixes[0] if found is not None else video_suffix_of(head)
    if suffix is None:
        names = ", ".join(one.name for one in image_formats())
        raise UnreadableFrameError(
            f"Standard input is neither picture nor video: it begins with {head[:8]!r}, as no file "
            f"of {names}, Matroska, MP4 or GIF does. Send one of these to it."
        )
    return suffix


def print_plans(
    jobs: Sequence[PlannedJob],
    model: ModelInUse | None,
    as_json: bool,
    piped: PipedFiles,
    beside: Sequence[Path],
) -> None:
    """Print what jobs would write, by path or as JSON, and further files.

    Raises:
        OutputError: frames would fail: what is there is not what is asked for, or a name is too
            long.
    """
    failures: list[Remark] = []
    to_do = [_tasks_to_do(job.plan, job.settings, model, failures) for job in jobs]
    _print_plans(jobs, to_do, as_json, piped, beside)
    if failures:
        found = f"{counted(len(failures), 'frame')} would fail; the first: {failures[0]}"
        raise OutputError(found, kind=failures[0].kind, **failures[0].fields)


def _print_plans(
    jobs: Sequence[PlannedJob],
    to_do: Sequence[Sequence[FrameTask]],
    as_json: bool,
    piped: PipedFiles,
    beside: Sequence[Path],
) -> None:
    if not as_json:
        for job, own in zip(jobs, to_do, strict=True):
            video = job.plan.whole
            for path in [task.output for task in own] if video is None else [video]:
                click.echo(path)
        for path in beside:
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
    _print_json(whole, piped, beside)


def _print_json(document: Mapping[str, Any], piped: PipedFiles, beside: Sequence[Path]) -> None:
    more = {"beside": list(map(str, beside))} if beside else {}
    click.echo(piped.said(json_text({**document, **more}, indent=2)))


def _document_of_plan(plan: JobPlan, to_do: Sequence[FrameTask]) -> dict[str, Any]:
    return {
        "v": SUMMARY_VERSION,
        "dry_run": True,
        "source": plan.source,
        "out": str(plan.whole or plan.out),
        "would_write": [
            {"source": str(task.source.path), "output": str(plan.whole or task.output)}
            for task in to_do
        ],
        "would_skip": [str(task.output) for task in plan.tasks if task not in to_do],
        **document_of_missing(plan.missing),
    }


def print_summary(
    summary: JobSummary, as_json: bool, piped: PipedFiles = NO_PIPE, beside: Sequence[Path] = ()
) -> None:
    """Print what a job has written, by path or as JSON, and further files."""
    if as_json:
        _print_json(summary.document(), piped, beside)
        return
    for path in (*written_by(summary), *beside):
        click.echo(path)


def files_of_atlas(atlas: Path | None) -> list[Path]:
    """Return the picture and what says what lies where in it; none without an atlas."""
    return [] if atlas is None else [atlas, atlas.with_suffix(".json")]


def plan_atlas(
    atlas: Path, jobs: Sequence[PlannedJob], existing: Existing, inputs: Iterable[Path]
) -> None:
    """Refuse an atlas that cannot be, before any work.

    Raises:
        UsageError: its name is no PNG's, or that of an input or a result, or it would hold videos.
        OutputExistsError: it exists, and may not be replaced; nor is it one of an earlier run that
            is kept.
    """
    if atlas.suffix.lower() != ".png":
        raise UsageError(f"{atlas} is to be a PNG. Name it {atlas.stem or 'atlas'}.png.")
    if any(job.movie is not None for job in jobs):
        raise UsageError("An atlas is of pictures, and a video has many. Leave --atlas out.")
    files = files_of_atlas(atlas)
    read = [task.source.path for job in jobs for task in job.plan.tasks]
    tasks = [task for job in jobs for task in job.plan.tasks]
    made = [
        path for task in tasks for path in (task.output, record_path(task.output), *task.beside)
    ]
    refuse_overwriting((*made, *files), (*read, *inputs))
    there = next((file for file in files if is_taken(file)), None)
    is_kept = existing is Existing.REFUSE or (
        existing.keeps_finished and _document_of(atlas) is None
    )
    if there is not None and is_kept:
        raise OutputExistsError(f"{found_at(there)}.", kind="atlas-exists")


def _document_of(atlas: Path) -> dict[str, Any] | None:
    """Return what an earlier run that made it says of it; None if none did."""
    with suppress(OSError, ValueError, TypeError, LookupError, RecursionError):
        names = read_json(atlas.with_suffix(".json"))
        if names["atlas"] == atlas.name and names["cells"]:
            return dict(names)
    return None


def is_changed_atlas(atlas: Path, existing: Existing) -> bool:
    """Tell whether somebody changed an atlas of an earlier run, which is kept.

    Those of 0.6.1 and before do not tell.
    """
    names = _document_of(atlas) if existing.keeps_finished else None
    digest = digest_of(atlas)
    if names is None or digest is None or names.get("sha256") is None:
        return False
    if digest in (names["sha256"], names.get("replaced_sha256")):
        return False
    from reggan_plugin.files.frame import read_frame

    with suppress(SourceError, OSError, MemoryError):
        read_frame(atlas)
        return True
    return False


def write_atlas(
    atlas: Path,
    jobs: Sequence[PlannedJob],
    summary: JobSummary,
    piped: PipedFiles,
    report: Report,
    *,
    is_new: bool,
) -> list[Path]:
    """Write pictures and their results, side by side, and what lies where; returns both files.

    A picture is followed by its results, in the order of the expressions. What cannot be read,
    which the job has named, is left out; nothing is written of nothing. Pictures that 8 bits do not
    hold are reported.

    Raises:
        OutputExistsError: it is to be new, and is there.
        OutputError: it cannot be written.
    """
    import numpy as np
    from PIL import Image

    from reggan_plugin.drawing.contact_sheet import Box, write_cells
    from reggan_plugin.files.frame import read_content
    from reggan_plugin.files.image_format import pixels_from_samples
    from reggan_plugin.transfer.display_picture import shown_samples

    parts = summary.parts or (summary,)
    cells: dict[Path, list[tuple[Path, str | None, RenderSettings, float]]] = {}
    for job, part in zip(jobs, parts, strict=False):
        for task in job.plan.tasks:
            how = job.settings, part.exposure_ev or 0.0
            own = cells.setdefault(task.source.path, [(task.source.path, None, *how)])
            own.append((task.output, job.settings.mix.label, *how))
    asked = [(source, *cell) for source, own in cells.items() for cell in own if cell[0].exists()]
    together = len(next(iter(cells.values())))
    columns = together if len(cells) > 1 else math.ceil(math.sqrt(together))
    listed, pictures, rounded = [], [], dict[str, None]()
    for cell in asked:
        source, path, _, settings, exposure_ev = cell
        with suppress(SourceError, OSError):
            frame = settings.picture.reading.decode(read_content(path), path)
            samples = shown_samples(frame, exposure_ev)
            pictures.append(Image.fromarray(samples))
            listed.append(cell)
            if not np.array_equal(pixels_from_samples(samples[..., :3]), frame.pixels):
                rounded[source.name] = None
    if not pictures:
        return []
    if rounded:
        held = f"{atlas.name} holds 8 bits as a display shows them, which is less than is in"
        report(Notice(message=f"{held} {', '.join(rounded)}."))
    files = files_of_atlas(atlas)

    def shown(path: Path) -> str:
        return STANDARD if path == piped.kept else path_from(atlas.parent, path)

    def write_list(content: bytes, boxes: Sequence[Box]) -> None:
        """Before the picture has its name: one without a list would be somebody else's."""
        document = {
            "v": SUMMARY_VERSION,
            "atlas": atlas.name,
            "sha256": sha256_of(content),
            "replaced_sha256": digest_of(atlas),
            "cells": [
                {"source": shown(source), "expression": label, "file": shown(path), "box": box}
                for (source, path, label, *_), box in zip(listed, boxes, strict=True)
            ],
        }
        write_atomically(files[-1], json_text(document, indent=1).encode(), is_new=is_new)

    write_cells(atlas, pictures, len(pictures), columns, is_new=is_new, made=write_list)
    return files


def written_by(summary: JobSummary) -> list[Path]:
    """Return the files that a job has made, in order."""
    paths = []
    for part in summary.parts or (summary,):
        if part.is_video:
            paths += [] if part.whole is None else [part.whole]
        else:
            paths += [result.output for result in part.results if result.is_on_disk]
    return paths


def _tasks_to_do(
    plan: JobPlan, settings: RenderSettings, model: ModelInUse | None, failures: list[Remark]
) -> list[FrameTask]:
    """Return the tasks that no earlier run finished, as far as can be told without looking for
    faces; those that would fail go to `failures`.
    """
    io_timeout = IoTimeout(DEFAULT_STALL_S)
    settings = settings_with_kept_tracks(plan, settings, model)
    earlier = FinishedFrames(settings, model, io_timeout)
    by_frame = SettingsByFrame(settings, plan.shot.frames)

    def is_to_do(task: FrameTask) -> bool:
        name = record_path(task.output).name
        if len(os.fsencode(name)) > _MOST_NAME_BYTES:
            failures.append(
                Remark(
                    f"{task.output} has no place for its record: {name} is longer than "
                    f"{_MOST_NAME_BYTES} bytes. Rename the frame."
                )
            )
            return False
        if not task.existing.keeps_finished or not record_path(task.output).exists():
            return True
        facts = by_frame.facts_at(task.source)
        with suppress(SourceError, StalledError):  # which the job will name
            why = earlier.why_left(task, facts)
            if why is not None:
                failures.extend([why] if isinstance(why, Remark) else [])
                return False
            _, facts = read_input(io_timeout, task.source.path, facts)
            return earlier.why_finished(task, facts) is None
        return True

    return [task for task in plan.tasks if is_to_do(task)]
