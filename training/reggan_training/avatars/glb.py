"""An avatar's neutral head as a glTF binary, uv-mapped with its base colour texture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy


def export_glb(objects: Sequence[Any], path: Path) -> None:
    """Write the meshes, as they stand, with materials that carry an image or a colour."""
    for thing in bpy.context.view_layer.objects:
        thing.select_set(thing in objects)
    bpy.ops.export_scene.gltf(
        filepath=str(path),
        export_format="GLB",
        use_selection=True,
        export_apply=False,
        export_animations=False,
        export_image_format="AUTO",
        export_copyright="CC0 1.0 head shape",
    )


def texture_material(name: str, image: Any) -> Any:
    """A material of a base colour texture alone, as every glTF reader knows it."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes = material.node_tree.nodes
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = image
    shader = nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = 0.55
    material.node_tree.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    return material


def colour_material(name: str, colour: Sequence[float]) -> Any:
    """A material of one linear colour."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    return material
