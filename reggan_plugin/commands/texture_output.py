"""What `texture` prints: paths or JSON on stdout, notes and times on stderr."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from reggan_plugin.commands.remedies import with_remedy
from reggan_plugin.documents import json_text
from reggan_plugin.errors import RegganError, document_from_said
from reggan_plugin.textures.texture_request import TextureResult

if TYPE_CHECKING:  # needs the extra [textures]
    from reggan_plugin.textures.texture_batch import CharacterOutcome

SUMMARY_VERSION = 2
"""Raised when a field of the JSON summary changes its meaning or goes away."""


def say(result: TextureResult, name: str | None = None) -> None:
    """Print how the face was found, the notices, and the times."""
    if result.found_by is not None:
        click.echo(
            f"The face was found by {result.found_by}, looking to {result.front}; the map is that "
            f"of material {result.material!r}.",
            err=True,
        )
    for notice in result.notices:
        click.echo(f"Note{f', {name}' if name else ''}: {with_remedy(notice)}", err=True)
    if result.seconds:
        spent = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in result.seconds.items())
        click.echo(spent, err=True)


def print_results(results: Sequence[TextureResult], *, as_json: bool, quiet: bool = False) -> None:
    """Print the files of one character; its maps and its sheet are results of their own."""
    for result in () if quiet else results:
        say(result)
    if as_json:
        documents = [_document(result) for result in results]
        merged = {"v": SUMMARY_VERSION, **documents[0]}
        for document in documents[1:]:
            merged["written"] += document["written"]
            merged["skipped"] += document["skipped"]
        click.echo(json_text(merged, indent=2))
        return
    for result in results:
        for path in result.written:
            click.echo(path)


def say_outcome(outcome: "CharacterOutcome", place: int, *, quiet: bool = False) -> None:
    """One line for a character of a batch, as it is done, and its notes; if quiet, of faults."""
    if quiet and not outcome.error:
        return
    reason = f": {with_remedy(outcome.error)}" if outcome.error else ""
    click.echo(f"[{place}] {outcome.name} {outcome.outcome}{reason}", err=True)
    if outcome.result is not None:
        say(outcome.result, outcome.name)


def print_outcomes(
    outcomes: "Sequence[CharacterOutcome]",
    *,
    as_json: bool,
    is_interrupted: bool,
    quiet: bool = False,
) -> None:
    """Print the files of a batch, and how many characters came to what."""
    if as_json:
        document = {
            "v": SUMMARY_VERSION,
            "interrupted": is_interrupted,
            "characters": [
                {
                    "name": outcome.name,
                    "mesh": str(outcome.mesh),
                    "outcome": outcome.outcome,
                    **_error(outcome.error),
                    **({} if outcome.result is None else _document(outcome.result)),
                }
                for outcome in outcomes
            ],
        }
        click.echo(json_text(document, indent=2))
    else:
        for outcome in outcomes:
            for path in outcome.result.written if outcome.result else ():
                click.echo(path)
    counts = {
        kind: sum(outcome.outcome == kind for outcome in outcomes)
        for kind in ("written", "skipped", "failed")
    }
    if not quiet:
        click.echo(", ".join(f"{count} {kind}" for kind, count in counts.items()), err=True)


def raise_for_failures(outcomes: "Sequence[CharacterOutcome]") -> None:
    """Fail if a character of a batch failed.

    Raises:
        RegganError: names those that failed.
    """
    failed = [outcome.name for outcome in outcomes if outcome.error]
    if failed:
        raise RegganError(
            f"{len(failed)} of {len(outcomes)} characters failed: {', '.join(failed)}.",
            kind="characters-failed",
        )


def _error(error: str | None) -> dict[str, Any]:
    said = document_from_said(error)
    return {"error": said["message"], "kind": said["kind"], "fields": said["fields"]}


def _document(result: TextureResult) -> dict[str, Any]:
    return {
        "written": [str(path) for path in result.written],
        "skipped": [str(path) for path in result.skipped],
        "notices": [document_from_said(notice) for notice in result.notices],
        "seconds": {stage: round(seconds, 3) for stage, seconds in result.seconds.items()},
        "changed_texels": dict(result.changed_texels),
        "found_by": result.found_by,
        "front": result.front,
        "material": result.material,
    }
