"""Copies of materials that show another image; the materials themselves stay as they are."""

from typing import Any

from ..bridge.errors import BridgeError
from .base_colour import image_nodes


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
    slots = [slot for slot in head.material_slots if _shows(slot.material, old)]
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


def _shows(material: Any, image: Any) -> bool:
    return material is not None and _has(material.node_tree, image)


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
