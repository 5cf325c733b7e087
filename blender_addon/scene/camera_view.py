"""The view of a scene's camera in the frame that it shows, and what hides points from it."""

from collections.abc import Sequence

import bpy
from mathutils import Vector

from ..bridge.errors import BridgeError
from ..bridge.projection import CameraView
from ..bridge.vectors import Point
from .seen_surface import first_seen


def view_of(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> CameraView:
    """Return the camera's view in the frame that the scene shows.

    Raises:
        BridgeError: there is no camera, or it is panoramic.
    """
    problem = camera_problem(scene)
    if problem:
        raise BridgeError(problem)
    render, camera = scene.render, scene.camera.evaluated_get(depsgraph)
    width, height = (
        size * render.resolution_percentage // 100
        for size in (render.resolution_x, render.resolution_y)
    )
    # Rotation and position alone: Blender ignores the scale of a camera.
    view = camera.matrix_world.normalized().inverted()
    projection = camera.calc_matrix_camera(
        depsgraph,
        x=width,
        y=height,
        scale_x=render.pixel_aspect_x,
        scale_y=render.pixel_aspect_y,
    )
    return CameraView(
        clip_from_world=[tuple(row) for row in projection @ view],
        depth_from_world=tuple(-view[2]),
        width_px=width,
        height_px=height,
        crop_px=_crop_px(render, width, height),
    )


def camera_problem(scene: bpy.types.Scene) -> str:
    """Return the reason why points cannot be projected by this scene's camera; empty if they
    can.
    """
    if scene.camera is None or scene.camera.type != "CAMERA":
        return "The scene has no camera: add one, and make it the active one"
    if scene.camera.data.type not in ("PERSP", "ORTHO"):
        return "The camera is panoramic: only perspective and orthographic ones can be used"
    return ""


def hidden_points(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, points: Sequence[Point]
) -> list[bool]:
    """For each of the six landmarks, whether a surface stands before it.

    The face's own surface lies at its landmarks, a little before or behind: what is nearer to
    them than half the distance of the eyes hides nothing.
    """
    camera = scene.camera.evaluated_get(depsgraph)
    margin = (Vector(points[0]) - Vector(points[1])).length / 2
    return [_is_hidden(scene, depsgraph, camera, Vector(p), margin) for p in points]


def _is_hidden(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    camera: bpy.types.Object,
    point: Vector,
    margin: float,
) -> bool:
    """Tell whether a ray from the camera stops before a point."""
    pose = camera.matrix_world.normalized()
    depth = -(pose.inverted() @ point).z
    is_parallel = camera.data.type == "ORTHO"
    origin = point + pose.col[2].xyz * depth if is_parallel else pose.translation
    way = point - origin
    if depth <= camera.data.clip_start:
        return False
    begin, end = way.length * camera.data.clip_start / depth, way.length - margin
    if begin >= end:
        return False
    direction = way.normalized()
    place = first_seen(scene, depsgraph, origin + direction * begin, direction, end - begin)
    return place is not None


def _crop_px(
    render: bpy.types.RenderSettings, width: int, height: int
) -> tuple[int, int, int, int] | None:
    """Left, top, width and height of what is written, where the border cuts the picture."""
    if not (render.use_border and render.use_crop_to_border):
        return None
    left, right = (int(share * width) for share in (render.border_min_x, render.border_max_x))
    bottom, top = (int(share * height) for share in (render.border_min_y, render.border_max_y))
    return left, height - top, right - left, top - bottom
