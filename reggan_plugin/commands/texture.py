"""`reggan-plugin texture`: a character and its map in, the map with expressions out."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import click

from reggan_plugin.commands.model_in_use import open_model
from reggan_plugin.commands.options import (
    GroupedCommand,
    existing_options,
    face_box_from_text,
    grouped_option,
    model_options,
)
from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.errors import OutputExistsError, RegganError, UsageError
from reggan_plugin.expressions import (
    EXPRESSION_NAMES,
    MAX_INTENSITY,
    ExpressionMix,
    parse_expression_mix,
)
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.jobs.interruption import stop_on_signals
from reggan_plugin.jobs.plan import Existing
from reggan_plugin.textures.request import (
    MESH_OUTPUTS,
    Look,
    MeshOutput,
    TextureRequest,
    TextureResult,
)
from reggan_plugin.transfer import ExpressionTransfer

SUMMARY_VERSION = 1
_FRONTS = ("+X", "-X", "+Y", "-Y", "+Z", "-Z")


@click.command(
    cls=GroupedCommand,
    epilog="\b\nExample:\n  reggan-plugin texture --mesh head.glb --texture base_color.png "
    "--expression angry",
)
@grouped_option(
    "Character",
    "--mesh",
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE|DIR",
    help="The head or body that wears the map: glTF, GLB, VRM, OBJ, PLY, USD; or a folder of "
    "characters.",
)
@grouped_option(
    "Character",
    "--texture",
    type=click.Path(path_type=Path),
    metavar="FILE|PATTERN",
    help="The base colour map, or its tiles: face.<UDIM>.exr.  [default: the mesh's own]",
)
@grouped_option(
    "Character",
    "--flat",
    is_flag=True,
    help="The face lies on the map as seen from the front; no mesh is needed.",
)
@grouped_option(
    "Character",
    "--face-box",
    type=face_box_from_text,
    metavar="X,Y,W,H",
    help="With --flat: the face on the map, brows to below the chin.  [default: located]",
)
@grouped_option(
    "Character",
    "--front",
    type=click.Choice(_FRONTS),
    help="Where the character looks.  [default: as its format says]",
)
@grouped_option(
    "Character",
    "--head-bone",
    metavar="NAME",
    help="The bone or node of the head.  [default: from VRM, names, eye meshes, bounds]",
)
@grouped_option(
    "Character",
    "--material",
    metavar="NAME",
    help="Whose map to change.  [default: the one on most of the face]",
)
@grouped_option(
    "Character",
    "--views",
    type=click.Choice(["1", "3"]),
    default="1",
    show_default=True,
    help="3 also looks from both sides, for changes that reach around the cheeks.",
)
@grouped_option("Character", "--force", is_flag=True, help="Change a map that seems not colour.")
@grouped_option(
    "Expression",
    "--expression",
    "expressions",
    multiple=True,
    metavar="NAME|BLEND",
    help=f"{', '.join(EXPRESSION_NAMES)}, or a blend: happy:0.6+surprised:0.3. May be given "
    "several times.",
)
@grouped_option(
    "Expression",
    "--intensity",
    type=click.FloatRange(0, MAX_INTENSITY),
    default=1.0,
    show_default=True,
    metavar="0-1.5",
    help="0 leaves the map as it is, 1 is the full expression.",
)
@model_options
@grouped_option(
    "Output",
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="The changed map, {expression} in its name where there are several; a folder for a "
    "folder of characters.  [default: <map>_<expression> beside the map]",
)
@grouped_option(
    "Output",
    "--out-mesh",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also a GLB, VRM or glTF with the changed map.",
)
@grouped_option(
    "Output",
    "--mesh-as",
    type=click.Choice(MESH_OUTPUTS),
    help="In it: the map replaced, one material variant for each expression, or (VRM 1.0) an "
    "atlas that its expressions move over.  [default: replace for one, variants for several]",
)
@grouped_option(
    "Output",
    "--sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.png",
    help="Draw all expressions on the head.",
)
@existing_options
@grouped_option("Output", "--json", "as_json", is_flag=True, help="Print one JSON summary.")
@verbose_option
def texture(
    *,
    mesh: Path | None,
    texture: Path | None,
    flat: bool,
    face_box: tuple[float, float, float, float] | None,
    front: str | None,
    head_bone: str | None,
    material: str | None,
    views: Literal["1", "3"],
    force: bool,
    expressions: tuple[str, ...],
    intensity: float,
    model: str | None,
    device: str,
    out: Path | None,
    out_mesh: Path | None,
    mesh_as: MeshOutput | None,
    sheet: Path | None,
    existing: Existing,
    as_json: bool,
) -> None:
    """Change the expression in the base colour map of a face.

    The mesh is seen from the front without light, the model changes that picture, and the change
    is carried back to the texels that show in it. All others keep their bits; format, depth and
    alpha stay.
    """
    _check_sources(mesh, texture, flat=flat, face_box=face_box)
    mixes = _mixes(expressions, intensity, required=sheet is None)
    request = TextureRequest(
        mesh=mesh,
        look=Look(
            texture=texture,
            front=front,
            head_bone=head_bone,
            material=material,
            views=3 if views == "3" else 1,
            force=force,
        ),
        mixes=mixes,
        choice=FaceChoice(box=face_box),
        out=out,
        out_mesh=out_mesh,
        mesh_as=mesh_as or ("replace" if len(mixes) == 1 else "variants"),
        existing=existing,
    )

    @cache
    def open_transfer() -> ExpressionTransfer:
        transfer, _ = open_model(model, device)
        for mix in mixes.values():
            mix.vector(transfer.card.expressions)  # refuses what the model cannot do
        return transfer

    if mesh is not None and mesh.is_dir():
        if sheet is not None or out_mesh is not None:
            raise UsageError(
                "--sheet and --out-mesh name one file, and the mesh is a folder of characters. "
                "--mesh-as writes their meshes into the folder of --out."
            )
        _run_batch(request, mesh, open_transfer, as_json=as_json, with_meshes=mesh_as is not None)
        return
    results = []
    if mixes:
        from reggan_plugin.textures.texture_job import run_request

        results.append(run_request(request, open_transfer))
    if sheet is not None:
        results.append(_draw_sheet(sheet, request, open_transfer()))
    _print(results, as_json=as_json)


def _check_sources(
    mesh: Path | None,
    texture: Path | None,
    *,
    flat: bool,
    face_box: tuple[float, float, float, float] | None,
) -> None:
    if mesh is None and not flat:
        raise UsageError(
            "No --mesh was given, so nothing says where the map's texels are on the face. Give it, "
            "or pass --flat if the face lies on the map as seen from the front."
        )
    if flat and (mesh is not None or texture is None):
        raise UsageError("--flat takes a map alone: --flat --texture face.png, without --mesh.")
    if face_box is not None and not flat:
        raise UsageError(
            "--face-box is for --flat. On a mesh the face is found from its bones and its view; "
            "--front and --head-bone help."
        )


def _mixes(
    expressions: tuple[str, ...], intensity: float, *, required: bool
) -> Mapping[str, ExpressionMix]:
    if not expressions and required:
        raise UsageError(
            f"No --expression was given; name one of {', '.join(EXPRESSION_NAMES)}, or a blend "
            "such as happy:0.6+surprised:0.3."
        )
    mixes: dict[str, ExpressionMix] = {}
    for text in expressions:
        mix = parse_expression_mix(text, intensity)
        label = "_".join(mix.intensities)
        if label in mixes:
            raise UsageError(
                f"Two of the expressions would be named {label}. Give them one by one."
            )
        mixes[label] = mix
    return mixes


def _draw_sheet(
    sheet: Path, request: TextureRequest, transfer: ExpressionTransfer
) -> TextureResult:
    import tempfile

    from reggan_plugin.textures.prepared import PreparedFace
    from reggan_plugin.textures.texture_sheet import write_texture_sheet

    if request.mesh is None:
        raise UsageError("--sheet draws a head, and --flat has none. Give the mesh.")
    if sheet.exists() and request.existing is not Existing.OVERWRITE:
        raise OutputExistsError(f"{sheet} exists. --overwrite replaces it, --sheet names another.")
    mixes = {name: ExpressionMix({name: 1.0}) for name in transfer.card.expressions}
    with tempfile.TemporaryDirectory() as scratch:
        face = PreparedFace(request.mesh, request.look, transfer, Path(scratch))
        write_texture_sheet(sheet, face, mixes)
    return TextureResult(written=(sheet,))


def _run_batch(
    request: TextureRequest,
    folder: Path,
    open_transfer: Any,
    *,
    as_json: bool,
    with_meshes: bool,
) -> None:
    from reggan_plugin.textures.texture_batch import run_batch

    outcomes = []
    with stop_on_signals() as stop:
        for outcome in run_batch(
            request, folder, open_transfer, stop.is_made, with_meshes=with_meshes
        ):
            outcomes.append(outcome)
            reason = f": {outcome.error}" if outcome.error else ""
            click.echo(f"[{len(outcomes)}] {outcome.name} {outcome.outcome}{reason}", err=True)
            if outcome.result is not None:
                _say(outcome.result, outcome.name)
    if as_json:
        characters = [
            {
                "name": outcome.name,
                "mesh": str(outcome.mesh),
                "outcome": outcome.outcome,
                "error": outcome.error,
                **({} if outcome.result is None else _document(outcome.result)),
            }
            for outcome in outcomes
        ]
        document = {
            "v": SUMMARY_VERSION,
            "interrupted": stop.is_made(),
            "characters": characters,
        }
        click.echo(json.dumps(document, indent=2))
    else:
        for outcome in outcomes:
            for path in outcome.result.written if outcome.result else ():
                click.echo(path)
    counts = {
        kind: sum(outcome.outcome == kind for outcome in outcomes)
        for kind in ("written", "skipped", "failed")
    }
    click.echo(", ".join(f"{count} {kind}" for kind, count in counts.items()), err=True)
    stop.raise_if_made()
    if counts["failed"]:
        names = ", ".join(outcome.name for outcome in outcomes if outcome.error)
        raise RegganError(
            f"{counts['failed']} of {len(outcomes)} characters failed: {names}. The lines above "
            "say why; --resume makes what is missing."
        )


def _print(results: list[TextureResult], *, as_json: bool) -> None:
    for result in results:
        _say(result, None)
    if as_json:
        documents = [_document(result) for result in results]
        merged = {"v": SUMMARY_VERSION, **documents[0]}
        for document in documents[1:]:
            merged["written"] += document["written"]
        click.echo(json.dumps(merged, indent=2))
        return
    for result in results:
        for path in result.written:
            click.echo(path)


def _say(result: TextureResult, name: str | None) -> None:
    if result.found_by is not None:
        click.echo(
            f"The face was found by {result.found_by}, looking to {result.front}; the map is that "
            f"of material {result.material!r}.",
            err=True,
        )
    for notice in result.notices:
        click.echo(f"Note{f', {name}' if name else ''}: {notice}", err=True)
    if result.seconds:
        spent = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in result.seconds.items())
        click.echo(spent, err=True)


def _document(result: TextureResult) -> dict[str, Any]:
    return {
        "written": [str(path) for path in result.written],
        "skipped": [str(path) for path in result.skipped],
        "notices": list(result.notices),
        "seconds": {stage: round(seconds, 3) for stage, seconds in result.seconds.items()},
        "changed_texels": dict(result.changed_texels),
        "found_by": result.found_by,
        "front": result.front,
        "material": result.material,
    }
