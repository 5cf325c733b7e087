"""Region, mask growth and blur applied to motion, light and paint, before anything is moved."""

from dataclasses import replace

import numpy as np
from PIL import Image

from reggan_plugin.array_types import Float
from reggan_plugin.change.answer import Answer
from reggan_plugin.change.in_frame import FULL_COVER, FULL_GAIN, FULL_MOTION
from reggan_plugin.imaging.region_limits import RegionLimits, limit_mask

_WHOLE = (0.0, 0.0, 1.0, 1.0)


def limit_motion(
    answer: Answer, limits: RegionLimits, canonical: Float[np.ndarray, "6 2"]
) -> Answer:
    """Hold an answer within limits: a part of the motion, of the light's change and of the cover.

    There is no mask to widen where nothing moves: `grow` above 0 only makes room for `blur`.

    Args:
        answer: of the model.
        limits: those that are all default give `answer` itself.
        canonical: where the landmarks lie in the crop, as parts of its side.
    """
    if limits == RegionLimits():
        return answer
    mask = np.ones_like(answer.cover)
    if limits.grow or limits.blur:
        mask = _where_it_changes(answer)
    share = limit_mask(mask, limits, canonical)
    return replace(
        answer,
        motion=answer.motion * _resized(share, len(answer.motion)),
        gain=answer.gain * _resized(share, len(answer.gain)),
        cover=answer.cover * share,
        painters=tuple(
            replace(one, cover=one.cover * _resized(share, len(one.cover), one.window))
            for one in answer.painters
        ),
    )


def _where_it_changes(answer: Answer) -> Float[np.ndarray, "side side 1"]:
    """1 where it does, at the resolution of the cover."""
    side = len(answer.cover)
    length = np.hypot(answer.motion[..., :1], answer.motion[..., 1:])
    light = np.abs(answer.gain).max(axis=2, keepdims=True)
    strength = np.maximum(_resized(length, side) / FULL_MOTION, _resized(light, side) / FULL_GAIN)
    return np.clip(np.maximum(strength, answer.cover / FULL_COVER), 0.0, 1.0)


def _resized(
    plane: Float[np.ndarray, "side side 1"],
    cells: int,
    window: tuple[float, float, float, float] = _WHOLE,
) -> Float[np.ndarray, "cells cells 1"]:
    """Resize a part of a plane; what becomes smaller is averaged.

    A window may reach beyond the plane by its side; there its edges go on.
    """
    wide, beyond = plane[..., 0], 0
    if min(window) < 0 or max(window) > 1:
        beyond = len(plane)
        wide = np.pad(wide, beyond, mode="edge")
    left, top, right, bottom = (edge * len(plane) + beyond for edge in window)
    image = Image.fromarray(np.ascontiguousarray(wide, dtype=np.float32))
    resized = image.resize((cells, cells), Image.Resampling.BILINEAR, (left, top, right, bottom))
    return np.asarray(resized)[..., None]
