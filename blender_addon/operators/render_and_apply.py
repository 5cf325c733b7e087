"""Render, and change the expression in what was rendered, by one button."""

from collections.abc import Callable
from functools import partial
from typing import Any

import bpy
from bpy.app.handlers import persistent
from bpy.props import BoolProperty

from ..scene.camera_view import camera_problem
from .job_operator import running_job

_waiting: list[Callable[[], None]] = []
"""What is to be done when the render ends; at most one."""
_DELAY_S = 0.1


class RenderAndApply(bpy.types.Operator):
    """Render this scene, then change the expression in what was rendered."""

    bl_idname = "reggan.render_and_apply"
    bl_label = "Render and Apply"
    bl_options = {"INTERNAL"}  # noqa: RUF012 - Blender's own way; the job has its own undo step

    animation: BoolProperty(
        name="Animation", description="All frames of the scene, not the one that it shows"
    )

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        """Return the tooltip."""
        what = "all frames of the scene" if properties.animation else "the current frame"
        return f"Render {what}, then change the expression in what was rendered"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether it can be rendered, and no job runs."""
        reason = "Another RegGAN job is running" if running_job() else camera_problem(context.scene)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Render and change, one after the other: without a window, and from a script."""
        context.scene.reggan.frames_source = "SCENE"
        bpy.ops.render.render(animation=self.animation)
        return set(bpy.ops.reggan.render_frames(still=not self.animation))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:  # noqa: ARG002
        """Let Blender render as it always does; the change begins when that ends."""
        if bpy.app.background:
            return self.execute(context)
        context.scene.reggan.frames_source = "SCENE"
        _waiting[:] = [partial(_change, is_still=not self.animation)]
        begun = set(bpy.ops.render.render("INVOKE_DEFAULT", animation=self.animation))
        if "CANCELLED" in begun:
            _waiting.clear()
            return {"CANCELLED"}
        return {"FINISHED"}


def _change(*, is_still: bool) -> None:
    """Change the frame; Blender calls it, once and in its own thread."""
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        bpy.ops.reggan.render_frames("INVOKE_DEFAULT", still=is_still)


def _on_complete(*_: Any) -> None:
    """Note that the render ended; what follows waits until Blender has put its result away."""
    while _waiting:
        bpy.app.timers.register(_waiting.pop(), first_interval=_DELAY_S)


def _on_cancel(*_: Any) -> None:
    """Note that the artist stopped it: what is there is not what was asked for."""
    _waiting.clear()


classes = (RenderAndApply,)


def attach() -> None:
    """Hear of the end of renders."""
    bpy.app.handlers.render_complete.append(persistent(_on_complete))
    bpy.app.handlers.render_cancel.append(persistent(_on_cancel))


def detach() -> None:
    """Hear of them no longer."""
    _waiting.clear()
    bpy.app.handlers.render_complete.remove(_on_complete)
    bpy.app.handlers.render_cancel.remove(_on_cancel)
