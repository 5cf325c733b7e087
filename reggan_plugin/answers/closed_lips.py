"""Closed lips that slide over each other: the line between them is kept even."""

import numpy as np

from reggan_plugin.answers.cell_averages import blurred, widened
from reggan_plugin.answers.cover import cells_of
from reggan_plugin.answers.motion_answer import Painter
from reggan_plugin.array_types import Float

_PASSES = 2
_LEAST_SEEN = 0.9
"""Share of a cell that paint leaves, up to which it is beside paint."""
_EDGE = 3
"""Cells at a painter's border where the averaging begins; it is softened over two of them."""


def even_lips(
    planes: Float[np.ndarray, "2 cells cells"],
    seen: Float[np.ndarray, "cells cells"],
    painter: Painter,
) -> None:
    """Average what a painter of a mouth sees of the motion, away from where it paints.

    Two lips that slide over each other part in whole cells: the dark line between them gets steps
    that a large frame shows. Beside paint they stay apart, or the line would be drawn over teeth.
    """
    window = cells_of(painter, len(seen))
    if not seen[window].size:
        return
    closed = np.zeros_like(seen[window])
    closed[_EDGE:-_EDGE, _EDGE:-_EDGE] = 1.0
    closed[widened(widened(seen[window] <= _LEAST_SEEN))] = 0.0
    near, part = blurred(closed), planes[:, *window]
    for _ in range(_PASSES):
        part += near * (blurred(part) - part)
