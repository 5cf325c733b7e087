"""Project a head through the camera in every frame of its scene, into a tracks file."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

from ..bridge.projection import SeenFace, face_in_view
from ..bridge.tracks_file import text_from_tracks, tracks_from_faces, write_tracks
from ..bridge.vectors import Point
from ..head_settings import OBJECTS
from ..scene.camera_view import hidden_points, view_of
from ..scene.head_in_scene import BoxedHead, has_parts, points_by_parts
from .copied import object_in_copy, scene_in_copy

_PLACES = {"given": "in sight", "outside": "outside the picture", "behind": "behind it"}


def run(asked: Mapping[str, Any], say: Callable[..., None]) -> None:
    """Write the tracks, and beside them what was found, in words.

    Raises:
        BridgeError: head or camera cannot be used in some frame; nothing was written.
    """
    scene, head = scene_in_copy(asked["scene"]), _head(asked["head"])
    layer = scene.view_layers[asked["layer"]]
    frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    scene.frame_set(frames[0])
    box = None if has_parts(head) else BoxedHead(head, layer.depsgraph)
    faces, cuts, camera = dict[int, SeenFace](), list[int](), scene.camera
    say("started", frames=len(frames))
    for done, frame in enumerate(frames, 1):
        scene.frame_set(frame)
        points = (box.points if box else points_by_parts)(head, layer.depsgraph)
        faces[frame] = _face(scene, layer.depsgraph, points, tests_occlusion=head.tests_occlusion)
        if scene.camera != camera:  # bound to markers of the timeline
            cuts.append(frame)
            camera = scene.camera
        say("projected", done=done, frames=len(frames))
    tracks = tracks_from_faces(
        faces,
        face=head.face_number,
        source=f"scene {scene.name}",
        cuts=cuts,
        others=asked["others"],
    )
    write_tracks(Path(asked["tracks"]), text_from_tracks(tracks))
    account = _account(faces, box.front if box else None)
    Path(asked["account"]).write_text(account, encoding="utf-8")


def _head(values: Mapping[str, Any]) -> SimpleNamespace:
    """The settings of the head, which this Blender knows nothing of."""
    objects = {name: values[name] and object_in_copy(values[name]) for name in OBJECTS}
    return SimpleNamespace(**{**values, **objects})


def _face(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    points: list[Point],
    *,
    tests_occlusion: bool,
) -> SeenFace:
    view = view_of(scene, depsgraph)
    seen = face_in_view(view, points)
    if seen.status != "given" or not tests_occlusion:
        return seen
    return face_in_view(view, points, hidden_points(scene, depsgraph, points))


def _account(faces: Mapping[int, SeenFace], front: str | None) -> str:
    """What was found, for the status bar."""
    counts = Counter(face.status for face in faces.values())
    parts = [f"{number} {_PLACES.get(status, status)}" for status, number in counts.items()]
    looks = f", front {front}" if front else ""
    return f"{len(faces)} frames{looks}: {', '.join(parts)}"
