"""The rim of the face square: along its border a change is 0, and comes back over a ramp."""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.imaging.crop import Region

_RIM, _RAMP = 0.04, 0.04
"""Parts of the square's side, from its border: where a change is 0, and where it comes back."""


def inside_rim(side_px: int) -> Float[np.ndarray, "side side"]:
    """0 on the rim of a square, 1 inside of it, smooth between; at the square's own pixels."""
    from_border = np.minimum(np.arange(side_px), np.arange(side_px)[::-1]) / side_px
    inside = _past_rim(from_border)
    return np.minimum(inside[:, None], inside)


def inside_rim_in_frame(crop: FaceCrop, region: Region) -> Float[np.ndarray, "rows columns"]:
    """0 outside a crop and on its rim, 1 inside of it, smooth between; at pixels of the frame."""
    rows, columns = (np.arange(axis.start, axis.stop, dtype=np.float32) + 0.5 for axis in region)
    from_border = np.full((len(rows), len(columns)), np.inf, np.float32)
    for across, down, start in crop.crop_from_frame / crop.side_px:
        along = (across * columns + start).astype(np.float32) + np.float32(down) * rows[:, None]
        np.minimum(from_border, along, out=from_border)
        np.minimum(from_border, np.subtract(1, along, out=along), out=from_border)
    return _past_rim(from_border)


def smooth_step(values: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """0 up to 0, 1 from 1 on, without a kink between."""
    clipped = np.clip(values, 0.0, 1.0)
    curve = 3.0 - 2.0 * clipped
    clipped *= clipped
    clipped *= curve
    return np.asarray(clipped, dtype=np.float32)


def _past_rim(from_border: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return what a change counts at distances from the border, as parts of the square's side."""
    return smooth_step((from_border - _RIM) / _RAMP)
