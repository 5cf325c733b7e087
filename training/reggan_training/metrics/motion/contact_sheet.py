"""Faces to look at: source, truth and result at 100 %, with the mouth and the brows enlarged."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from reggan_training.metrics.motion.face import FacePart, Planes, TrueFace, part_masks

_ZOOM = 2
_TITLE_PX, _MARGIN_PX, _GAP_PX = 26, 150, 4
_BACKGROUND, _INK = (245, 245, 245), (20, 20, 20)


@dataclass(frozen=True, kw_only=True, eq=False)
class MotionRow:
    """One request: what is on its left, and pictures beside each other."""

    label: str
    face: TrueFace
    result: Planes


def draw_contact_sheet(rows: Sequence[MotionRow]) -> Image.Image:
    """Draw a row for each request; whole faces first, then mouths, then brows, as they are.

    Raises:
        ValueError: there is no row.
    """
    strips = [_strip(row) for row in rows]
    width = max(strip.width for strip in strips)
    height = sum(strip.height + _GAP_PX for strip in strips)
    sheet = Image.new("RGB", (_MARGIN_PX + width, _TITLE_PX + height), _BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    titles = "source | truth | result, then mouth and brows of each"
    draw.text((_MARGIN_PX, 4), titles, _INK, font)
    top = _TITLE_PX
    for row, strip in zip(rows, strips, strict=True):
        draw.multiline_text((6, top + strip.height / 2), row.label, _INK, font, anchor="lm")
        sheet.paste(strip, (_MARGIN_PX, top))
        top += strip.height + _GAP_PX
    return sheet


def _strip(row: MotionRow) -> Image.Image:
    face = row.face
    pictures = [_levels(picture) for picture in (face.source, face.target, row.result)]
    cells = [Image.fromarray(picture) for picture in pictures]
    for part in (FacePart.MOUTH, FacePart.BROWS_AND_LIDS):
        where = _window(face, part)
        for picture in pictures:
            close = Image.fromarray(np.ascontiguousarray(picture[where]))
            size = (_ZOOM * close.width, _ZOOM * close.height)
            cells.append(close.resize(size, Image.Resampling.NEAREST))
    width = sum(cell.width + _GAP_PX for cell in cells)
    strip = Image.new("RGB", (width, max(cell.height for cell in cells)), _BACKGROUND)
    left = 0
    for cell in cells:
        strip.paste(cell, (left, (strip.height - cell.height) // 2))
        left += cell.width + _GAP_PX
    return strip


def _window(face: TrueFace, part: FacePart) -> tuple[slice, slice]:
    """Rows and columns around a part of the face."""
    rows, columns = np.nonzero(part_masks(face)[part])
    if rows.size == 0:
        return slice(0, 1), slice(0, 1)
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


def _levels(picture: Planes) -> UInt8[np.ndarray, "side side 3"]:
    levels = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(1, 2, 0))
