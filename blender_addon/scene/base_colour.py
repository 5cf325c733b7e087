"""The image that a material shows as its base colour, and its UV map."""

from collections.abc import Iterator
from typing import Any

import bpy

from ..bridge.errors import BridgeError

_COLOUR_SOCKETS = ("Base Color", "Color")
_UNMOVED = {"Location": 0.0, "Rotation": 0.0, "Scale": 1.0}


def base_colour_of(material: bpy.types.Material) -> tuple[Any, str]:
    """Return the image that leads to the base colour of a material's shader.

    Returns:
        The image, and its UV map's name; empty for the mesh's active one.

    Raises:
        BridgeError: there is none, or more than one; or its coordinates are not a UV map's.
    """
    nodes = {node.image.name: node for node in _colour_nodes(material) if node.image is not None}
    if not nodes:
        raise BridgeError(
            f"Material {material.name!r} shows no image as its base colour. Connect one to Base "
            "Color of its Principled BSDF, or choose the image in the panel."
        )
    if len(nodes) > 1:
        raise BridgeError(
            f"Material {material.name!r} mixes {len(nodes)} images into its base colour: "
            f"{', '.join(sorted(nodes))}. Choose the one with the face in the panel."
        )
    (node,) = nodes.values()
    return node.image, _uv_map_of(node)


def uv_map_of_image(material: bpy.types.Material, image: bpy.types.Image) -> str:
    """By which UV map a material shows an image; empty for the mesh's active one.

    Raises:
        BridgeError: its coordinates are not a UV map's.
    """
    shown = (node for node in image_nodes(material.node_tree) if node.image == image)
    return next((_uv_map_of(node) for node in shown), "")


def image_nodes(tree: Any) -> Iterator[Any]:
    """Yield the image nodes of a material's tree, those in its groups included."""
    return (node for node in nodes_within(tree) if node.type == "TEX_IMAGE")


def nodes_within(tree: Any) -> Iterator[Any]:
    """Yield the nodes of a tree, those in its groups included; none of None."""
    waiting, seen = [tree], set[Any]((None,))
    while waiting:
        tree = waiting.pop()
        if tree not in seen:
            seen.add(tree)
            for node in tree.nodes:
                yield node
                waiting.append(getattr(node, "node_tree", None))


def _colour_nodes(material: bpy.types.Material) -> list[Any]:
    """Image nodes upstream of the colour of the material's shader."""
    if material.node_tree is None:
        return []
    output = material.node_tree.get_output_node("ALL")
    surface = output.inputs.get("Surface") if output else None
    if surface is None:
        return []
    shaders = [node for node in _upstream(surface) if _colour_socket(node) is not None]
    shaders.sort(key=lambda node: node.type != "BSDF_PRINCIPLED")  # the others keep their order
    for shader in shaders:
        found = [node for node in _upstream(_colour_socket(shader)) if node.type == "TEX_IMAGE"]
        if found:
            return found
    upstream = list(_upstream(surface))
    if any(node.type == "GROUP" for node in upstream):  # a shader of the artist's own
        return [node for node in upstream if node.type == "TEX_IMAGE"]
    return []


def _colour_socket(node: Any) -> Any:
    """Return the colour that a shader node scatters or gives off."""
    if not any(output.type == "SHADER" for output in node.outputs):
        return None
    return next((node.inputs[name] for name in _COLOUR_SOCKETS if name in node.inputs), None)


def _upstream(socket: Any) -> Iterator[Any]:
    """All nodes that lead to a socket, nearest first; into groups, through what leads to them."""
    waiting, seen = [socket], set()
    while waiting:
        for link in waiting.pop(0).links:
            node = link.from_node
            if node in seen:
                continue
            seen.add(node)
            yield node
            if node.type == "GROUP" and node.node_tree is not None:
                inner = (n for n in node.node_tree.nodes if n.type == "GROUP_OUTPUT")
                waiting += [
                    s for end in inner for s in end.inputs if s.name == link.from_socket.name
                ]
            if node.type != "TEX_IMAGE":
                waiting += node.inputs


def _uv_map_of(node: Any) -> str:
    """Return the UV map that an image node reads; empty for the active one.

    Raises:
        BridgeError: it reads other coordinates, or moved ones.
    """
    name = ""
    for source in _upstream(node.inputs["Vector"]):
        if source.type == "UVMAP":
            name = source.uv_map
        elif source.type == "MAPPING" and not _leaves_in_place(source):
            raise BridgeError(
                f"Image {node.image.name!r} is moved or scaled by a Mapping node, so that its UV "
                "map does not say where it lies. Put the change into the UV map, and reset the "
                "Mapping node."
            )
        elif source.type == "TEX_COORD" and not source.outputs["UV"].is_linked:
            raise BridgeError(
                f"Image {node.image.name!r} is not laid out by a UV map. Connect a UV Map node to "
                "its Vector, or bake it onto a UV map first."
            )
    return name


def _leaves_in_place(mapping: Any) -> bool:
    return not any(mapping.inputs[name].is_linked for name in _UNMOVED) and all(
        abs(value - at_rest) < 1e-6
        for name, at_rest in _UNMOVED.items()
        for value in mapping.inputs[name].default_value
    )


def wear_copies(head: Any, old: Any, new: Any, label: str) -> None:
    """Give an object copies of its materials that show `old`, with `new` in its place.

    Args:
        head: an object.
        old: an image.
        new: another image.
        label: what is added to the materials' names.

    Raises:
        BridgeError: none of them shows `old`, or the object is linked from another file.
    """
    worn = [slot for slot in head.material_slots if slot.material is not None]
    slots = [slot for slot in worn if _has(slot.material.node_tree, old)]
    if not slots:
        raise BridgeError(
            f"{new.name} is made, but no material of {head.name} shows {old.name}, so that there "
            "is nothing to replace. Assign the image yourself."
        )
    if head.library or (head.data.library and any(slot.link == "DATA" for slot in slots)):
        raise BridgeError(
            f"{new.name} is made, but the materials of {head.name} come from another file. Make "
            "the object local (Object > Relations > Make Local), and assign the image yourself."
        )
    copies = {slot.material: slot.material.copy() for slot in slots}
    for material, copy in copies.items():
        copy.name = f"{material.name}_{label}"
        _replace(copy.node_tree, old, new)
    for slot in slots:
        slot.material = copies[slot.material]


def _has(tree: Any, image: Any) -> bool:
    return any(node.image == image for node in image_nodes(tree))


def _replace(tree: Any, old: Any, new: Any) -> None:
    """In a tree and in copies of those of its groups that show `old`."""
    for node in tree.nodes:
        if node.type == "TEX_IMAGE" and node.image == old:
            node.image = new
        elif node.type == "GROUP" and _has(node.node_tree, old):
            node.node_tree = node.node_tree.copy()
            _replace(node.node_tree, old, new)
