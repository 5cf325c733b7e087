"""The 1€ filter: steady while little moves, quick when much does; for faces that are read live.

Source: Casiez, Roussel and Vogel, 1€ filter: a simple speed-based low-pass filter for noisy input
in interactive systems, CHI 2012.
"""

import math

import numpy as np

from reggan_plugin.array_types import Float

_LEAST_HZ, _SPEED, _SPEED_HZ = 1.5, 4.0, 1.0
"""Cut-off of a still value, its rise with speed (a weight a second), and that of the speed."""


class OneEuroFilter:
    """Filters an array over time."""

    def __init__(self) -> None:
        self._time_s = 0.0
        self._value: Float[np.ndarray, " values"] | None = None
        self._speed: Float[np.ndarray, " values"] | float = 0.0

    def steady(
        self, value: Float[np.ndarray, " values"], time_s: float
    ) -> Float[np.ndarray, " values"]:
        """Return the value of now, steadied; a time that goes back begins anew."""
        step = time_s - self._time_s
        before = self._value
        self._time_s = time_s
        if before is None or not 0 < step < 1:
            self._value, self._speed = value, 0.0
            return value
        share = _share(np.array(_SPEED_HZ), step)
        self._speed = (1 - share) * self._speed + share * (value - before) / step
        share = _share(_LEAST_HZ + _SPEED * np.abs(self._speed), step)
        self._value = (1 - share) * before + share * value
        return self._value


def _share(cut_off_hz: Float[np.ndarray, "*values"], step_s: float) -> Float[np.ndarray, "*values"]:
    """Part of a new value that a low-pass filter takes."""
    return np.asarray(1 / (1 + 1 / (2 * math.pi * cut_off_hz * step_s)))
