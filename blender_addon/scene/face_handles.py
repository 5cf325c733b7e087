"""Left eye, right eye and mouth as the tracks or the rig have them: in pixels, and moved by them.

Pixels are those of the scene's rendered picture, from its top left corner.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
from mathutils import Matrix, Vector

from ..bridge.errors import BridgeError
from ..bridge.projection import LANDMARK_NAMES, CameraView, Pixel, middle, pixel_from_world
from ..bridge.tracks_file import landmarks_of_face, size_of_tracked
from ..head_settings import POINTS
from .camera_view import camera_problem, view_of
from .head_landmarks import place_of
from .settings_for_runtime import absolute_path

_read: dict[str, Any] = {}
"""The tracks that were read last, and their file's time: drawing asks again and again."""


@dataclass(frozen=True, kw_only=True)
class FaceHandles:
    """What is drawn over a picture of the shot.

    Attributes:
        size: of the picture, width and height in pixels.
        whole: the same of all that the camera sees, of which the picture may be a part.
        origin: left and top of the picture in that.
        frame: its number.
        landmarks: of every tracked face in this frame.
        handles: eyes and mouth of the scene's head, by name; none if nothing tells them.
    """

    size: tuple[int, int]
    whole: tuple[int, int]
    origin: tuple[int, int]
    frame: int
    landmarks: tuple[tuple[Pixel, ...], ...]
    handles: Mapping[str, Pixel]


def face_handles(context: bpy.types.Context) -> FaceHandles | None:
    """Return the points of the frame that the scene shows; None where no head was tracked or
    named.
    """
    scene = context.scene
    if camera_problem(scene):
        return None
    depsgraph = context.evaluated_depsgraph_get()
    view = view_of(scene, depsgraph)
    faces = _tracked(scene, view.written_px[2:])
    handles = _named_handles(scene.reggan_head, depsgraph, view)
    if handles is None:
        handles = _handles_of(faces.get(scene.reggan_head.face_number))
    if not faces and not handles:
        return None
    left, top, width, height = view.written_px
    return FaceHandles(
        size=(width, height),
        whole=(view.width_px, view.height_px),
        origin=(left, top),
        frame=scene.frame_current,
        landmarks=tuple(faces.values()),
        handles=handles,
    )


def move_handle(context: bpy.types.Context, name: str, pixel: Pixel) -> None:
    """Put an eye or the mouth of the scene's head where a pixel is, as deep as it was.

    Args:
        context: with the scene.
        name: of `POINTS`.
        pixel: the new place.

    Raises:
        BridgeError: it is no object of its own that could be moved.
    """
    moved = getattr(context.scene.reggan_head, name)
    title = name.replace("_", " ").title()
    if moved is None or moved.type != "EMPTY":
        found = "not chosen" if moved is None else f"{moved.name}, which moves with the rig"
        raise BridgeError(
            f"{title} is {found}. Clear Left Eye, Right Eye and Mouth under Head from Rig, and "
            "press Place Points: those can be dragged."
        )
    depsgraph = context.evaluated_depsgraph_get()
    view, world = view_of(context.scene, depsgraph), moved.matrix_world.copy()
    world.translation = _unprojected(view, world.translation, pixel)
    moved.matrix_world = world


def _unprojected(view: CameraView, before: Vector, pixel: Pixel) -> Vector:
    """Return the point that a pixel shows, in the depth of another one."""
    clip_from_world = Matrix(view.clip_from_world)
    clip = clip_from_world @ before.to_4d()
    left, top, _, _ = view.written_px
    clip.x = (2 * (pixel[0] + left) / view.width_px - 1) * clip.w
    clip.y = (1 - 2 * (pixel[1] + top) / view.height_px) * clip.w
    place = clip_from_world.inverted() @ clip
    return place.xyz / place.w


def _named_handles(
    settings: Any, depsgraph: bpy.types.Depsgraph, view: CameraView
) -> dict[str, Pixel] | None:
    if not all(getattr(settings, name) for name in POINTS):
        return None
    try:
        places = {name: place_of(settings, name, depsgraph) for name in POINTS}
    except BridgeError:  # a bone is gone: Track Head says so
        return None
    pixels = {name: pixel_from_world(view, place) for name, place in places.items()}
    return {name: pixel for name, pixel in pixels.items() if pixel is not None}


def _handles_of(landmarks: Sequence[Pixel] | None) -> dict[str, Pixel]:
    if landmarks is None:
        return {}
    by_name = dict(zip(LANDMARK_NAMES, landmarks, strict=True))
    left, right = by_name["mouth_left"], by_name["mouth_right"]
    x, y, _ = middle((*left, 0.0), (*right, 0.0))
    return {"left_eye": by_name["left_eye"], "right_eye": by_name["right_eye"], "mouth": (x, y)}


def _tracked(scene: bpy.types.Scene, size: tuple[int, int]) -> dict[int, tuple[Pixel, ...]]:
    """Return the landmarks of this frame; none if pictures of another size were tracked."""
    if not scene.reggan.rig_tracks:
        return {}
    try:
        path = absolute_path(scene.reggan.rig_tracks, "Tracks")
        key = (path, path.stat().st_mtime_ns, scene.frame_current)
        if _read.get("key") != key:
            faces = landmarks_of_face(Path(path), scene.frame_current)
            _read.update(key=key, faces=faces, size=size_of_tracked(Path(path)))
    except (BridgeError, OSError):  # nothing to draw; jobs say what is wrong with it
        return {}
    return dict(_read["faces"]) if _read["size"] in (None, size) else {}
