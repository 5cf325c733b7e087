"""What the session knows of the running job, and how panels and preferences show it."""

import bpy


def draw_job(layout: bpy.types.UILayout, context: bpy.types.Context) -> bool:
    """A progress bar and a button that stops the job, where one runs; whether one does."""
    manager = context.window_manager
    if not manager.reggan_job:
        return False
    column = layout.column(align=True)
    column.progress(factor=manager.reggan_progress, text=manager.reggan_job)
    column.operator("reggan.cancel", icon="CANCEL")
    return True


classes = ()


def attach() -> None:
    """Properties of the window manager: they belong to the session, not to the file."""
    manager = bpy.types.WindowManager
    manager.reggan_job = bpy.props.StringProperty(options={"SKIP_SAVE"})
    manager.reggan_progress = bpy.props.FloatProperty(options={"SKIP_SAVE"})
    manager.reggan_doctor = bpy.props.StringProperty(options={"SKIP_SAVE"})


def detach() -> None:
    """Take them away again."""
    for name in ("reggan_job", "reggan_progress", "reggan_doctor"):
        delattr(bpy.types.WindowManager, name)
