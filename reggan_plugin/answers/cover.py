"""From which cover on paint is shown: cover is steepened."""

import numpy as np
from PIL import Image

from reggan_plugin.answers.motion_answer import MotionAnswer, Painter
from reggan_plugin.array_types import Float

COVER_BEGINS, COVER_ENDS = 0.25, 0.75
"""A model that is not sure answers with half a cover, which would show the old surface and the new
one at once. So cover is steepened between these two, at the resolution of the frame."""


def cover_on_cells(answer: MotionAnswer) -> Float[np.ndarray, "cells cells"]:
    """Steepened cover, the painters' in their windows, at the resolution of the motion."""
    cells = len(answer.motion)
    cover = _averaged(answer.cover, cells, cells)
    for painter in answer.painters:
        window = cells_of(painter, cells)
        rows, columns = (part.stop - part.start for part in window)
        cover[window] = _averaged(painter.cover, rows, columns)
    return np.clip((cover - COVER_BEGINS) / (COVER_ENDS - COVER_BEGINS), 0.0, 1.0)


def cells_of(painter: Painter, cells: int) -> tuple[slice, slice]:
    """Rows and columns of the motion that a painter looks at."""
    left, top, right, bottom = (round(end * cells) for end in painter.window)
    return slice(top, bottom), slice(left, right)


def _averaged(
    plane: Float[np.ndarray, "side side 1"], rows: int, columns: int
) -> Float[np.ndarray, "rows columns"]:
    if not rows or not columns:
        return np.zeros((rows, columns), np.float32)
    image = Image.fromarray(np.ascontiguousarray(np.nan_to_num(plane[..., 0]), dtype=np.float32))
    return np.array(image.resize((columns, rows), Image.Resampling.BOX))
