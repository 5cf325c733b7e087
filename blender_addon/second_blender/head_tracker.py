"""Project a head through the camera in every frame of its scene, into a tracks file."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.frames_in_words import account_of_faces
from ..bridge.projection import Point, SeenFace, face_in_view
from ..bridge.shape_keys import KeyWeight
from ..bridge.tracks_file import text_from_tracks, tracks_from_faces, write_tracks
from ..head_settings import OBJECTS
from ..scene.arkit_character import meshes_of_character, write_character
from ..scene.camera_view import SurfaceDepths, hidden_points, refuse_exchanged_eyes, view_of
from ..scene.head_landmarks import head_in_scene


def _found(things: bpy.types.bpy_prop_collection, full_name: str, kind: str) -> bpy.types.ID:
    """Return what the artist looked at, also of a library.

    Raises:
        BridgeError: it is not there.
    """
    found = next((thing for thing in things if thing.name_full == full_name), None)
    if found is None or found.is_missing:
        raise BridgeError(
            f"The {kind} {full_name} is not in the copy of this file that the second Blender "
            "opened. If it comes from another file, see in the Outliner's Blender File view that "
            "its library can be found; or choose another one."
        )
    return found


def run(asked: Mapping[str, Any], say: Callable[..., None]) -> None:
    """Write the tracks, and beside them what was found, in words.

    Raises:
        BridgeError: head or camera cannot be used in some frame; nothing was written.
    """
    scene, head = _found(bpy.data.scenes, asked["scene"], "scene"), _head(asked["head"])
    layer = scene.view_layers[asked["layer"]]
    frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    scene.frame_set(frames[0])
    found = head_in_scene(head, layer.depsgraph)
    points = found.points(head, layer.depsgraph)
    refuse_exchanged_eyes(scene, layer.depsgraph, points)
    depths = SurfaceDepths(scene, layer.depsgraph, points)
    faces, cuts, camera = dict[int, SeenFace](), list[int](), scene.camera
    _, _, width, height = view_of(scene, layer.depsgraph).written_px
    say("started", frames=len(frames))
    for done, frame in enumerate(frames, 1):
        scene.frame_set(frame)
        points = depths.on_surface(found.points(head, layer.depsgraph))
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
        size=(width, height),
    )
    write_tracks(Path(asked["tracks"]), text_from_tracks(tracks))
    account = account_of_faces(faces, found.found_by)
    if asked["character"] is not None:
        account["no_character"] = _write_own_head(scene, asked["character"])
    Path(asked["account"]).write_text(json.dumps(account), encoding="utf-8")


def _write_own_head(scene: bpy.types.Scene, asked: Mapping[str, Any]) -> str:
    """Write the head with its face shapes, at rest; why that cannot be, or nothing."""
    mesh = _found(bpy.data.objects, asked["mesh"], "object")
    rows = [KeyWeight(**row) for row in asked["rows"]]
    try:
        write_character(meshes_of_character(scene, mesh), rows, Path(asked["file"]))
    except BridgeError as error:  # the tracks are good all the same
        return str(error)
    return ""


def _head(values: Mapping[str, Any]) -> SimpleNamespace:
    """Return the settings of the head, which this Blender knows nothing of."""
    names = {name: values[name] for name in OBJECTS if values[name]}
    objects = {at: _found(bpy.data.objects, name, "object") for at, name in names.items()}
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
