"""The depth of a painted mouth: what is darker than its teeth gets darker still."""

from dataclasses import replace

import numpy as np

from reggan_plugin.answers.cover import COVER_ENDS
from reggan_plugin.answers.motion_answer import Painter
from reggan_plugin.percentile import percentile

_BRIGHTEST = 95
"""Percentile of what is painted, for the brightness of the teeth, or of what stands for them."""
_TEETH = 0.7
"""Of that brightness, from which on paint stays as it is."""
_STEEPER = 0.3
"""How much the power of brightness below is more than 1. A painter that is not sure where teeth end
and the dark begins answers with a mean of both, so that its mouths are flat."""
_OPEN = 0.01
"""Share of a painter's window that is painted, from which on a mouth has its whole depth: it comes
gradually, or a mouth that opens would darken at once."""
_DARKEST = 1e-2
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def with_depth(mouth: Painter) -> Painter:
    """A mouth whose dark is darker; teeth and hues stay as they are.

    One whose cover has another resolution than its paint is left.
    """
    paint = np.clip(np.nan_to_num(mouth.paint), 0.0, 1.0).astype(np.float32)
    brightness, cover = paint @ _LUMA, mouth.cover[..., 0]
    if cover.shape != brightness.shape:
        return mouth
    painted = brightness[cover > COVER_ENDS]
    if not painted.size:
        return mouth
    steeper = _STEEPER * min(1.0, painted.size / (_OPEN * brightness.size))
    teeth = max(np.float32(_TEETH * percentile(painted, _BRIGHTEST)), np.float32(_DARKEST))
    share = np.clip(brightness / teeth, np.float32(_DARKEST), np.float32(1.0))
    return replace(mouth, paint=paint * np.power(share, np.float32(steeper))[..., None])
