"""The head of a scene: `scene.reggan_head`."""

from typing import Any

import bpy

from .bridge.projection import FRONTS
from .scene.head_meshes import bone_of_face
from .unanimated_properties import (
    BoolProperty,
    EnumProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

POINTS = ("left_eye", "right_eye", "mouth")
OBJECTS = ("head", *POINTS)


def _choose_head(settings: Any, _context: bpy.types.Context) -> None:
    """Forget what was said of another head; of an armature take the bone that carries the face."""
    head = settings.head
    settings.id_data.reggan.tracks_account = ""
    if head is not None and head.type == "ARMATURE" and settings.bone not in head.data.bones:
        settings.bone = bone_of_face(head)


def _is_in_scene(_settings: Any, candidate: bpy.types.Object) -> bool:
    return candidate.users > 0


class HeadSettings(bpy.types.PropertyGroup):
    """A head and, if known, where its eyes and mouth are."""

    head: PointerProperty(
        name="Head",
        description="The head's mesh, an empty above it, or the armature that moves it",
        type=bpy.types.Object,
        poll=_is_in_scene,
        update=_choose_head,
    )
    bone: StringProperty(
        name="Bone",
        description="The bone of the armature that the head follows. The one that carries the "
        "face shapes is chosen where they tell it",
    )
    front: EnumProperty(
        name="Front",
        description="The head's own axis along which it looks",
        items=[
            (
                "AUTO",
                "Automatic",
                "The axis that looks towards -Y of the world while the crown is up, in rest pose "
                "or in the first frame",
            ),
            *(
                (name, name, f"The face looks along {name}, with {'Y' if 'Z' in name else 'Z'} up")
                for name in FRONTS
            ),
        ],
    )
    left_eye: PointerProperty(
        name="Left Eye",
        description="What stands at the character's own left eye: an eyeball, an empty, or an "
        "armature with the bone beside it",
        type=bpy.types.Object,
        poll=_is_in_scene,
    )
    left_eye_bone: StringProperty(
        name="Left Eye Bone", description="The bone whose root is the left eye"
    )
    right_eye: PointerProperty(
        name="Right Eye",
        description="What stands at the character's own right eye",
        type=bpy.types.Object,
        poll=_is_in_scene,
    )
    right_eye_bone: StringProperty(
        name="Right Eye Bone", description="The bone whose root is the right eye"
    )
    mouth: PointerProperty(
        name="Mouth",
        description="What stands in the middle of the mouth, such as an empty that is parented to "
        "the head",
        type=bpy.types.Object,
        poll=_is_in_scene,
    )
    mouth_bone: StringProperty(
        name="Mouth Bone", description="The bone whose root is the middle of the mouth"
    )
    face_number: IntProperty(
        name="Number",
        description="The face's number in the tracks. Heads of other numbers that the file holds "
        "stay in it",
        min=0,
    )
    takes_own_shapes: BoolProperty(
        name="Its Own Shapes",
        description="Track Head also writes the head with its face shapes and teeth, and results "
        "move the face as they do. Otherwise, and where the head has none, RegGAN's own head is "
        "laid on the picture",
        default=True,
    )
    tests_occlusion: BoolProperty(
        name="Find Occlusion",
        description="Mark frames in which something stands before the face. Glass counts as "
        "opaque; objects that the camera does not see do not count. It takes most of the time if "
        "a mesh of very many vertices deforms",
        default=True,
    )


def named_values(settings: HeadSettings) -> dict[str, Any]:
    """All fields as JSON takes them: objects by their full names, None where there is none."""
    values = {name: getattr(settings, name) for name in HeadSettings.__annotations__}
    return {name: getattr(value, "name_full", value) for name, value in values.items()}


classes = (HeadSettings,)
settings = ((bpy.types.Scene, "reggan_head", PointerProperty(type=HeadSettings)),)
