"""What is asked of one character, how much of it is done, and its result."""

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Literal

from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import DEFAULT_READING, Reading
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.plan import Existing
from reggan_plugin.jobs.render_settings import RigFiles
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

Advance = Callable[[float], object]
"""Takes the share that is done, 0 to 1."""


def say_nothing(_: float) -> None:
    """Tell nobody."""


def part_of(advance: Advance, place: int, count: int) -> Advance:
    """Return what tells of one of `count` equal parts of a job."""
    return lambda share: advance((place + share) / count)


OpenTransfer = Callable[[], ExpressionTransfer]
"""Gives the model; called only if something changes."""
MeshOutput = Literal["replace", "variants", "atlas"]
MESH_OUTPUTS: tuple[MeshOutput, ...] = ("replace", "variants", "atlas")


@frozen
class Look:
    """The user's settings for looking at a character.

    Attributes:
        texture: file or UDIM pattern of the map; by default the mesh's own.
        reading: what the map's colours are, if the user says so.
        front: where it looks, `+Z` and so on; by default what its format says.
        head_bone: the node of its head.
        material: whose map to change; by default the one that covers most of the face.
        force: take a map that seems not to hold colours.
    """

    texture: Path | None = None
    reading: Reading = DEFAULT_READING
    front: str | None = None
    head_bone: str | None = None
    material: str | None = None
    force: bool = False


@frozen
class TextureRequest:
    """The maps to make of one character.

    Attributes:
        mesh: its file; None for a map whose face lies unfolded.
        look: how to look at it.
        mixes: the expressions, by the name that their files get.
        choice: where the face is on an unfolded map.
        out: for the maps, with `{expression}` where there are several; None beside the source.
        out_folder: where maps without `out` go.
        out_mesh: a GLB, VRM or glTF to write, with `{expression}` likewise; or USD.
        mesh_as: what becomes of the map in it.
        existing: what to do about outputs that are there.
        also: further maps of the face, such as normals, that move along; one file each.
        rig: the user's own rig and teeth.
        inputs: files that are read beside mesh and maps, such as the model.
    """

    mesh: Path | None
    look: Look = field(default_factory=Look)
    mixes: Mapping[str, ExpressionMix]
    choice: FaceChoice = field(default_factory=FaceChoice)
    out: Path | None = None
    out_folder: Path | None = None
    out_mesh: Path | None = None
    mesh_as: MeshOutput = "replace"
    existing: Existing = Existing.REFUSE
    also: tuple[Path, ...] = ()
    rig: RigFiles = field(default_factory=RigFiles)
    inputs: tuple[Path, ...] = ()


@frozen
class TextureResult:
    """The result for one character.

    Attributes:
        written: files, in order.
        skipped: files that were there already.
        notices: what the user should know.
        seconds: by stage of the work.
        changed_texels: by expression.
        found_by: what told where the head is.
        front: which way it looks.
        material: whose map was changed.
    """

    written: tuple[Path, ...]
    skipped: tuple[Path, ...] = ()
    notices: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    changed_texels: Mapping[str, int] = field(default_factory=dict)
    found_by: str | None = None
    front: str | None = None
    material: str | None = None
