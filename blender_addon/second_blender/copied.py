"""Objects and data that the specification names, found again in the copy of the file."""

import bpy

from ..bridge.errors import BridgeError


def scene_in_copy(full_name: str) -> bpy.types.Scene:
    """Return the scene that the artist looked at.

    Raises:
        BridgeError: it is not there.
    """
    return _found(bpy.data.scenes, full_name, "scene")


def object_in_copy(full_name: str) -> bpy.types.Object:
    """Return an object, also of a library.

    Raises:
        BridgeError: it is not there.
    """
    return _found(bpy.data.objects, full_name, "object")


def _found(things: bpy.types.bpy_prop_collection, full_name: str, kind: str) -> bpy.types.ID:
    found = next((thing for thing in things if thing.name_full == full_name), None)
    if found is None or found.is_missing:
        raise BridgeError(
            f"The {kind} {full_name} is not in the copy of this file that the second Blender "
            "opened. If it comes from another file, see in the Outliner's Blender File view that "
            "its library can be found; or choose another one."
        )
    return found
