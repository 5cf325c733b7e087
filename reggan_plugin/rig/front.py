"""What stands before a face (fringe, spectacles, hats): the network's coarse mask, made exact."""

import numpy as np
from PIL import Image

from reggan_plugin.array_types import Float
from reggan_plugin.interpolation import sampled
from reggan_plugin.kernels.squares import follow_edges, largest_around, median_around
from reggan_plugin.rig.layout import SIDES, eye_rows, rows_of
from reggan_plugin.rig.planes import WHOLE, channels_averaged, line_of, smooth_arc

HEAD, FRONT, SPECTACLES = 1, 2, 3
"""Planes of a label: the head; what is before it, but for spectacles; those, in models that know of
them. The first is what lies behind."""
_THIN = 3
"""Cells of the label across which a thing has to be: of thinner ones crumbs would stay behind."""
_REACH_PX = 7
"""Of the window in which the mask follows the picture's edges, on a crop of 384 pixels."""
_SOFTEST = 4e-4
"""Variance of colour below which a window counts as flat and the mask stays soft."""
_FROM, _TO = 0.35, 0.65
"""Shares of the followed mask that count as none and as all."""
_CRUMBS = 5
"""Pixels of a window of which more than half have to be in front: crumbs would stay behind."""
_LEAST = 0.002
"""Share of the crop that has to be in front; less is noise."""
_BROW, _BROW_TAIL, _TAIL_GOES_ON = 0.075, 3, 0.5
"""Of a brow: half of its width with its hairs, in eye distances; landmarks of its tail, beside
which hair often lies; how far that goes on beyond the last one, in steps between landmarks."""
_TAIL = 0.12
"""Of its tail, which droops."""
_BROW_HIDDEN = 0.4
"""Share of the rest of a brow from which on it counts as hidden, and is held as a whole."""


def front_matte(
    picture: Float[np.ndarray, "side side 3"], label: Float[np.ndarray, "shown cells cells"]
) -> Float[np.ndarray, "side side 1"] | None:
    """Matte of what stands before the face, None if nothing does.

    Args:
        picture: the crop, sRGB-encoded.
        label: shares of what lies where, [0, 1].
    """
    side = len(picture)
    levels = np.round(label[FRONT] * 255).astype(np.uint8)
    thick = 255 - largest_around(255 - levels, _THIN // 2)
    grown = largest_around(thick, _THIN // 2 + 1)
    coarse = Image.fromarray(np.minimum(levels, grown) / np.float32(255))
    mask = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))
    if (mask > 0.5).mean() < _LEAST:
        return None
    reach = max(1, round(_REACH_PX * side / 384))
    followed = follow_edges(mask, channels_averaged(picture), reach, _SOFTEST)
    matte = np.clip((followed - _FROM) / (_TO - _FROM), 0, 1)
    clean = median_around(np.round(matte * 255).astype(np.uint8), _CRUMBS // 2)
    return (clean / np.float32(255))[..., None]


def whole_brows(
    places: Float[np.ndarray, "points 2"],
    label: Float[np.ndarray, "shown cells cells"],
    side_px: int,
) -> Float[np.ndarray, "side side"]:
    """1 along brows that are seen, up to their tails: a brow moves as one piece.

    Where a lock lies on its tail, or touches it, the tail would stay behind with the lock.

    Args:
        places: of the landmarks, in parts of the crop's side.
        label: shares of what lies where, as for `front_matte`.
        side_px: of the result.
    """
    eye = np.linalg.norm(places[eye_rows("left")].mean(0) - places[eye_rows("right")].mean(0))
    found = np.zeros((side_px, side_px), np.float32)
    for side in SIDES:
        brow = places[rows_of("brow", side)]
        seen = brow[_BROW_TAIL:].astype(np.float32) * np.float32(label.shape[-1])
        hidden = sampled(label[FRONT][..., None], seen).mean()
        if hidden < _BROW_HIDDEN:
            end = brow[:1] + _TAIL_GOES_ON * (brow[:1] - brow[1:2])
            along = np.concatenate([end, smooth_arc(brow)])
            for part, width in ((along, _BROW), (along[: len(along) // 3], _TAIL)):
                line = line_of(part, 2 * width * float(eye), WHOLE, side_px)
                found = np.maximum(found, line)
    return found
