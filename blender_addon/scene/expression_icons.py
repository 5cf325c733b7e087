"""This character's face with each expression: icons of a menu, and assets of the Asset Browser."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import bpy
import bpy.utils.previews
from bpy.props import EnumProperty

from ..bridge.errors import BridgeError
from ..bridge.expression_blend import names_are_alike
from ..bridge.sheet_cells import SheetCell, cells_from_text
from ..bridge.vocabulary import ALL_EXPRESSIONS, enum_identifier, name_from_identifier
from .image_origins import cells_of, time_of

FACES_NAME = "RegGAN faces"
_built: dict[str, Any] = {}
"""The collection of icons, and which image at which time it was made of."""


def face_icons() -> dict[str, int]:
    """Icon of each expression and preset that was drawn, by its name. Quick if nothing is new."""
    image = bpy.data.images.get(FACES_NAME)
    if not cells_of(image):  # they are not drawn yet
        return {}
    key = (image.as_pointer(), time_of(image))
    if _built.get("key") != key:
        _forget()
        try:
            _build(image)
        except BridgeError:  # a text that somebody changed: no pictures, but the names
            return {}
        _built["key"] = key
    return dict(_built["icons"])


def _build(image: Any) -> None:
    cells = cells_from_text(cells_of(image))
    pixels = pixels_of(image)
    collection = bpy.utils.previews.new()
    icons = {}
    for cell in cells:
        preview = collection.new(cell.expression)
        preview.image_size = cell.box[2:]
        preview.image_pixels_float.foreach_set(part_of_sheet(pixels, image.size, cell))
        icons[cell.expression] = preview.icon_id
    _built.update(collection=collection, icons=icons)


def pixels_of(image: Any) -> "array[float]":
    """Return the RGBA of an image, rows from the bottom as Blender has them."""
    width, height = image.size
    pixels = array("f", bytes(4 * 4 * width * height))
    image.pixels.foreach_get(pixels)
    return pixels


def part_of_sheet(pixels: "array[float]", size: Sequence[int], cell: SheetCell) -> "array[float]":
    """Return the RGBA of a cell, rows from the bottom as Blender has them."""
    width, height = size
    x, y, across, down = cell.box
    part = array("f")
    for row in range(height - y - down, height - y):
        begin = 4 * (row * width + x)
        part.extend(pixels[begin : begin + 4 * across])
    return part


def _forget() -> None:
    if "collection" in _built:
        bpy.utils.previews.remove(_built["collection"])
    _built.clear()


_held_items: list[tuple[str, str, str, int, int]] = []
"""Blender reads the strings of a menu after the function that made it has ended."""


def _items(
    _scene: bpy.types.Scene, _context: bpy.types.Context | None
) -> list[tuple[str, str, str, int, int]]:
    """Return the menu of pictures; only those that were drawn."""
    icons = face_icons()
    items = [("NONE", "None", "No expression: the face shapes alone", 0, 0)]
    items.extend(
        (enum_identifier(name), name.capitalize(), f"Make the face show: {name}", icons[name], at)
        for at, name in enumerate(_names(icons), 1)
        if name in icons
    )
    if items != _held_items:  # equal strings would be others, and those that are shown be gone
        _held_items[:] = items
    return _held_items


def _names(icons: Mapping[str, int]) -> tuple[str, ...]:
    """By their numbers in the menu, from 1: the named expressions, then presets as drawn."""
    return *ALL_EXPRESSIONS, *(name for name in icons if name not in ALL_EXPRESSIONS)


def _number(scene: bpy.types.Scene) -> int:
    icons, blend = face_icons(), scene.reggan.blend.strip()
    name = blend if blend in icons else name_from_identifier(scene.reggan.expression)
    return _names(icons).index(name) + 1 if name in icons else 0


def chosen_face(scene: bpy.types.Scene) -> str:
    """Return the word under the picture that the menu shows."""
    number = _number(scene)
    return _names(face_icons())[number - 1].capitalize() if number else "No face"


def _choose(scene: bpy.types.Scene, number: int) -> None:
    choose_expression(scene, _names(face_icons())[number - 1] if number else "NONE")


def choose_expression(scene: bpy.types.Scene, name: str) -> None:
    """Set the panel to an expression; a preset is written into Blend, as the menu has none."""
    is_preset = name not in ALL_EXPRESSIONS and name != "NONE"
    scene.reggan.blend = name if is_preset else ""
    if not is_preset:
        scene.reggan.expression = enum_identifier(name)


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


settings = (
    (
        bpy.types.Scene,
        "reggan_face",  # the menu of pictures, which chooses `reggan.expression`
        EnumProperty(
            name="Expression",
            description="The expression that the face is given, chosen by its picture",
            items=_items,
            get=_number,
            set=_choose,
            options=set(),
        ),
    ),
)


def detach() -> None:
    """Free the icons."""
    _forget()
