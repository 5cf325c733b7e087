"""One character's maps in every expression that was asked for, from files to files.

A map whose face lies unfolded is changed as a picture is.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np

from reggan_plugin.errors import (
    EmptySourceError,
    FaceNotFoundError,
    RegganError,
    TextureError,
    UsageError,
)
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.files.frame import Frame, copy_frame
from reggan_plugin.files.image_format import change_samples
from reggan_plugin.files.mesh_suffixes import GLTF_SUFFIXES, MESH_SUFFIXES, is_mesh
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import FaceCrop, region_of
from reggan_plugin.jobs.plan import PLACEHOLDER, default_output_file, writable_folder
from reggan_plugin.textures.map_change import ChangedMap, PreparedFace
from reggan_plugin.textures.maps.choose_map import check_is_colour
from reggan_plugin.textures.maps.texture_files import (
    TextureFiles,
    encoded_bytes,
    further_map,
    write_tiles,
)
from reggan_plugin.textures.maps.texture_map import (
    MapTile,
    ReducedTile,
    Samples,
    TextureMap,
    read_tile,
)
from reggan_plugin.textures.read_mesh import files_of_mesh
from reggan_plugin.textures.texture_job_files import (
    OutputPlan,
    OutputRecords,
    Subject,
    also_outputs,
    is_usd,
    map_output,
    mesh_outputs,
    plan_outputs,
    refuse_maps,
)
from reggan_plugin.textures.texture_request import (
    Advance,
    OpenTransfer,
    TextureRequest,
    TextureResult,
    part_of,
    say_nothing,
)
from reggan_plugin.textures.views.reprojection import Reprojection, Tally
from reggan_plugin.textures.views.view_change import ViewChange
from reggan_plugin.textures.write_mesh import check_mesh_output, usd_text, write_mesh
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix


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
    plan = plan_outputs(request, OutputRecords(request, subject))
    if not plan.labels:
        return TextureResult(written=(), skipped=plan.skipped)
    if request.mesh is None:
        return _run_flat(plan, subject.open_transfer)
    changes_nothing = all(mix.changes_nothing for mix in request.mixes.values())
    asks_for_more = request.out_mesh is not None or bool(request.also)
    if plan.files is not None and changes_nothing and not asks_for_more:
        return _copied(plan, plan.files)
    return _run_mesh(plan, subject.face, advance)


def _run_mesh(plan: OutputPlan, face: PreparedFace, advance: Advance) -> TextureResult:
    request, records = plan.request, plan.records
    check_mesh_output(request, face)
    usd = usd_text(request, face) if is_usd(request) else None
    if plan.files is None and plan.writes_maps:
        refuse_maps(request, records, face.files, plan.labels)
    if not all(request.mixes[label].changes_nothing for label in plan.labels):
        for source in request.also:  # before the first map is written
            _further_texture(source, face.texture)
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
            written += _write_maps(plan, face, label, changed)
            if request.out_mesh is not None and usd is None:
                contents[label] = _encoded(face, changed, suffix)
    if request.out_mesh is not None:
        meshes = mesh_outputs(request, plan.labels)
        with face.watch.timing("write"), records.writing(meshes, request.mesh_as):
            remarks: tuple[str, ...] = ()
            if usd is not None:
                write_atomically(request.out_mesh, usd.text.encode())
                remarks = usd.remarks
            else:
                remarks = write_mesh(request, face, contents, suffix)
        written += meshes
        for path in meshes if usd is None else ():  # a .gltf has its maps beside it
            written += [one for one in files_of_mesh(path)[1:] if one not in records.inputs]
        if request.also:
            names = ", ".join(path.name for path in request.also)
            remarks += (f"{names} move in files of their own: the mesh keeps the maps that it has",)
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
    plan: OutputPlan, face: PreparedFace, label: str, changed: ChangedMap
) -> list[Path]:
    """Write the map of an expression, if it is wanted as a file, and those that move along."""
    written: list[Path] = []
    if plan.writes_maps:
        written += _write_map(plan, face.files, face.texture, label, changed.tiles)
    for source, path in also_outputs(plan.request, label).items():
        with plan.records.writing({path: (label,)}, "also"):
            write_also(source, path, face, changed)
        written.append(path)
    return written


def _encoded(face: PreparedFace, changed: ChangedMap, suffix: str) -> bytes:
    """Return the map as a file; its own bytes where nothing changes."""
    ((number, path),) = face.files.paths.items()
    if number not in changed.tiles:
        return path.read_bytes()
    return encoded_bytes(face.texture.tiles[number], changed.tiles[number], suffix)


def _write_map(
    plan: OutputPlan,
    files: TextureFiles,
    texture: TextureMap,
    label: str,
    changed: Mapping[int, Samples],
) -> list[Path]:
    """Write the tiles of an expression's map, and their records; return their paths."""
    pattern = map_output(plan.request, files, label)
    paths = files.outputs(pattern)
    with plan.records.writing(dict.fromkeys(paths, (label,)), "map"):
        write_tiles(files, texture, changed, pattern)
    return paths


def _run_flat(plan: OutputPlan, open_transfer: OpenTransfer) -> TextureResult:
    request, files = plan.request, plan.files
    if files is None:
        raise UsageError("Neither a mesh nor a map was given. Name the map to change.")
    if all(mix.changes_nothing for mix in request.mixes.values()):
        return _copied(plan, files)
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
        written += _write_map(plan, files, texture, label, changed)
    return TextureResult(written=tuple(written), skipped=plan.skipped, notices=tile.notices)


def _copied(plan: OutputPlan, files: TextureFiles) -> TextureResult:
    """Intensity 0: the same files."""
    written = list[Path]()
    for label in plan.labels:
        written += _write_map(plan, files, TextureMap(tiles={}), label, {})
    return TextureResult(written=tuple(written), skipped=plan.skipped)


def write_also(source: Path, output: Path, face: PreparedFace, changed: ChangedMap) -> None:
    """Write a further map as an expression moves it.

    Raises:
        TextureError: it holds values outside 0 to 1.
        OutputError: the file cannot be written.
    """
    if changed.view is None:
        copy_frame(source, output)
        return
    files, texture = _further_texture(source, face.texture)
    moved = _without_light(changed.view)
    carry = Reprojection(face.stage, face.parts, texture, moved, is_data=True, still=face.eyeballs)
    found = {number: carry.changed_samples(number) for number in files.paths}
    moving = {number: samples for number, samples in found.items() if samples is not None}
    write_tiles(files, texture, moving, output)


def _further_texture(source: Path, worn: TextureMap) -> tuple[TextureFiles, TextureMap]:
    """Return a further map, as files to write, and all tiles of it that there are, read."""
    files, beside = further_map(source, worn.tiles if worn.is_udim else None)
    tiles = {number: _data(path) for number, path in beside.items()}
    return files, TextureMap(tiles=tiles, is_udim=worn.is_udim)


def _data(path: Path) -> MapTile:
    """Return a tile whose numbers are taken as they are, whatever the file calls them."""
    tile = replace(read_tile(path, is_gltf_image=True), is_linear=False, colour_space=None)
    if tile.colours.dtype.kind == "f" and not ((tile.colours >= 0) & (tile.colours <= 1)).all():
        raise TextureError(
            f"{path} holds numbers outside 0 to 1, which no map of 8 or 16 bits has. Give it as "
            "such a PNG or TIFF."
        )
    return tile


def _without_light(change: ViewChange) -> ViewChange:
    motion = change.motion
    assert motion is not None, "the command refuses models without motion"
    still = np.zeros_like(motion.cover)
    return replace(
        change, motion=replace(motion, log_gain=np.zeros_like(motion.log_gain), cover=still)
    )


_OPENS = 0.1
"""Weight of jawOpen from which a mouth is open."""
_WORTH_SAYING = 0.02


def remarks_on(label: str, mix: ExpressionMix, tally: Tally) -> Iterator[str]:
    """Remarks on an expression's result.

    Raises:
        TextureError: no texel changes, although something is asked for.
    """
    if mix.changes_nothing:
        return
    if not tally.changed:
        raise TextureError(
            f"{label} changes no texel: what shows of the face wears another map, its texels are "
            "too few, or the character looks another way. Name the face's material, its map, or "
            "the way it looks.",
            kind="no-texel-changes",
        )
    openers = [
        name
        for name, share in mix.intensities.items()
        if share
        and ExpressionMix({name: 1.0}, own=mix.own).control_weights().get("jawOpen", 0) > _OPENS
    ]
    if openers:
        yield (
            f"{' and '.join(openers)} opens the mouth: the map shows the opening painted on closed "
            "lips; jaw, teeth and silhouette stay as the mesh has them"
        )
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


_LARGEST_LOOK_PX = 2048
"""Of the picture of the whole map in which the face is sought."""


def find_flat_face(
    transfer: ExpressionTransfer, path: Path, tile: MapTile, choice: FaceChoice
) -> FaceCrop:
    """Find the face on the map; a box is compared with the map's size alone.

    Raises:
        FaceNotFoundError: the locator finds none.
        UsageError: the box that was given is no part of the map.
    """
    factor = 1
    if choice.needs_locator:
        factor = max(1, -(-max(tile.shape) // _LARGEST_LOOK_PX))
        seen = (tile if factor == 1 else ReducedTile(tile, factor).whole()).frame()
    else:
        nothing = np.broadcast_to(np.float32(0), (*tile.shape, 3))
        seen = Frame(pixels=nothing, original=tile.original)
    crops = transfer.find_faces(seen, choice, (path.name,))
    if not crops:
        raise FaceNotFoundError(
            f"{path} shows no unfolded face.", kind="face-on-flat-map", source=path
        )
    return crops[0].scaled(factor)


def changed_flat_map(
    transfer: ExpressionTransfer, tile: MapTile, crop: FaceCrop, mix: ExpressionMix
) -> Samples:
    """Return the map's samples with the expression; untouched ones keep their bits."""
    region = region_of(crop, *tile.shape, with_margin=True)
    rows, columns = region
    window = tile.window(rows, columns)
    after = transfer.render(window, mix, [crop.moved(-columns.start, -rows.start)])
    samples = np.array(tile.colours)
    change_samples(samples[region], window.pixels, after)
    return samples


Watch = Callable[[str], AbstractContextManager[Advance]]
"""Takes what is made, in words; gives what is told how much of it is done."""


@frozen
class CharacterOutcome:
    """The outcome for one of the characters: a result, or an error in words."""

    name: str
    mesh: Path
    result: TextureResult | None = None
    error: str | None = None

    @property
    def outcome(self) -> str:
        """`written`, `skipped` or `failed`."""
        if self.result is None:
            return "failed"
        return "written" if self.result.written else "skipped"


def find_characters(folder: Path) -> dict[str, Path]:
    """Meshes by character: files in the folder, and folders that hold one mesh each.

    Raises:
        EmptySourceError: there are none.
        UsageError: a folder holds several, or two characters have one name.
    """
    found: dict[str, Path] = {}
    for entry in sorted(folder.iterdir()):
        meshes = sorted(entry.iterdir()) if entry.is_dir() else [entry]  # which may lead nowhere
        meshes = [path for path in meshes if is_mesh(path)]
        if len(meshes) > 1:
            raise UsageError(
                f"{entry} holds {len(meshes)} meshes: {', '.join(path.name for path in meshes)}. "
                "Leave one in each character's folder."
            )
        name = entry.name if entry.is_dir() else entry.stem
        if meshes and name in found:
            raise UsageError(
                f"Two characters are called {name}: {found[name]} and {meshes[0]}. Rename one of "
                "them, or put it elsewhere."
            )
        if meshes:
            found[name] = meshes[0]
    if not found:
        raise EmptySourceError(
            f"{folder} holds no character. Expected meshes ({', '.join(MESH_SUFFIXES)}), or a "
            "folder with one mesh for each."
        )
    return found


def run_batch(
    request: TextureRequest,
    folder: Path,
    open_transfer: OpenTransfer,
    stopped: Callable[[], bool],
    *,
    with_meshes: bool,
    watch: Watch = lambda _: nullcontext(say_nothing),
) -> Iterator[CharacterOutcome]:
    """Do what the request asks to every character; a failure leaves the others as they are.

    Args:
        request: `out` is the folder for the results, with a folder for each character;
            `look.texture` is looked for beside each mesh.
        folder: of the characters.
        open_transfer: as for `run_request`.
        stopped: asked before each character.
        with_meshes: whether glTF characters are written too.
        watch: called for each character.

    Raises:
        EmptySourceError, UsageError: see `find_characters`; or there is no folder to write to.
    """
    if request.out is None:
        raise UsageError(
            "A folder of characters needs a folder for the results.", kind="batch-needs-folder"
        )
    found = find_characters(folder)
    for place, (name, mesh) in enumerate(found.items(), start=1):
        if stopped():
            return
        target = request.out / name
        result: TextureResult | None = None
        error: str | None = None
        try:
            one = _request_for(request, mesh, target, with_meshes)
            with writable_folder(target), watch(f"[{place}/{len(found)}] {name}") as advance:
                result = run_request(one, open_transfer, advance)
            if with_meshes and one.out_mesh is None:
                said = f"{mesh.name} is no glTF, so its maps are written alone, and no mesh"
                result = replace(result, notices=(*result.notices, said))
        except RegganError as fault:
            error = fault.remark
        except OSError as fault:
            error = f"{mesh}: {fault}."
        except MemoryError:
            error = f"{mesh} does not fit into the memory that is free."
        yield CharacterOutcome(name=name, mesh=mesh, result=result, error=error)


def _request_for(
    request: TextureRequest, mesh: Path, target: Path, with_meshes: bool
) -> TextureRequest:
    texture = request.look.texture
    if texture is not None:
        texture = mesh.parent / texture
    out_mesh = None
    if with_meshes and mesh.suffix.lower() in GLTF_SUFFIXES:
        label = PLACEHOLDER if request.mesh_as == "replace" else request.mesh_as
        out_mesh = target / default_output_file(mesh, label).name
    return replace(
        request,
        mesh=mesh,
        look=replace(request.look, texture=texture),
        out=None,
        out_folder=target if out_mesh is None else None,  # the mesh holds the maps
        out_mesh=out_mesh,
    )
