"""This character's faces as assets: one action for each expression, with its picture.

The action sets the panel: its expression and its intensity. A preset stands in none of the panel's
animated values, so its action has the intensity alone, and the name that it is chosen by.
"""

from collections.abc import Iterator
from typing import Any

import bpy

from ..bridge.expression_blend import names_are_alike
from ..bridge.sheet_cells import cells_from_text
from ..bridge.vocabulary import ALL_EXPRESSIONS, enum_identifier
from .face_icons import part_of_sheet, pixels_of
from .made_images import cells_of, time_of

_AT_ONCE = 6
_BEGINS = "Face "
_FACE = "reggan_face"
"""Custom property of such an action: the name of its expression."""


def keep_faces(image: Any) -> Iterator[int]:
    """Make the faces of a sheet assets of this file, in place of those of the last sheet.

    Little is done at a time, as Blender waits for it; it ends early if the sheet is gone or another
    one, by undo or as another file was opened.

    Args:
        image: with cells, as *Draw Faces* made it.

    Yields:
        how many there are so far.
    """
    name, made, size = image.name, time_of(image), tuple(image.size)
    cells, pixels = cells_from_text(cells_of(image)), pixels_of(image)
    for count, cell in enumerate(cells):
        sheet = bpy.data.images.get(name)
        if sheet is None or not cells_of(sheet) or time_of(sheet) != made:
            return
        own = (one for one in bpy.data.actions if face_of_action(one) == cell.expression)
        action = next(own, None) or _new_action(cell.expression)
        preview = action.preview_ensure()
        preview.image_size = cell.box[2:]
        preview.image_pixels_float.foreach_set(part_of_sheet(pixels, size, cell))
        if count % _AT_ONCE == _AT_ONCE - 1:
            yield count + 1
    drawn = {cell.expression for cell in cells}
    for action in list(bpy.data.actions):
        if face_of_action(action) not in ("", *drawn):  # of a preset that is gone
            bpy.data.actions.remove(action)
    yield len(cells)


def face_of_action(action: Any) -> str:
    """Return the expression that an action was made for; empty of another action."""
    return str(action.get(_FACE, ""))


def face_of_asset(name: str) -> str:
    """Return the expression of an asset of another file, by its name; empty of another asset."""
    if not name.startswith(_BEGINS):
        return ""
    said = name.removeprefix(_BEGINS)
    return next((one for one in ALL_EXPRESSIONS if names_are_alike(one, said)), "")


def _new_action(expression: str) -> Any:
    action = bpy.data.actions.new(f"{_BEGINS}{expression.capitalize()}")
    action[_FACE] = expression
    for path, value in _values(expression).items():
        curve = _fcurves(action).new(path)
        curve.keyframe_points.insert(1, value).interpolation = "CONSTANT"
    action.asset_mark()
    action.asset_data.description = f"Make the face show: {expression}"
    action.asset_data.tags.new("RegGAN")
    return action


def _values(expression: str) -> dict[str, float]:
    """Return what the action sets, by path from the scene."""
    values = {"reggan.intensity": 1.0}
    items = (
        bpy.types.Scene.bl_rna.properties["reggan"].fixed_type.properties["expression"].enum_items
    )
    item = items.get(enum_identifier(expression))
    return values if item is None else {**values, "reggan.expression": float(item.value)}


def _fcurves(action: Any) -> Any:
    """Return the F-curves of a scene in an action; it has layers since Blender 4.4."""
    if not hasattr(action, "layers"):
        action.id_root = "SCENE"
        return action.fcurves
    if not action.slots:
        slot = action.slots.new(id_type="SCENE", name="Scene")
        strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
        strip.channelbag(slot, ensure=True)
    return action.layers[0].strips[0].channelbag(action.slots[0]).fcurves
