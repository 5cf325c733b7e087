"""Render, and change the expression in what was rendered, by one button."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import bpy
from bpy.props import BoolProperty

from ..bridge.errors import BridgeError
from ..job_display import Internal, refusing
from ..scene.camera_view import camera_problem
from ..scene.shots import (
    Shot,
    account_of_foreign,
    begin_shot,
    end_shot,
    files_of_render,
    foreign_frames,
    note_own_renders,
    refuse_lost_frames,
    shots_of,
)
from .change_frames import refuse_before_render
from .job_operator import BeginsJob

_run: list["_Run"] = []
"""What is being rendered by the button; at most one."""
_DELAY_S = 0.1


class RenderAndApply(Internal, BeginsJob, bpy.types.Operator):
    """Render this scene, then change the expression in what was rendered."""

    bl_idname = "reggan.render_and_apply"
    bl_label = "Render and Apply"

    animation: BoolProperty(
        name="Animation",
        description="All frames of the scene, not the one that it shows",
        options={"SKIP_SAVE"},  # else the button for one frame does what was pressed before
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
        what = (
            "all frames of the scene, or of all its cameras and view layers,"
            if properties.animation
            else "the current frame"
        )
        return f"Render {what}, then change the expression in what was rendered"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        return camera_problem(context.scene)

    @refusing
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Check all that can be checked; then render and change, one after the other."""
        scene = context.scene
        self._refuse_what_cannot_end_well(context)
        scene.reggan.frames_source = "SCENE"
        if self._is_pressed:
            return self._begin()
        for shot in shots_of(scene) if self.animation else [Shot()]:
            before = begin_shot(scene, shot)
            try:
                bpy.ops.render.render(animation=self.animation)
            finally:
                end_shot(scene, before)
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
        scene = bpy.context.scene
        shots = shots_of(scene) if self.animation else [Shot()]
        _run[:] = [_Run(scene=scene.name, waiting=shots, is_still=not self.animation)]
        if not _run[0].render_next():
            _run.clear()
            return {"CANCELLED"}
        return {"FINISHED"}


@dataclass(kw_only=True)
class _Run:
    """What is rendered and then changed; the scene is one of its shots until that is rendered."""

    scene: str
    waiting: list[Shot]
    is_still: bool
    before: dict[str, Any] | None = None

    def render_next(self) -> bool:
        """Begin the next shot; whether Blender renders it."""
        scene = bpy.data.scenes[self.scene]
        self.before = begin_shot(scene, self.waiting.pop(0))
        begun = bpy.ops.render.render("INVOKE_DEFAULT", animation=not self.is_still)
        if "CANCELLED" in begun:
            self.restore()
            return False
        return True

    def restore(self) -> None:
        """Set the scene as it was before the shot."""
        if self.before is not None and self.scene in bpy.data.scenes:
            end_shot(bpy.data.scenes[self.scene], self.before)
        self.before = None

    def go_on(self, *, is_cancelled: bool) -> None:
        """Render the next shot, or change what was rendered. Blender calls it, in its thread."""
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            self.restore()
            if is_cancelled or (self.waiting and self.render_next()):
                return
            _run.clear()
            if not self.is_still:
                scene = bpy.data.scenes[self.scene]
                note_own_renders(scene, files_of_render(scene))
            bpy.ops.reggan.render_frames("INVOKE_DEFAULT", still=self.is_still)


def _on_complete(*_: Any) -> None:
    """Note that the render ended; what follows waits until Blender has put its result away."""
    for run in _run:
        bpy.app.timers.register(partial(run.go_on, is_cancelled=False), first_interval=_DELAY_S)


def _on_cancel(*_: Any) -> None:
    """Note that the artist stopped it: what is there is not what was asked for."""
    for run in _run:
        bpy.app.timers.register(partial(run.go_on, is_cancelled=True), first_interval=_DELAY_S)
    _run.clear()


classes = (RenderAndApply,)
handlers = (
    (bpy.app.handlers.render_complete, _on_complete),
    (bpy.app.handlers.render_cancel, _on_cancel),
)


def detach() -> None:
    """Leave the scene as it was before a run that is still on."""
    for run in _run:
        run.restore()
    _run.clear()
