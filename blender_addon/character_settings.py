"""A character with face shapes of its own: `scene.reggan_character`."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from .bridge.vocabulary import SHAPE_NAMES, words_of_shape

_STILL: set[str] = set()
_PATH = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else _STILL


class ExpressionKey(bpy.types.PropertyGroup):
    """A line of the mapping: this face shape in full is this shape key at this value."""

    shape: EnumProperty(
        name="Shape",
        description="The face shape that the shape key makes, alone or with others",
        items=[(name, words_of_shape(name), f"ARKit's {name}") for name in SHAPE_NAMES],
        options=_STILL,
    )
    key: StringProperty(
        name="Shape Key",
        description="Its name; every mesh of the character that has it is moved",
        options=_STILL,
    )
    weight: FloatProperty(
        name="Value",
        description="Of the shape key in the full shape",
        default=1.0,
        soft_min=0.0,
        soft_max=1.0,
        min=-10.0,
        max=10.0,
        options=_STILL,
    )


def _has_shape_keys(_settings: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    return candidate.type == "MESH" and candidate.data.shape_keys is not None


class CharacterSettings(bpy.types.PropertyGroup):
    """A character, and the file to write of it."""

    mesh: PointerProperty(
        name="Face Mesh",
        description="The mesh whose shape keys make the face shapes. Other meshes of the character "
        "with keys of the same names move along",
        type=bpy.types.Object,
        poll=_has_shape_keys,
    )
    rows: CollectionProperty(type=ExpressionKey)
    active_row: IntProperty(options=_STILL)
    file: StringProperty(
        name="File",
        description="For the character, a .glb. Leave it empty for one beside the .blend that is "
        "named after the mesh",
        subtype="FILE_PATH",
        options=_PATH,
    )
    uses: BoolProperty(
        name="Use in Results",
        description="This file's own mesh and face shapes move the face, and its own teeth are "
        "shown, in frames, pictures, textures, sheets and Live",
        options=_STILL,
    )
    replaces: BoolProperty(
        name="Write Again",
        description="Replace a file that is there already",
        options=_STILL,
    )


classes = (ExpressionKey, CharacterSettings)


def attach() -> None:
    """Give every scene its character."""
    bpy.types.Scene.reggan_character = PointerProperty(type=CharacterSettings)


def detach() -> None:
    """Take it away again; a .blend that holds a character keeps it."""
    del bpy.types.Scene.reggan_character
