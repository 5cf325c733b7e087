"""Mix original and result in the compositor of a scene of its own."""

import bpy

from ..bridge.errors import BridgeError
from ..scene.compositor import mix_scene


class AddCompositorGroup(bpy.types.Operator):
    """Mix the original and the changed frames in the compositor of a new scene.

    It renders into a folder of its own; your scene and its frames stay as they are.
    """

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
        """Make the scene, and show it."""
        before, settings = context.scene.name, context.scene.reggan
        try:
            scene = mix_scene(context.scene, settings.original_image, settings.result_image)
        except BridgeError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if context.window is not None:
            context.window.scene = scene
        self.report(
            {"INFO"},
            f"Scene {scene.name} mixes them and renders to {scene.render.filepath}. The menu of "
            f"scenes, at the top right, leads back to {before}",
        )
        return {"FINISHED"}


classes = (AddCompositorGroup,)
