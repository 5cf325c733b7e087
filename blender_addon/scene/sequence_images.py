"""Rendered frames as images of Blender: loaded as a sequence, and shown."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.frame_sequence import shown_number
from ..bridge.view_fit import fitted, free_span, hides_a_part
from .files_from_images import path_of_image
from .image_origins import former_result, mark_result

_NUMBERS = "reggan_frames"
"""Custom property of a sequence's image: its first and last frame number."""


def load_frames(first: Path, last: Path) -> Any:
    """Return the image of the frames from `first` to `last`; one that Blender has already is read
    anew.

    Args:
        first: also the last, of a single picture.
        last: of the same folder.

    Raises:
        BridgeError: Blender cannot read the first of them.
    """
    source = _kind_of(first, last)
    known = (i for i in bpy.data.images if i.source == source and path_of_image(i) == first)
    image = next(known, None) or _load(first)
    _show_frames(image, first, last)
    return image


def load_changed_frames(first: Path, last: Path, original: Any, label: str) -> Any:
    """Return the image of frames that were changed; in place of that of an earlier run.

    Args:
        first: also the last, of a single picture.
        last: of the same folder.
        original: the image of the frames that they were made of; they are shown as it is.
        label: the expression.

    Raises:
        BridgeError: Blender cannot read the first of them.
    """
    image = former_result(original, label) or _load(first)
    _show_frames(image, first, last)
    image.name = f"{shot_name(first)} {label}"
    image.colorspace_settings.name = original.colorspace_settings.name
    image.use_view_as_render = original.use_view_as_render
    mark_result(image, original, label)
    return image


def shot_name(frame: Path) -> str:
    """Return a frame's name without its number and ending."""
    return re.sub(r"[._ -]*\d+$", "", frame.stem) or frame.stem


def _show_frames(image: Any, first: Path, last: Path) -> None:
    image.source = _kind_of(first, last)
    image.filepath = stored_path(first)
    if image.source == "SEQUENCE":
        image[_NUMBERS] = [shown_number(first), shown_number(last)]
    image.reload()


def _kind_of(first: Path, last: Path) -> str:
    return "FILE" if shown_number(first) == shown_number(last) else "SEQUENCE"


def stored_path(path: Path) -> str:
    """Return a path as a .blend keeps it: relative to it wherever that is possible."""
    if not bpy.data.filepath:
        return str(path)
    try:
        return str(bpy.path.relpath(str(path)))
    except ValueError:  # on another drive of Windows
        return str(path)


def show_all_frames(user: Any, image: Any) -> None:
    """Let an image user or an Image node show frame N of a sequence at frame N of the scene."""
    numbers = numbers_of(image)
    if numbers is None:
        return
    first, last = numbers
    user.frame_start = first
    user.frame_offset = first - 1
    user.frame_duration = last - first + 1
    user.use_auto_refresh = True


def numbers_of(image: Any) -> tuple[int, int] | None:
    """Return the first and the last frame number of a sequence that was loaded here."""
    if image.source != "SEQUENCE" or _NUMBERS not in image:
        return None
    first, last = image[_NUMBERS]
    return int(first), int(last)


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
    _once_drawn(image.name, _uncover)
    return True


def show_whole(context: Any, image: Any) -> bool:
    """Show an image there, as large as that allows if no editor shows it; whether there is one."""
    before = _zooms(image.name)
    if not show(context, image):
        return False
    _once_drawn(image.name, lambda name: _fit(name) if _zooms(name) != before else None)
    return True


def _once_drawn(name: str, then: Callable[[str], None]) -> None:
    """Do something to an image's editors after it is drawn: it is read then.

    Blender 5.2 shows a picture that is drawn for the first time at its own size.
    """
    timers, space = bpy.app.timers, bpy.types.SpaceImageEditor
    drawn: list[str] = []

    def note() -> None:
        image = bpy.context.space_data.image
        if not drawn and image is not None and image == bpy.data.images.get(name):
            drawn.append(name)
            timers.register(act, first_interval=0.0, persistent=True)

    def act() -> None:
        space.draw_handler_remove(handle, "WINDOW")
        if name in bpy.data.images:
            then(name)

    if not bpy.app.background:
        handle = space.draw_handler_add(note, (), "WINDOW", "POST_PIXEL")


def _zooms(name: str) -> list[float]:
    """Zoom of each editor that shows an image; asked so, Blender does not read the image for it."""
    return [round(area.spaces.active.zoom_percentage, 1) for _, area, _ in _showing(name)]


def _fit(name: str) -> None:
    """Show an image as large as the part of the editor allows that the sidebar leaves free."""
    for window, area, region in _showing(name):
        space, free = area.spaces.active, _free(area, region)
        with bpy.context.temp_override(window=window, area=area, region=region):
            bpy.ops.image.view_all(fit_view=True)
            if min(space.image.size) > 0:
                size = (region.width, region.height)
                zoom, shift = fitted(tuple(space.image.size), size, free)
                bpy.ops.image.view_zoom_ratio(ratio=zoom)
                bpy.ops.image.view_pan(offset=(shift, 0.0))


def _uncover(name: str) -> None:
    """Fit an image that lies partly under the sidebar, unless the artist has zoomed in."""
    for _, area, region in _showing(name):
        (left, _), (right, _) = (
            region.view2d.view_to_region(u, 0.5, clip=False) for u in (0.0, 1.0)
        )
        if hides_a_part((left, right), region.width, _free(area, region)):
            _fit(name)


def _showing(name: str) -> list[tuple[Any, Any, Any]]:
    """Windows, areas and regions that show an image."""
    return [
        (window, area, next(region for region in area.regions if region.type == "WINDOW"))
        for window, area in _image_editors(bpy.context)
        if area.spaces.active.image is not None and area.spaces.active.image.name == name
    ]


def _free(area: Any, region: Any) -> tuple[float, float]:
    """Left and right of the part of a region that no other lies over."""
    covers = [
        (other.x - region.x, other.x - region.x + other.width)
        for other in area.regions
        if other.type in ("UI", "TOOLS") and other.width > 1 and other.x < region.x + region.width
    ]
    return free_span(region.width, [span for span in covers if span[1] > 0])


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
