"""Images that show a face as it is being changed: a picture, or the map that a head wears."""

from array import array
from pathlib import Path
from typing import Any

import bpy

from .base_colour import image_nodes
from .files_from_images import tile_path
from .image_origins import mark_live, source_of
from .images_from_files import become_tiled

NAME, MAP_NAME = "RegGAN live", "RegGAN live map"


def show_live(path: Path, width: int, height: int, source: Any, name: str = NAME) -> Any:
    """Show a picture that was just made, in the image that is there, or in a new one.

    Args:
        path: float32 RGBA, rows from the bottom, as stored in the source.
        width: in pixels.
        height: in pixels.
        source: the image that it was made of, as which it is shown.
        name: of the image.
    """
    image = bpy.data.images.get(name)
    if image is not None and tuple(image.size) != (width, height):
        image.scale(width, height)
    if image is None:
        image = bpy.data.images.new(name, width, height, alpha=True, float_buffer=source.is_float)
        image.colorspace_settings.name = source.colorspace_settings.name  # clears it
        image.use_view_as_render = source.use_view_as_render or source.type == "RENDER_RESULT"
        mark_live(image, source)
    values = array("f")
    with path.open("rb") as file:
        values.fromfile(file, 4 * width * height)
    image.pixels.foreach_set(values)
    image.update()
    return image


def show_live_tiles(pattern: Path, source: Any) -> Any:
    """Show a set of tiles whose files were just written, in the image that is there, or a new one.

    Args:
        pattern: path of the files, with `<UDIM>`.
        source: the set that it was made of, as which it is shown.
    """
    image = bpy.data.images.get(MAP_NAME)
    if image is not None:
        image.reload()
        image.update_tag()
        return image
    numbers = tuple(tile.number for tile in source.tiles)
    image = bpy.data.images.load(str(tile_path(pattern, numbers[0])))
    image.name = MAP_NAME
    become_tiled(image, pattern, numbers)
    image.colorspace_settings.name = source.colorspace_settings.name
    image.alpha_mode = source.alpha_mode
    mark_live(image, source)
    return image


def wear_live(head: Any, source: Any, live: Any) -> bool:
    """Let a head's own materials show the live map in place of its source; whether any does.

    Args:
        head: an object.
        source: the map that its materials show.
        live: the map that is changed live.
    """
    nodes = [
        node
        for slot in head.material_slots
        if slot.material is not None and slot.material.library is None
        for node in image_nodes(slot.material.node_tree)
        if node.image in (source, live)
    ]
    for node in nodes:
        node.image = live
    return bool(nodes)


def end_live() -> None:
    """Put the source back wherever a live picture is shown, and remove that."""
    for name in (NAME, MAP_NAME):
        image = bpy.data.images.get(name)
        if image is None:
            continue
        source = source_of(image)
        if source is not None:
            image.user_remap(source)
        bpy.data.images.remove(image)
