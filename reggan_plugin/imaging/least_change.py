"""The least change that counts: what is smaller is noise of a network, and keeps its pixels."""

import numpy as np

from reggan_plugin.answers.cover import COVER_BEGINS
from reggan_plugin.answers.motion_answer import MotionAnswer
from reggan_plugin.array_types import Bool, Float
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.imaging.crop import Region
from reggan_plugin.imaging.rectangles import clipped

FULL_MOTION, FULL_GAIN, FULL_COVER = 0.002, 0.02, 0.02
"""From here on (parts of the side; logarithm; share) a change is a change."""
LEAST = 0.25
"""Below this part of them it is noise, and the pixel keeps its bits."""


def region_of_change(answer: MotionAnswer, crop: FaceCrop, height: int, width: int) -> Region:
    """Rows and columns of a frame outside of which an answer changes nothing; may be empty."""
    low, high = np.ones(2), np.zeros(2)
    for values, full in (
        (answer.motion, FULL_MOTION),
        (answer.gain, FULL_GAIN),
        (answer.cover, COVER_BEGINS / LEAST),
    ):
        strong = np.abs(np.nan_to_num(values)).max(axis=2) > LEAST * full / 2
        low, high = _around_cells(strong, low, high)
    for painter in answer.painters:
        low, high = np.minimum(low, painter.window[:2]), np.maximum(high, painter.window[2:])
    if (low >= high).any():
        return slice(0, 0), slice(0, 0)
    corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]]) * crop.side_px
    return clipped(crop.place(corners), (slice(0, height), slice(0, width)))


def _around_cells(
    strong: Bool[np.ndarray, "cells cells"],
    low: Float[np.ndarray, "2"],
    high: Float[np.ndarray, "2"],
) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """A box (x, y; in parts of the side) that holds the strong cells as a cubic spreads them."""
    rows, columns = np.nonzero(strong)
    if not rows.size:
        return low, high
    cells = np.stack([columns, rows], axis=1)
    first, last = (cells.min(axis=0) - 2) / len(strong), (cells.max(axis=0) + 3) / len(strong)
    return np.minimum(low, first), np.maximum(high, last)
