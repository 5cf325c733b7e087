"""Mix original and result in the scene's compositor."""

import bpy

from ..scene.compositor import GROUP_NAME, add_mix

_PLAIN_VIEWS = ("Standard", "Raw")


class AddCompositorGroup(bpy.types.Operator):
    """Put the original and the changed frames into the compositor, mixed by a node group"""

    bl_idname = "reggan.add_compositor_group"
    bl_label = "Add to Compositor"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender's own way

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether there are frames to mix."""
        settings = context.scene.reggan
        if settings.original_image is None or settings.result_image is None:
            cls.poll_message_set("Change some frames first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the nodes."""
        scene, settings = context.scene, context.scene.reggan
        if not add_mix(scene, settings.original_image, settings.result_image):
            self.report(
                {"INFO"},
                f"The compositor's output is in use and stays as it is. {GROUP_NAME} stands on "
                "the left; link it where you want it",
            )
        is_linear = settings.result_image.filepath.lower().endswith(".exr")
        view = scene.view_settings.view_transform
        if not is_linear and view not in _PLAIN_VIEWS:
            self.report(
                {"WARNING"},
                f"These frames show the view transform already, and {view} would come on top. "
                "Set View Transform to Standard in the Render properties",
            )
        return {"FINISHED"}


classes = (AddCompositorGroup,)
