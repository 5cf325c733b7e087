"""The image that shows a face as it is being changed."""

from array import array
from pathlib import Path
from typing import Any

import bpy

from .made_images import mark_live, source_of

NAME = "RegGAN live"


def live_picture() -> Any:
    """The image; None if nothing is shown live."""
    return bpy.data.images.get(NAME)


def show_live(path: Path, width: int, height: int, source: Any) -> Any:
    """Show a picture that was just made, in the image that is there, or in a new one.

    Args:
        path: float32 RGBA, rows from the bottom, as stored in the source.
        width: in pixels.
        height: in pixels.
        source: the image that it was made of, as which it is shown.
    """
    image = live_picture()
    if image is not None and tuple(image.size) != (width, height):
        image.scale(width, height)
    if image is None:
        image = bpy.data.images.new(NAME, width, height, alpha=True, float_buffer=source.is_float)
        image.colorspace_settings.name = source.colorspace_settings.name  # clears it
        image.use_view_as_render = source.use_view_as_render or source.type == "RENDER_RESULT"
        mark_live(image, source)
    values = array("f")
    with path.open("rb") as file:
        values.fromfile(file, 4 * width * height)
    image.pixels.foreach_set(values)
    image.update()
    return image


def end_live() -> None:
    """Put the source back wherever the live picture is shown, and remove that."""
    image = live_picture()
    if image is None:
        return
    source = source_of(image)
    if source is not None:
        image.user_remap(source)
    bpy.data.images.remove(image)
