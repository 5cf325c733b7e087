"""Rendered frames as images of Blender: loaded as a sequence, and shown."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.frame_sequence import shown_number

_NUMBERS = "reggan_frames"
"""Custom property of a sequence's image: its first and last frame number."""


def load_frames(first: Path, last: Path, like: Any = None) -> Any:
    """The image of the frames from `first` to `last`; one that Blender has already is read anew.

    Args:
        first: also the last, of a single picture.
        last: of the same folder.
        like: an image whose colour space is taken; else Blender goes by the format.

    Raises:
        BridgeError: Blender cannot read the first of them.
    """
    numbers = [shown_number(first), shown_number(last)]
    source = "FILE" if numbers[0] == numbers[1] else "SEQUENCE"
    image = next((i for i in bpy.data.images if i.source == source and _path_of(i) == first), None)
    if image is not None:
        image.reload()
    else:
        image = _load(first)
        image.source = source
        image.filepath = stored_path(first)
        if like is not None:
            image.colorspace_settings.name = like.colorspace_settings.name
    if source == "SEQUENCE":
        image[_NUMBERS] = numbers
    return image


def stored_path(path: Path) -> str:
    """A path as a .blend keeps it: relative to it wherever that is possible."""
    if not bpy.data.filepath:
        return str(path)
    try:
        return str(bpy.path.relpath(str(path)))
    except ValueError:  # on another drive of Windows
        return str(path)


def show_all_frames(user: Any, image: Any) -> None:
    """Let an image user or an Image node show frame N of a sequence at frame N of the scene."""
    if image.source != "SEQUENCE" or _NUMBERS not in image:
        return
    first, last = image[_NUMBERS]
    user.frame_start = first
    user.frame_offset = first - 1
    user.frame_duration = last - first + 1
    user.use_auto_refresh = True


def show(context: Any, image: Any) -> bool:
    """Show an image in the Image Editor in use, or the first that is open; whether there is one."""
    spaces = [
        area.spaces.active for _, area in _image_editors(context) if area.spaces.active.mode != "UV"
    ]
    own = context.space_data
    if own is not None and own.type == "IMAGE_EDITOR":
        spaces.insert(0, own)
    if not spaces:
        return False
    spaces[0].image = image
    show_all_frames(spaces[0].image_user, image)
    return True


def show_whole(context: Any, image: Any) -> bool:
    """Show an image there, as large as that allows if no editor shows it; whether there is one."""
    is_seen = any(area.spaces.active.image == image for _, area in _image_editors(context))
    if not show(context, image):
        return False
    if not is_seen and not bpy.app.background:
        # It can be fitted once it is read, for which Blender would wait here; drawing it reads it.
        bpy.app.timers.register(partial(_fit, image.name), first_interval=0.1)
    return True


def _fit(name: str) -> None:
    for window, area in _image_editors(bpy.context):
        image = area.spaces.active.image
        if image is not None and image.name == name:
            region = next(region for region in area.regions if region.type == "WINDOW")
            with bpy.context.temp_override(window=window, area=area, region=region):
                bpy.ops.image.view_all(fit_view=True)


def _image_editors(context: Any) -> list[tuple[Any, Any]]:
    """Windows and areas."""
    return [
        (window, area)
        for window in context.window_manager.windows
        for area in window.screen.areas
        if area.type == "IMAGE_EDITOR"
    ]


def _load(path: Path) -> Any:
    try:
        return bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise BridgeError(
            f"Blender cannot open {path}: {error}. Look whether the file is there, and open it in "
            "an Image Editor."
        ) from error


def _path_of(image: Any) -> Path:
    return Path(os.path.normpath(bpy.path.abspath(image.filepath, library=image.library)))
