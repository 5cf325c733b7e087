"""Images that the add-on made: of which image each was made, so that work goes on from that one.

A result is taken for its source wherever an image is asked for; else a smile would be made of a
smile, and a sheet of a sheet.
"""

import time
from typing import Any

import bpy

_SOURCE, _KIND, _LABEL, _TIME = "reggan_source", "reggan_kind", "reggan_label", "reggan_time"
"""Custom properties of an image that was made here. The first is missing if no image was shown."""
_FRAME = "reggan_frame"
"""Of a still: the number of the frame that it was made of."""
_CELLS = "reggan_cells"
"""Of a sheet: which face is where, as `cells_text` writes it."""
_SHEET, _RESULT, _LIVE = "sheet", "result", "live"


def mark_sheet(image: Any, source: Any, cells: str = "") -> None:
    """Remember of which image a contact sheet was made, and what is where on it.

    Args:
        image: the sheet.
        source: an image; None of a frame on disk.
        cells: as `cells_text` writes them; empty if it is not known.
    """
    _mark(image, source, _SHEET, "")
    image[_CELLS] = cells


def cells_of(image: Any) -> str:
    """Return what is where on a sheet; empty of any other image."""
    return str(image.get(_CELLS, "")) if is_made(image) and image[_KIND] == _SHEET else ""


def time_of(image: Any) -> float:
    """When an image was made here, in seconds since 1970."""
    return float(image[_TIME])


def mark_result(image: Any, source: Any, label: str, frame: int | None = None) -> None:
    """Remember of which image a result was made.

    Args:
        image: the result.
        source: an image; None if it is gone.
        label: the expression, as names have it.
        frame: of a still of a shot.
    """
    _mark(image, source, _RESULT, label)
    if frame is not None:
        image[_FRAME] = frame


def mark_live(image: Any, source: Any) -> None:
    """Remember of which image a live picture is made."""
    _mark(image, source, _LIVE, "")


def is_made(image: Any) -> bool:
    """Tell whether the add-on made an image."""
    return image is not None and _KIND in image


def is_result(image: Any) -> bool:
    """Tell whether it is a face with a changed expression."""
    return is_made(image) and image[_KIND] == _RESULT


def source_of(image: Any) -> Any:
    """Follow an image to its first source; itself if not made here, None if that is gone."""
    while is_made(image):
        image = image.get(_SOURCE)
    return image


def image_to_change(context: bpy.types.Context) -> Any:
    """Return the image that a button means: that of this Image Editor, or its source."""
    return start_of(context, getattr(context, "edit_image", None))


def start_of(context: bpy.types.Context, image: Any) -> Any:
    """Return the image that a job begins with: the source of the one shown, unless results go
    on.
    """
    if is_result(image) and context.scene.reggan.goes_on_from_result:
        return image
    return source_of(image)


def results_of(source: Any) -> list[Any]:
    """All that was made of an image, the newest first; no sheets."""
    found = [image for image in bpy.data.images if is_result(image) and source_of(image) == source]
    return sorted(found, key=lambda image: -image[_TIME])


def before_and_after(image: Any) -> tuple[Any, Any]:
    """Return the picture before its change and the result, by either; None what there is not."""
    if is_result(image):
        return image.get(_SOURCE), image
    if is_made(image):
        return None, None
    return image, next(iter(results_of(image)), None)


def former_result(source: Any, label: str, frame: int | None = None) -> Any:
    """Return the result of the same image, frame and expression that a new one takes the place of;
    else None.

    One that was painted on stays.
    """
    if source is None:
        return None
    same = (one for one in results_of(source) if one[_LABEL] == label and not one.is_dirty)
    own = (one for one in same if one.get(_SOURCE) == source and one.get(_FRAME) == frame)
    return next(own, None)


def take_place_of(former: Any, image: Any, name: str) -> None:
    """Show an image wherever a former one was shown, remove that, and take its name."""
    if former is not None:
        former.user_remap(image)
        bpy.data.images.remove(former)
    image.name = name


def _mark(image: Any, source: Any, kind: str, label: str) -> None:
    image[_KIND], image[_LABEL], image[_TIME] = kind, label, time.time()
    if source is not None:
        image[_SOURCE] = source
