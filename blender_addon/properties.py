"""What the panels ask for: one group of settings on every scene, `scene.reggan`.

Only the intensity can be animated; paths are kept as they are typed, `//` included.
"""

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from .bridge.expressions import EXPRESSION_NAMES, MAX_INTENSITY

_STILL: set[str] = set()
"""Options of a property that is not animated."""
_PATH = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else _STILL


class RegganSettings(bpy.types.PropertyGroup):
    """Settings of the RegGAN panels; nothing here is read by Blender itself."""

    # Expression (all jobs)
    expression: EnumProperty(
        name="Expression",
        description="The expression that the face is given",
        items=[(name, name.capitalize(), f"Make the face {name}") for name in EXPRESSION_NAMES],
        default="happy",
        options=_STILL,
    )
    blend: StringProperty(
        name="Blend",
        description="Several expressions in place of one, such as happy:0.6+surprised:0.3. "
        "Leave it empty for the expression above",
        options=_STILL,
    )
    intensity: FloatProperty(
        name="Intensity",
        description="How much of the expression: 0 changes nothing, 1 is the full expression. "
        "It can be animated: each frame takes the value that it has there",
        default=1.0,
        min=0.0,
        max=MAX_INTENSITY,
    )
    model: StringProperty(
        name="Model",
        description="A model file (.onnx), such as one trained on your character, or the name of "
        "one. Leave it empty for the model that comes with the extension",
        subtype="FILE_PATH",
        options=_PATH,
    )

    # Face (frames and images)
    face: EnumProperty(
        name="Face",
        description="Which of the faces in the picture is changed",
        items=[
            ("LARGEST", "Largest", "The largest face"),
            ("ALL", "All", "Every face that is found"),
            ("INDEX", "By number", "One face by its number, 0 being the largest"),
        ],
        default="LARGEST",
        options=_STILL,
    )
    face_index: IntProperty(
        name="Number",
        description="The number of the face: 0 is the largest, or the first of the rig's heads",
        min=0,
        options=_STILL,
    )

    # Frames
    frames_source: EnumProperty(
        name="Frames",
        description="Which rendered frames are changed",
        items=[
            ("SCENE", "Scene", "What this scene renders to, in its frame range"),
            ("SEQUENCE", "Sequence", "A rendered sequence that you choose"),
        ],
        default="SCENE",
        options=_STILL,
    )
    frames_path: StringProperty(
        name="Sequence",
        description="One frame of the sequence, its folder, or a pattern such as "
        "//render/shot.####.exr",
        subtype="FILE_PATH",
        options=_PATH,
    )
    output_path: StringProperty(
        name="Output",
        description="Folder for the changed frames, which keep their names. "
        "Leave it empty for a new folder beside the rendered ones",
        subtype="DIR_PATH",
        options=_PATH,
    )
    existing: EnumProperty(
        name="Existing",
        description="What becomes of changed frames that are in the output folder already",
        items=[
            ("RESUME", "Keep finished", "Keep those made in this way, write the others"),
            ("OVERWRITE", "Replace", "Write all of them anew"),
            ("REFUSE", "Stop", "Do nothing if there is one"),
        ],
        default="RESUME",
        options=_STILL,
    )
    with_mask: BoolProperty(
        name="Mask layer",
        description="Add the mask of the change to EXR frames, as the layer reggan.mask, for use "
        "in the compositor. Of frames that were multi-layer before, Blender does not show it",
        options=_STILL,
    )
    original_image: PointerProperty(
        name="Original",
        description="The frames that were changed last",
        type=bpy.types.Image,
        options=_STILL,
    )
    result_image: PointerProperty(
        name="Result",
        description="The changed frames of the last run",
        type=bpy.types.Image,
        options=_STILL,
    )

    # Head known from the rig
    use_rig_tracks: BoolProperty(
        name="Head from Rig",
        description="Take the place of the face from the rig, as tracked below, and look for none",
        options=_STILL,
    )
    rig_tracks: StringProperty(
        name="Tracks",
        description="The file with the place of the head in every frame, written by Track Head",
        subtype="FILE_PATH",
        options=_PATH,
    )


classes = (RegganSettings,)


def attach() -> None:
    """Give every scene its settings."""
    bpy.types.Scene.reggan = PointerProperty(type=RegganSettings)


def detach() -> None:
    """Take the settings away from the scenes; a .blend that holds them keeps them."""
    del bpy.types.Scene.reggan
