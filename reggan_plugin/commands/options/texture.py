"""The options of `texture` that say which character, and where its changed maps go."""

import os
from functools import partial
from pathlib import Path

import click

from reggan_plugin.commands.options.inputs_and_faces import existing_options, face_box_from_text
from reggan_plugin.commands.options.options_and_settings_file import (
    grouped_option,
    options_as,
    output_option,
    together,
)
from reggan_plugin.commands.options.picture import reading_options
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import Reading
from reggan_plugin.textures.texture_request import MESH_OUTPUTS, Look

_FRONTS = ("+X", "-X", "+Y", "-Y", "+Z", "-Z")


def _character_from_options(
    given_mesh: Path | None,
    mesh: Path | None,
    texture: Path | None,
    flat: bool,
    face_box: tuple[float, float, float, float] | None,
    front: str | None,
    head_bone: str | None,
    material: str | None,
    force: bool,
    also: tuple[Path, ...],
    reading: Reading,
) -> tuple[Path | None, Look, FaceChoice, tuple[Path, ...]]:
    """Return the mesh, how to look at it, where the face is on a map alone, and further maps."""
    if given_mesh is not None and mesh is not None:
        raise UsageError(f"{given_mesh} and --mesh {mesh} were given; name one mesh.")
    mesh = given_mesh or mesh
    look = Look(
        texture=texture,
        front=front,
        head_bone=head_bone,
        material=material,
        force=force,
        reading=reading,
    )
    if mesh is None and not flat:
        raise UsageError(
            "No mesh was given, so nothing says where the map's texels are on the face. Name it, "
            "such as head.glb, or pass --flat if the map shows the face from the front."
        )
    if flat and (mesh is not None or texture is None):
        raise UsageError("--flat takes a map alone: --flat --texture face.png, without --mesh.")
    if also and flat:
        raise UsageError("--also moves maps along on a mesh, and --flat has none. Leave it out.")
    if flat and (front or head_bone or material):
        raise UsageError(
            "--front, --head-bone and --material say how to look at a mesh, and --flat has none. "
            "Leave them out, or give the mesh with --mesh."
        )
    if face_box is not None and not flat:
        raise UsageError(
            "--face-box is for --flat. On a mesh the face is found from its bones and its view; "
            "--front and --head-bone help."
        )
    return mesh, look, FaceChoice(box=face_box), also


_character_option = partial(grouped_option, "Character")


character_options = options_as(
    ("mesh", "look", "choice", "also"),
    _character_from_options,
    click.argument(
        "given_mesh", required=False, type=click.Path(exists=True, path_type=Path), metavar="[MESH]"
    ),
    _character_option(
        "--mesh FILE|DIR", type=click.Path(exists=True, path_type=Path), help="In place of MESH."
    ),
    _character_option(
        "--texture FILE|PATTERN",
        type=click.Path(path_type=Path),
        help="The base colour map, or its tiles: face.<UDIM>.exr. A PNG of 8 bits takes about "
        "0.9 GB of memory at 4096², 1.4 at 8192², 2.9 at 16384².  [default: the mesh's own]",
    ),
    _character_option(
        "--flat", is_flag=True, help="The map shows the face from the front. No mesh is needed."
    ),
    _character_option(
        "--face-box X,Y,W,H",
        type=face_box_from_text,
        help="With --flat: where the face is on the map, from the brows to below the chin.  "
        "[default: found]",
    ),
    _character_option(
        "--front",
        type=click.Choice(_FRONTS),
        help="Where the character looks.  [default: as its format says]",
    ),
    _character_option(
        "--head-bone NAME",
        help="The bone or node of the head.  [default: found by VRM, names, eye meshes or size]",
    ),
    _character_option(
        "--material NAME",
        help="Change the map of this material.  [default: the one on most of the face]",
    ),
    _character_option(
        "--force",
        is_flag=True,
        help="Change the map even if it does not look like a colour map, or does not fit the mesh.",
    ),
    _character_option(
        "--also FILE",
        is_input=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        multiple=True,
        help="Another map of the same texels that moves along, such as normals or roughness. May "
        "be given several times. Not with models of contract 1, such as sargan.",
    ),
    reading_options("Character"),
)
"""The character, or a map alone, and how its face is found; the command takes `mesh`, a file, a
folder of characters or None, `look`, `choice` of a face on a map alone, and further maps `also`."""


def _map_output(out: str | None) -> tuple[Path | None, Path | None]:
    """Return the file of a map, or the folder of all; neither if nothing is named."""
    if out is None:
        return None, None
    is_folder = out.endswith(("/", os.sep)) or Path(out).is_dir()
    return (None, Path(out)) if is_folder else (Path(out), None)


output_options = together(
    options_as(
        ("out", "out_folder"),
        _map_output,
        output_option(
            "-o --out FILE|DIR/",
            type=click.Path(),
            help="The changed map. For several expressions write {expression} into the name, or "
            "name a folder. For a folder of characters name a folder, too.  "
            "[default: <map>_<expression> beside the map; <mesh>_<expression> without --texture]",
        ),
    ),
    output_option(
        "--out-mesh FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Also write the mesh with the changed map: GLB, VRM or glTF; for USD a .usda with "
        "the maps as variants of the material.",
    ),
    output_option(
        "--mesh-as",
        type=click.Choice(MESH_OUTPUTS),
        help="How --out-mesh holds the maps: in place of the old one; as one material variant "
        "for each expression; or, in VRM 1.0, as an atlas that its expressions move over.  "
        "[default: replace for one, variants for several]",
    ),
    output_option(
        "--sheet FILE.png",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Draw the head with all basic expressions on one sheet.",
    ),
    existing_options,
)
"""Where maps, meshes and the sheet go; the command takes `out` or `out_folder`, and `existing`."""
