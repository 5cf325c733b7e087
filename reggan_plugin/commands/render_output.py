"""Standard output of `render`: the paths of its results, or a summary as JSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from reggan_plugin.documents import json_text
from reggan_plugin.jobs.plan import FrameTask, JobPlan
from reggan_plugin.jobs.results import (
    SUMMARY_VERSION,
    JobSummary,
    ModelInUse,
    document_of_missing,
)
from reggan_plugin.jobs.resume import tasks_to_do
from reggan_plugin.jobs.several_jobs import PlannedJob


def print_plans(jobs: Sequence[PlannedJob], model: ModelInUse | None, as_json: bool) -> None:
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
    click.echo(json_text(whole, indent=2))


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


def print_summary(summary: JobSummary, as_json: bool) -> None:
    """Print what a job has written, by path or as JSON."""
    if as_json:
        click.echo(json_text(summary.document(), indent=2))
        return
    for path in written_by(summary):
        click.echo(path)


def written_by(summary: JobSummary) -> list[Path]:
    """Return the files that a job has made, in order."""
    paths = []
    for part in summary.parts or (summary,):
        if part.is_video:
            paths += [] if part.whole is None else [part.whole]
        else:
            paths += [result.output for result in part.results if result.is_on_disk]
    return paths
