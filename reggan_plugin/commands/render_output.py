"""Standard output of `render`: the paths of its results, or a summary as JSON."""

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from reggan_plugin.atomic_write import write_atomically
from reggan_plugin.commands.standard_streams import NO_PIPE, STANDARD, PipedFiles
from reggan_plugin.documents import json_text
from reggan_plugin.errors import OutputExistsError, UsageError
from reggan_plugin.files.overwriting import refuse_overwriting
from reggan_plugin.jobs.plan import Existing, FrameTask, JobPlan
from reggan_plugin.jobs.results import SUMMARY_VERSION, JobSummary, ModelInUse, document_of_missing
from reggan_plugin.jobs.resume import tasks_to_do
from reggan_plugin.jobs.several_jobs import PlannedJob


def print_plans(
    jobs: Sequence[PlannedJob], model: ModelInUse | None, as_json: bool, piped: PipedFiles
) -> None:
    """Print what jobs would write, by path or as JSON."""
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
    click.echo(piped.said(json_text(whole, indent=2)))


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
    summary: JobSummary,
    as_json: bool,
    piped: PipedFiles = NO_PIPE,
    beside: Sequence[Path] = (),
) -> None:
    """Print what a job has written, by path or as JSON, and further files."""
    if as_json:
        document = summary.document()
        more = {"beside": list(map(str, beside))} if beside else {}
        click.echo(piped.said(json_text({**document, **more}, indent=2)))
        return
    for path in (*written_by(summary), *beside):
        click.echo(path)


def plan_atlas(
    atlas: Path, jobs: Sequence[PlannedJob], existing: Existing, inputs: Iterable[Path]
) -> None:
    """Refuse an atlas that cannot be, before any work.

    Raises:
        UsageError: its name is no PNG's, or that of an input or a result, or it would hold videos.
        OutputExistsError: it exists.
    """
    if atlas.suffix.lower() != ".png":
        raise UsageError(f"{atlas} is to be a PNG. Name it {atlas.stem or 'atlas'}.png.")
    if any(job.movie is not None for job in jobs):
        raise UsageError("An atlas is of pictures, and a video has many. Leave --atlas out.")
    files = [atlas, atlas.with_suffix(".json")]
    read = [task.source.path for job in jobs for task in job.plan.tasks]
    made = [task.output for job in jobs for task in job.plan.tasks]
    refuse_overwriting(files, (*read, *made, *inputs))
    results = {path.resolve() for path in made}
    for file in files:
        if file.resolve() in results:
            raise UsageError(f"{file} is the name of a result, too. Name another atlas.")
    there = next((file for file in files if file.exists()), None)
    if there is not None and existing is Existing.REFUSE:
        raise OutputExistsError(f"{there} exists.", kind="atlas-exists")


def write_atlas(
    atlas: Path, jobs: Sequence[PlannedJob], summary: JobSummary, piped: PipedFiles
) -> list[Path]:
    """Write pictures and their results, side by side, and what lies where; returns both files.

    A picture is followed by its results, in the order of the expressions.

    Raises:
        OutputError: it cannot be written.
        UnreadableFrameError: a result is gone.
    """
    from PIL import Image

    from reggan_plugin.drawing.contact_sheet import write_cells
    from reggan_plugin.files.frame import read_frame
    from reggan_plugin.transfer.display_picture import shown_samples

    parts = summary.parts or (summary,)
    cells: dict[Path, list[tuple[Path, str | None, float]]] = {}
    for job, part in zip(jobs, parts, strict=False):
        for task in job.plan.tasks:
            exposure_ev = part.exposure_ev or 0.0
            own = cells.setdefault(task.source.path, [(task.source.path, None, exposure_ev)])
            own.append((task.output, job.settings.mix.label, exposure_ev))
    listed = [(source, *cell) for source, own in cells.items() for cell in own if cell[0].exists()]
    together = len(next(iter(cells.values())))
    columns = together if len(cells) > 1 else math.ceil(math.sqrt(together))
    pictures = (Image.fromarray(shown_samples(read_frame(path), ev)) for _, path, _, ev in listed)
    boxes = write_cells(atlas, pictures, len(listed), columns)

    def shown(path: Path) -> str:
        return STANDARD if path == piped.kept else _path_from(atlas.parent, path)

    document = {
        "v": SUMMARY_VERSION,
        "atlas": atlas.name,
        "cells": [
            {
                "source": shown(source),
                "expression": label,
                "file": shown(path),
                "box": box,
            }
            for (source, path, label, _), box in zip(listed, boxes, strict=True)
        ],
    }
    names = atlas.with_suffix(".json")
    write_atomically(names, json_text(document, indent=1).encode())
    return [atlas, names]


def _path_from(folder: Path, path: Path) -> str:
    """Return the path of a file as seen from a folder, with `/`; whole if on another drive."""
    whole = path.parent.resolve() / path.name
    try:
        return Path(os.path.relpath(whole, folder.resolve())).as_posix()
    except ValueError:
        return whole.as_posix()


def written_by(summary: JobSummary) -> list[Path]:
    """Return the files that a job has made, in order."""
    paths = []
    for part in summary.parts or (summary,):
        if part.is_video:
            paths += [] if part.whole is None else [part.whole]
        else:
            paths += [result.output for result in part.results if result.is_on_disk]
    return paths
