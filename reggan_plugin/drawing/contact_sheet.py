"""Pictures of a face in rows and columns, with labels."""

import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reggan_plugin.array_types import Float, Pixels, Plane
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.files.frame import Frame
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.colour import PixelCoding
from reggan_plugin.imaging.crop import FaceCrop, cut_crop, region_of
from reggan_plugin.limits import refuse_oversize
from reggan_plugin.transfer.display_picture import coding_of


def encoded_picture(
    picture: Image.Image | Float[np.ndarray, "height width channels"], kind: str, **settings: Any
) -> bytes:
    """Encode a picture.

    Args:
        picture: Pillow's, or sRGB-encoded values, of which those outside of [0, 1] are clipped.
        kind: Pillow's name of the format, such as `PNG`.
        settings: of Pillow for the format, such as `quality`.
    """
    if not isinstance(picture, Image.Image):
        picture = _image(picture)
    content = io.BytesIO()
    picture.save(content, kind, **settings)
    return content.getvalue()


CELL_PX = 224
SMALL_PX, GRID_COLUMNS = 96, 8
"""Of a grid of small faces, as a menu shows them."""
_INNER_PX = (40, 34, 184, 178)
"""Left, top, right and bottom of the face alone in a view of it."""
_GAP_PX, _LABEL_WIDTH_PX, _LABEL_HEIGHT_PX, _FONT_PX = 4, 104, 28, 16
_PAPER, _INK = (32, 32, 34), (232, 232, 232)
_BACKDROP = 0.35
"""Colour behind transparent pixels, sRGB-encoded."""

View = Float[np.ndarray, "cell cell 3"]
Box = tuple[int, int, int, int]
"""x, y, width and height in pixels from the top left corner."""


@frozen(eq=False)
class SheetRow:
    """A label and as many pictures as the sheet has columns."""

    label: str
    views: Sequence[View]


def view_of_face(frame: Frame, pixels: Pixels, crop: FaceCrop, exposure_ev: float = 0.0) -> View:
    """Return the crop as it looks on a display, enlarged or reduced to a cell of the sheet.

    Args:
        frame: says how `pixels` are encoded, and has their alpha.
        pixels: of the size of the frame.
        crop: what to show.
        exposure_ev: stops by which a scene-linear frame is raised.
    """
    return view_of_pixels(pixels, frame.alpha, coding_of(frame, exposure_ev), crop)


def view_of_pixels(
    pixels: Pixels, alpha: Plane | None, coding: PixelCoding, crop: FaceCrop
) -> View:
    """Return the same of pixels, as stored, that belong to no frame."""
    rows, columns = region_of(crop, *pixels.shape[:2], with_margin=True)
    alpha = None if alpha is None else alpha[rows, columns]
    display = colour.display_from_stored(pixels[rows, columns], alpha, coding)
    display = colour.clipped_values(display)
    if alpha is not None:
        opacity = np.clip(np.nan_to_num(alpha), 0.0, 1.0)[..., None]
        display = display * opacity + np.float32(_BACKDROP) * (1 - opacity)
    local = crop.moved(-columns.start, -rows.start)
    matrix = local.frame_from_crop.copy()
    matrix[:, :2] *= crop.side_px / CELL_PX
    return np.clip(cut_crop(display, FaceCrop(matrix, CELL_PX)), 0.0, 1.0)


def write_sheet(
    path: Path, columns: Sequence[str], rows: Sequence[SheetRow], *, is_new: bool = False
) -> None:
    """Draw a sheet and write it as PNG.

    Raises:
        OutputError: `path` cannot be written.
    """
    write_atomically(path, encoded_picture(draw_sheet(columns, rows), "PNG"), is_new=is_new)


def draw_sheet(
    columns: Sequence[str], rows: Sequence[SheetRow], cell_px: int = CELL_PX
) -> Image.Image:
    """Draw a sheet of square views of `cell_px`."""
    width, height = _corner(len(rows), len(columns), cell_px)
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_FONT_PX)
    for j, label in enumerate(columns):
        x, _ = _corner(0, j, cell_px)
        draw.text((x + cell_px / 2, _LABEL_HEIGHT_PX / 2), label, _INK, font, anchor="mm")
    for i, row in enumerate(rows):
        _, y = _corner(i, 0, cell_px)
        label = row.label.replace(" ", "\n")  # names of two words are wider than the column
        draw.text((_GAP_PX * 2, y + cell_px / 2), label, _INK, font, anchor="lm")
        for j, view in enumerate(row.views):
            sheet.paste(_image(view), _corner(i, j, cell_px))
    return sheet


def sheet_box(row: int, column: int) -> Box:
    """Return the place of a picture on a sheet."""
    return (*_corner(row, column), CELL_PX, CELL_PX)


def labelled_view(view: View, label: str) -> Image.Image:
    """Return a picture with its name below it."""
    picture = Image.new("RGB", (CELL_PX, CELL_PX + _LABEL_HEIGHT_PX), _PAPER)
    picture.paste(_image(view))
    middle = CELL_PX / 2, CELL_PX + _LABEL_HEIGHT_PX / 2
    ImageDraw.Draw(picture).text(middle, label, _INK, ImageFont.load_default(_FONT_PX), anchor="mm")
    return picture


def small_view(view: View) -> Image.Image:
    """Return the face alone, as small as a menu shows it."""
    return _image(view).resize((SMALL_PX, SMALL_PX), Image.Resampling.LANCZOS, box=_INNER_PX)


def write_cells(
    path: Path,
    pictures: Iterable[Image.Image],
    count: int,
    columns: int,
    *,
    is_new: bool,
    made: Callable[[bytes, list[Box]], None] = lambda *_: None,
) -> list[Box]:
    """Lay pictures side by side in cells as large as the largest, and write them as PNG.

    Args:
        path: the file.
        pictures: one at least; each lies in the upper left corner of its cell.
        count: of them.
        columns: of cells.
        is_new: whether nothing may be replaced.
        made: told the file and the place of each, before it takes its name.

    Returns:
        The place of each.

    Raises:
        OutputError: `path` cannot be written.
        UnsupportedFormatError: the sheet would be larger than pictures are worked on.
    """
    cells = list[Image.Image]()
    width = height = 0
    for picture in pictures:
        width, height = max(width, picture.width), max(height, picture.height)
        size = min(columns, count) * width, -(-count // columns) * height
        refuse_oversize(size[1], size[0], 4)
        cells.append(picture)
    mode = "RGBA" if any(picture.mode == "RGBA" for picture in cells) else cells[0].mode
    sheet = Image.new(mode, size, _PAPER if mode == "RGB" else 0)
    places = [(place % columns * width, place // columns * height) for place in range(len(cells))]
    for place, picture in zip(places, cells, strict=True):
        sheet.paste(picture.convert(mode), place)
    boxes = [(*place, *picture.size) for place, picture in zip(places, cells, strict=True)]
    content = encoded_picture(sheet, "PNG")
    made(content, boxes)
    write_atomically(path, content, is_new=is_new)
    return boxes


def _image(view: Float[np.ndarray, "height width channels"]) -> Image.Image:
    return Image.fromarray(np.rint(np.clip(view, 0.0, 1.0) * 255).astype(np.uint8))


def _corner(row: int, column: int, cell_px: int = CELL_PX) -> tuple[int, int]:
    """(x, y) of a cell."""
    step = cell_px + _GAP_PX
    return _LABEL_WIDTH_PX + column * step, _LABEL_HEIGHT_PX + row * step
