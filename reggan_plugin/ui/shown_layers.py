"""The answer of a model as pictures on the page: light and cover in colour, motion as arrows."""

from typing import Literal

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.change.in_frame import motion_in_frame
from reggan_plugin.change.pipeline import FrameAnswers
from reggan_plugin.imaging.composite_motion import FrameMotion
from reggan_plugin.ui.live_face import LiveFace, Screen

Layer = Literal["picture", "motion", "gain", "cover"]
LAYERS: tuple[Layer, ...] = ("picture", "motion", "gain", "cover")
_BRIGHTER, _DARKER, _COVER = (255, 150, 40), (40, 110, 255), (255, 0, 200)
_FULL_LOG_GAIN = 0.5
"""A gain that is shown in full colour: the light times 1.65."""
_ARROWS_ACROSS = 28
_LEAST_ARROW_PX = 0.25
Arrow = tuple[float, float, float, float]
"""x and y where a surface was, x and y where it is shown; pixels of the live picture."""


def frame_motion_of(face: LiveFace, answered: FrameAnswers) -> FrameMotion | None:
    """Return the change of each pixel of the face's region; None if nothing changes."""
    if not answered.answers:
        return None
    answer = answered.answers[0]
    height, width = face.cut.display.shape[:2]
    return motion_in_frame(answer, face.cut.crop, (slice(0, height), slice(0, width)))


def lay_over(screen: Screen, face: LiveFace, motion: FrameMotion, layer: Layer) -> Screen:
    """Return the changed picture with a layer over it in colour."""
    result = screen.copy()
    within = result[face.cut.region]
    if layer == "cover":
        _tint(within, motion.cover, _COVER)
    if layer == "gain":
        gain = motion.log_gain.mean(axis=2) / np.float32(_FULL_LOG_GAIN)
        _tint(within, np.clip(gain, 0.0, 1.0), _BRIGHTER)
        _tint(within, np.clip(-gain, 0.0, 1.0), _DARKER)
    return result


def arrows_of(face: LiveFace, motion: FrameMotion) -> list[Arrow]:
    """Motion of surfaces on a grid."""
    height, width = motion.cover.shape
    step = max(1, max(height, width) // _ARROWS_ACROSS)
    top, left = (axis.start for axis in face.cut.region)
    arrows = []
    for y in range(step // 2, height, step):
        for x in range(step // 2, width, step):
            right, down = (float(value) for value in motion.displacement[y, x])
            if np.hypot(right, down) < _LEAST_ARROW_PX:
                continue
            to = (left + x + 0.5, top + y + 0.5)
            arrows.append((round(to[0] + right, 2), round(to[1] + down, 2), *to))
    return arrows


def _tint(
    screen: Screen, share: Float[np.ndarray, "rows columns"], colour: tuple[int, int, int]
) -> None:
    """Mix, in place, a colour into RGB and show it where there was nothing to see."""
    part = share[..., None]
    screen[..., :3] = np.rint(screen[..., :3] * (1 - part) + np.array(colour) * part)
    screen[..., 3] = np.maximum(screen[..., 3], np.rint(share * 255)).astype(np.uint8)
