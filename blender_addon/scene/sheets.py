"""Contact sheets as images of Blender: one by name, replaced by the next."""

from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from .results import pack_as

_SOURCE = "reggan_source"
"""Custom property of a sheet: the name of the image that it was made of."""


def packed_sheet(path: Path, name: str, source: str) -> Any:
    """A sheet inside the .blend, as there is nothing to keep of it on disk.

    Raises:
        BridgeError: the file is not there.
    """
    try:
        sheet = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise BridgeError(f"No sheet was drawn at {path}: {error}. Run Doctor.") from error
    pack_as(sheet, f"{name}.png")
    former = bpy.data.images.get(name)
    if former is not None and _SOURCE in former:
        former.user_remap(sheet)
        bpy.data.images.remove(former)
    sheet.name = name
    sheet[_SOURCE] = source
    return sheet


def image_in_editor(context: Any) -> Any:
    """The image in this Image Editor; of a sheet, the one that it was made of."""
    image = getattr(context, "edit_image", None)
    if image is not None and _SOURCE in image:
        return bpy.data.images.get(image[_SOURCE])
    return image
