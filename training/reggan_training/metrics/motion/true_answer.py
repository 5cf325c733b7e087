"""The rig's own answer: what a model would say that knew the truth."""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float

from reggan_plugin.change.answer import Answer
from reggan_plugin.imaging.colour import linear_from_srgb
from reggan_training.metrics.motion.answer import compose
from reggan_training.metrics.motion.face import TrueFace

_GAIN_CELLS = 64
_LARGEST_GAIN = 0.7
_LEAST_LIGHT = 1e-3


def true_answer(face: TrueFace) -> Answer:
    """True motion, cover and colours, and the light that is missing then, on a coarse grid."""
    cover = face.is_uncovered.astype(np.float32)[..., None]
    plain = Answer(
        motion=_last(face.motion),
        gain=np.zeros((1, 1, 3), np.float32),
        cover=cover,
        paint=_last(face.target),
    )
    moved = compose(face.source, plain).picture
    return Answer(
        motion=plain.motion, gain=_last(_gain(moved, face)), cover=cover, paint=plain.paint
    )


def _gain(
    moved: Float[np.ndarray, "3 side side"], face: TrueFace
) -> Float[np.ndarray, "3 cells cells"]:
    """Logarithm of the target's light over the moved source's, each averaged over a cell."""
    seen = torch.from_numpy((face.is_head & face.is_visible).astype(np.float32))
    light = [torch.from_numpy(linear_from_srgb(one)).float() for one in (face.target, moved)]
    size = (_GAIN_CELLS, _GAIN_CELLS)
    ours, theirs = (F.interpolate((one * seen)[None], size, mode="area")[0] for one in light)
    share = F.interpolate(seen[None, None], size, mode="area")[0]
    gain = ((ours + _LEAST_LIGHT) / (theirs + _LEAST_LIGHT)).log()
    gain = gain.clamp(-_LARGEST_GAIN, _LARGEST_GAIN) * (share > 0.5)
    return np.asarray(gain.numpy(), dtype=np.float32)


def _last(planes: Float[np.ndarray, "channels rows columns"]) -> np.ndarray:
    return np.ascontiguousarray(planes.transpose(1, 2, 0), dtype=np.float32)
