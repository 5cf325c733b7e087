"""Contact sheets as images of Blender: one by name, replaced by the next."""

from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from .made_images import is_made, mark_sheet, take_place_of
from .result_images import pack_as


def packed_sheet(
    path: Path, name: str, source: Any, cells: str = "", *, has_scene_view: bool = False
) -> Any:
    """Return a sheet inside the .blend, as there is nothing to keep of it on disk.

    Args:
        path: its file.
        name: of the image.
        source: the image that it was made of; None if it was made of a frame on disk.
        cells: which face is where, as `cells_text` writes it.
        has_scene_view: show it through the scene's view transform, as its source is.

    Raises:
        BridgeError: the file is not there.
    """
    try:
        sheet = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise BridgeError("No sheet was drawn. Run Doctor in the add-on's preferences.") from error
    sheet.use_view_as_render = has_scene_view
    pack_as(sheet, f"{name}.png")
    former = bpy.data.images.get(name)
    take_place_of(former if is_made(former) else None, sheet, name)
    mark_sheet(sheet, source, cells)
    return sheet
