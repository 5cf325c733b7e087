"""Pictures that are stored lying on their side, as cameras do.

Frames show them upright, as every viewer does, so that faces and face boxes are where people
see them; writing lays them down again. Source: Exif 2.32, tag 274; TIFF 6.0, Orientation.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from reggan_plugin.array_types import Pixels, Plane
from reggan_plugin.files.image_format import Frame, StoredImage, WritesAlpha
from reggan_plugin.frozen import frozen

_STEPS = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
"""Orientation → swap rows and columns, then reverse rows, then reverse columns."""


@frozen(eq=False)
class OrientedImage:
    """A stored image whose frame stands upright."""

    lying: StoredImage
    orientation: int

    def encode(self, before: Pixels, after: Pixels) -> bytes:
        """Return the file with changed samples replaced; see `StoredImage`."""
        return self.lying.encode(
            _laid_down(before, self.orientation), _laid_down(after, self.orientation)
        )


@frozen(eq=False)
class OrientedAlpha(OrientedImage):
    """One whose alpha is a channel."""

    def encode_alpha(self, before: Plane, after: Plane) -> bytes:
        """Return the file with other alpha; see `WritesAlpha`."""
        assert isinstance(self.lying, WritesAlpha), "upright_frame looks"
        return self.lying.encode_alpha(
            _laid_down(before, self.orientation), _laid_down(after, self.orientation)
        )


def upright_frame(frame: Frame, orientation: int) -> Frame:
    """Return the frame as `orientation` says that it is shown; unknown values change nothing."""
    if orientation == 1 or orientation not in _STEPS:
        return frame
    kind = OrientedAlpha if isinstance(frame.original, WritesAlpha) else OrientedImage
    return replace(
        frame,
        pixels=np.ascontiguousarray(_stood_up(frame.pixels, orientation)),
        alpha=None
        if frame.alpha is None
        else np.ascontiguousarray(_stood_up(frame.alpha, orientation)),
        original=kind(lying=frame.original, orientation=orientation),
    )


def _stood_up(image: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    swap, rows, columns = _STEPS[orientation]
    image = image.swapaxes(0, 1) if swap else image
    return image[:: -1 if rows else 1, :: -1 if columns else 1]


def _laid_down(image: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    swap, rows, columns = _STEPS[orientation]
    image = image[:: -1 if rows else 1, :: -1 if columns else 1]
    return image.swapaxes(0, 1) if swap else image
