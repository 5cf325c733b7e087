"""Points for eyes and mouth where the rig is thought to have them, to be dragged onto the face."""

from typing import Any

import bpy
from mathutils import Matrix

from ..bridge.errors import BridgeError
from ..bridge.vectors import Point, difference, length, middle
from ..head_settings import POINTS
from ..scene.head_in_scene import head_in_scene, head_problem
from ..scene.seen_surface import SurfaceDepths

_SIZE = 0.12
"""Radius of a point in eye distances."""


class PlacePoints(bpy.types.Operator):
    """Put empties where eyes and mouth are thought to be. Drag them onto the face, and track it."""

    bl_idname = "reggan.place_points"
    bl_label = "Place Points"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender's own way

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether there is a head whose eyes and mouth are not chosen yet."""
        settings = context.scene.reggan_head
        problem = head_problem(settings)
        if not problem and any(getattr(settings, name) for name in POINTS):
            problem = "Eyes and mouth are chosen already: move those"
        if problem:
            cls.poll_message_set(problem)
        return not problem

    def execute(self, context: bpy.types.Context) -> set[str]:
        """In the frame that the scene shows; the empties move with the head."""
        scene, settings = context.scene, context.scene.reggan_head
        depsgraph = context.evaluated_depsgraph_get()
        try:
            found = head_in_scene(settings, depsgraph)
            points = found.points(settings, depsgraph)
            points = SurfaceDepths(scene, depsgraph, points).on_surface(points)
        except BridgeError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
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


classes = (PlacePoints,)
