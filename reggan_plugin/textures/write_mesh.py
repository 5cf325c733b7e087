"""Writes the mesh file that a request asks for, with the changed maps in it."""

from collections.abc import Mapping

from reggan_plugin.errors import UsageError
from reggan_plugin.files.frame import copy_frame
from reggan_plugin.jobs.output_names import named
from reggan_plugin.textures.gltf.vrm_atlas import check_takes_atlas, write_atlas
from reggan_plugin.textures.gltf.write_gltf import write_replaced, write_variants
from reggan_plugin.textures.output_plan import map_output
from reggan_plugin.textures.prepared_face import PreparedFace
from reggan_plugin.textures.texture_request import TextureRequest


def check_mesh_output(request: TextureRequest, face: PreparedFace) -> None:
    """Refuse a mesh file that cannot be made of this character.

    Raises:
        UsageError: the face's material has no map in the file, or it is no VRM for an atlas.
    """
    gltf = face.loaded.gltf
    if request.out_mesh is None or gltf is None:
        return
    if face.image is None:
        raise UsageError(
            f"{gltf.path}: material {face.material_name!r} has no base colour map to put another "
            "in the place of. Give the material a map.",
            kind="mesh-cannot-be-written",
        )
    if request.mesh_as == "atlas":
        check_takes_atlas(gltf)


def write_usd(request: TextureRequest, face: PreparedFace) -> None:
    """Write a USD file that names the maps of all expressions, which are written before.

    Raises:
        UsageError: the face's material takes its colour from no texture.
        OutputError: the file cannot be written.
    """
    from reggan_plugin.textures.usd_variants import write_usd_variants

    assert request.mesh is not None, "the plan lets only a mesh through"
    assert request.out_mesh is not None, "this is called for an output"
    maps = {label: map_output(request, face.files, label) for label in request.mixes}
    if not face.files.is_udim:
        maps = {label: face.files.outputs(path)[0] for label, path in maps.items()}
    write_usd_variants(request.mesh, face.material_name, maps, request.out_mesh)


def write_mesh(
    request: TextureRequest, face: PreparedFace, contents: Mapping[str, bytes], suffix: str
) -> tuple[str, ...]:
    """Write one file with all expressions, or one for each.

    Args:
        request: says where, and what becomes of the map.
        face: the character.
        contents: by expression, the encoded map.
        suffix: of these pictures.

    Returns:
        What the user should know.

    Raises:
        UsageError: see the writers.
        OutputError: a file cannot be written.
    """
    gltf, image, out = face.loaded.gltf, face.image, request.out_mesh
    assert gltf is not None, "the plan lets only glTF through"
    assert out is not None, "this is called for an output"
    assert image is not None, "check_mesh_output refuses this"
    if request.mesh_as == "variants":
        write_variants(gltf, image, contents, suffix, out)
        return ()
    if request.mesh_as == "atlas":
        return write_atlas(gltf, image, contents, out)
    for label, content in contents.items():
        path = named(out, label)
        if request.mixes[label].changes_nothing and request.look.texture is None:
            copy_frame(gltf.path, path)
        else:
            write_replaced(gltf, image, content, suffix.lower(), path)
    return ()
