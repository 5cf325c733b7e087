"""Automatic exposure: the stops that bring a face to middle grey."""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.imaging.colour import LUMA_WEIGHTS
from reggan_plugin.percentile import percentile

_MIDDLE_GREY = 0.18
_FACE_PERCENTILE = 60.0
_BRIGHT_PERCENTILE, _STOPS_OF_A_PICTURE = 95, 8
_MAX_AUTO_STOPS = 12.0


def auto_exposure_ev(linear: Float[np.ndarray, "height width 3"]) -> float:
    """Return the half stops that bring a face (straight, scene-linear) to middle grey.

    Half stops keep the result the same under the small differences between machines. What is
    more than eight stops below the bright parts is a background's noise and does not count.
    Returns 0 for a picture that is black or holds no number.
    """
    luma = linear @ np.array(LUMA_WEIGHTS, dtype=np.float32)
    lit = luma[np.isfinite(luma) & (luma > 0)]
    if lit.size == 0:
        return 0.0
    lit = lit[lit >= percentile(lit, _BRIGHT_PERCENTILE) * 2.0**-_STOPS_OF_A_PICTURE]
    stops = np.log2(_MIDDLE_GREY / percentile(lit, _FACE_PERCENTILE))
    return float(np.clip(np.round(2 * stops) / 2, -_MAX_AUTO_STOPS, _MAX_AUTO_STOPS))
