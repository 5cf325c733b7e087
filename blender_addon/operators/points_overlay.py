"""Eyes, mouth and tracked landmarks, drawn over pictures of the shot and in the camera's view."""

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import blf
import bpy
import gpu
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader

from ..bridge.frame_sequence import shown_number
from ..bridge.projection import Pixel
from ..scene.face_handles import FaceHandles, face_handles
from ..scene.made_images import is_made

_LANDMARK, _HANDLE, _EDGE = (1.0, 0.85, 0.1, 0.9), (0.1, 0.8, 1.0, 1.0), (0.0, 0.0, 0.0, 0.8)
_LANDMARK_PX, HANDLE_PX, _EDGE_PX, _TEXT_PX = 2.5, 6.0, 1.5, 11
_CORNERS = 16
_Place = Callable[[Pixel], tuple[float, float] | None]
"""From a pixel of the picture to one of the region."""
_handlers: list[tuple[Any, Any]] = []


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


def pixel_in_image(context: Any, drawn: FaceHandles, x: float, y: float) -> Pixel:
    """Return the pixel of the picture that lies at a place of an Image Editor's region."""
    u, v = context.region.view2d.region_to_view(x, y)
    return u * drawn.size[0], (1 - v) * drawn.size[1]


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


def _draw_in_image() -> None:
    _draw(place_in_image)


def _draw_in_view() -> None:
    _draw(_place_in_view)


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
    places: Iterable[tuple[float, float] | None],
    radius: float,
    colour: tuple[float, float, float, float],
) -> None:
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    for place in places:
        if place is None:
            continue
        for size, tint in ((radius + _EDGE_PX, _EDGE), (radius, colour)):
            corners = [_corner(place, size, i) for i in range(_CORNERS + 1)]
            triangles = [(place, *pair) for pair in pairwise(corners)]
            flat = [corner for triangle in triangles for corner in triangle]
            batch = batch_for_shader(shader, "TRIS", {"pos": flat})
            shader.bind()
            shader.uniform_float("color", tint)
            batch.draw(shader)


def _corner(place: tuple[float, float], radius: float, number: int) -> tuple[float, float]:
    angle = 2 * math.pi * number / _CORNERS
    return place[0] + radius * math.cos(angle), place[1] + radius * math.sin(angle)


def _write(text: str, place: tuple[float, float] | None, scale: float) -> None:
    if place is None:
        return
    blf.size(0, _TEXT_PX * scale)
    blf.color(0, *_HANDLE)
    blf.enable(0, blf.SHADOW)
    blf.shadow(0, 3, *_EDGE)
    blf.position(0, place[0] + 1.5 * HANDLE_PX * scale, place[1] - _TEXT_PX * scale / 3, 0)
    blf.draw(0, text)
    blf.disable(0, blf.SHADOW)


classes = ()


def attach() -> None:
    """Draw in both editors; without a window there is nothing to draw on."""
    if bpy.app.background:
        return
    for space, draw in (
        (bpy.types.SpaceImageEditor, _draw_in_image),
        (bpy.types.SpaceView3D, _draw_in_view),
    ):
        _handlers.append((space, space.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")))


def detach() -> None:
    """Draw no longer."""
    for space, handler in _handlers:
        space.draw_handler_remove(handler, "WINDOW")
    _handlers.clear()
