"""A character to train on: `scene.reggan_character`."""

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

from .bridge.vocabulary import EXPRESSION_NAMES

_STILL: set[str] = set()
_PATH = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else _STILL


class ExpressionKey(bpy.types.PropertyGroup):
    """A line of the mapping: in this expression this shape key has this value."""

    expression: EnumProperty(
        name="Expression",
        description="The expression that the shape key is part of",
        items=[
            (name, name.capitalize(), f"Part of a face that is {name}")
            for name in EXPRESSION_NAMES[1:]
        ],
        options=_STILL,
    )
    key: StringProperty(
        name="Shape Key",
        description="Its name; every mesh of the character that has it is moved",
        options=_STILL,
    )
    weight: FloatProperty(
        name="Value",
        description="Of the shape key in the full expression",
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
    """A character, and the pictures to render of it."""

    mesh: PointerProperty(
        name="Face Mesh",
        description="The mesh whose shape keys make the expressions. Other meshes of the character "
        "with keys of the same names move along",
        type=bpy.types.Object,
        poll=_has_shape_keys,
    )
    rows: CollectionProperty(type=ExpressionKey)
    active_row: IntProperty(options=_STILL)
    folder: StringProperty(
        name="Folder",
        description="For the pictures. Leave it empty for a folder beside the .blend that is named "
        "after the mesh",
        subtype="DIR_PATH",
        options=_PATH,
    )
    views: IntProperty(
        name="Views",
        description="Cameras and lights, each with a picture of every expression. More can be "
        "added later",
        default=24,
        min=1,
        max=999,
        options=_STILL,
    )
    size_px: IntProperty(
        name="Size",
        description="Side of the square pictures in pixels. A model of 256 px sees three quarters "
        "of it, so 336 or more loses nothing",
        default=384,
        min=64,
        max=2048,
        subtype="PIXEL",
        options=_STILL,
    )
    max_yaw_deg: FloatProperty(
        name="Turn",
        description="How far to either side the camera goes around the face, in degrees",
        default=35.0,
        min=0.0,
        max=60.0,
        options=_STILL,
    )
    max_pitch_deg: FloatProperty(
        name="Tilt",
        description="How far up and down the camera goes, in degrees",
        default=12.0,
        min=0.0,
        max=30.0,
        options=_STILL,
    )
    samples: IntProperty(
        name="Samples",
        description="Most samples a pixel, in Cycles and EEVEE",
        default=32,
        min=1,
        max=4096,
        options=_STILL,
    )
    light: EnumProperty(
        name="Light",
        description="Which lamps shine on the character",
        items=[
            ("VARIED", "Varied", "Two lamps and a background that differ from view to view"),
            ("SCENE", "Scene", "The scene's own lamps and world, the same in all views"),
        ],
        options=_STILL,
    )
    is_alone: BoolProperty(
        name="Character Alone",
        description="Render only what belongs to the character: its meshes, and what shares their "
        "armature or parent",
        default=True,
        options=_STILL,
    )
    replaces: BoolProperty(
        name="Render All Again",
        description="Take away the pictures of an earlier run. Otherwise those that exist are kept",
        options=_STILL,
    )


classes = (ExpressionKey, CharacterSettings)


def attach() -> None:
    """Give every scene its character, and the session a place for the command line to copy."""
    bpy.types.Scene.reggan_character = PointerProperty(type=CharacterSettings)
    bpy.types.WindowManager.reggan_training_command = StringProperty(
        name="Then",
        description="Run this where reggan-plugin is installed with [train]. Select it to copy it",
        options={"SKIP_SAVE"},
    )


def detach() -> None:
    """Take both away again; a .blend that holds a character keeps it."""
    del bpy.types.Scene.reggan_character
    del bpy.types.WindowManager.reggan_training_command
