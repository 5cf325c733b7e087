"""The points on the head's eyes and mouth: placed, drawn over pictures of the shot, and dragged."""

import math
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import blf
import bpy
import gpu
from bpy.props import EnumProperty, FloatProperty
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from mathutils import Matrix

from ..bridge.errors import BridgeError
from ..bridge.frame_sequence import shown_number
from ..bridge.projection import Pixel, Point, difference, length, middle
from ..head_settings import POINTS
from ..job_display import Explained, Undoable, redraw_sidebars, refuse, refusing
from ..scene.camera_view import SurfaceDepths
from ..scene.face_handles import FaceHandles, face_handles, move_handle
from ..scene.head_landmarks import head_in_scene, head_problem
from ..scene.image_origins import is_made

_LANDMARK, _HANDLE, _EDGE = (1.0, 0.85, 0.1, 0.9), (0.1, 0.8, 1.0, 1.0), (0.0, 0.0, 0.0, 0.8)
_LANDMARK_PX, HANDLE_PX, _EDGE_PX, _TEXT_PX = 2.5, 6.0, 1.5, 11
_CORNERS = 16
_Place = Callable[[Pixel], tuple[float, float]]
"""From a pixel of the picture to one of the region."""


def place_in_image(context: Any, drawn: FaceHandles) -> _Place | None:
    """Places in an Image Editor; None if it shows no picture of the shot."""
    image = context.space_data.image
    source = None if is_made(image) else image  # over a result they would hide what has changed
    if source is None or (source.type != "RENDER_RESULT" and tuple(source.size) != drawn.size):
        return None
    if source.source == "FILE" and shown_number(Path(source.filepath)) != drawn.frame:
        return None  # a still of another frame, or no frame at all
    view, (width, height) = context.region.view2d, drawn.size

    def place(pixel: Pixel) -> tuple[float, float]:
        x, y = view.view_to_region(pixel[0] / width, 1 - pixel[1] / height, clip=False)
        return float(x), float(y)

    return place


def _place_in_view(context: Any, drawn: FaceHandles) -> _Place | None:
    """Places in a 3D viewport that looks through the scene's camera; else None."""
    region, space, scene = context.region, context.space_data, context.scene
    if space.region_3d.view_perspective != "CAMERA" or space.camera != scene.camera:
        return None
    pose = scene.camera.matrix_world.normalized()
    frame = scene.camera.data.view_frame(scene=scene)  # from the top right corner, clockwise
    top_right, bottom_right, _, top_left = (
        location_3d_to_region_2d(region, space.region_3d, pose @ corner) for corner in frame
    )
    if top_right is None or bottom_right is None or top_left is None:
        return None
    across, down = top_right - top_left, bottom_right - top_right

    def place(pixel: Pixel) -> tuple[float, float]:
        u, v = ((pixel[i] + drawn.origin[i]) / drawn.whole[i] for i in range(2))
        x, y = top_left + across * u + down * v
        return float(x), float(y)

    return place


def _draw(place_in: Callable[[Any, FaceHandles], _Place | None]) -> None:
    context = bpy.context
    if not context.scene.reggan.shows_points:
        return
    drawn = face_handles(context)
    place = None if drawn is None else place_in(context, drawn)
    if drawn is None or place is None:
        return
    scale = context.preferences.system.ui_scale
    gpu.state.blend_set("ALPHA")
    for face in drawn.landmarks:
        _discs(map(place, face), _LANDMARK_PX * scale, _LANDMARK)
    _discs(map(place, drawn.handles.values()), HANDLE_PX * scale, _HANDLE)
    for name, pixel in drawn.handles.items():
        _write(name.replace("_", " ").title(), place(pixel), scale)
    gpu.state.blend_set("NONE")


def _discs(
    places: Iterable[tuple[float, float]], radius: float, colour: tuple[float, float, float, float]
) -> None:
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    for place in places:
        for size, tint in ((radius + _EDGE_PX, _EDGE), (radius, colour)):
            turns = (2 * math.pi * number / _CORNERS for number in range(_CORNERS + 1))
            corners = [
                (place[0] + size * math.cos(turn), place[1] + size * math.sin(turn))
                for turn in turns
            ]
            triangles = [(place, *pair) for pair in pairwise(corners)]
            flat = [corner for triangle in triangles for corner in triangle]
            batch = batch_for_shader(shader, "TRIS", {"pos": flat})
            shader.bind()
            shader.uniform_float("color", tint)
            batch.draw(shader)


def _write(text: str, place: tuple[float, float], scale: float) -> None:
    blf.size(0, _TEXT_PX * scale)
    blf.color(0, *_HANDLE)
    blf.enable(0, blf.SHADOW)
    blf.shadow(0, 3, *_EDGE)
    blf.position(0, place[0] + 1.5 * HANDLE_PX * scale, place[1] - _TEXT_PX * scale / 3, 0)
    blf.draw(0, text)
    blf.disable(0, blf.SHADOW)


_SIZE = 0.12
"""Radius of a point in eye distances."""


class PlacePoints(Undoable, Explained, bpy.types.Operator):
    """Put empties where eyes and mouth are thought to be. Drag them onto the face, and track it."""

    bl_idname = "reggan.place_points"
    bl_label = "Place Points"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        settings = context.scene.reggan_head
        are_chosen = any(getattr(settings, name) for name in POINTS)
        return head_problem(settings) or (
            "Eyes and mouth are chosen already: move those" if are_chosen else ""
        )

    @refusing
    def execute(self, context: bpy.types.Context) -> set[str]:
        """In the frame that the scene shows; the empties move with the head."""
        scene, settings = context.scene, context.scene.reggan_head
        depsgraph = context.evaluated_depsgraph_get()
        found = head_in_scene(settings, depsgraph)
        points = found.points(settings, depsgraph)
        points = SurfaceDepths(scene, depsgraph, points).on_surface(points)
        left, right, _, mouth_left, mouth_right, _ = points
        places = {"left_eye": left, "right_eye": right, "mouth": middle(mouth_left, mouth_right)}
        radius = _SIZE * length(difference(left, right))
        for name, place in places.items():
            setattr(settings, name, _new_empty(context, settings, name, place, radius))
        self.report({"INFO"}, f"Found by {found.found_by}. Drag the points onto eyes and mouth")
        return {"FINISHED"}


def _new_empty(
    context: bpy.types.Context, settings: Any, name: str, place: Point, radius: float
) -> Any:
    """Return an empty that moves with the head."""
    empty = bpy.data.objects.new(name.replace("_", " ").title(), None)
    context.scene.collection.objects.link(empty)
    empty.empty_display_type, empty.empty_display_size = "SPHERE", 1.0
    empty.show_in_front = empty.show_name = True
    empty.parent = settings.head
    if settings.head.type == "ARMATURE":
        empty.parent_type, empty.parent_bone = "BONE", settings.bone
    context.view_layer.update()
    empty.matrix_world = Matrix.Translation(place) @ Matrix.Scale(radius, 4)
    return empty


_REACH = 2.0
"""In radii of a handle, that a click may be off."""
_MOVED = "The points were moved. Press Track Head"


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
            return refuse(self, error)
        context.scene.reggan.tracks_account = _MOVED
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
            return refuse(self, error)
        moved = getattr(context.scene.reggan_head, name)
        self._name, self._before = moved.name, moved.matrix_world.copy()
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Follow the mouse until the button is released; Esc puts the point back."""
        if event.type == "MOUSEMOVE":
            return self._follow(context, event)
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            context.scene.reggan.tracks_account = _MOVED
            self.report({"INFO"}, _MOVED)
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
        view, (width, height) = context.region.view2d, drawn.size
        u, v = view.region_to_view(event.mouse_region_x, event.mouse_region_y)
        try:
            move_handle(context, self.point, (u * width, (1 - v) * height))
        except BridgeError as error:
            return refuse(self, error)
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
    near = [(math.dist(place(pixel), mouse), name) for name, pixel in drawn.handles.items()]
    return min(((d, name) for d, name in near if d <= reach), default=(0.0, None))[1]


classes = (PlacePoints, DragPoint)
drawings = (
    (bpy.types.SpaceImageEditor, partial(_draw, place_in_image)),
    (bpy.types.SpaceView3D, partial(_draw, _place_in_view)),
)
keys = (("PICTURE", DragPoint.bl_idname, "LEFTMOUSE", "PRESS"),)
