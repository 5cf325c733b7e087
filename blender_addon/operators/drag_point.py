"""Drag an eye or the mouth of the scene's head to its place in a picture of the shot."""

import math
from typing import Any

import bpy
from bpy.props import EnumProperty, FloatProperty

from ..bridge.errors import BridgeError
from ..bridge.projection import Pixel
from ..head_settings import POINTS
from ..job_display import redraw_sidebars
from ..scene.face_handles import FaceHandles, face_handles, move_handle
from .picture_clicks import Clicks, bind_clicks, unbind_clicks
from .points_overlay import HANDLE_PX, pixel_in_image, place_in_image

_REACH = 2.0
"""In radii of a handle, that a click may be off."""
_AGAIN = "The points were moved since. Press Track Head again"
_clicks: Clicks = []


class DragPoint(bpy.types.Operator):
    """Move an eye or the mouth to this pixel of the picture, as deep in the scene as it was."""

    bl_idname = "reggan.drag_point"
    bl_label = "Drag Point"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012 - Blender's own way

    point: EnumProperty(items=[(name, name, "") for name in POINTS], options={"SKIP_SAVE"})
    x: FloatProperty(options={"SKIP_SAVE"})
    y: FloatProperty(options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Return true where points may be drawn."""
        return context.scene.reggan.shows_points and context.scene.camera is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Move `point` to `x`, `y`: pixels from the picture's top left corner."""
        try:
            _take_hold(context)
            move_handle(context, self.point, (self.x, self.y))
        except (BridgeError, RuntimeError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        context.scene.reggan.tracks_account = _AGAIN
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Begin, if a point lies under the mouse; else the click is for other tools."""
        if context.region is None or context.region.type != "WINDOW":
            return {"PASS_THROUGH"}
        if context.space_data.mode != "VIEW":  # painting goes on under a point
            return {"PASS_THROUGH"}
        drawn = face_handles(context)
        name = None if drawn is None else _under_mouse(context, drawn, event)
        if name is None:
            return {"PASS_THROUGH"}
        self.point = name
        try:
            _take_hold(context)
        except RuntimeError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        moved = getattr(context.scene.reggan_head, name)
        self._name, self._before = moved.name, moved.matrix_world.copy()
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Follow the mouse until the button is released; Esc puts the point back."""
        if event.type == "MOUSEMOVE":
            return self._follow(context, event)
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            context.scene.reggan.tracks_account = _AGAIN
            self.report({"INFO"}, _AGAIN)
            redraw_sidebars(context.window_manager)
            return {"FINISHED"}
        if event.type in ("ESC", "RIGHTMOUSE"):
            bpy.data.objects[self._name].matrix_world = self._before
            return {"CANCELLED"}
        return {"RUNNING_MODAL"}

    def _follow(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        drawn = face_handles(context)
        if drawn is None:
            return {"CANCELLED"}
        pixel = pixel_in_image(context, drawn, event.mouse_region_x, event.mouse_region_y)
        try:
            move_handle(context, self.point, pixel)
        except BridgeError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        context.area.tag_redraw()
        return {"RUNNING_MODAL"}


def _take_hold(context: bpy.types.Context) -> None:
    """Put empties where the points are, if nothing is named yet.

    Raises:
        RuntimeError: that cannot be done, and why.
    """
    settings = context.scene.reggan_head
    if not any(getattr(settings, name) for name in POINTS):
        bpy.ops.reggan.place_points()


def _under_mouse(context: Any, drawn: FaceHandles, event: bpy.types.Event) -> str | None:
    place = place_in_image(context, drawn)
    if place is None:
        return None
    reach = _REACH * HANDLE_PX * context.preferences.system.ui_scale
    mouse = (event.mouse_region_x, event.mouse_region_y)

    def distance(pixel: Pixel) -> float:
        at = place(pixel)
        return math.inf if at is None else math.dist(at, mouse)

    near = [(distance(pixel), name) for name, pixel in drawn.handles.items()]
    return min(((d, name) for d, name in near if d <= reach), default=(0.0, None))[1]


classes = (DragPoint,)


def attach() -> None:
    """Attach it to a left click in the Image Editor."""
    _clicks.extend(bind_clicks(DragPoint.bl_idname))


def detach() -> None:
    """Take the click away again."""
    unbind_clicks(_clicks)
