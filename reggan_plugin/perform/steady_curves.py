"""Curves without jitter: without lag when all are there, by the 1€ filter when they are read live.

A straight line is fitted around each row, as for tracks (`faces/smoothing.py`). What differs from
it by more than noise does is kept: a blink lasts as long as the fit reaches. How large the noise of
a curve is, the middle of all differences tells.

Source: Savitzky and Golay, Smoothing and differentiation of data by simplified least squares, 1964,
for the fit; Donoho, De-noising by soft-thresholding, 1995, for what is kept.
"""

import math

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.faces.smoothing import line_shares

Curves = Float[np.ndarray, "rows curves"]
Values = Float[np.ndarray, " values"]

SIGMA_ROWS = 2.0
"""Width of the fit's weights at 30 rows a second; at other rates it is as many seconds."""
_RATE_FPS, _REACH = 30.0, 3
_KEPT = 2.5
"""Deviations of the noise from which on a difference is motion."""
_DEVIATION = 1.4826
"""Of a normal distribution, over the median of its magnitudes."""


def steady(curves: Curves, times_s: Float[np.ndarray, " rows"], amount: float) -> Curves:
    """Return curves with less noise.

    Args:
        curves: without gaps.
        times_s: of the rows, rising; the steps may differ.
        amount: 1 is the usual width of the fit, 0 leaves the curves as they are.
    """
    if amount <= 0 or len(curves) < 3:
        return curves
    lines = _local_lines(curves, times_s, amount * SIGMA_ROWS / _RATE_FPS)
    off = curves - lines
    noise = _DEVIATION * np.median(np.abs(off), axis=0)
    kept = np.sign(off) * np.maximum(np.abs(off) - _KEPT * noise, 0)
    return lines + kept


def _local_lines(curves: Curves, times_s: Float[np.ndarray, " rows"], sigma_s: float) -> Curves:
    """Value at each row of the straight line through the rows around it, weighted by nearness."""
    rows = len(curves)
    usual = float(np.median(np.diff(times_s))) or sigma_s
    reach = min(rows - 1, max(1, int(np.ceil(_REACH * sigma_s / usual))))
    places = np.arange(rows)[:, None] + np.arange(-reach, reach + 1)
    is_there = (places >= 0) & (places < rows)
    places = np.clip(places, 0, rows - 1)
    lags = (times_s[places] - times_s[:, None]) / sigma_s
    near = np.exp(-(lags**2) / 2) * is_there
    return np.einsum("rk,rkc->rc", line_shares(lags, near), curves[places])


_LEAST_HZ, _SPEED, _SPEED_HZ = 1.5, 4.0, 1.0
"""Cut-off of a still value, its rise with speed (a weight a second), and that of the speed."""


class OneEuroFilter:
    """The 1€ filter of faces that are read live: steady while little moves, quick when much does.

    Source: Casiez, Roussel and Vogel, 1€ filter: a simple speed-based low-pass filter for noisy
    input in interactive systems, CHI 2012.
    """

    def __init__(self) -> None:
        self._time_s = 0.0
        self._value: Values | None = None
        self._speed: Values | float = 0.0

    def steady(self, value: Values, time_s: float) -> Values:
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
