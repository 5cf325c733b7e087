"""One face of an open frame, changed again and again: only its crop is computed."""

import math
from dataclasses import replace
from typing import Literal

import numpy as np

from reggan_plugin.array_types import Float, Pixels, Plane, UInt8
from reggan_plugin.change.answer import Answer, motion_in_frame
from reggan_plugin.change.pipeline import (
    MOST_FINER,
    CutFace,
    FrameAnswers,
    FrameCrops,
    Picture,
    cut_face,
)
from reggan_plugin.files.frame import Frame
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.colour import PixelCoding
from reggan_plugin.imaging.composite_motion import FrameMotion
from reggan_plugin.imaging.crop import FaceCrop, Region, ShownFace, region_of
from reggan_plugin.kernels.sampling import block_means
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.transfer.display_picture import coding_of
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

Screen = UInt8[np.ndarray, "height width 4"]
"""Straight RGBA, sRGB-encoded, as browsers take it."""
_BESIDE_PX = 12
"""Pixels beyond the crop's own margin that a surface may come from; then the crop alone gives the
pixels that the whole frame would."""

Layer = Literal["picture", "motion", "gain", "cover"]
LAYERS: tuple[Layer, ...] = ("picture", "motion", "gain", "cover")
_BRIGHTER, _DARKER, _COVER = (255, 150, 40), (40, 110, 255), (255, 0, 200)
_FULL_LOG_GAIN = 0.5
"""A gain that is shown in full colour: the light times 1.65."""
_ARROWS_ACROSS = 28
_LEAST_ARROW_PX = 0.25
Arrow = tuple[float, float, float, float]
"""x and y where a surface was, x and y where it is shown; pixels of the live picture."""


@frozen(eq=False)
class LiveFace:
    """A face cut out once, to be changed many times.

    Attributes:
        region: rows and columns of the frame that the picture of it shows.
        factor: pixels of the frame that one pixel of the picture spans.
        cut: the face on its way through the model, in the picture.
        picture: the region's stored pixels, reduced by the factor.
        share: what the turn of the head leaves of the intensity.
        is_draft: whether its changes are coarser and quicker.
    """

    region: Region
    factor: int
    cut: CutFace
    picture: Picture
    share: float
    is_draft: bool = False

    @property
    def crop_in_picture(self) -> FaceCrop:
        """Where the face is in the picture."""
        rows, columns = self.cut.region
        return self.cut.crop.moved(columns.start, rows.start)

    def change(self, transfer: ExpressionTransfer, mix: ExpressionMix) -> FrameAnswers:
        """Answer of the model to an expression."""
        return transfer.answer([self._cut_for(mix)], is_draft=self.is_draft)[0]

    def answered_before(self, mix: ExpressionMix, answers: tuple[Answer, ...]) -> FrameAnswers:
        """Return the same with what the model answered for this face in a picture of another
        size.
        """
        return FrameAnswers(cut=self._cut_for(mix), answers=answers)

    def _cut_for(self, mix: ExpressionMix) -> FrameCrops:
        asked = mix if self.share == 1.0 else mix.scaled(self.share)
        faces = () if asked.changes_nothing else (replace(self.cut, mix=asked),)
        return FrameCrops(picture=self.picture, faces=faces)

    def screen(self, answered: FrameAnswers) -> Screen:
        """Return the region with its changed face."""
        edited = answered.compose()
        return screen_of(edited.pixels, self.picture.alpha, self.picture.coding)


def live_face(
    transfer: ExpressionTransfer,
    frame: Frame,
    crop: FaceCrop,
    exposure_ev: float,
    longest_px: int,
    seen: ShownFace | None = None,
    *,
    is_draft: bool = False,
) -> LiveFace:
    """Cut a face out of a frame, in a picture of at most `longest_px` on its longer side.

    `seen` is what `seen_face` gives for it, if that is known: of a large frame it takes longest.
    """
    size = frame.pixels.shape[:2]
    inner = region_of(crop, *size, with_margin=True)
    region = _wider(inner, size, crop)
    whole = _whole(frame, exposure_ev)
    if seen is None:
        seen = seen_face(transfer.card, frame, crop, exposure_ev, is_draft=is_draft)
    rows, columns = region
    longest = max(rows.stop - rows.start, columns.stop - columns.start)
    factor = max(1, math.ceil(longest / longest_px))
    picture = _reduced(whole, region, factor)
    place = _reduced_region(inner, region, factor)
    local = _in_region(crop, region).scaled(1 / factor)
    cut = CutFace(
        region=place,
        crop=_in_region(local, place),
        display=picture.display(place, picture.pixels[place]),
        before=seen,
        mix=ExpressionMix({}),
    )
    share = transfer.intensity_share(crop)
    return LiveFace(
        region=region, factor=factor, cut=cut, picture=picture, share=share, is_draft=is_draft
    )


def seen_face(
    card: ModelCard, frame: Frame, crop: FaceCrop, exposure_ev: float, *, is_draft: bool
) -> ShownFace:
    """Return a face as the model sees it, cut out of the frame at its own size."""
    inner = region_of(crop, *frame.pixels.shape[:2], with_margin=True)
    whole = _whole(frame, exposure_ev)
    place = _in_region(crop, inner)
    most = 1 if is_draft else MOST_FINER
    return cut_face(whole, inner, place, ExpressionMix({}), card, most_finer=most).before


def _whole(frame: Frame, exposure_ev: float) -> Picture:
    coding = coding_of(frame, exposure_ev)
    return Picture(pixels=frame.pixels, alpha=frame.alpha, coding=coding)


def _reduced(whole: Picture, region: Region, factor: int) -> Picture:
    """Return a region of a picture, averaged over blocks of pixels."""
    pixels, alpha = averaged(whole.pixels[region], whole.alpha_in(region), factor)
    return Picture(pixels=pixels, alpha=alpha, coding=whole.coding)


def averaged(
    pixels: Pixels, alpha: Plane | None, factor: int
) -> tuple[Float[np.ndarray, "rows columns 3"], Float[np.ndarray, "rows columns"] | None]:
    """Return stored pixels and alpha averaged over blocks, NaN as 0; as they are at a factor of
    1.
    """
    if factor == 1:
        return pixels, alpha
    if alpha is not None:
        alpha = block_means(np.nan_to_num(alpha)[..., None], factor)[..., 0]
    return block_means(np.nan_to_num(pixels), factor), alpha


def rgba_of(frame: Frame) -> Float[np.ndarray, "height width 4"]:
    """Return a frame's stored pixels with its alpha, which is 1 where it has none."""
    alpha = np.ones(frame.pixels.shape[:2], np.float32) if frame.alpha is None else frame.alpha
    return np.concatenate([frame.pixels, alpha[..., None]], axis=2)


def _reduced_region(inner: Region, outer: Region, factor: int) -> Region:
    """Place of a region in the reduced picture of a wider one."""
    rows, columns = (
        slice((own.start - other.start) // factor, math.ceil((own.stop - other.start) / factor))
        for own, other in zip(inner, outer, strict=True)
    )
    return rows, columns


def screen_of(pixels: Pixels, alpha: Plane | None, coding: PixelCoding) -> Screen:
    """Return stored pixels as a browser shows them."""
    display = colour.display_from_stored(pixels, alpha, coding)
    levels = np.empty((*pixels.shape[:2], 4), np.uint8)
    levels[..., :3] = _levels(display)
    levels[..., 3] = 255 if alpha is None else _levels(alpha)
    return levels


def _levels(values: Float[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    within = np.fmin(np.fmax(values, np.float32(0.0)), np.float32(1.0))  # NaN becomes 0
    return np.rint(within * np.float32(255)).astype(np.uint8)


def _in_region(crop: FaceCrop, region: Region) -> FaceCrop:
    return crop.moved(-region[1].start, -region[0].start)


def _wider(region: Region, size: tuple[int, ...], crop: FaceCrop) -> Region:
    """Return the region with what a motion at the border of the crop may fetch."""
    beside = math.ceil(_BESIDE_PX * max(1.0, crop.scale))
    rows, columns = (
        slice(max(0, axis.start - beside), min(length, axis.stop + beside))
        for axis, length in zip(region, size, strict=True)
    )
    return rows, columns


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
