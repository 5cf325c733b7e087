"""The soft mask of every expression, which says where faces change; learnt from the pairs."""

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageFilter

RIM_SHARE = 0.04
"""Width of the rim, as a fraction of the crop's side, in which a mask is always 0."""
_CHANGE_LEVELS = 0.045
"""Change of a pixel, of 1, that counts as one: above JPEG noise and the half degree of tilt."""
_RARE, _COMMON = 0.05, 0.30
"""Share of the faces that change at a place: below the first the mask is 0, above the second 1."""


class ChangeCounts:
    """In how many faces each expression changes each pixel. Counts of disjoint data add up.

    Attributes:
        changed: faces that change at a pixel; float32 [expressions, side, side]. Row 0 stays 0.
        faces: faces that were looked at, for each expression; float32 [expressions].
    """

    def __init__(self, expressions: int, side_px: int) -> None:
        self.changed: Float[np.ndarray, "expressions side side"] = np.zeros(
            (expressions, side_px, side_px), np.float32
        )
        self.faces: Float[np.ndarray, " expressions"] = np.zeros(expressions, np.float32)

    def add(
        self,
        expression: int,
        neutral: Float[np.ndarray, "side side 3"],
        image: Float[np.ndarray, "side side 3"],
    ) -> None:
        """Take in one face, neutral and with an expression; both in [0, 1]."""
        change = np.abs(image - neutral).max(axis=-1)
        self.changed[expression] += _blur(change, change.shape[-1] / 64) > _CHANGE_LEVELS
        self.faces[expression] += 1

    def masks(self, low_px: int) -> Float[np.ndarray, "expressions low low"]:
        """Return masks in [0, 1] for the expressions, in order.

        The mask of an expression is what it changes in a neutral face; the mask of neutral is
        the union of all, as any of them may have to be undone. Left and right are treated alike.
        """
        share = self.changed / np.maximum(self.faces, 1)[:, None, None]
        share = np.maximum(share, share[:, :, ::-1])
        ramp = np.clip((share - _RARE) / (_COMMON - _RARE), 0, 1)
        smooth = ramp * ramp * (3 - 2 * ramp)
        soft = np.stack([_blur(plane, plane.shape[-1] / 48) for plane in smooth])
        soft[0] = soft[1:].max(axis=0)
        small = np.stack([_close(_shrink(mask, low_px)) for mask in soft])
        small = np.clip((small - 0.06) / 0.9, 0, 1)
        return (small * _fade_to_rim(low_px) * _face_oval(low_px)).astype(np.float32)


def _close(plane: Float[np.ndarray, "low low"]) -> Float[np.ndarray, "low low"]:
    """Fill holes and notches narrower than a ninth of a crop of 64 px: a nose, a cheek."""
    image = Image.fromarray((plane * 255 + 0.5).astype(np.uint8))
    for step in (ImageFilter.MaxFilter(7), ImageFilter.MinFilter(7), ImageFilter.GaussianBlur(1)):
        image = image.filter(step)
    return np.asarray(image, dtype=np.float32) / 255.0


def _face_oval(low_px: int) -> Float[np.ndarray, "low low"]:
    """1 on a face, 0 from the hairline and the ears on: hair and scenery move with no smile."""
    axis = (np.arange(low_px) + 0.5) / low_px
    radius = np.hypot((axis[None, :] - 0.5) / 0.40, (axis[:, None] - 0.52) / 0.46)
    return np.asarray(np.clip((1.0 - radius) / 0.16, 0, 1), dtype=np.float32)


def _fade_to_rim(low_px: int) -> Float[np.ndarray, "low low"]:
    """1 inside, 0 on the rim, a straight fade of a twelfth of the side between.

    The rim is one low pixel wider than asked for, which bilinear enlarging eats.
    """
    rim = np.ceil(RIM_SHARE * low_px) + 1
    depth = np.minimum(np.arange(low_px), np.arange(low_px)[::-1])
    fade = np.clip((np.minimum(depth[:, None], depth) - rim + 1) / (low_px / 12), 0, 1)
    return np.asarray(fade, dtype=np.float32)


def _blur(
    plane: Float[np.ndarray, "side side"], radius_px: float
) -> Float[np.ndarray, "side side"]:
    """Gaussian blur of a plane; values in [0, 1] are kept to 1/255."""
    levels = np.clip(plane * 255 + 0.5, 0, 255).astype(np.uint8)
    blurred = Image.fromarray(levels).filter(ImageFilter.GaussianBlur(radius_px))
    return np.asarray(blurred, dtype=np.float32) / 255.0


def _shrink(plane: Float[np.ndarray, "side side"], low_px: int) -> Float[np.ndarray, "low low"]:
    image = Image.fromarray(plane.astype(np.float32))
    return np.asarray(image.resize((low_px, low_px), Image.Resampling.BOX))
