"""One character's maps in every expression that was asked for, from files to files."""

from pathlib import Path

from reggan_plugin.errors import UsageError
from reggan_plugin.files.frame import copy_frame
from reggan_plugin.textures.also_maps import write_also
from reggan_plugin.textures.job_inputs import Subject
from reggan_plugin.textures.maps.flat_map import changed_flat_map, find_flat_face
from reggan_plugin.textures.maps.is_colour import check_is_colour
from reggan_plugin.textures.maps.texture_files import TextureFiles, encoded_bytes, write_tiles
from reggan_plugin.textures.output_plan import (
    OutputPlan,
    also_outputs,
    is_usd,
    map_output,
    mesh_outputs,
    plan_outputs,
)
from reggan_plugin.textures.output_records import OutputRecords
from reggan_plugin.textures.prepared_face import ChangedMap, PreparedFace
from reggan_plugin.textures.progress import Advance, part_of, say_nothing
from reggan_plugin.textures.result_remarks import remarks_on
from reggan_plugin.textures.texture_request import OpenTransfer, TextureRequest, TextureResult
from reggan_plugin.textures.write_mesh import check_mesh_output, write_mesh, write_usd


def run_request(
    request: TextureRequest, open_transfer: OpenTransfer, advance: Advance = say_nothing
) -> TextureResult:
    """Make and write the maps of one character; see `make_maps`."""
    with Subject(request.mesh, request.look, open_transfer) as subject:
        return make_maps(request, subject, advance)


def make_maps(
    request: TextureRequest, subject: Subject, advance: Advance = say_nothing
) -> TextureResult:
    """Make and write the maps of one character.

    Args:
        request: what to make.
        subject: the character, with the model.
        advance: told how much is done.

    Raises:
        RegganError: see `PreparedFace`, `plan_outputs` and `write_frame`.
    """
    records = OutputRecords(request, subject)
    plan = plan_outputs(request, records)
    if not plan.labels:
        return TextureResult(written=(), skipped=plan.skipped)
    if request.mesh is None:
        return _run_flat(request, plan, records, subject.open_transfer)
    changes_nothing = all(mix.changes_nothing for mix in request.mixes.values())
    asks_for_more = is_usd(request) or bool(request.also)
    if plan.files is not None and changes_nothing and not asks_for_more:
        return _copied(request, plan, records, plan.files)
    return _run_mesh(request, plan, records, subject.face, advance)


def _run_mesh(
    request: TextureRequest,
    plan: OutputPlan,
    records: OutputRecords,
    face: PreparedFace,
    advance: Advance,
) -> TextureResult:
    check_mesh_output(request, face)
    written: list[Path] = []
    contents: dict[str, bytes] = {}
    counts: dict[str, int] = {}
    notices = dict(face.notices)
    (suffix, *_) = {path.suffix for path in face.files.paths.values()}
    for place, label in enumerate(plan.labels):
        mix = request.mixes[label]
        changed = face.change(mix, part_of(advance, place, len(plan.labels)))
        counts[label] = changed.tally.changed
        notices |= dict.fromkeys((*remarks_on(label, mix, changed.tally), *changed.notices))
        with face.watch.timing("write"):
            written += _write_maps(request, plan, records, face, label, changed)
            if request.out_mesh is not None and not is_usd(request):
                contents[label] = _encoded(face, changed, suffix)
    if request.out_mesh is not None:
        meshes = mesh_outputs(request, plan.labels)
        with face.watch.timing("write"), records.writing(meshes, request.mesh_as):
            remarks: tuple[str, ...] = ()
            if is_usd(request):
                write_usd(request, face)
            else:
                remarks = write_mesh(request, face, contents, suffix)
        written += meshes
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


def _write_maps(
    request: TextureRequest,
    plan: OutputPlan,
    records: OutputRecords,
    face: PreparedFace,
    label: str,
    changed: ChangedMap,
) -> list[Path]:
    """Write the map of an expression, if it is wanted as a file, and those that move along."""
    written: list[Path] = []
    if plan.writes_maps:
        pattern = map_output(request, face.files, label)
        written += face.files.outputs(pattern)
        with records.writing(dict.fromkeys(written, (label,)), "map"):
            write_tiles(face.files, face.texture, changed.tiles, pattern)
    for source, path in also_outputs(request, label).items():
        with records.writing({path: (label,)}, "also"):
            write_also(source, path, face, changed)
        written.append(path)
    return written


def _encoded(face: PreparedFace, changed: ChangedMap, suffix: str) -> bytes:
    """Return the map as a file; its own bytes where nothing changes."""
    ((number, path),) = face.files.paths.items()
    if number not in changed.tiles:
        return path.read_bytes()
    return encoded_bytes(face.texture.tiles[number], changed.tiles[number], suffix)


def _run_flat(
    request: TextureRequest,
    plan: OutputPlan,
    records: OutputRecords,
    open_transfer: OpenTransfer,
) -> TextureResult:
    files = plan.files
    if files is None:
        raise UsageError("Neither a mesh nor a map was given. Name the map to change.")
    if all(mix.changes_nothing for mix in request.mixes.values()):
        return _copied(request, plan, records, files)
    if files.is_udim:
        raise UsageError(
            f"A flat map is one picture, and {files.name} stands for {len(files.paths)}. Name the "
            f"tile with the face, such as {next(iter(files.paths.values())).name}."
        )
    texture = files.read(reading=request.look.reading)
    ((number, path),) = files.paths.items()
    tile = texture.tiles[number]
    if not request.look.force:
        check_is_colour(path, tile, None, None)
    transfer = open_transfer()
    face = find_flat_face(transfer, path, tile, request.choice)
    written: list[Path] = []
    for label in plan.labels:
        mix = request.mixes[label]
        changed = {}
        if not mix.changes_nothing:
            changed[number] = changed_flat_map(transfer, tile, face, mix)
        pattern = map_output(request, files, label)
        with records.writing({files.output(pattern, number): [label]}, "map"):
            write_tiles(files, texture, changed, pattern)
        written += files.outputs(pattern)
    return TextureResult(written=tuple(written), skipped=plan.skipped, notices=tile.notices)


def _copied(
    request: TextureRequest, plan: OutputPlan, records: OutputRecords, files: TextureFiles
) -> TextureResult:
    """Intensity 0: the same files."""
    written: list[Path] = []
    for label in plan.labels if plan.writes_maps else ():
        paths = files.outputs(map_output(request, files, label))
        with records.writing(dict.fromkeys(paths, (label,)), "map"):
            for source, path in zip(files.paths.values(), paths, strict=True):
                copy_frame(source, path)
        written += paths
    meshes = mesh_outputs(request, plan.labels)
    with records.writing(meshes, request.mesh_as):
        for path in meshes:
            assert request.mesh is not None, "the plan lets only glTF through"
            copy_frame(request.mesh, path)
    return TextureResult(written=(*written, *meshes), skipped=plan.skipped)
