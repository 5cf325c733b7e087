"""The files of a texture job: inputs that are hashed and read once, outputs that are planned before
any work, and the records by which `--resume` tells which outputs still fit.
"""

import itertools
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from reggan_plugin import __version__
from reggan_plugin.errors import FRAME_FAULTS, MeshError, OutputExistsError, UsageError
from reggan_plugin.file_safety import named_twice, refuse_overwriting, remove_leftovers
from reggan_plugin.files.frame import read_frame
from reggan_plugin.files.mesh_suffixes import GLTF_SUFFIXES, USD_SUFFIXES
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.frame_record import (
    FrameRecord,
    RecordedModel,
    digest_of,
    fingerprint,
    plain,
    read_record,
    record_path,
    write_record,
)
from reggan_plugin.jobs.plan import (
    PLACEHOLDER,
    Existing,
    make_writable_folder,
    named,
    refuse_existing,
)
from reggan_plugin.textures.files_named_by_mesh import place_of_uri
from reggan_plugin.textures.gltf.gltf_file import GltfFile, read_gltf
from reggan_plugin.textures.map_change import PreparedFace
from reggan_plugin.textures.maps.texture_files import TextureFiles, find_texture, further_map
from reggan_plugin.textures.read_mesh import files_of_mesh
from reggan_plugin.textures.texture_request import Look, MeshOutput, OpenTransfer, TextureRequest


class Subject(ExitStack):
    """A mesh, a map or both, with the model that changes them; a context manager.

    Each of its properties does its work when it is first asked for. Ask for `inputs_sha256`
    before the work reads the files that it is of.
    """

    def __init__(self, mesh: Path | None, look: Look, open_transfer: OpenTransfer) -> None:
        """Read nothing yet."""
        super().__init__()
        self.mesh, self.look, self.open_transfer = mesh, look, open_transfer

    @cached_property
    def tiles(self) -> Mapping[int, Path]:
        """The map that the user names, by tile; empty if none is named.

        Raises:
            EmptySourceError: it is not there.
        """
        return {} if self.look.texture is None else find_texture(self.look.texture).paths

    @cached_property
    def _gltf(self) -> GltfFile | None:
        """Content of the mesh's file, if it is glTF: read once, for its names and for the work."""
        if self.mesh is None or self.mesh.suffix.lower() not in GLTF_SUFFIXES:
            return None
        _ = self._hashed  # first: if it changes meanwhile, the next run makes everything again
        return read_gltf(self.mesh)

    @cached_property
    def _hashed(self) -> Mapping[Path, str | None]:
        return {} if self.mesh is None else {self.mesh: digest_of(self.mesh)}

    @cached_property
    def inputs(self) -> tuple[Path, ...]:
        """The mesh, the files that it names and the map's tiles.

        Raises:
            EmptySourceError, MeshError: see `tiles` and `files_of_mesh`.
        """
        return (
            *(() if self.mesh is None else files_of_mesh(self.mesh, self._gltf)),
            *self.tiles.values(),
        )

    @cached_property
    def kept(self) -> tuple[Path, ...]:
        """The inputs, and images that a glTF file names elsewhere: what no output may replace.

        Raises:
            EmptySourceError, MeshError: see `inputs`.
        """
        gltf = self._gltf
        places = () if gltf is None else (place_of_uri(gltf.path, uri) for uri in gltf.names)
        return (*self.inputs, *(place for place in places if place is not None))

    @cached_property
    def inputs_sha256(self) -> str:
        """Of the content of all inputs."""
        return digest_of_files(self.inputs, self._hashed)

    @cached_property
    def face(self) -> PreparedFace:
        """The character, looked at.

        Raises:
            RegganError: see `PreparedFace`.
        """
        if self.mesh is None:
            raise UsageError("A flat map has no head to look at. Give the mesh.")
        scratch = Path(self.enter_context(tempfile.TemporaryDirectory()))
        return PreparedFace(self.mesh, self.look, self.open_transfer(), scratch, self._gltf)


def digest_of_files(paths: Sequence[Path], known: Mapping[Path, str | None] = {}) -> str:
    """SHA-256 of the content of several files, in order; one that is not there counts as that.

    Args:
        paths: the files.
        known: SHA-256 of those that were hashed before, by path.
    """
    hashes = [known[path] if path in known else digest_of(path) for path in paths]
    return fingerprint({"files": hashes})


OutputKind = Literal["map", "also", "sheet"] | MeshOutput


class OutputRecords:
    """Writes the records of a request's outputs, and compares those of earlier runs."""

    def __init__(self, request: TextureRequest, subject: Subject) -> None:
        """Take the fingerprints of the inputs, which the work reads after this.

        Raises:
            EmptySourceError: the map is not there.
            MeshError: the mesh is broken.
        """
        self._request, self._subject = request, subject
        self._inputs_sha256 = subject.inputs_sha256
        self._constant = {
            "look": plain(replace(request.look, texture=None)),
            "tiles": sorted(subject.tiles),
            "choice": plain(request.choice),
            "rig": plain(request.rig),
        }

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files that are read, but for the model."""
        return self._subject.inputs

    def refuse_inputs(self, outputs: Iterable[Path]) -> None:
        """Refuse outputs or records that are files which the request reads, or the mesh names.

        Raises:
            UsageError: one is.
        """
        written = [path for output in outputs for path in (output, record_path(output))]
        refuse_overwriting(written, (*self._subject.kept, *self._request.inputs))

    def fits(self, output: Path, kind: OutputKind, labels: Sequence[str]) -> bool:
        """Tell whether an output is as an earlier run left it, and this one would make the same."""
        record = read_record(output)
        return (
            record is not None
            and record.output_sha256 is not None
            and record.output_sha256 == _digest_of_output(output)
            and record.is_of(
                settings_sha256=self._settings(kind, labels),
                input_sha256=self._inputs_sha256,
                model_sha256=model.sha256 if (model := self._model(labels)) else None,
            )
        )

    def refuse_changed(self, outputs: Iterable[Path]) -> None:
        """Refuse to make anew what somebody changed since an earlier run made it, or what that made
        of another mesh or map.

        A changed file has other bytes than its record says, and can be read: what is damaged counts
        as not made.

        Raises:
            OutputExistsError: one was changed, or is of another.
        """
        source = self._request.mesh or Path(str(self._request.look.texture))
        for output in outputs:
            record = read_record(output)
            if record is not None and record.input_sha256 != self._inputs_sha256:
                record.refuse_another(output, source)
            made = None if record is None else record.output_sha256
            if made and _digest_of_output(output) not in (None, made) and _is_whole(output):
                raise OutputExistsError(
                    f"{output} was changed since it was made, and is not made anew unless you say "
                    "so. Move it, name another place, or replace it.",
                    kind="outputs-changed",
                )

    @contextmanager
    def writing(self, outputs: Mapping[Path, Sequence[str]], kind: OutputKind) -> Iterator[None]:
        """Let outputs be written that hold these expressions; their records say so afterwards.

        Raises:
            OutputExistsError: one has appeared since the work was planned, and may not be replaced.
            OutputError: a folder takes no files.
        """
        if self._request.existing is Existing.REFUSE:
            refuse_existing(list(outputs), Existing.REFUSE)
        records = {path: self._record(path, kind, labels) for path, labels in outputs.items()}
        for path, record in records.items():
            make_writable_folder(record_path(path).parent)
            for file in (path, record_path(path)):
                remove_leftovers(file.parent, [file.name])
            write_record(record, path)  # an output that is cut short has a record that does not fit
        yield
        for path, record in records.items():
            write_record(replace(record, output_sha256=_digest_of_output(path)), path)

    def _record(self, output: Path, kind: OutputKind, labels: Sequence[str]) -> FrameRecord:
        request, model = self._request, self._model(labels)
        mixes = [request.mixes[label] for label in labels]
        return FrameRecord(
            source=str(request.mesh or request.look.texture),
            output=str(output),
            outcome="copied" if model is None else "written",
            expression={name: share for mix in mixes for name, share in mix.intensities.items()},
            weights=mixes[0].control_weights() if len(mixes) == 1 else {},
            settings_sha256=self._settings(kind, labels),
            input_sha256=self._inputs_sha256,
            output_sha256=None,
            model=model,
            version=__version__,
            device=None if model is None else self._subject.open_transfer().device,
            batch=None,
        )

    def _settings(self, kind: OutputKind, labels: Sequence[str]) -> str:
        mixes = [[label, self._request.mixes[label].document()] for label in labels]
        also = plain(self._request.also) if kind == "also" else None
        return fingerprint({**self._constant, "kind": kind, "mixes": mixes, "also": also})

    def _model(self, labels: Sequence[str]) -> RecordedModel | None:
        """Return the model that changes these expressions' maps; None where they stay as they
        are.
        """
        if all(self._request.mixes[label].changes_nothing for label in labels):
            return None
        card = self._subject.open_transfer().card
        return RecordedModel(name=card.name, version=card.version, sha256=card.weights_sha256)


def _digest_of_output(output: Path) -> str | None:
    """SHA-256 of a file; of a .gltf with the files that it names."""
    if output.suffix.lower() != ".gltf":
        return digest_of(output)
    try:
        return digest_of_files(files_of_mesh(output))
    except MeshError:
        return None  # it is not there, or no longer what was written


def _is_whole(output: Path) -> bool:
    """Tell whether a map, a sheet or a mesh can be read."""
    try:
        if output.suffix.lower() in (*GLTF_SUFFIXES, *USD_SUFFIXES):
            return all(path.exists() for path in files_of_mesh(output))
        read_frame(output)
    except FRAME_FAULTS:
        return False
    return True


USD_TEXT_SUFFIXES = (".usda", ".usd")
_EMBEDDED_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".tga", ".bmp", ".webp")
"""Of a map that only the mesh names: the most frequent first."""


@frozen
class OutputPlan:
    """The outputs of a request.

    Attributes:
        request: what they are of.
        records: theirs.
        files: the map, where it is given by name.
        labels: expressions that are still to be made.
        skipped: outputs of the others, which are there and stay.
        writes_maps: whether the maps are written as files.
    """

    request: TextureRequest
    records: OutputRecords
    files: TextureFiles | None
    labels: tuple[str, ...]
    skipped: tuple[Path, ...]
    writes_maps: bool


def plan_outputs(request: TextureRequest, records: OutputRecords) -> OutputPlan:
    """Decide what to write; nothing on disk is changed.

    Raises:
        UsageError: several expressions would go into one file, or an input would be overwritten.
        OutputExistsError: outputs exist, and the request refuses them; or have no record, or were
            changed since.
        EmptySourceError: the map is not there.
    """
    files = None if request.look.texture is None else find_texture(request.look.texture)
    _check_names(request, files)
    for source in request.also:
        further_map(source, files.paths if files is not None and files.is_udim else None)
    is_asked = request.out is not None or request.out_folder is not None
    writes_maps = is_asked or request.out_mesh is None or is_usd(request)
    maps = {
        label: list(_there(request, files, label)) if writes_maps else [] for label in request.mixes
    }
    meshes = mesh_outputs(request, tuple(request.mixes))
    also = {label: list(also_outputs(request, label).values()) for label in request.mixes}
    further = list(itertools.chain.from_iterable(also.values()))
    outputs = [*itertools.chain.from_iterable(maps.values()), *further, *meshes]
    twice = named_twice(outputs)
    if twice is not None:
        raise UsageError(
            f"Two of the files would both become {twice}. Rename one, or change them one after "
            "another, into folders of their own."
        )
    records.refuse_inputs(outputs)
    refuse_existing(outputs, request.existing)
    done = []
    if request.existing.keeps_finished:
        records.refuse_changed(outputs)
        done = [
            label
            for label in _finished(request, records, maps, meshes)
            if all(records.fits(path, "also", [label]) for path in also[label])
        ]
    return OutputPlan(
        request=request,
        records=records,
        files=files,
        labels=tuple(label for label in request.mixes if label not in done),
        skipped=tuple(path for label in done for path in maps[label])
        + tuple(path for path, labels in meshes.items() if set(labels) <= set(done)),
        writes_maps=writes_maps,
    )


def refuse_maps(
    request: TextureRequest, records: OutputRecords, files: TextureFiles, labels: Sequence[str]
) -> None:
    """Refuse maps whose ending, or tiles, only the mesh tells, as `plan_outputs` refuses other
    files.

    Raises:
        UsageError: a map is an input or another output, or tiles have one name.
        OutputExistsError: it exists, and the request refuses that; or has no record, or was
            changed since.
    """
    _check_tiles(request, files)
    maps = [path for one in labels for path in files.outputs(map_output(request, files, one))]
    further = [path for label in labels for path in also_outputs(request, label).values()]
    records.refuse_inputs([*maps, *further, *mesh_outputs(request, labels)])
    refuse_existing(maps, request.existing)
    if request.existing.keeps_finished:
        records.refuse_changed(maps)


def is_usd(request: TextureRequest) -> bool:
    """Tell whether the mesh to write is USD, which names its maps and holds none."""
    return request.out_mesh is not None and request.out_mesh.suffix.lower() in USD_SUFFIXES


def _folder(request: TextureRequest, label: str) -> Path | None:
    """Where the results of an expression go; None is beside their sources."""
    if request.out is not None:
        return named(request.out, label).parent
    return None if request.out_folder is None else named(request.out_folder, label)


def also_outputs(request: TextureRequest, label: str) -> Mapping[Path, Path]:
    """Paths of the further maps of an expression, by their source: `normal_happy.png`."""
    return {
        source: (_folder(request, label) or source.parent) / _with_label(source.name, label)
        for source in request.also
    }


def _with_label(name: str, label: str) -> str:
    """Return the name of a map's result: `face_happy.1001.png` of `face.1001.png`."""
    stem, dot, rest = name.partition(".")
    return f"{stem}_{label}{dot}{rest}"


def map_output(request: TextureRequest, files: TextureFiles, label: str) -> Path:
    """Return the pattern by which an expression's tiles are named.

    Raises:
        UsageError: it asks for another format than the map's.
    """
    suffix = next(iter(files.paths.values())).suffix
    if request.out is None:
        stem = _default_stem(request, label)
        if files.is_udim and request.look.texture is None:
            return stem.with_name(f"{stem.stem}.<UDIM>{suffix}")
        return stem.with_suffix(suffix)
    pattern = named(request.out, label)
    if pattern.suffix.lower() != suffix.lower():
        raise UsageError(
            f"{pattern} has another ending than the map {files.name}, whose format and depth are "
            f"kept. Let it end in {suffix}."
        )
    return pattern


def mesh_outputs(request: TextureRequest, labels: Sequence[str]) -> dict[Path, Sequence[str]]:
    """Return the mesh files of these expressions, each with those that it holds."""
    out = request.out_mesh
    if out is None:
        return {}
    if request.mesh_as != "replace":
        return {out: tuple(request.mixes)}
    return {named(out, label): (label,) for label in labels}


def _finished(
    request: TextureRequest,
    records: OutputRecords,
    maps: Mapping[str, Sequence[Path]],
    meshes: Mapping[Path, Sequence[str]],
) -> list[str]:
    """Expressions that no file must be written for: all of an unfinished mesh's are to be made."""
    done = {
        label
        for label, paths in maps.items()
        if all(records.fits(path, "map", [label]) for path in paths)
    }
    for mesh, labels in meshes.items():
        if not done.issuperset(labels) or not records.fits(mesh, request.mesh_as, labels):
            done.difference_update(labels)
    return [label for label in maps if label in done]


def _there(request: TextureRequest, files: TextureFiles | None, label: str) -> Iterable[Path]:
    """Paths of an expression's maps."""
    if files is not None:
        pattern = map_output(request, files, label)
        yield from files.outputs(pattern)
    elif request.out is not None:
        yield named(request.out, label)
    else:
        stem = _default_stem(request, label)
        found = [stem.with_suffix(suffix) for suffix in _EMBEDDED_SUFFIXES]
        yield next((path for path in found if record_path(path).exists()), found[0])


def _default_stem(request: TextureRequest, label: str) -> Path:
    """Beside the map, or beside the mesh for a map that is inside it; without an ending."""
    if request.look.texture is None:
        assert request.mesh is not None, "a request without a mesh names its map"
        folder = _folder(request, label) or request.mesh.parent
        return folder / f"{request.mesh.stem}_{label}.png"
    texture = request.look.texture
    return (_folder(request, label) or texture.parent) / _with_label(texture.name, label)


def _check_usd(request: TextureRequest, out: Path) -> None:
    if out.suffix.lower() not in USD_TEXT_SUFFIXES:
        raise UsageError(
            f"{out} would be {request.mesh} in text. Let it end in "
            f"{' or '.join(USD_TEXT_SUFFIXES)}."
        )
    if request.mesh_as != "variants":
        raise UsageError(
            "The maps of a USD file become variants of its material. That is all that is written.",
            kind="write-variants",
        )


def _check_tiles(request: TextureRequest, files: TextureFiles | None) -> None:
    if files is not None and files.is_udim and request.out is not None:
        one, other = (files.output(request.out, number) for number in (1001, 1002))
        if one == other:
            raise UsageError(
                f"{request.out} would take {len(files.paths)} tiles, one over the other. Put "
                "<UDIM> into it."
            )


def _check_names(request: TextureRequest, files: TextureFiles | None) -> None:
    several = len(request.mixes) > 1
    if several and request.out is not None and PLACEHOLDER not in str(request.out):
        own = request.out.with_name(f"{request.out.stem}_{PLACEHOLDER}{request.out.suffix}")
        raise UsageError(
            f"{request.out} is one file, and {len(request.mixes)} maps are to be written. Name it "
            f"{own}, or name a folder: maps/"
        )
    _check_tiles(request, files)
    if request.out_mesh is None:
        return
    if request.mesh_as != "replace" and PLACEHOLDER in str(request.out_mesh):
        raise UsageError(
            f"{request.out_mesh} would hold all expressions. Leave {PLACEHOLDER} out of its name.",
            kind=None if is_usd(request) else "meshes-of-expressions",
        )
    if request.mesh is not None and is_usd(request) and request.mesh.suffix.lower() in USD_SUFFIXES:
        _check_usd(request, request.out_mesh)
        return
    if request.mesh is None or request.mesh.suffix.lower() not in GLTF_SUFFIXES:
        raise UsageError(
            "A mesh with the changed map can be a glTF, GLB, VRM or USD file of the mesh's own "
            "kind, and this is none. The map is all that changes.",
            kind="mesh-cannot-be-written",
        )
    kinds = [path.suffix.lower() for path in (request.mesh, request.out_mesh)]
    if kinds[1] not in GLTF_SUFFIXES or (".gltf" in kinds and kinds[0] != kinds[1]):
        raise UsageError(
            f"{request.out_mesh} is of another kind than {request.mesh}. Give it the "
            f"ending {request.mesh.suffix}."
        )
    if files is not None and files.is_udim:
        raise UsageError(
            "glTF has no UDIM sets. The maps alone can be written.", kind="mesh-cannot-be-written"
        )
    if several and request.mesh_as == "replace" and PLACEHOLDER not in str(request.out_mesh):
        raise UsageError(
            f"{request.out_mesh} would take {len(request.mixes)} expressions, one over the other. "
            f"Put {PLACEHOLDER} into it, or write variants.",
            kind="write-variants",
        )
