"""A head as a GLB file: evaluated, in rest pose and neutral, upright, with plain materials.

Copies of the objects are exported by Blender's own glTF add-on and removed again; the originals,
the selection and the mode stay as they are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bmesh
import bpy
from mathutils import Matrix, Vector

from ..bridge.errors import BridgeError
from ..bridge.head_names import hides_face
from .base_colour import base_colour_of
from .head_meshes import armatures_of

_SETTINGS = {
    "export_format": "GLB",
    "export_apply": True,
    "export_animations": False,
    "export_current_frame": True,
    "export_morph": False,
    "export_rest_position_armature": True,
    "export_texcoords": True,
    "export_normals": False,
    "export_vertex_color": "NONE",
    "export_cameras": False,
    "export_lights": False,
    "export_extras": False,
    "export_yup": True,
    "use_visible": False,
}
_MARGIN = 0.05
"""Of the head's largest side: eyes and teeth may stand out of it so far."""
_PLAIN = (0.8, 0.8, 0.8, 1.0)


@dataclass(frozen=True, kw_only=True)
class TextureImage:
    """The map that is to be changed.

    Attributes:
        image: an image of Blender.
        material: of the head, that wears it; None for a head without one.
        uv_map: by which UV map.
    """

    image: Any
    material: Any
    uv_map: str


def without_what_hides(head: Any, others: Sequence[Any]) -> tuple[list[Any], list[str]]:
    """Return those of other objects that are seen with a face, and the names of the rest.

    Hair, lashes, brows and clothes would be drawn over the face, and painted into its map. Known
    are they by their names, by those of their materials, and by reaching out of the head.
    """
    low, high = _limits(head)
    margin = _MARGIN * max(b - a for a, b in zip(low, high, strict=True))
    kept, left_out = [], []
    for thing in dict.fromkeys(others):
        if thing == head:
            continue
        worn = [slot.material.name for slot in thing.material_slots if slot.material is not None]
        inner, outer = _limits(thing)
        is_inside = all(
            a - margin <= c and d <= b + margin
            for a, b, c, d in zip(low, high, inner, outer, strict=True)
        )
        hides = hides_face(thing.name) or (worn and all(hides_face(name) for name in worn))
        if is_inside and not hides:
            kept.append(thing)
        else:
            left_out.append(thing.name)
    return kept, left_out


def _limits(thing: Any) -> tuple[list[float], list[float]]:
    """Return the least and the greatest x, y, z of an object in the world."""
    corners = [thing.matrix_world @ Vector(corner) for corner in thing.bound_box]
    return [min(axis) for axis in zip(*corners, strict=True)], [
        max(axis) for axis in zip(*corners, strict=True)
    ]


def export_head(
    objects: Sequence[Any], worn: TextureImage, path: Path
) -> tuple[str, dict[str, str]]:
    """Write mesh objects, and the armatures that move them.

    Polygons of hair, lashes and brows in the head's own mesh are left out.

    Args:
        objects: mesh objects, first the head, then what should be seen with it, such as eyes.
        worn: materials that show the same image by the same UV map become one.
        path: a .glb file.

    Returns:
        The name of the face's material there; and the names of objects and materials in the
        artist's file, by those of their copies.

    Raises:
        BridgeError: Blender's glTF add-on is switched off, or cannot write the objects.
    """
    with copies_at_rest(objects) as (copies, made):
        names = {copy.name: original.name for original, copy in copies.items()}
        _remove_what_hides(copies[objects[0]])
        originals = dict[str, str]()
        face = _wear_plain_materials(list(copies.values()), worn, made, originals)
        export_collection(path, linked(copies.values(), made))
        return str(face.name), {**names, **originals}


def _remove_what_hides(head: Any) -> None:
    """Remove the polygons of a copy whose materials are hair, lashes or brows."""
    names = [slot.material.name if slot.material else "" for slot in head.material_slots]
    hiding = {place for place, name in enumerate(names) if hides_face(name)}
    if not hiding or len(hiding) == len(names):
        return
    work = bmesh.new()
    try:
        work.from_mesh(head.data)
        gone = [face for face in work.faces if face.material_index in hiding]
        if gone and len(gone) < len(work.faces):
            bmesh.ops.delete(work, geom=gone, context="FACES")
            work.to_mesh(head.data)
    finally:
        work.free()


def linked(things: Iterable[Any], made: list[Any]) -> str:
    """Put objects into a new collection of the scene, which joins what is removed; its name."""
    collection = bpy.data.collections.new("reggan")
    made.append(collection)
    bpy.context.scene.collection.children.link(collection)
    for thing in things:
        collection.objects.link(thing)
    return str(collection.name)


def export_collection(path: Path, collection: str, **more: object) -> None:
    """Write the objects of a collection as a GLB file.

    Args:
        path: a .glb file.
        collection: its name.
        more: settings of Blender's exporter, beside `_SETTINGS`.

    Raises:
        BridgeError: as `export_head`.
    """
    if not hasattr(bpy.types, "EXPORT_SCENE_OT_gltf"):
        raise BridgeError(
            "Blender's glTF add-on is off, by which the head is handed over. Switch on glTF 2.0 "
            "format in Preferences > Add-ons."
        )
    known = bpy.ops.export_scene.gltf.get_rna_type().properties.keys()
    settings = {k: value for k, value in {**_SETTINGS, **more}.items() if k in known}
    try:
        with bpy.context.temp_override(active_object=None, object=None):  # keeps the mode
            bpy.ops.export_scene.gltf(filepath=str(path), collection=collection, **settings)
    except RuntimeError as error:
        raise BridgeError(
            f"Blender's glTF add-on could not write the head: {str(error).strip()} Try File > "
            "Export > glTF 2.0 with the same objects, which says more."
        ) from error


@contextmanager
def copies_at_rest(
    objects: Sequence[Any], *, keeps_keys: bool = False
) -> Iterator[tuple[Mapping[Any, Any], list[Any]]]:
    """Yield copies of objects and their armatures, by original; and a list of all that is removed.

    Args:
        objects: mesh objects, which are taken out of their edit mode's own copy first.
        keeps_keys: copies keep their shape keys, without what drives them.
    """
    made: list[Any] = []
    for original in objects:
        original.update_from_editmode()
    try:
        copies = {}
        for original in dict.fromkeys([*objects, *_armatures(objects)]):
            copy = original.copy()
            copy.data = original.data.copy()
            made += [copy, copy.data]
            copies[original] = copy
        for original, copy in copies.items():
            if not keeps_keys:
                made += _shape_keys_taken_off(copy)
            elif copy.type == "MESH" and copy.data.shape_keys is not None:
                copy.data.shape_keys.animation_data_clear()
            _put_at_rest(original, copy, copies)
        yield copies, made
    finally:
        bpy.data.batch_remove(made)
        bpy.context.view_layer.update()  # else its objects hold None in their places


def _armatures(objects: Sequence[Any]) -> Iterator[Any]:
    for thing in objects:
        if thing.parent is not None and thing.parent.type == "ARMATURE":
            yield thing.parent
        yield from armatures_of(thing)


def _put_at_rest(original: Any, copy: Any, copies: Mapping[Any, Any]) -> None:
    """Undo pose and turn of a copy, and let it refer to copies alone."""
    copy.animation_data_clear()
    copy.hide_viewport = copy.hide_render = False
    if copy.type == "ARMATURE":
        copy.data.pose_position = "REST"
    for modifier in copy.modifiers:
        _lead_to_copies(modifier, copies)
    for constraint in list(copy.constraints):
        if getattr(constraint, "target", None) in copies:
            constraint.target = copies[constraint.target]
        else:
            copy.constraints.remove(constraint)
    if copy.parent in copies:
        copy.parent = copies[copy.parent]
    else:
        copy.parent = None
        copy.matrix_world = _upright(original) @ original.matrix_world


def _shape_keys_taken_off(copy: Any) -> list[Any]:
    """Make a copy neutral; what then has no owner any more."""
    keys = copy.data.shape_keys if copy.type == "MESH" else None
    if keys is None:
        return []
    name = keys.name
    copy.shape_key_clear()
    left = bpy.data.shape_keys.get((name, None))  # Blender 5.2 removes them itself
    return [] if left is None else [left]


def _lead_to_copies(modifier: Any, copies: Mapping[Any, Any]) -> None:
    for name in modifier.bl_rna.properties.keys():  # noqa: SIM118 - the collection's own keys
        value = getattr(modifier, name)
        if isinstance(value, bpy.types.Object) and value in copies:
            setattr(modifier, name, copies[value])


def topmost(thing: Any) -> Any:
    """Return the topmost parent of an object; the object itself without any."""
    while thing.parent is not None:
        thing = thing.parent
    return thing


def _upright(thing: Any) -> Matrix:
    """Take the place and the turn around Z out of whatever stands topmost."""
    thing = topmost(thing)
    turn = thing.matrix_world.to_euler("XYZ").z
    back = Matrix.Translation(-thing.matrix_world.translation)
    return Matrix.Rotation(-turn, 4, "Z") @ back


def _wear_plain_materials(
    copies: Sequence[Any], worn: TextureImage, made: list[Any], names: dict[str, str]
) -> Any:
    """Wear materials with a base colour and nothing else; returns the face's one.

    Args:
        copies: of the objects.
        worn: the face's map.
        made: takes what is to be removed.
        names: takes the artist's names by the new ones.
    """
    blank = bpy.data.images.new("reggan", 1, 1)  # tells by which UV map the face's map lies
    face = plain_material(worn.material.name if worn.material else "Face", blank, worn.uv_map)
    made += [blank, face]
    plain: dict[Any, Any] = {worn.material: face}
    if worn.material is not None:
        names[face.name] = worn.material.name
    for copy in copies:
        for slot in copy.material_slots:
            material = slot.material
            if material is None and (worn.material is not None or copy != copies[0]):
                continue
            if material not in plain:
                plain[material] = _beside(material, worn, face, made)
                if material is not None:
                    names.setdefault(plain[material].name, material.name)
            slot.material = plain[material]
    if not copies[0].material_slots:
        copies[0].data.materials.append(face)
    return face


def _beside(material: Any, worn: TextureImage, face: Any, made: list[Any]) -> Any:
    """Return the plain material of one that is not the face's own."""
    image, uv_map = look_of(material)
    if image == worn.image and uv_map in ("", worn.uv_map):
        return face
    made.append(plain_material(material.name, image, uv_map))
    return made[-1]


def look_of(material: Any) -> tuple[Any, str]:
    """Return the image that a material shows, and by which UV map; None if it cannot be told."""
    try:
        return base_colour_of(material)
    except BridgeError:
        return None, ""


def plain_material(name: str, image: Any, uv_map: str, colour: Sequence[float] = _PLAIN) -> Any:
    """Return a material of an image, or of a colour where there is none that can be handed over."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # before Blender 5
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = colour
    if image is not None and image.source != "TILED" and image.size[0] > 0:
        shown = nodes.new("ShaderNodeTexImage")
        shown.image = image
        links.new(shown.outputs["Color"], shader.inputs["Base Color"])
        if uv_map:
            layout = nodes.new("ShaderNodeUVMap")
            layout.uv_map = uv_map
            links.new(layout.outputs["UV"], shown.inputs["Vector"])
    return material
