"""Settings of a head's texture map: `scene.reggan_texture`."""

import bpy

from .bridge.command_line import FRONTS
from .bridge.vocabulary import EXPRESSION_NAMES
from .unanimated_properties import (
    BoolProperty,
    EnumProperty,
    FloatVectorProperty,
    PointerProperty,
    StringProperty,
)


class TextureSettings(bpy.types.PropertyGroup):
    """A map, the place of the face on it, and the expressions that it is given."""

    makes_several: BoolProperty(
        name="Several",
        description="Make a map for each expression that is chosen here. Otherwise one map, with "
        "the expression at the top of the tab",
    )
    expressions: EnumProperty(
        name="Expressions",
        description="Expressions that the map is given, each in an image of its own. "
        "Shift-click for several",
        items=[
            (name, name.capitalize(), f"A map with the face {name}") for name in EXPRESSION_NAMES
        ],
        default={"happy"},
        options={"ENUM_FLAG"},
    )
    layout: EnumProperty(
        name="Layout",
        description="How the face lies on the map",
        items=[
            ("MESH", "On the Head", "By the UV map of the active mesh"),
            ("FLAT", "Unfolded", "As it is seen from the front; no mesh is needed"),
        ],
    )
    material: PointerProperty(
        name="Material",
        description="The material with the face. Leave it empty for the object's active one",
        type=bpy.types.Material,
    )
    image: PointerProperty(
        name="Image",
        description="The base colour image. Leave it empty for the one that the material shows",
        type=bpy.types.Image,
    )
    uv_map: StringProperty(
        name="UV Map",
        description="The UV map by which the image lies on the head. Leave it empty for the one "
        "that the material uses",
    )
    front: EnumProperty(
        name="Front",
        description="Where the character looks in the scene. Its turn around the vertical axis "
        "does not count: a character that was made to face -Y faces -Y",
        items=[
            ("AUTO", "Automatic", "Look for the face from all four sides"),
            *((name, name, f"It looks along {name}") for name in FRONTS),
        ],
    )
    face_box: FloatVectorProperty(
        name="Face Box",
        description="Where the face is on an unfolded map: left, top, width and height in pixels "
        "from the top left, from the brows to below the chin. Without a width it is looked for",
        size=4,
        min=0.0,
        precision=0,
    )
    takes_any_image: BoolProperty(
        name="Take Any Image",
        description="Change the image even if it seems not to hold colours, or not to be this "
        "mesh's",
    )
    assigns: BoolProperty(
        name="Assign",
        description="Give the head a copy of the material that shows the first new image. The old "
        "material stays in the file",
    )


classes = (TextureSettings,)
settings = ((bpy.types.Scene, "reggan_texture", PointerProperty(type=TextureSettings)),)
