"""Folds of a motion, where it would turn a surface over: they are smoothed."""

from dataclasses import replace

import numpy as np

from reggan_plugin.answers.cell_averages import REACH, blurred, widened
from reggan_plugin.answers.closed_lips import even_lips
from reggan_plugin.answers.cover import cover_on_cells
from reggan_plugin.answers.motion_answer import MotionAnswer
from reggan_plugin.array_types import Bool, Float

_LEAST_AREA = 0.3
"""Of the source, for a cell of the target: below this it is all but collapsed."""
_LEAST_SHOWN = 0.5
"""Share of a cell that paint leaves, from which on a fold there is smoothed. Those under more paint
are left: where they are smoothed, too, the old line of the lips is drawn along the teeth."""
_MOST_PASSES = 8


def unfolded(answer: MotionAnswer) -> MotionAnswer:
    """The answer with a motion that keeps its orientation wherever that can be seen, where it can.

    A network's motion jumps where what holds still borders on what moves, and may pass over itself
    there. It is averaged with what is seen around such cells, at most eight times: a jump over many
    cells keeps some folds. Closed lips are averaged, too. The rest stays as it is.
    """
    motion = np.clip(np.nan_to_num(answer.motion), -1.0, 1.0).astype(np.float32)
    planes = np.ascontiguousarray(np.moveaxis(motion, 2, 0))
    seen = np.maximum(1.0 - cover_on_cells(answer), np.float32(1e-3))
    for _ in range(_MOST_PASSES):
        folds = _least_area(planes, seen > _LEAST_SHOWN) < _LEAST_AREA
        if not folds.any():
            break
        around = _around(folds)
        part, weight = planes[:, *around], seen[around]
        near = blurred(widened(folds[around]).astype(np.float32))
        part += near * (blurred(part * weight) / blurred(weight) - part)
    for painter in answer.painters:
        even_lips(planes, seen, painter)
    return replace(answer, motion=np.moveaxis(planes, 0, 2))


def _least_area(
    planes: Float[np.ndarray, "2 cells cells"], seen: Bool[np.ndarray, "cells cells"]
) -> Float[np.ndarray, "cells cells"]:
    """The least determinant of q → q + m(q) in the seen squares between a cell and its neighbours.

    The map is bilinear in a square: its determinant is least at a corner.
    """
    cells = planes.shape[-1]
    x, y = planes * np.float32(cells)
    along = np.diff(x, axis=1) + np.float32(1), np.diff(y, axis=1)
    across = np.diff(x, axis=0), np.diff(y, axis=0) + np.float32(1)
    square = np.full((cells - 1, cells - 1), np.inf, np.float32)
    for row in (slice(None, -1), slice(1, None)):
        for column in (slice(None, -1), slice(1, None)):
            area = along[0][row] * across[1][:, column] - along[1][row] * across[0][:, column]
            np.minimum(square, area, out=square)
    square[~(seen[:-1, :-1] & seen[1:, :-1] & seen[:-1, 1:] & seen[1:, 1:])] = np.inf
    least = np.full((cells, cells), np.inf, np.float32)
    for corner in (least[:-1, :-1], least[1:, :-1], least[:-1, 1:], least[1:, 1:]):
        np.minimum(corner, square, out=corner)
    return least


def _around(mask: Bool[np.ndarray, "cells cells"]) -> tuple[slice, slice]:
    """The box of what is True, and all that its widening and blurring look at."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    reach = 3 * REACH
    return (
        slice(max(0, int(rows[0]) - reach), int(rows[-1]) + reach + 1),
        slice(max(0, int(columns[0]) - reach), int(columns[-1]) + reach + 1),
    )
