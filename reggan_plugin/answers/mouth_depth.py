"""The depth of a painted mouth: what is darker than its teeth gets darker still."""

from dataclasses import replace

import numpy as np

from reggan_plugin.answers.cover import COVER_ENDS
from reggan_plugin.answers.motion_answer import MotionAnswer, Painter
from reggan_plugin.array_types import Float
from reggan_plugin.percentile import percentile

_BRIGHTEST = 95
"""Percentile of what is painted, for the brightness of the teeth, or of what stands for them."""
_TEETH = 0.7
"""Of that brightness, from which on paint stays as it is."""
_STEEPNESS = 1.3
"""Power of brightness below. A painter that is not sure where teeth end and the dark begins answers
with a mean of both, so that its mouths are flat: with this, they have 0.58 instead of 0.55 of the
true detail on twelve held-out heads, at the same distance of their colours (docs/results.md)."""
_DARKEST = 1e-2
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def with_depth(answer: MotionAnswer) -> MotionAnswer:
    """The answer with painters whose dark is darker; teeth and hues stay as they are."""
    return replace(answer, painters=tuple(_deepened(painter) for painter in answer.painters))


def _deepened(painter: Painter) -> Painter:
    paint = np.clip(np.nan_to_num(painter.paint), 0.0, 1.0).astype(np.float32)
    brightness = paint @ _LUMA
    painted = brightness[painter.cover[..., 0] > COVER_ENDS]
    if not painted.size:
        return painter
    teeth = max(np.float32(_TEETH * percentile(painted, _BRIGHTEST)), np.float32(_DARKEST))
    share: Float[np.ndarray, "side side"] = np.clip(brightness / teeth, _DARKEST, 1.0)
    return replace(painter, paint=paint * np.power(share, np.float32(_STEEPNESS - 1))[..., None])
