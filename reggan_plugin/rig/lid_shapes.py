"""Shapes of lids, made exact: shut lids meet, and lashes go along with the upper one."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from reggan_plugin.array_types import Float, Int
from reggan_plugin.rig.dense_landmarks import rows_of

_BAND, _BAND_ENDS = 0.06, 0.18
"""Eye distances above the upper lid's edge that go along with it rigidly (lashes lie there), and
over which the skin above takes over. Seen in a trial: without it lashes smear over the lid."""
LASH_SHAPES: Final = ("eyeBlink", "eyeLook")
"""Shapes that take lids so far that lashes would smear over the skin above them. Others keep their
own motion: a band that a raised brow does not move puts all of its stretch into a few pixels."""
_BLINK_LAP: Final = 0.004
"""Eye distances by which shut lids overlap."""
_ROUNDS: Final = 4
_BLINK_REACH: Final = 0.14
"""Eye distances from the upper lid's edge over which a correction of a blink fades."""

Points = Float[np.ndarray, "_ 3"]
Rows = Int[np.ndarray, "marks 3"]
Weights = Float[np.ndarray, "marks 3"]


def marks_on(vertices: Points, rows: Rows, weights: Weights) -> Float[np.ndarray, "marks 3"]:
    """Landmarks on vertices."""
    return (vertices[rows] * weights[..., None]).sum(axis=1)


def closed_lids(rest: Points, blink: Points, rows: Rows, weights: Weights, side: str) -> Points:
    """Make a blink that at weight 1 brings the upper lid's edge onto the lower one.

    Args:
        rest: vertices of the template.
        blink: motion of `eyeBlink` on this side, at weight 1.
        rows: vertices of the landmarks.
        weights: of these.
        side: `right` or `left`.
    """
    upper, below = rows_of("lid_upper", side), rows_of("lid_lower", side)
    lower = np.concatenate([upper[-1:], below, upper[:1]])[::-1]
    at = marks_on(rest, rows, weights)
    along, along_lower = np.linspace(0, 1, len(upper)), np.linspace(0, 1, len(lower))
    lap = np.clip(np.sin(np.pi * along) * 3, 0, 1)[:, None] * [0, _BLINK_LAP, 0]
    distance = np.linalg.norm(rest[:, None] - at[upper][None], axis=2)
    lower_distance = np.linalg.norm(rest[:, None] - at[lower][None], axis=2).min(axis=1)
    near = distance.min(axis=1)
    soft = _softly_nearest(distance, 0.05)
    share = np.exp(-((near / _BLINK_REACH) ** 2))
    share *= np.clip((lower_distance - near) / 0.02 + 0.5, 0, 1)  # what is nearer to the lower one
    share[near > 0.4] = 0
    for _ in range(_ROUNDS):
        marks = marks_on(rest + blink, rows, weights)
        met = [np.interp(along, along_lower, marks[lower, k]) for k in range(3)]
        gap = np.stack(met, 1) - marks[upper] - lap
        blink = blink + share[:, None] * (soft @ gap)
    return blink


def with_lash_band(
    rest: Points, shapes: Mapping[str, Points], rows: Rows, weights: Weights, side: str
) -> dict[str, Points]:
    """Make shapes with which the skin just above the upper lid's edge goes along rigidly.

    Args:
        rest: vertices of the template.
        shapes: motions of any shapes, by name, at weight 1.
        rows: vertices of the landmarks.
        weights: of these.
        side: `right` or `left`.
    """
    at = marks_on(rest, rows, weights)
    upper, lower = rows_of("lid_upper", side), rows_of("lid_lower", side)
    away = rest[:, None] - at[upper][None]
    distance = np.linalg.norm(away, axis=2)
    near = distance.min(axis=1)
    is_above = away[np.arange(len(rest)), distance.argmin(1)][:, 1] > -0.004
    is_above &= near < _BAND_ENDS
    is_above &= np.linalg.norm(rest[:, None] - at[lower][None], axis=2).min(1) > near
    soft = _softly_nearest(distance, 0.03)
    share = np.clip((_BAND_ENDS - near) / (_BAND_ENDS - _BAND), 0, 1)
    share = np.where(is_above, share * share * (3 - 2 * share), 0.0)
    count = np.arange(len(upper))
    share *= soft @ np.clip(np.minimum(count, count[::-1]) / 2.0, 0, 1)  # not at the corners
    made = {}
    for name, shape in shapes.items():
        motion = (marks_on(rest + shape, rows, weights) - at)[upper]
        made[name] = shape + share[:, None] * (soft @ motion - shape)
    return made


def _softly_nearest(
    distance: Float[np.ndarray, "points marks"], reach: float
) -> Float[np.ndarray, "points marks"]:
    """Weights of the marks nearest to each point, which add up to 1."""
    soft = np.exp(-(((distance - distance.min(axis=1, keepdims=True)) / reach) ** 2))
    return soft / soft.sum(axis=1, keepdims=True)
