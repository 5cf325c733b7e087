"""Which files a render of the scene writes, and which of them it must not write over."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.in_words import counted_frames
from .made_images import is_result
from .shots import compositor_of, shots_of

_RENDERED = "reggan_rendered"
"""Custom property of a scene: what *Render and Apply* rendered, by path, and when (JSON)."""


def files_of_render(scene: bpy.types.Scene) -> list[Path]:
    """Return the files that all shots of the scene are rendered to, each in the order of frames."""
    render = scene.render
    frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    views = [""]
    if render.use_multiview and render.image_settings.views_format == "INDIVIDUAL":
        views = [view.name for view in render.views if view.use]
    files = [
        Path(os.path.normpath(bpy.path.abspath(render.frame_path(frame=frame, view=view))))
        for frame in frames
        for view in views
    ]
    return [shot.placed(path) for shot in shots_of(scene) for path in files]


def refuse_lost_frames(scene: bpy.types.Scene, files: Iterable[Path]) -> None:
    """Refuse a render over frames that the scene's compositor reads, or that were changed here.

    Raises:
        BridgeError: with the folder, and what to do.
    """
    folders = {path.parent for path in files if path.exists()}
    readers = [
        (node.image, f"the compositor of {scene.name} reads them")
        for node in _nodes_of(scene)
        if getattr(node, "image", None) is not None
    ]
    readers += [(i, "they are changed ones") for i in bpy.data.images if is_result(i)]
    for image, why in readers:
        path = Path(os.path.normpath(bpy.path.abspath(image.filepath, library=image.library)))
        if image.filepath and path.parent in folders:
            raise BridgeError(
                f"The scene would be rendered over the frames in {path.parent}: {why}. Choose "
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


def _nodes_of(scene: bpy.types.Scene) -> list[Any]:
    tree = compositor_of(scene)
    waiting, nodes, seen = [tree] if tree is not None else [], list[Any](), set[Any]()
    while waiting:
        tree = waiting.pop()
        seen.add(tree)
        for node in tree.nodes:
            nodes.append(node)
            inner = getattr(node, "node_tree", None)
            if inner is not None and inner not in seen:
                waiting.append(inner)
    return nodes
