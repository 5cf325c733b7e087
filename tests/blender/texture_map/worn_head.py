"""A head made here that wears its texture map, and what the tests of it share."""

import io
from collections.abc import Set
from typing import Any

import bpy
import numpy as np
from PIL import Image

from ...textures.conftest import MadeHead


def object_of(made: MadeHead, image: Any, *, uv: np.ndarray | None = None) -> Any:
    mesh = bpy.data.meshes.new("Kopf")
    x, y, z = made.positions.T
    mesh.from_pydata(np.stack([x, -z, y], 1).tolist(), [], made.faces.tolist())
    places = (made.uv if uv is None else uv)[made.faces.ravel()].astype(np.float32)
    mesh.uv_layers.new(name="lightmap")
    mesh.uv_layers.new(name="Haut UV").data.foreach_set("uv", places.ravel())
    material = material_called("Häut 1")
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = nodes["Principled BSDF"]
    shown, layout = nodes.new("ShaderNodeTexImage"), nodes.new("ShaderNodeUVMap")
    mixed = nodes.new("ShaderNodeHueSaturation")
    bumps = nodes.new("ShaderNodeTexImage")  # another image, which is not the base colour
    bumps.image = bpy.data.images.new("bumps", 4, 4)
    links.new(bumps.outputs["Color"], shader.inputs["Roughness"])
    shown.image, layout.uv_map = image, "Haut UV"
    links.new(layout.outputs["UV"], shown.inputs["Vector"])
    links.new(shown.outputs["Color"], mixed.inputs["Color"])
    links.new(mixed.outputs["Color"], shader.inputs["Base Color"])
    mesh.materials.append(material)
    head = bpy.data.objects.new("Mein Kopf", mesh)
    bpy.context.scene.collection.objects.link(head)
    for thing in bpy.context.selected_objects:
        thing.select_set(False)
    head.select_set(True)
    bpy.context.view_layer.objects.active = head
    return head


def material_called(name: str) -> Any:
    """A new material with nodes, as Blender 5 makes all of them."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    return material


def everything() -> dict[str, list[str]]:
    """The names of all data in the file."""
    found = ((name, getattr(bpy.data, name)) for name in dir(bpy.data) if name != "all_ids")
    collections = {k: v for k, v in found if isinstance(v, bpy.types.bpy_prop_collection)}
    return {kind: sorted(collection.keys()) for kind, collection in collections.items()}


def press(new_data: Set[str] = frozenset({"images"})) -> list[Any]:
    """The new images of a press of the button; nothing else is left in the file."""
    before = everything()
    assert bpy.ops.reggan.edit_texture() == {"FINISHED"}
    after = everything()
    assert {kind for kind in after if after[kind] != before[kind]} == new_data
    names = [name for name in after["images"] if name not in before["images"]]
    return [bpy.data.images[name] for name in names]


def picture(image: Any) -> np.ndarray:
    """The packed PNG of an image."""
    with Image.open(io.BytesIO(bytes(image.packed_file.data))) as decoded:
        return np.asarray(decoded).astype(int)


def rig_for(head: Any) -> Any:
    """An armature with a hip and a head bone, which moves all of the mesh."""
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    hip, bone = (rig.data.edit_bones.new(name) for name in ("hip", "Kopf.b"))
    hip.tail, bone.head, bone.tail = (0, 0, -0.1), (0, 0, -0.1), (0, 0, 0.1)
    bone.parent = hip
    bpy.ops.object.mode_set(mode="OBJECT")
    head.vertex_groups.new(name="Kopf.b").add(range(len(head.data.vertices)), 1.0, "REPLACE")
    head.modifiers.new("Armature", "ARMATURE").object = rig
    head.parent = rig
    bpy.context.view_layer.objects.active = head
    return rig


def nodes_of(head: Any) -> tuple[Any, Any, Any]:
    tree = head.active_material.node_tree
    images = (node for node in tree.nodes if node.type == "TEX_IMAGE")
    return tree, tree.nodes["Principled BSDF"], next(n for n in images if n.image.name != "bumps")


def set_field(name: str, value: Any) -> None:
    setattr(bpy.context.scene.reggan_texture, name, value)


def several(*expressions: str) -> None:
    """Maps of the panel's own list, in place of one."""
    set_field("makes_several", True)
    set_field("expressions", set(expressions))
