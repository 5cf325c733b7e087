"""Folds of a motion, where it would turn a surface over, and the line of closed lips: smoothed."""

from dataclasses import replace

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.change.answer import Answer, Painter, cells_of, paint_on_cells

_LEAST_SHOWN = 0.5
"""Share of a cell that paint leaves, from which on a fold there is smoothed. Those under more paint
are left: where they are smoothed, too, the old line of the lips is drawn along the teeth."""
_MOST_PASSES = 8
_REACH = 2
"""Cells that an average and a widening look at on each side."""
_LIP_PASSES = 2
_LEAST_SEEN = 0.9
"""Share of a cell that paint leaves, up to which it is beside paint."""
_EDGE = 3
"""Cells at a painter's border where the averaging of lips begins; it is softened over two."""


def unfolded(answer: Answer, least_area: float) -> Answer:
    """The answer with a motion that keeps its orientation wherever that can be seen, where it can.

    A network's motion jumps where what holds still borders on what moves, and may pass over itself
    there. It is averaged with what is seen around such cells, at most eight times: a jump over many
    cells keeps some folds. The rest stays as it is.

    Args:
        answer: finite.
        least_area: of the source, for a cell of the target, that is no fold; 0 leaves all.
    """
    if not least_area:
        return answer
    planes, seen = np.moveaxis(answer.motion, 2, 0).copy(), _seen(answer)
    for _ in range(_MOST_PASSES):
        folds = _least_area(planes, seen > _LEAST_SHOWN) < least_area
        if not folds.any():
            break
        around = _around(folds)
        part, weight = planes[:, *around], seen[around]
        near = _blurred(_widened(folds[around]).astype(np.float32))
        part += near * (_blurred(part * weight) / _blurred(weight) - part)
    return replace(answer, motion=np.moveaxis(planes, 0, 2))


def even_lips(answer: Answer) -> Answer:
    """The answer with an even line between closed lips.

    Two lips that slide over each other part in whole cells: the dark line between them gets steps
    that a large frame shows. Beside paint they stay apart, or the line would be drawn over teeth.
    """
    if not answer.painters:
        return answer
    planes, seen = np.moveaxis(answer.motion, 2, 0).copy(), _seen(answer)
    for painter in answer.painters:
        _average_lips(planes, seen, painter)
    return replace(answer, motion=np.moveaxis(planes, 0, 2))


def _seen(answer: Answer) -> Float[np.ndarray, "cells cells"]:
    """Share of each cell that paint leaves, hardly any at least."""
    return np.maximum(1.0 - paint_on_cells(answer), np.float32(1e-3))


def _average_lips(
    planes: Float[np.ndarray, "2 cells cells"],
    seen: Float[np.ndarray, "cells cells"],
    painter: Painter,
) -> None:
    """Average, in place, what a painter sees of the motion, away from where it paints."""
    window = cells_of(painter, len(seen))
    if not seen[window].size:
        return
    closed = np.zeros_like(seen[window])
    closed[_EDGE:-_EDGE, _EDGE:-_EDGE] = 1.0
    closed[_widened(_widened(seen[window] <= _LEAST_SEEN))] = 0.0
    near, part = _blurred(closed), planes[:, *window]
    for _ in range(_LIP_PASSES):
        part += near * (_blurred(part) - part)


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
    reach = 3 * _REACH
    return (
        slice(max(0, int(rows[0]) - reach), int(rows[-1]) + reach + 1),
        slice(max(0, int(columns[0]) - reach), int(columns[-1]) + reach + 1),
    )


def _widened(mask: Bool[np.ndarray, "rows columns"]) -> Bool[np.ndarray, "rows columns"]:
    """True within two cells of what is True."""
    for axis in (-2, -1):
        mask = np.logical_or.reduce(_neighbours(mask, axis))
    return mask


def _blurred(
    planes: Float[np.ndarray, "*planes rows columns"],
) -> Float[np.ndarray, "*planes rows columns"]:
    """Averages over five cells each way, with binomial weights."""
    for axis in (-2, -1):
        first, second, middle, fourth, fifth = _neighbours(planes, axis)
        planes = (
            first + fifth + np.float32(4) * (second + fourth) + np.float32(6) * middle
        ) / np.float32(16)
    return planes


def _neighbours(planes: np.ndarray, axis: int) -> list[np.ndarray]:
    """The planes moved by -2 to 2 cells along one of the last two axes; edges are repeated."""
    margin = [(0, 0)] * (planes.ndim - 2) + [
        (_REACH, _REACH) if axis == one else (0, 0) for one in (-2, -1)
    ]
    wide, length = np.pad(planes, margin, mode="edge"), planes.shape[axis]
    if axis == -1:
        return [wide[..., k : k + length] for k in range(2 * _REACH + 1)]
    return [wide[..., k : k + length, :] for k in range(2 * _REACH + 1)]
