"""A folder of characters, the same expressions for all of them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from reggan_plugin.errors import EmptySourceError, RegganError, UsageError
from reggan_plugin.files.mesh_suffixes import GLTF_SUFFIXES, MESH_SUFFIXES, is_mesh
from reggan_plugin.jobs.output_names import PLACEHOLDER, default_output_file
from reggan_plugin.jobs.plan import make_writable_folder
from reggan_plugin.textures.texture_job import run_request
from reggan_plugin.textures.texture_request import (
    Advance,
    OpenTransfer,
    TextureRequest,
    TextureResult,
    say_nothing,
)

Watch = Callable[[str], AbstractContextManager[Advance]]
"""Takes what is made, in words; gives what is told how much of it is done."""


def _unwatched(_: str) -> AbstractContextManager[Advance]:
    return nullcontext(say_nothing)


@dataclass(frozen=True, kw_only=True)
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
        meshes = sorted(entry.iterdir()) if entry.is_dir() else [entry] * entry.is_file()
        meshes = [path for path in meshes if is_mesh(path)]
        if len(meshes) > 1:
            raise UsageError(
                f"{entry} holds {len(meshes)} meshes: {', '.join(path.name for path in meshes)}. "
                "Leave one in each character's folder."
            )
        name = entry.stem if entry.is_file() else entry.name
        if meshes and name in found:
            raise UsageError(f"Two characters are called {name}: {found[name]} and {meshes[0]}.")
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
    watch: Watch = _unwatched,
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
        try:
            make_writable_folder(target)
            one = _request_for(request, mesh, target, with_meshes)
            with watch(f"[{place}/{len(found)}] {name}") as advance:
                result = run_request(one, open_transfer, advance)
            yield CharacterOutcome(name=name, mesh=mesh, result=result)
        except RegganError as error:
            yield CharacterOutcome(name=name, mesh=mesh, error=error.remark)
        except OSError as error:
            yield CharacterOutcome(name=name, mesh=mesh, error=f"{mesh}: {error}.")
        except MemoryError:
            fault = f"{mesh} does not fit into the memory that is free."
            yield CharacterOutcome(name=name, mesh=mesh, error=fault)


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
        out_folder=target,
        out_mesh=out_mesh,
    )
