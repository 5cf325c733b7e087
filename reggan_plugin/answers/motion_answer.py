"""The answer of a model of contract 2: motion of surfaces, their light, and new paint.

    y(q) = (1 - cover(q)) * exp(gain(q)) * x(q + motion(q)) + cover(q) * paint(q)

on linear light; q is a place in the crop, in parts of its side. All arrays span the whole crop,
whatever their number of rows: cell i of h has its centre at (i + 0.5) / h.
"""

from dataclasses import dataclass

import numpy as np

from reggan_plugin.array_types import Float


@dataclass(frozen=True, kw_only=True, eq=False)
class Painter:
    """Cover and paint of a part of the crop at a resolution of its own.

    Attributes:
        window: left, top, right, bottom in parts of the crop's side; a square.
        cover: in [0, 1].
        paint: sRGB-encoded, [0, 1].
    """

    window: tuple[float, float, float, float]
    cover: Float[np.ndarray, "side side 1"]
    paint: Float[np.ndarray, "side side 3"]


@dataclass(frozen=True, kw_only=True, eq=False)
class MotionAnswer:
    """The change of one face.

    Attributes:
        motion: (x, y) from a place to where its surface is in the source, in parts of the side.
        gain: natural logarithm of the factor on linear light, at the target; grey or RGB.
        cover: 0 where the source shows the surface, 1 where paint stands in for it.
        paint: sRGB-encoded, [0, 1].
        painters: replace cover and paint inside their windows.
        front: 1 where something stands before the face, which stays as it is; None if nothing does.
    """

    motion: Float[np.ndarray, "cells cells 2"]
    gain: Float[np.ndarray, "gain_cells gain_cells channels"]
    cover: Float[np.ndarray, "cover_side cover_side 1"]
    paint: Float[np.ndarray, "paint_side paint_side 3"]
    painters: tuple[Painter, ...] = ()
    front: Float[np.ndarray, "front_side front_side 1"] | None = None
