"""The objects of a character in a scene, and the names of its shape keys."""

from typing import Any

import bpy

from ..bridge.shape_keys import KeyWeight


def key_names(mesh_object: Any) -> list[str]:
    """Return the shape keys of a mesh, without the one that the others start from."""
    keys = mesh_object.data.shape_keys if mesh_object.type == "MESH" else None
    if keys is None:
        return []
    return [block.name for block in keys.key_blocks if block != keys.reference_key]


def rows_of(settings: Any) -> list[KeyWeight]:
    """Return the mapping table."""
    return [
        KeyWeight(shape=row.shape, key=row.key, weight=round(row.weight, 4))
        for row in settings.rows
        if row.key
    ]


def character_problem(settings: Any) -> str:
    """Return the fault of settings that name no character with expressions; empty without one."""
    mesh = settings.mesh
    if mesh is None or not key_names(mesh):
        return "Choose the mesh of the face, one that has shape keys"
    rows, names = rows_of(settings), set(key_names(mesh))
    if not rows:
        return "No shape key makes a face shape yet: press Recognise, or add lines by hand"
    unknown = next((row.key for row in rows if row.key not in names), None)
    return f"{mesh.name} has no shape key {unknown!r}: mend that line" if unknown else ""


def belongings(scene: bpy.types.Scene, mesh: Any) -> list[Any]:
    """Return the objects of a character: what hangs on the same parent or armature as its face."""
    wholes = {_whole(mesh), *_armatures(mesh)}
    wholes |= {_whole(armature) for armature in _armatures(mesh)}
    return [
        found
        for found in scene.objects
        if found == mesh or _whole(found) in wholes or wholes & set(_armatures(found))
    ]


def _whole(found: Any) -> Any:
    """Return the topmost parent, or the object itself."""
    while found.parent is not None:
        found = found.parent
    return found


def _armatures(found: Any) -> list[Any]:
    return [
        modifier.object
        for modifier in found.modifiers
        if modifier.type == "ARMATURE" and modifier.object is not None
    ]
