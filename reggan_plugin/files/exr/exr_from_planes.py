"""A new EXR file of float32 planes."""

import io
from collections.abc import Mapping

import numpy as np
import OpenEXR

from reggan_plugin.array_types import Float


def exr_from_planes(
    planes: Mapping[str, Float[np.ndarray, "height width"]],
    origin_px: tuple[int, int],
    display_px: tuple[int, int],
) -> bytes:
    """Return a file of scanlines, compressed without loss (ZIP).

    Args:
        planes: by the name of their channel.
        origin_px: (row, column) of their first pixel in the display window.
        display_px: (height, width) of the display window, which begins at 0.
    """
    height, width = next(iter(planes.values())).shape
    (top, left), (rows, columns) = origin_px, display_px
    header = {
        "type": OpenEXR.scanlineimage,
        "compression": OpenEXR.ZIP_COMPRESSION,
        "dataWindow": _window(left, top, left + width - 1, top + height - 1),
        "displayWindow": _window(0, 0, columns - 1, rows - 1),
    }
    channels = {name: np.ascontiguousarray(plane) for name, plane in planes.items()}
    stream = io.BytesIO()
    OpenEXR.File(header, channels).write(stream)
    return stream.getvalue()


def _window(left: int, top: int, right: int, bottom: int) -> tuple[np.ndarray, np.ndarray]:
    return np.array([left, top], np.int32), np.array([right, bottom], np.int32)
