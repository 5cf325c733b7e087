"""One character's maps in every expression that was asked for, from files to files."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from reggan_plugin.errors import UsageError
from reggan_plugin.expressions import EXPRESSIONS, ExpressionMix
from reggan_plugin.files.frame import copy_frame
from reggan_plugin.textures.carry_back import Tally
from reggan_plugin.textures.flat_map import changed_flat_map
from reggan_plugin.textures.map_kinds import check_is_colour
from reggan_plugin.textures.output_plan import (
    OutputPlan,
    map_output,
    mesh_output,
    plan_outputs,
)
from reggan_plugin.textures.prepared import ChangedMap, PreparedFace
from reggan_plugin.textures.request import TextureRequest, TextureResult
from reggan_plugin.textures.texture_files import TextureFiles, encoded_bytes, write_tiles
from reggan_plugin.textures.write_mesh import write_mesh
from reggan_plugin.transfer import ExpressionTransfer

OpenTransfer = Callable[[], ExpressionTransfer]
_PARTS_THE_LIPS = 25
"""The action unit that opens a mouth (FACS)."""
_WORTH_SAYING = 0.02


def run_request(request: TextureRequest, open_transfer: OpenTransfer) -> TextureResult:
    """Make and write the maps of one character.

    Args:
        request: what to make.
        open_transfer: gives the model; called only if something changes.

    Raises:
        RegganError: see `PreparedFace`, `plan_outputs` and `write_frame`.
    """
    plan = plan_outputs(request)
    if not plan.labels:
        return TextureResult(written=(), skipped=plan.skipped)
    if request.mesh is None:
        return _run_flat(request, plan, open_transfer)
    if plan.files is not None and all(mix.changes_nothing for mix in request.mixes.values()):
        return _copied(request, plan, plan.files)
    with tempfile.TemporaryDirectory() as scratch:
        face = PreparedFace(request.mesh, request.look, open_transfer(), Path(scratch))
        return _run_mesh(request, plan, face)


def _run_mesh(request: TextureRequest, plan: OutputPlan, face: PreparedFace) -> TextureResult:
    written: list[Path] = []
    contents: dict[str, bytes] = {}
    counts: dict[str, int] = {}
    notices = dict(face.notices)
    (suffix, *_) = {path.suffix for path in face.files.paths.values()}
    for label in plan.labels:
        mix = request.mixes[label]
        changed = ChangedMap.none() if mix.changes_nothing else face.change(mix)
        counts[label] = changed.tally.changed
        notices |= dict.fromkeys(_remarks(label, mix, changed.tally))
        with face.watch.timing("write"):
            if plan.writes_maps:
                pattern = map_output(request, face.files, label)
                written += write_tiles(face.files, face.texture, changed.tiles, pattern)
            if request.out_mesh is not None:
                contents[label] = _encoded(face, changed, suffix)
    if request.out_mesh is not None:
        with face.watch.timing("write"):
            paths, remarks = write_mesh(request, face, contents, suffix)
        written += paths
        notices |= dict.fromkeys(remarks)
    return TextureResult(
        written=tuple(written),
        skipped=plan.skipped,
        notices=tuple(notices),
        seconds=dict(face.watch.seconds),
        changed_texels=counts,
        found_by=face.framed.found_by,
        front=face.framed.front,
        material=face.material_name,
    )


def _encoded(face: PreparedFace, changed: ChangedMap, suffix: str) -> bytes:
    """The map as a file; its own bytes where nothing changes."""
    ((number, path),) = face.files.paths.items()
    if number not in changed.tiles:
        return path.read_bytes()
    return encoded_bytes(face.texture.tiles[number], changed.tiles[number], suffix)


def _run_flat(
    request: TextureRequest, plan: OutputPlan, open_transfer: OpenTransfer
) -> TextureResult:
    files = plan.files
    if files is None:
        raise UsageError("Neither --mesh nor --texture was given. Name the map to change.")
    if all(mix.changes_nothing for mix in request.mixes.values()):
        return _copied(request, plan, files)
    texture = files.read()
    frame = next(iter(texture.tiles.values()))
    if not request.look.force:
        check_is_colour(next(iter(files.paths.values())), frame, None, None)
    written: list[Path] = []
    for label in plan.labels:
        mix = request.mixes[label]
        tiles = {}
        if not mix.changes_nothing:
            pixels = changed_flat_map(open_transfer(), files, frame, request.choice, mix)
            tiles = {next(iter(files.paths)): pixels}
        written += write_tiles(files, texture, tiles, map_output(request, files, label))
    return TextureResult(written=tuple(written), skipped=plan.skipped, notices=frame.notices)


def _copied(request: TextureRequest, plan: OutputPlan, files: TextureFiles) -> TextureResult:
    """Intensity 0: the same files."""
    written: list[Path] = []
    for label in plan.labels:
        if plan.writes_maps:
            pattern = map_output(request, files, label)
            for number, source in files.paths.items():
                copy_frame(source, files.output(pattern, number))
                written.append(files.output(pattern, number))
        mesh = mesh_output(request, label)
        if mesh is not None and request.mesh is not None and mesh not in written:
            copy_frame(request.mesh, mesh)
            written.append(mesh)
    return TextureResult(written=tuple(written), skipped=plan.skipped)


def _remarks(label: str, mix: ExpressionMix, tally: Tally) -> Iterator[str]:
    """What an expression's result does not show by itself."""
    if mix.changes_nothing:
        return
    openers = [
        expression.name
        for expression in EXPRESSIONS
        if _PARTS_THE_LIPS in expression.action_units and mix.intensities.get(expression.name)
    ]
    if openers:
        yield (
            f"{' and '.join(openers)} opens the mouth: the map shows the opening painted on closed "
            "lips; jaw, teeth and silhouette stay as the mesh has them"
        )
    if not tally.changed:
        yield f"{label}: no texel changes"
        return
    if tally.mirrored > _WORTH_SAYING * tally.changed:
        yield (
            f"{tally.mirrored / tally.changed:.0%} of the changed texels serve both halves of the "
            "face (mirrored UVs): both get the mean, one symmetric result"
        )
    if tally.overlapping > _WORTH_SAYING * tally.changed:
        yield (
            f"{tally.overlapping / tally.changed:.0%} of the changed texels show in two places of "
            "the face (overlapping UVs), which get the mean of both"
        )
    shared = tally.shared / max(tally.sampled, 1)
    if shared > _WORTH_SAYING:
        yield (
            f"{shared:.0%} of the changed texels also lie on parts of the mesh that the view does "
            "not show (overlapping UVs), which change with them"
        )
