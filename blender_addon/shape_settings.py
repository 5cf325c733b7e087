"""What face shapes weigh: a driving object's table, sliders, a character's own, a take's fit."""

from typing import Any

import bpy

from .bridge.expression_blend import MAX_INTENSITY
from .bridge.vocabulary import FIT_WORDS, SHAPE_NAMES, words_of_shape
from .unanimated_properties import (
    BoolProperty,
    EnumProperty,
    FileProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

NOTHING = "NONE"
"""Shape of a key that moves none."""


def _weighted(name: str, weight: float) -> str:
    """Return what the second half of a line says: there is room for one name."""
    return name if weight == 1 else f"{weight:g} {name}"


class DrivingKey(bpy.types.PropertyGroup):
    """A line of the table: this shape key in full moves this face shape so far."""

    key: StringProperty(name="Shape Key", description="Its name")
    shape: EnumProperty(
        name="Face Shape",
        description="What the key moves in the picture",
        items=[
            (NOTHING, "Nothing", "The key moves nothing in the picture"),
            *((name, words_of_shape(name), f"ARKit's {name}") for name in SHAPE_NAMES),
        ],
    )
    weight: FloatProperty(
        name="Value",
        description="Of the face shape where the shape key is 1",
        default=1.0,
        min=0.0,
        max=MAX_INTENSITY,
    )

    def texts(self, key: str) -> tuple[str, str]:
        """Return what the list shows of it, beside its key in short."""
        return key, "nothing" if self.shape == NOTHING else _weighted(self.shape, self.weight)


class DrivingTable(bpy.types.PropertyGroup):
    """The table of an object."""

    rows: bpy.props.CollectionProperty(type=DrivingKey)
    active_row: IntProperty()


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


class ShapeWeights(bpy.types.PropertyGroup):
    """One weight a face shape, each of which can be animated; their names are ARKit's."""

    __annotations__ = {
        name: bpy.props.FloatProperty(
            name=words_of_shape(name),
            description=f"How much of ARKit's {name} is laid over. It can be animated",
            min=0.0,
            max=MAX_INTENSITY,
            soft_max=1.0,
        )
        for name in SHAPE_NAMES
    }


class ExpressionKey(bpy.types.PropertyGroup):
    """A line of the mapping: this face shape in full is this shape key at this value."""

    shape: EnumProperty(
        name="Shape",
        description="The face shape that the shape key makes, alone or with others",
        items=[(name, words_of_shape(name), f"ARKit's {name}") for name in SHAPE_NAMES],
    )
    key: StringProperty(
        name="Shape Key", description="Its name; every mesh of the character that has it is moved"
    )
    weight: FloatProperty(
        name="Value",
        description="Of the shape key in the full shape",
        default=1.0,
        soft_min=0.0,
        soft_max=1.0,
        min=-10.0,
        max=10.0,
    )

    def texts(self, key: str) -> tuple[str, str]:
        """Return what the list shows of it, beside its key in short."""
        return self.shape, _weighted(key or "no key yet", self.weight)


def has_shape_keys(_settings: Any, candidate: bpy.types.Object) -> bool:
    """Tell whether an object may be chosen for its shape keys."""
    return candidate.type == "MESH" and candidate.data.shape_keys is not None


class CharacterSettings(bpy.types.PropertyGroup):
    """A character, and the file to write of it."""

    mesh: PointerProperty(
        name="Face Mesh",
        description="The mesh whose shape keys make the face shapes. Other meshes of the character "
        "with keys of the same names move along",
        type=bpy.types.Object,
        poll=has_shape_keys,
    )
    rows: bpy.props.CollectionProperty(type=ExpressionKey)
    active_row: IntProperty()
    file: FileProperty(
        name="File",
        description="For the character, a .glb. Leave it empty for one beside the .blend that is "
        "named after the mesh",
    )
    uses: BoolProperty(
        name="Use in Results",
        description="This file's own mesh and face shapes move the face, and its own teeth are "
        "shown, in frames, pictures, textures, sheets and Live",
    )
    replaces: BoolProperty(name="Write Again", description="Replace a file that is there already")


class FitRow(bpy.types.PropertyGroup):
    """A line: these shapes are so much stronger."""

    shape: EnumProperty(
        name="Face Shape",
        description="What of the take is changed",
        items=[
            *((word, word.capitalize(), f"All shapes of: {word}") for word in FIT_WORDS),
            *((name, words_of_shape(name), f"ARKit's {name}") for name in SHAPE_NAMES),
        ],
    )
    gain: FloatProperty(
        name="Gain",
        description="Multiplies the weight of the take",
        default=1.0,
        min=0.0,
        soft_max=2.0,
        max=5.0,
    )
    offset: FloatProperty(
        name="Offset",
        description="Is added to the weight after the gain",
        min=-1.0,
        soft_min=-0.5,
        soft_max=0.5,
        max=1.0,
    )


class TakeFit(bpy.types.PropertyGroup):
    """The lines of a scene."""

    rows: bpy.props.CollectionProperty(type=FitRow)
    asymmetry: FloatProperty(
        name="Asymmetry",
        description="How much of the difference between left and right a take keeps: 0.5 is half",
        default=1.0,
        min=0.0,
        max=1.0,
    )


classes = (
    DrivingKey,
    DrivingTable,
    ShapeWeights,
    ExpressionKey,
    CharacterSettings,
    FitRow,
    TakeFit,
)
settings = (
    (bpy.types.Scene, "reggan_fit", PointerProperty(type=TakeFit)),
    (bpy.types.Object, "reggan_driving", PointerProperty(type=DrivingTable)),
    (bpy.types.Scene, "reggan_shapes", PointerProperty(type=ShapeWeights)),
    (bpy.types.Scene, "reggan_character", PointerProperty(type=CharacterSettings)),
)
