"""Lids that shut and lips that meet: on the frames on which they do, and in full.

Weights that a reader guesses seldom reach 1 in a blink, and leave lips a little apart on an M. The
gap between the edges of lids and lips is measured in the picture, and says when they touch.
"""

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

LIDS_SHUT = 0.35
"""Share of an eye's opening at rest up to which its lids count as shut. Readers put the points of
shut lids a little apart, on the lashes."""
LIPS_MEET = 0.03
"""Widths of the mouth over the gap at rest up to which lips count as meeting."""
_MOST_REST = 0.05
"""Widths of the mouth that lips are apart at rest; more is a mouth that is open there."""
_MOST_GAIN = 2.5
"""By which blinks are raised."""
_PARTING = tuple(
    ARKIT_SHAPES.index(name)
    for name in (
        *("mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight"),
        "mouthFunnel",
    )
)
_JAW, _CLOSE = ARKIT_SHAPES.index("jawOpen"), ARKIT_SHAPES.index("mouthClose")
_BLINKS = tuple(ARKIT_SHAPES.index(f"eyeBlink{side}") for side in ("Left", "Right"))
_GAZE = tuple(place for place, name in enumerate(ARKIT_SHAPES) if name.startswith("eyeLook"))
_OPENERS = tuple(ARKIT_SHAPES.index(f"eyeWide{side}") for side in ("Left", "Right"))

Weights = Float[np.ndarray, "rows shapes"]


def lids_shut(
    gaps: Float[np.ndarray, "rows 2"], at_rest: Float[np.ndarray, "2"]
) -> Bool[np.ndarray, "rows 2"]:
    """Tell in which rows the left and the right eye are shut."""
    return gaps < LIDS_SHUT * at_rest


def lips_meet(gaps: Float[np.ndarray, " rows"], at_rest: float) -> Bool[np.ndarray, " rows"]:
    """Tell in which rows the lips touch as they do at rest."""
    return gaps < min(at_rest, _MOST_REST) + LIPS_MEET


def with_gaze_through_blinks(
    weights: Weights, times_s: Float[np.ndarray, " rows"], lids: Bool[np.ndarray, "rows 2"]
) -> Weights:
    """Return weights whose gaze goes on in a straight line while the eyes are shut.

    Nobody sees it then, and readers take falling lids for a look down.
    """
    shut: Bool[np.ndarray, " rows"] = np.asarray(lids.any(axis=1))
    hidden = shut.copy()
    hidden[1:] |= shut[:-1]
    hidden[:-1] |= shut[1:]
    if not hidden.any() or hidden.all():
        return weights
    made = weights.copy()
    for place in _GAZE:
        made[hidden, place] = np.interp(times_s[hidden], times_s[~hidden], weights[~hidden, place])
    return made


def with_contacts(
    weights: Weights, lids: Bool[np.ndarray, "rows 2"], lips: Bool[np.ndarray, " rows"]
) -> Weights:
    """Return weights by which shut lids are shut, and lips that touch do.

    An eye's other blinks are raised as much as those that shut it have to be. Where lips meet,
    nothing parts them, and an open jaw is closed by `mouthClose` in full.
    """
    made = weights.copy()
    for side, (blink, wide) in enumerate(zip(_BLINKS, _OPENERS, strict=True)):
        shut = lids[:, side]
        if shut.any():
            full = float(np.median(made[shut, blink]))
            made[:, blink] *= np.clip(1 / max(full, 1e-3), 1, _MOST_GAIN)
        made[shut, blink], made[shut, wide] = 1.0, 0.0
    made[np.ix_(lips, np.array(_PARTING))] = 0.0
    made[lips, _CLOSE] = made[lips, _JAW]
    return np.clip(made, 0, 1)
