"""The inputs of a texture job, mesh and map: named, hashed and read once."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType

from reggan_plugin.errors import UsageError
from reggan_plugin.files.mesh_suffixes import GLTF_SUFFIXES
from reggan_plugin.jobs.frame_record import digest_of, fingerprint
from reggan_plugin.textures.gltf.gltf_file import GltfFile, read_gltf
from reggan_plugin.textures.maps.texture_files import find_texture
from reggan_plugin.textures.prepared_face import PreparedFace
from reggan_plugin.textures.read_mesh import files_of_mesh
from reggan_plugin.textures.texture_request import Look, OpenTransfer


class Subject:
    """A mesh, a map or both, with the model that changes them; a context manager.

    Each of its properties does its work when it is first asked for. Ask for `inputs_sha256`
    before the work reads the files that it is of.
    """

    def __init__(self, mesh: Path | None, look: Look, open_transfer: OpenTransfer) -> None:
        """Read nothing yet."""
        self.mesh, self.look, self.open_transfer = mesh, look, open_transfer
        self._open = ExitStack()

    def __enter__(self) -> "Subject":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

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
        scratch = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        return PreparedFace(self.mesh, self.look, self.open_transfer(), scratch, self._gltf)


def digest_of_files(paths: Sequence[Path], known: Mapping[Path, str | None] = {}) -> str:
    """SHA-256 of the content of several files, in order; one that is not there counts as that.

    Args:
        paths: the files.
        known: SHA-256 of those that were hashed before, by path.
    """
    hashes = [known[path] if path in known else digest_of(path) for path in paths]
    return fingerprint({"files": hashes})
