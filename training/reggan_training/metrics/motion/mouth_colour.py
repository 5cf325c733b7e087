"""Colours of painted teeth, gums and mouths beside the true ones."""

import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_training.heads.head import Part
from reggan_training.metrics.motion.colour_difference import (
    chroma,
    ciede2000,
    hue_deg,
    lab_from_srgb,
)
from reggan_training.metrics.motion.face import TrueFace
from reggan_training.metrics.motion.face_parts import dilated

LEAST_PIXELS = 16
"""A face with fewer pixels of what is asked about says nothing."""
GREY_CHROMA = 5.0
"""Chroma below which no hue is seen."""
HUE_MARGIN_DEG = 10.0
"""The true range of hues is widened by this to both sides."""
CHROMA_MARGIN = 3.0
"""Chroma above the largest true one that rounding and a sharp warp may add."""
_RANGE_PERCENT = (1.0, 99.0)
_HUE_BINS = 24


def colour_error(
    made: Float[np.ndarray, "3 side side"],
    face: TrueFace,
    region: Bool[np.ndarray, "side side"],
) -> float:
    """Median ΔE2000 over the uncovered pixels of a region; NaN where there are too few."""
    where = region & face.is_uncovered
    if where.sum() < LEAST_PIXELS:
        return float("nan")
    ours, truth = (lab_from_srgb(one[:, where]) for one in (made, face.target))
    return float(np.median(ciede2000(ours, truth)))


def teeth_within_hues(made: Float[np.ndarray, "3 side side"], face: TrueFace) -> float:
    """Share of the teeth's pixels whose hue the true teeth have; NaN where no teeth are seen.

    A pixel without visible chroma has no hue to be wrong. Where the true teeth are grey (stone,
    metal) no chroma above theirs is right.
    """
    teeth = face.shows(Part.TEETH)
    if teeth.sum() < LEAST_PIXELS:
        return float("nan")
    ours, truth = (lab_from_srgb(one[:, teeth]) for one in (made, face.target))
    return float(_within_hues(ours, truth).mean())


def count_oversaturated(
    made: Float[np.ndarray, "3 side side"],
    face: TrueFace,
    region: Bool[np.ndarray, "side side"],
) -> int:
    """Count pixels of the head in a region that are more saturated than source and truth are.

    A pixel's chroma is held against the largest that the face has near this hue, so that red lips
    allow no teal. The source counts where its face is; the truth with its whole head, since true
    light alone can raise the chroma of skin. The outermost 8 px at 256 of the head are left out:
    there the background's colours come in, which is another fault.
    """
    seen = face.is_head & face.is_visible
    colours = np.concatenate([_moved_pixels(face, seen), face.target[:, face.is_head]], axis=1)
    limits = _chroma_by_hue(lab_from_srgb(colours)) + CHROMA_MARGIN
    ours = lab_from_srgb(made[:, region & ~dilated(~face.is_head)])
    return int((chroma(ours) > limits[_hue_bin(ours)]).sum())


def _within_hues(
    ours: Float[np.ndarray, "3 pixels"], truth: Float[np.ndarray, "3 pixels"]
) -> Bool[np.ndarray, " pixels"]:
    is_coloured = chroma(truth) > GREY_CHROMA
    highest = max(GREY_CHROMA, float(np.percentile(chroma(truth), _RANGE_PERCENT[1])))
    if is_coloured.sum() < LEAST_PIXELS:
        return np.asarray(chroma(ours) <= highest + CHROMA_MARGIN)
    middle = hue_deg(truth.mean(axis=1))
    low, high = np.percentile(_turn_deg(hue_deg(truth[:, is_coloured]), middle), _RANGE_PERCENT)
    turn = _turn_deg(hue_deg(ours), middle)
    is_right = (turn >= low - HUE_MARGIN_DEG) & (turn <= high + HUE_MARGIN_DEG)
    return np.asarray(is_right | (chroma(ours) <= GREY_CHROMA))


def _chroma_by_hue(lab: Float[np.ndarray, "3 pixels"]) -> Float[np.ndarray, " bins"]:
    """The largest chroma in and beside each bin of hues; `GREY_CHROMA` where there is less."""
    largest = np.full(_HUE_BINS, GREY_CHROMA)
    np.maximum.at(largest, _hue_bin(lab), chroma(lab))
    return np.max([np.roll(largest, shift) for shift in (-1, 0, 1)], axis=0)


def _hue_bin(lab: Float[np.ndarray, "3 pixels"]) -> Int[np.ndarray, " pixels"]:
    return np.asarray((hue_deg(lab) / 360 * _HUE_BINS).astype(np.int64) % _HUE_BINS)


def _turn_deg(
    hue: Float[np.ndarray, " pixels"], middle: Float[np.ndarray, ""]
) -> Float[np.ndarray, " pixels"]:
    """Difference of hues from another one, −180 to 180."""
    return np.asarray((hue - middle + 180) % 360 - 180)


def _moved_pixels(
    face: TrueFace, where: Bool[np.ndarray, "side side"]
) -> Float[np.ndarray, "3 pixels"]:
    """The source's nearest pixels to where it shows what the target shows."""
    side_px = face.side_px
    row, column = np.nonzero(where)
    x, y = face.motion[:, where] * side_px
    columns = np.clip(np.round(column + x), 0, side_px - 1).astype(np.int64)
    rows = np.clip(np.round(row + y), 0, side_px - 1).astype(np.int64)
    return np.asarray(face.source[:, rows, columns])
