"""The view of a scene's camera in the frame that it shows, and what hides points from it."""

from collections.abc import Sequence

import bpy
from mathutils import Vector

from ..bridge.errors import BridgeError
from ..bridge.projection import (
    CameraView,
    Point,
    cross,
    difference,
    dot,
    length,
    middle,
    mixed,
    unit,
    without_part_along,
)

_MOST_PASSED = 32
"""Surfaces on one ray that the camera does not see."""
_DEEPEST = 0.75
"""Below the surface, in eye distances, that a landmark may lie: a bone in the head does."""
_HEAD_DEPTH = 3.0
"""In eye distances, at least."""


def _face_frame(points: Sequence[Point]) -> tuple[Point, Point, float]:
    """Return the middle of a face in the world, where it looks (of length 1), its eye distance."""
    left_eye, right_eye, _, mouth_left, mouth_right, _ = points
    eyes, mouth = middle(left_eye, right_eye), middle(mouth_left, mouth_right)
    across = difference(left_eye, right_eye)
    up = without_part_along(difference(eyes, mouth), across)
    return middle(eyes, mouth), cross(unit(across), unit(up)), length(across)


def first_seen(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    origin: Vector,
    direction: Vector,
    length: float,
) -> Vector | None:
    """Return the first place on a ray where there is something that cameras see; None if nothing
    is.

    Args:
        scene: with the surfaces.
        depsgraph: of its frame.
        origin: of the ray.
        direction: of length 1.
        length: of the ray.
    """
    begin, step = 0.0, max(1e-5, 1e-4 * length)
    for _ in range(_MOST_PASSED):
        if begin >= length:
            return None
        hit, place, _, _, found, _ = scene.ray_cast(
            depsgraph, origin + direction * begin, direction, distance=length - begin
        )
        if not hit:
            return None
        if found.visible_camera and not found.hide_render:
            return place
        begin = (place - origin).length + step
    return None


class SurfaceDepths:
    """The depth of each landmark below the surface, so that it can be moved onto it.

    Bones and middles of eyeballs lie in the head, where its own lips and lids would hide them.
    """

    def __init__(
        self, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, points: Sequence[Point]
    ) -> None:
        """Measure in the frame that the scene shows."""
        _, looks, eye_distance = _face_frame(points)
        forward, reach = Vector(looks), _DEEPEST * eye_distance
        self._depths: list[float] = []
        for point in points:
            begin = Vector(point) + forward * reach
            place = first_seen(scene, depsgraph, begin, -forward, reach)
            way = (0.0, 0.0, 0.0) if place is None else difference(tuple(place), point)
            self._depths.append(dot(way, looks))

    def on_surface(self, points: Sequence[Point]) -> list[Point]:
        """Return the landmarks of any frame, moved forward as far as they were too deep."""
        _, forward, _ = _face_frame(points)
        return [
            mixed((1, depth), (point, forward))
            for point, depth in zip(points, self._depths, strict=True)
        ]


def refuse_exchanged_eyes(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, points: Sequence[Point]
) -> None:
    """Refuse a face that looks into its own head.

    Raises:
        BridgeError: it does, as its eyes are exchanged.
    """
    centre, looks, eye_distance = _face_frame(points)
    forward, reach = Vector(looks), _HEAD_DEPTH * eye_distance
    before, behind = (
        first_seen(scene, depsgraph, Vector(centre), way, reach) for way in (forward, -forward)
    )
    if before is not None and behind is None:
        raise BridgeError(
            "Left Eye and Right Eye are exchanged: the face would look into its own head. Left is "
            "the character's own left. Exchange the two under Head from Rig."
        )


def view_of(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> CameraView:
    """Return the camera's view in the frame that the scene shows.

    Raises:
        BridgeError: there is no camera, or it is panoramic.
    """
    problem = camera_problem(scene)
    if problem:
        raise BridgeError(problem)
    render, camera = scene.render, scene.camera.evaluated_get(depsgraph)
    width, height = full_size(render)
    # Rotation and position alone: Blender ignores the scale of a camera.
    view = camera.matrix_world.normalized().inverted()
    projection = camera.calc_matrix_camera(
        depsgraph, x=width, y=height, scale_x=render.pixel_aspect_x, scale_y=render.pixel_aspect_y
    )
    return CameraView(
        clip_from_world=[tuple(row) for row in projection @ view],
        depth_from_world=tuple(-view[2]),
        width_px=width,
        height_px=height,
        written_px=written_px(render),
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
    pose, clip_start = camera.matrix_world.normalized(), camera.data.clip_start
    margin = (Vector(points[0]) - Vector(points[1])).length / 2
    hidden = []
    for point in map(Vector, points):
        depth, place = -(pose.inverted() @ point).z, None
        is_parallel = camera.data.type == "ORTHO"
        origin = point + pose.col[2].xyz * depth if is_parallel else pose.translation
        way = point - origin
        if depth > clip_start:
            begin, direction = way.length * clip_start / depth, way.normalized()
            reach = way.length - margin - begin
            place = first_seen(scene, depsgraph, origin + direction * begin, direction, reach)
        hidden.append(place is not None)
    return hidden


def full_size(render: bpy.types.RenderSettings) -> tuple[int, int]:
    """Width and height of all that the camera sees."""
    share = render.resolution_percentage
    return render.resolution_x * share // 100, render.resolution_y * share // 100


def written_px(render: bpy.types.RenderSettings) -> tuple[int, int, int, int]:
    """Left, top, width and height of what is written: all, unless the border cuts the picture."""
    width, height = full_size(render)
    if not (render.use_border and render.use_crop_to_border):
        return 0, 0, width, height
    left, right = (int(share * width) for share in (render.border_min_x, render.border_max_x))
    bottom, top = (int(share * height) for share in (render.border_min_y, render.border_max_y))
    return left, height - top, right - left, top - bottom
