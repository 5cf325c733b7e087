"""Fine detail that is kept, lost or invented, and contours that stand where nothing is any more."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float

from reggan_plugin.imaging.colour import LUMA_WEIGHTS
from reggan_training.metrics.motion.face import PixelMask, Planes, TrueFace

FINE_SIGMA_PX, MEDIUM_SIGMA_PX = 1.0, 4.0
"""Fine detail is what the first Gaussian takes away, medium what lies between the two."""
LEFT_BEHIND = 0.02
"""Motion from which a contour has left its place, in eye distances: 1.3 px in a crop of 256."""


@dataclass(frozen=True)
class Detail:
    """Gradient energy of a result over the truth's, whole and in two bands; 1 is as it should be.

    Attributes:
        in_place: Σ made·true / Σ true·true of the gradients. Noise, ringing and contours in the
            wrong place raise the energies, not this.
    """

    whole: float
    fine: float
    medium: float
    in_place: float


def measure_detail(
    made: Float[np.ndarray, "3 height width"],
    true: Float[np.ndarray, "3 height width"],
    region: Bool[np.ndarray, "height width"],
) -> Detail:
    """Compare the gradients of two pictures in a region; NaN where the truth has none."""
    ours, truth = _bands(made), _bands(true)
    whole, fine, medium = (
        _ratio(_energy(our_band, region), _energy(true_band, region))
        for our_band, true_band in zip(ours, truth, strict=True)
    )
    ours_there, true_there = (_gradient(one[0])[:, region] for one in (ours, truth))
    in_place = _ratio(float((ours_there * true_there).sum()), float((true_there**2).sum()))
    return Detail(whole=whole, fine=fine, medium=medium, in_place=in_place)


@dataclass(frozen=True)
class Ghost:
    """Remains of the source's contours at places that they should have left.

    Attributes:
        correlation: of the result's gradient with the source's, −1 to 1.
        of_truth: the same of the true picture. Faces resemble themselves, so that it is not 0.
        weight: of the source's gradient in the result, beside the truth's: g ≈ a·true +
            weight·source in least squares. 0 for the truth, 1 for an unchanged picture, 0.5 for a
            double exposure. Blur does not raise it.
    """

    correlation: float
    of_truth: float
    weight: float

    @property
    def excess(self) -> float:
        """Excess likeness of the result to the source there, over that of the truth."""
        return self.correlation - self.of_truth


def left_region(face: TrueFace) -> PixelMask:
    """Pixels whose source surface is gone: another one has moved here, or was uncovered."""
    size = np.hypot(*face.motion) / face.eye_distance
    return face.is_head & ((size > LEFT_BEHIND) | ~face.is_visible)


def measure_ghost(made: Planes, face: TrueFace, region: PixelMask) -> Ghost:
    """Look for the source's contours in a result, in a part of `left_region`; NaN if it is flat."""
    m, t, s = (
        _gradient(_luma(picture))[:, region].ravel().astype(np.float64)
        for picture in (made, face.target, face.source)
    )
    mt, ms, ts = float(m @ t), float(m @ s), float(t @ s)
    mm, tt, ss = float(m @ m), float(t @ t), float(s @ s)
    return Ghost(
        correlation=_ratio(ms, float(np.sqrt(mm * ss))),
        of_truth=_ratio(ts, float(np.sqrt(tt * ss))),
        weight=_ratio(ms * tt - mt * ts, ss * tt - ts * ts),
    )


def _bands(picture: Float[np.ndarray, "3 height width"]) -> list[Float[np.ndarray, "height width"]]:
    """Return the whole luma, its fine and its medium band."""
    whole = _luma(picture)
    soft, softer = (_blurred(whole, sigma) for sigma in (FINE_SIGMA_PX, MEDIUM_SIGMA_PX))
    return [whole, whole - soft, soft - softer]


def _luma(picture: Float[np.ndarray, "3 height width"]) -> Float[np.ndarray, "height width"]:
    return np.asarray(np.tensordot(np.array(LUMA_WEIGHTS, dtype=picture.dtype), picture, axes=1))


def _gradient(plane: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "2 height width"]:
    """Central differences along x and y; 0 at the picture's border.

    Differences between neighbours would count the highest frequencies most, which any picture
    loses that is sampled between its pixels: the rig's own motion keeps 0.80 to 0.91 of them.
    """
    x, y = np.zeros_like(plane), np.zeros_like(plane)
    x[:, 1:-1] = (plane[:, 2:] - plane[:, :-2]) / 2
    y[1:-1] = (plane[2:] - plane[:-2]) / 2
    return np.stack([x, y])


def _energy(
    plane: Float[np.ndarray, "height width"], region: Bool[np.ndarray, "height width"]
) -> float:
    return float((_gradient(plane)[:, region].astype(np.float64) ** 2).sum())


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else float("nan")


def _blurred(
    plane: Float[np.ndarray, "height width"], sigma_px: float
) -> Float[np.ndarray, "height width"]:
    """Gaussian blur; the picture's edge pixels go on beyond it."""
    radius = int(np.ceil(3 * sigma_px))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    taps = torch.exp(-(offsets**2) / (2 * sigma_px**2))
    taps = taps / taps.sum()
    image = torch.from_numpy(np.ascontiguousarray(plane, dtype=np.float32))[None, None]
    image = F.pad(image, [radius] * 4, mode="replicate")
    image = F.conv2d(F.conv2d(image, taps[None, None, None]), taps[None, None, :, None])
    return np.asarray(image[0, 0].numpy())
