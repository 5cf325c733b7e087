"""Cuts of a shot: from which change of the picture on one is possible."""

import numpy as np

from reggan_plugin.array_types import Float

CUT_CHANGE = 0.3
"""Change of the picture, 0 to 2, from which a cut is possible."""

Thumbnail = Float[np.ndarray, "rows columns"]


def picture_change(one: Thumbnail, other: Thumbnail) -> float:
    """1 less the correlation of two pictures: 0 if only the brightness differs, 2 for a negative.

    A picture without any contrast is unlike all others but its like.
    """
    one, other = one - one.mean(), other - other.mean()
    sizes = float(np.sqrt((one**2).mean())), float(np.sqrt((other**2).mean()))
    if min(sizes) < 1e-3:
        return float(max(sizes) >= 1e-3)
    return 1.0 - float((one * other).mean()) / (sizes[0] * sizes[1])


def is_changed(shown: Thumbnail | None, thumbnail: Thumbnail | None) -> bool:
    """Tell whether the picture is another one as a whole; never where one of the two is not
    known.
    """
    if shown is None or thumbnail is None:
        return False
    return picture_change(shown, thumbnail) > CUT_CHANGE
