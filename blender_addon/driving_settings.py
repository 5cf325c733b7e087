"""Which face shapes an object's shape keys drive: `object.reggan_driving`, kept with the object."""

from typing import Any

import bpy
from bpy.props import (
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from .bridge.expression_blend import MAX_INTENSITY
from .bridge.vocabulary import SHAPE_NAMES, words_of_shape

_STILL: set[str] = set()
NOTHING = "NONE"
"""Shape of a key that moves none."""


class DrivingKey(bpy.types.PropertyGroup):
    """A line of the table: this shape key in full moves this face shape so far."""

    key: StringProperty(name="Shape Key", description="Its name", options=_STILL)
    shape: EnumProperty(
        name="Face Shape",
        description="What the key moves in the picture",
        items=[
            (NOTHING, "Nothing", "The key moves nothing in the picture"),
            *((name, words_of_shape(name), f"ARKit's {name}") for name in SHAPE_NAMES),
        ],
        options=_STILL,
    )
    weight: FloatProperty(
        name="Value",
        description="Of the face shape where the shape key is 1",
        default=1.0,
        min=0.0,
        max=MAX_INTENSITY,
        options=_STILL,
    )


class DrivingTable(bpy.types.PropertyGroup):
    """The table of an object."""

    rows: CollectionProperty(type=DrivingKey)
    active_row: IntProperty(options=_STILL)


classes = (DrivingKey, DrivingTable)


def attach() -> None:
    """Give every object its table."""
    bpy.types.Object.reggan_driving = PointerProperty(type=DrivingTable)


def detach() -> None:
    """Take it away again; a .blend that holds tables keeps them."""
    del bpy.types.Object.reggan_driving


def key_names(mesh_object: Any) -> list[str]:
    """Return the shape keys of a mesh, without the one that the others start from."""
    keys = mesh_object.data.shape_keys if mesh_object.type == "MESH" else None
    if keys is None:
        return []
    return [block.name for block in keys.key_blocks if block != keys.reference_key]


def fill(table: Any, rows: Any) -> None:
    """Put lines into a table, in place of those that it has."""
    table.rows.clear()
    for row in rows:
        line = table.rows.add()
        line.key, line.shape, line.weight = row.key, row.shape or NOTHING, row.weight
    table.active_row = 0
