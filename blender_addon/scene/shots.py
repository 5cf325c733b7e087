"""The shots that one render of a scene is, and the frames that the extension has rendered itself.

There is one shot for each camera and each view layer that is wanted. Each is rendered into a folder
of its own beside the others. For the render the scene's camera, view layers and output path are
changed; afterwards they are as they were.
"""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.frames_in_words import counted_frames
from .base_colour import nodes_within
from .files_from_images import file_stem, path_of_image
from .image_origins import is_result


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One camera and one view layer.

    Attributes:
        camera: the name of its object; empty for that of the scene.
        layer: the name of a view layer; empty for all that are rendered.
        folder: of its frames, in that of the scene's output; empty where there is one shot.
    """

    camera: str = ""
    layer: str = ""
    folder: str = ""

    def placed(self, frame: Path) -> Path:
        """Return where a frame of the scene's output lies in this shot."""
        return frame.parent / self.folder / frame.name


def shots_of(scene: bpy.types.Scene) -> list[Shot]:
    """Return the shots of a scene, that of its own camera first; at least one."""
    settings = scene.reggan
    cameras = cameras_of(scene) if settings.all_cameras else []
    layers = [one.name for one in scene.view_layers if one.use] if settings.each_layer else []
    cameras = cameras if len(cameras) > 1 else [""]
    layers = layers if len(layers) > 1 else [""]
    shots = []
    for camera in cameras:
        for layer in layers:
            folder = "_".join(file_stem(name) for name in (camera, layer) if name)
            shots.append(Shot(camera=camera, layer=layer, folder=folder))
    return shots


def cameras_of(scene: bpy.types.Scene) -> list[str]:
    """Return the names of the cameras that render, that of the scene first."""
    found = [one for one in scene.objects if one.type == "CAMERA" and not one.hide_render]
    return [one.name for one in sorted(found, key=lambda one: one != scene.camera)]


def refuse_shots(scene: bpy.types.Scene) -> None:
    """Refuse several shots that would write over each other, or of which one alone was tracked.

    Raises:
        BridgeError: with what to do.
    """
    shots = shots_of(scene)
    if len(shots) == 1:
        return
    if len({shot.folder.lower() for shot in shots}) < len(shots):
        raise BridgeError(
            "Two cameras or view layers have names that make the same folder. Rename one of them."
        )
    if scene.reggan.use_rig_tracks:
        raise BridgeError(
            f"{len(shots)} shots are to be rendered, but the head was tracked for one camera. "
            "Switch Head from Rig off, or render one camera and all view layers at once."
        )
    tree = compositor_of(scene)
    nodes = [] if tree is None else [one for one in tree.nodes if one.type == "OUTPUT_FILE"]
    if any(not node.mute for node in nodes):
        raise BridgeError(
            f"The compositor of {scene.name} has a File Output node, which would write over its "
            "own files with each shot. Mute it, or render one camera and all view layers at once."
        )


def begin_shot(scene: bpy.types.Scene, shot: Shot) -> dict[str, Any]:
    """Set a scene for one of its shots; returns what `end_shot` takes."""
    before = {
        "camera": scene.camera and scene.camera.name,
        "path": scene.render.filepath,
        "layers": {one.name: one.use for one in scene.view_layers},
        "markers": [one.camera and one.camera.name for one in scene.timeline_markers],
    }
    if shot.folder:
        folder, name = _PATH.fullmatch(scene.render.filepath).groups("")  # type: ignore[union-attr]
        scene.render.filepath = f"{folder}{shot.folder}/{name}"
    if shot.camera:
        scene.camera = scene.objects[shot.camera]
        for marker in scene.timeline_markers:  # they would choose another one
            marker.camera = None
    if shot.layer:
        for layer in scene.view_layers:
            layer.use = layer.name == shot.layer
    return before


def end_shot(scene: bpy.types.Scene, before: dict[str, Any]) -> None:
    """Set a scene as it was."""
    objects = scene.objects
    scene.camera = objects.get(before["camera"] or "")
    scene.render.filepath = before["path"]
    for layer in scene.view_layers:
        layer.use = before["layers"].get(layer.name, layer.use)
    for marker, camera in zip(scene.timeline_markers, before["markers"], strict=False):
        if camera:
            marker.camera = objects.get(camera)


_PATH = re.compile(r"(.*[/\\])?([^/\\]*)", re.DOTALL)


def compositor_of(scene: bpy.types.Scene) -> Any:
    """Return the nodes that a render of the scene goes through; None without any."""
    if bpy.app.version >= (5, 0, 0):
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


_RENDERED = "reggan_rendered"
"""Custom property of a scene: what *Render and Apply* rendered, by path, and when (JSON)."""


def files_of_render(scene: bpy.types.Scene) -> list[Path]:
    """Return the files that all shots of the scene are rendered to, each in the order of frames."""
    render = scene.render
    frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    files = [
        Path(os.path.normpath(bpy.path.abspath(render.frame_path(frame=frame, view=view))))
        for frame in frames
        for view in views_of(render)
    ]
    return [shot.placed(path) for shot in shots_of(scene) for path in files]


def views_of(render: Any) -> list[str]:
    """Return the names of the eyes that have files of their own; an empty one where none has."""
    if not (render.use_multiview and render.image_settings.views_format == "INDIVIDUAL"):
        return [""]
    return [view.name for view in render.views if view.use]


def refuse_lost_frames(scene: bpy.types.Scene, files: Iterable[Path]) -> None:
    """Refuse a render over frames that the scene's compositor reads, or that were changed here.

    Raises:
        BridgeError: with the folder, and what to do.
    """
    folders = {path.parent for path in files if path.exists()}
    readers = [
        (node.image, f"the compositor of {scene.name} reads them")
        for node in nodes_within(compositor_of(scene))
        if getattr(node, "image", None) is not None
    ]
    readers += [(i, "they are changed ones") for i in bpy.data.images if is_result(i)]
    for image, why in readers:
        folder = path_of_image(image).parent
        if image.filepath and folder in folders:
            raise BridgeError(
                f"The scene would be rendered over the frames in {folder}: {why}. Choose "
                "another folder as Output Path in the Output properties."
            )


def foreign_frames(scene: bpy.types.Scene, files: Iterable[Path]) -> list[Path]:
    """Return files that are there and were not rendered by *Render and Apply* of this scene."""
    if not scene.render.use_overwrite:
        return []
    own = _times_of(scene)
    return [path for path in files if path.exists() and own.get(str(path)) != _time_of(path)]


def account_of_foreign(frames: list[Path]) -> str:
    """Return the words of a question whether frames may be lost."""
    return (
        f"{counted_frames(len(frames))} in {frames[0].parent} "
        f"{'was' if len(frames) == 1 else 'were'} not rendered by this button"
    )


def note_own_renders(scene: bpy.types.Scene, files: Iterable[Path]) -> None:
    """Remember what was rendered just now: it may be rendered again."""
    times = _times_of(scene)
    times |= {str(path): _time_of(path) for path in files if path.exists()}
    scene[_RENDERED] = json.dumps(times)


def _times_of(scene: bpy.types.Scene) -> dict[str, str]:
    try:
        return dict(json.loads(scene.get(_RENDERED, "{}")))
    except ValueError:  # somebody else's
        return {}


def _time_of(path: Path) -> str:
    return str(path.stat().st_mtime_ns)
