"""Writes the mesh file that a request asks for, with the changed maps in it.

In USD they become variants of the material, in a new file of the character.
"""

import copy
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from reggan_plugin.child_process import run_apart
from reggan_plugin.errors import MeshError, UsageError
from reggan_plugin.files.frame import copy_frame
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.plan import named
from reggan_plugin.textures.gltf.add_textures import (
    GltfEdit,
    materials_showing,
    refuse_output,
    texture_infos,
)
from reggan_plugin.textures.gltf.gltf_file import GltfFile
from reggan_plugin.textures.gltf.vrm_atlas import check_takes_atlas, write_atlas
from reggan_plugin.textures.map_change import PreparedFace
from reggan_plugin.textures.maps.texture_files import image_bytes
from reggan_plugin.textures.texture_job_files import map_output, mesh_outputs
from reggan_plugin.textures.texture_request import TextureRequest
from reggan_plugin.textures.usd_character import (
    files_behind,
    open_stage,
    place_from_name,
    place_of,
    surfaces_of,
)

VARIANT_SET, UNCHANGED = "expression", "unchanged"
_VARIANTS = "KHR_materials_variants"


def check_mesh_output(request: TextureRequest, face: PreparedFace) -> None:
    """Refuse a mesh file that cannot be made of this character.

    Raises:
        UsageError: the face's material has no map in the file, it is no VRM for an atlas, or the
            new file would be of another kind or without its buffers.
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
        check_takes_atlas(gltf, face.image)
    for path in mesh_outputs(request, tuple(request.mixes)):
        refuse_output(gltf, path)


@frozen
class UsdText:
    """A USD file that is to be written."""

    text: str
    remarks: tuple[str, ...]
    """What the user should know."""


def usd_text(request: TextureRequest, face: PreparedFace) -> UsdText:
    """Return a USD file that names the maps of all expressions, whether or not they are there yet.

    Raises:
        UsageError: the face's material takes its colour from no texture.
        MeshError: the source cannot be opened.
    """
    assert request.mesh is not None, "the plan lets only a mesh through"
    assert request.out_mesh is not None, "this is called for an output"
    maps = {label: map_output(request, face.files, label) for label in request.mixes}
    if not face.files.is_udim:
        maps = {label: face.files.outputs(path)[0] for label, path in maps.items()}
    named = {label: str(one.absolute()) for label, one in maps.items()}
    own = face.loaded.character.parts[face.parts[0]].material.image
    words = (str(request.mesh), face.material_name, own and str(own), named, str(request.out_mesh))
    text, remarks = run_apart(f"{__name__}:text_with_variants", *words, file=request.mesh)
    return UsdText(text=text, remarks=tuple(remarks))


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
        return write_variants(gltf, image, contents, suffix, out)
    if request.mesh_as == "atlas":
        return write_atlas(gltf, image, contents, out)
    for label, content in contents.items():
        path = named(out, label)
        if _is_image_of(gltf, image, content):
            copy_frame(gltf.path, path)
        else:
            write_replaced(gltf, image, content, suffix.lower(), path)
    return ()


def _is_image_of(gltf: GltfFile, image: int, content: bytes) -> bool:
    with suppress(MeshError):  # it may lie elsewhere, where another is given in its place
        return content == image_bytes(gltf, image)
    return False


def write_replaced(gltf: GltfFile, image: int, content: bytes, suffix: str, out: Path) -> None:
    """Write the file with another picture in an image's place.

    Raises:
        UsageError, OutputError: see `GltfEdit.write`.
    """
    edit = GltfEdit(gltf)
    edit.replace_image(image, content, suffix)
    edit.write(out)


def write_variants(
    gltf: GltfFile, image: int, contents: Mapping[str, bytes], suffix: str, out: Path
) -> tuple[str, ...]:
    """Write the file with one material variant for each expression; it looks as before.

    Where the file has a variant of that name, the new one takes another: viewers choose by name.

    Args:
        gltf: the source.
        image: the base colour map that the expressions change.
        contents: by expression, the encoded map.
        suffix: of these pictures.
        out: the file to write.

    Returns:
        What the user should know.

    Raises:
        UsageError, OutputError: see `GltfEdit.write`.
    """
    edit, originals = GltfEdit(gltf), materials_showing(gltf, image)
    extension = edit.document.setdefault("extensions", {}).setdefault(_VARIANTS, {})
    listed: list[dict[str, Any]] = extension.setdefault("variants", [])
    base = gltf.document["images"][image].get("name", "base_color")
    notices = []
    for label, content in contents.items():
        name = label
        while any(one.get("name") == name for one in listed):
            name += "Texture"
        if name != label:
            notices.append(f"there is a variant {label} already: the map is the variant {name}")
        new = edit.add_image(content, suffix, f"{base}_{name}")
        listed.append({"name": name})
        for original in originals:
            _map_variant(edit, original, _copied_material(edit, original, image, new, name), listed)
    edit.use_extension(_VARIANTS)
    edit.write(out)
    return tuple(notices)


def _copied_material(edit: GltfEdit, original: int, image: int, new: int, name: str) -> int:
    """Return a material with the new image wherever it had the old one, shade maps included."""
    material = copy.deepcopy(edit.document["materials"][original])
    material["name"] = f"{material.get('name', 'material')}_{name}"
    textures: dict[int, int] = {}
    for info in texture_infos(material):
        if edit.image_of(info) == image:
            old = info["index"]
            if old not in textures:
                textures[old] = edit.add_texture(old, new)
            info["index"] = textures[old]
    return edit.append("materials", material)


def _map_variant(
    edit: GltfEdit, original: int, material: int, listed: list[dict[str, Any]]
) -> None:
    """Let every primitive of a material wear another one in the variant listed last."""
    for mesh in edit.document["meshes"]:
        for primitive in mesh["primitives"]:
            if primitive.get("material") == original:
                extension = primitive.setdefault("extensions", {}).setdefault(_VARIANTS, {})
                mapping = {"material": material, "variants": [len(listed) - 1]}
                extension.setdefault("mappings", []).append(mapping)


def text_with_variants(
    source: str, material: str, own: str | None, maps: dict[str, str], out: str
) -> tuple[str, list[str]]:
    """Return the character with a variant for each map of all materials that read the old one, and
    what the user should know; called in the child.

    The variant `unchanged` is chosen in the file. What `source` names is named from the new file's
    folder; its sublayers become one, since what they say themselves would count more than variants.
    A variant set of the same name in which another variant is selected is the artist's and stays.

    Args:
        source: the character.
        material: name of the material that wears the map on the face.
        own: the old map; None for one that is not beside the file.
        maps: by expression; a UDIM set by its pattern.
        out: the new file.
    """
    from pxr import Sdf, Tf, Usd, UsdUtils

    before = open_stage(Path(source))
    readers, remarks = _readers_of_map(before, material, own, source)
    places = {file: place_of(before.GetAttributeAtPath(file)) for file in readers}
    absolute = set[str]()  # in the source; these stay as they are

    def place(layer: Any, name: str) -> str:
        absolute.update({name} if Path(name).is_absolute() else ())
        return place_from_name(layer, name)

    layer = UsdUtils.FlattenLayerStack(before, place)
    for file in readers:
        spec = layer.GetAttributeAtPath(file)
        if spec is not None:
            spec.ClearDefaultValue()
    stage = Usd.Stage.Open(layer)
    owners = list(dict.fromkeys(readers.values()))
    sets = [stage.GetPrimAtPath(owner).GetVariantSets() for owner in owners]
    set_name = VARIANT_SET
    while any(
        one.HasVariantSet(set_name) and one.GetVariantSelection(set_name) != UNCHANGED
        for one in sets
    ):
        set_name += "Texture"
    if set_name != VARIANT_SET:
        remarks.append(
            f"there is a variant set {VARIANT_SET!r} already: the maps are in the set {set_name!r}"
        )
    if len(owners) > 1:
        names = ", ".join(repr(owner.name) for owner in owners)
        remarks.append(f"materials {names} read the map: choose the same {set_name} in each")
    for file, owner in readers.items():
        is_said_elsewhere = stage.GetAttributeAtPath(file).Get() is not None  # by a look, say
        unchanged = None if is_said_elsewhere else places[file]
        choices = stage.GetPrimAtPath(owner).GetVariantSet(set_name)
        for label, map_file in {**maps, UNCHANGED: unchanged}.items():
            name = Tf.MakeValidIdentifier(label)
            choices.AddVariant(name, Usd.ListPositionFrontOfPrependList)  # before the artist's sets
            choices.SetVariantSelection(name)
            if map_file is None:
                continue
            with choices.GetVariantEditContext():
                prim = stage.GetPrimAtPath(file.GetPrimPath())
                said = prim.CreateAttribute(file.name, Sdf.ValueTypeNames.Asset, custom=False)
                said.Set(Sdf.AssetPath(map_file))
            if stage.GetAttributeAtPath(file).Get().path != map_file:
                raise UsageError(
                    f"{source}: the map of material {owner.name!r} comes from a class that it "
                    "inherits, which counts more than a variant. Give the material a texture of "
                    "its own.",
                    kind="mesh-cannot-be-written",
                )
    UsdUtils.ModifyAssetPaths(
        layer, lambda name: name if name in absolute else _named_from(Path(out), name)
    )
    return str(layer.ExportToString()), remarks


_MOST_SHOWN = 3
"""Files of a network that are named."""


def _readers_of_map(
    stage: Any, material: str, own: str | None, source: str
) -> tuple[dict[Any, Any], list[str]]:
    """Return the paths of what names the face's map, each with that of the material around it; and
    remarks on networks of these materials that read other files.

    Raises:
        UsageError: the face's material has no such name inside.
    """
    from pxr import Usd, UsdShade

    prims = stage.Traverse(Usd.TraverseInstanceProxies(Usd.PrimDefaultPredicate))
    materials = [UsdShade.Material(prim) for prim in prims if prim.IsA(UsdShade.Material)]
    networks = {
        (one.GetPath(), context): files_behind(surface)
        for one in materials
        for context, surface in surfaces_of(one).items()
    }
    faces = [files for (path, _), files in networks.items() if path.name == material]
    if own is None:
        own = next((place for files in faces for one in files if (place := place_of(one))), "")
    readers = {
        one.GetPath(): owner
        for files in networks.values()
        for one in files
        if own and Path(place_of(one)) == Path(own) and (owner := _material_around(one))
    }
    if not any(one.GetPath() in readers for files in faces for one in files):
        raise UsageError(
            f"{source}: the colour of material {material!r} comes from no texture file inside it, "
            "so there is nothing that a variant could change. Give the material a texture, and let "
            "it be no instance.",
            kind="mesh-cannot-be-written",
        )
    changed = list(dict.fromkeys(readers.values()))
    remarks = []
    for (path, context), files in networks.items():
        reads = [place_of(one) for one in files]
        concerns = path in changed or any(Path(place) == Path(own) for place in reads)
        if concerns and not any(one.GetPath() in readers for one in files):
            names = ", ".join(sorted({Path(place).name for place in reads})[:_MOST_SHOWN])
            remarks.append(
                f"the {f'{context} ' if context else ''}network of material {path.name!r} keeps "
                f"its looks: it reads {names or 'no file'}, and no {Path(own).name} inside the "
                "material"
            )
    return readers, remarks


def _material_around(attribute: Any) -> Any:
    """Return the path of the material that an attribute is in; None for one in none, or in an
    instance, which cannot be changed.
    """
    from pxr import UsdShade

    prim = attribute.GetPrim()
    if prim.IsInstanceProxy() or prim.IsInPrototype():
        return None
    while prim and not prim.IsA(UsdShade.Material):
        prim = prim.GetParent()
    return prim.GetPath() if prim else None


def _named_from(out: Path, name: str) -> str:
    """Return an asset as the file names it: relative, with / on every system; others as they
    are.
    """
    if not Path(name).is_absolute():
        return name
    text = Path(os.path.relpath(name, out.absolute().parent)).as_posix()
    return text if text.startswith("../") else f"./{text}"
