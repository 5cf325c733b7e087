"""`reggan-plugin texture`: a character and its map in, the map with expressions out."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.expression import NOTHING_ASKED, MixOptions, expression_options
from reggan_plugin.commands.options.model import model_options, open_model, rig_options
from reggan_plugin.commands.options.options_and_settings_file import (
    GroupedCommand,
    given_files,
    grouped_option,
)
from reggan_plugin.commands.options.texture import character_options, output_options
from reggan_plugin.commands.progress import bar_of, errors_as_events, quiet_option, without_bar
from reggan_plugin.commands.remedies import with_remedy
from reggan_plugin.errors import RegganError, UsageError, document_from_said
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.jobs.plan import Existing, named, writable_folder
from reggan_plugin.jobs.render_settings import RigFiles
from reggan_plugin.jobs.signals_and_timeouts import stop_on_signals
from reggan_plugin.json_and_toml import json_text
from reggan_plugin.textures.texture_request import (
    Look,
    MeshOutput,
    OpenTransfer,
    TextureRequest,
    TextureResult,
)
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

if TYPE_CHECKING:
    from reggan_plugin.textures.texture_job import CharacterOutcome, Watch


@click.command(
    cls=GroupedCommand, epilog="\b\nExample:\n  reggan-plugin texture head.glb --expression angry"
)
@character_options
@expression_options(several=True, outcome="maps as they are")
@model_options
@rig_options
@output_options
@grouped_option("Output", "--json", "as_json", is_flag=True, help="Print one JSON summary.")
@quiet_option("Output")
@verbose_option
@errors_as_events
def texture(
    *,
    mesh: Path | None,
    look: Look,
    choice: FaceChoice,
    also: tuple[Path, ...],
    asked: MixOptions,
    model: str | None,
    device: str,
    rig_files: RigFiles,
    out: Path | None,
    out_folder: Path | None,
    out_mesh: Path | None,
    mesh_as: MeshOutput | None,
    sheet: Path | None,
    existing: Existing,
    as_json: bool,
    quiet: bool,
) -> None:
    """Change the expression in the base colour map that a MESH wears on its face.

    MESH is a head or a body (GLB, VRM, glTF, OBJ, PLY, USD), or a folder of characters.

    The mesh is drawn from the front, without light. The model changes that picture. The texels that
    you see in the picture get the change. All others keep their bits. Format, depth and alpha stay.

    Happy, afraid and surprised open the mouth. A map can only paint an open mouth on closed lips:
    jaw, teeth and silhouette stay as the mesh has them. Sad and angry open no mouth.
    """
    mixes = asked.mixes
    if not mixes and sheet is None:
        raise UsageError(NOTHING_ASKED)
    request = TextureRequest(
        mesh=mesh,
        look=look,
        mixes=mixes,
        choice=choice,
        out=out,
        out_folder=out_folder,
        out_mesh=out_mesh,
        mesh_as=mesh_as or _usual_mesh_output(out_mesh, len(mixes)),
        existing=existing,
        also=also,
        rig=rig_files,
        inputs=(*given_files(), *rig_files.named),
    )
    open_transfer = cache(partial(_open_transfer, request, model, device))
    bar = without_bar if as_json or quiet else bar_of
    if mesh is not None and mesh.is_dir():
        request = replace(request, out=out_folder or out, out_folder=None)
        _refuse_single_files(request, sheet)
        from reggan_plugin.textures.texture_job import run_batch

        batch = partial(run_batch, request, mesh, open_transfer, with_meshes=mesh_as is not None)
        _print_batch(partial(batch, watch=bar), as_json=as_json, quiet=quiet)
    else:
        files = [path for path in (out, out_mesh, sheet) if path is not None]
        patterns = [path.parent for path in files]
        patterns += [] if out_folder is None else [out_folder]
        places = [named(path, label) for path in patterns for label in mixes or [""]]
        with ExitStack() as made:
            for folder in dict.fromkeys(places):
                made.enter_context(writable_folder(folder))
            results = _run(request, sheet, open_transfer, bar)
        _print_results(results, as_json=as_json, quiet=quiet)


def _usual_mesh_output(out_mesh: Path | None, expressions: int) -> MeshOutput:
    """Replace the map for one expression, write variants for several, or of USD."""
    is_usd = out_mesh is not None and out_mesh.suffix.lower().startswith(".usd")
    return "replace" if expressions == 1 and not is_usd else "variants"


def _open_transfer(request: TextureRequest, model: str | None, device: str) -> ExpressionTransfer:
    """Open the model.

    Raises:
        UsageError: it cannot do what is asked for.
    """
    transfer, _ = open_model(model, device, rig=request.rig)
    for mix in request.mixes.values():
        transfer.card.vector_of(mix)  # refuses what the model cannot do
    if request.also and not transfer.card.says_motion:
        raise UsageError(
            f"The model {transfer.card.name} says nothing of where a face moves, so no map can "
            "move along. Leave out --also, or take a model with controls: reggan-plugin models "
            "lists them."
        )
    return transfer


def _refuse_single_files(request: TextureRequest, sheet: Path | None) -> None:
    """Refuse what names one file where the mesh is a folder of characters."""
    if request.also:
        raise UsageError(
            "--also names a map of one character, and the mesh is a folder of them. Change "
            "them one by one."
        )
    if sheet is not None or request.out_mesh is not None:
        raise UsageError(
            "--sheet and --out-mesh name one file, and the mesh is a folder of characters. "
            "--mesh-as writes their meshes into the folder of --out."
        )


def _run(
    request: TextureRequest, sheet: Path | None, open_transfer: OpenTransfer, watch: "Watch"
) -> list[TextureResult]:
    """Return the maps and the sheet of one character, which is looked at once for both."""
    from reggan_plugin.textures.texture_job_files import Subject

    results = []
    with Subject(request.mesh, request.look, open_transfer) as subject:
        if sheet is not None:
            from reggan_plugin.textures.texture_sheet import check_sheet

            check_sheet(sheet, request, subject)
            if request.mixes and all(mix.changes_nothing for mix in request.mixes.values()):
                _ = subject.face  # maps are copied without a look, and the sheet needs one
        if request.mixes:
            from reggan_plugin.textures.texture_job import make_maps

            with watch("Changing maps") as advance:
                results.append(make_maps(request, subject, advance))
        if sheet is not None:
            from reggan_plugin.textures.texture_sheet import draw_sheet

            made = [path for one in results for path in (*one.written, *one.skipped)]
            check_sheet(sheet, request, subject, made)
            with watch("Drawing the sheet") as advance:
                results.append(draw_sheet(sheet, request, subject, advance))
    return results


SUMMARY_VERSION = 2
"""Raised when a field of the JSON summary changes its meaning or goes away."""


def _say(result: TextureResult, name: str | None = None) -> None:
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


def _print_results(results: Sequence[TextureResult], *, as_json: bool, quiet: bool) -> None:
    """Print the files of one character; its maps and its sheet are results of their own."""
    for result in () if quiet else results:
        _say(result)
    if as_json:
        merged, *others = map(_document, results)
        for document in others:
            merged["written"] += document["written"]
            merged["skipped"] += document["skipped"]
        click.echo(json_text({"v": SUMMARY_VERSION, **merged}, indent=2))
        return
    for result in results:
        for path in result.written:
            click.echo(path)


def _print_batch(
    run: "Callable[[Callable[[], bool]], Iterator[CharacterOutcome]]", *, as_json: bool, quiet: bool
) -> None:
    """Change all characters, which `run` does until it is stopped; print what became of each.

    Raises:
        RegganError: some failed; the message names them.
    """
    outcomes = []
    with stop_on_signals() as stop:
        for outcome in run(stop.is_made):
            outcomes.append(outcome)
            if quiet and not outcome.error:
                continue
            reason = f": {with_remedy(outcome.error)}" if outcome.error else ""
            said = f"[{len(outcomes)}] {outcome.name} {outcome.outcome}{reason}"
            click.echo(said, err=True)
            if outcome.result is not None:
                _say(outcome.result, outcome.name)
    if as_json:
        document = {
            "v": SUMMARY_VERSION,
            "interrupted": stop.is_made(),
            "characters": [_document_of_outcome(outcome) for outcome in outcomes],
        }
        click.echo(json_text(document, indent=2))
    else:
        for outcome in outcomes:
            for path in outcome.result.written if outcome.result else ():
                click.echo(path)
    if not quiet:
        counts = Counter(outcome.outcome for outcome in outcomes)
        kinds = ("written", "skipped", "failed")
        click.echo(", ".join(f"{counts[kind]} {kind}" for kind in kinds), err=True)
    stop.raise_if_made()
    failed = [outcome.name for outcome in outcomes if outcome.error]
    if failed:
        raise RegganError(
            f"{len(failed)} of {len(outcomes)} characters failed: {', '.join(failed)}.",
            kind="characters-failed",
        )


def _document_of_outcome(outcome: "CharacterOutcome") -> dict[str, Any]:
    said = document_from_said(outcome.error)
    return {
        "name": outcome.name,
        "mesh": str(outcome.mesh),
        "outcome": outcome.outcome,
        **{"error": said["message"], "kind": said["kind"], "fields": said["fields"]},
        **({} if outcome.result is None else _document(outcome.result)),
    }


def _document(result: TextureResult) -> dict[str, Any]:
    return {
        **asdict(result),
        "written": list(map(str, result.written)),
        "skipped": list(map(str, result.skipped)),
        "notices": list(map(document_from_said, result.notices)),
        "seconds": {stage: round(seconds, 3) for stage, seconds in result.seconds.items()},
    }
