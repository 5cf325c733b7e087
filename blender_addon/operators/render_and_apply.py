"""Render, and change the expression in what was rendered, by one button."""

from collections.abc import Callable
from functools import partial
from typing import Any

import bpy
from bpy.app.handlers import persistent
from bpy.props import BoolProperty

from ..bridge.errors import BridgeError
from ..scene.camera_view import camera_problem
from ..scene.own_renders import (
    account_of_foreign,
    files_of_render,
    foreign_frames,
    note_own_renders,
    refuse_lost_frames,
)
from .change_frames import refuse_before_render
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
    renders_over: BoolProperty(
        name="Render Over",
        description="Replace frames on disk that this button did not render",
        options={"SKIP_SAVE"},
    )
    _is_pressed = False

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
        """Check all that can be checked; then render and change, one after the other."""
        scene = context.scene
        try:
            self._refuse_what_cannot_end_well(context)
        except BridgeError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        scene.reggan.frames_source = "SCENE"
        if self._is_pressed:
            return self._begin()
        bpy.ops.render.render(animation=self.animation)
        if self.animation:
            note_own_renders(scene, files_of_render(scene))
        return set(bpy.ops.reggan.render_frames(still=not self.animation))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:  # noqa: ARG002
        """Let Blender render as it always does; the change begins when that ends."""
        if bpy.app.background:
            return self.execute(context)
        self._is_pressed = True
        if self.animation and not context.scene.render.is_movie_format:
            self._foreign = foreign_frames(context.scene, files_of_render(context.scene))
            if self._foreign:
                self.renders_over = True  # if the dialog is confirmed
                return set(context.window_manager.invoke_props_dialog(self, width=460))
        return self.execute(context)

    def draw(self, context: bpy.types.Context) -> None:  # noqa: ARG002
        """Ask whether frames that somebody else rendered may be lost."""
        column = self.layout.column()
        column.label(text=account_of_foreign(self._foreign), icon="ERROR")
        column.label(text="OK renders over them. To keep them, press Change Frames instead,")
        column.label(text="or choose another Output Path first.")

    def _refuse_what_cannot_end_well(self, context: bpy.types.Context) -> None:
        refuse_before_render(context, animation=self.animation)
        if not self.animation:
            return
        files = files_of_render(context.scene)
        refuse_lost_frames(context.scene, files)
        foreign = foreign_frames(context.scene, files)
        if foreign and not self.renders_over:
            raise BridgeError(
                f"{account_of_foreign(foreign)} and would be lost. Press Change Frames to change "
                "them, choose another Output Path, or call this with renders_over=True."
            )

    def _begin(self) -> set[str]:
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
        if not is_still:
            note_own_renders(bpy.context.scene, files_of_render(bpy.context.scene))
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
