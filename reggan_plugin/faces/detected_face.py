"""A face as one frame shows it, with a small picture of it to compare with other frames."""

from dataclasses import replace

import numpy as np

from reggan_plugin.array_types import Float, Pixels, SixPoints, UInt8
from reggan_plugin.faces.face_crop import FaceCrop, crop_around_face, face_centre_px, face_size_px
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import LUMA_WEIGHTS
from reggan_plugin.imaging.crop import cut_crop

PATCH_SIDE_PX = 64
"""A patch spans four eye distances, so that one of its pixels is a sixteenth of one."""
_LOOK_SIDE = 16

Patch = UInt8[np.ndarray, "side side"]


@frozen(eq=False)
class Detection:
    """A face in one frame.

    Attributes:
        points: the six landmarks, in pixels of the picture as displayed.
        score: that this is a face, in [0, 1].
        patch: the upright face in grey, as `patch_around` cuts it.
        in_shot: its dense landmarks, in the same pixels; None where nobody looked for them.
    """

    points: SixPoints
    score: float
    patch: Patch
    in_shot: FaceInShot | None = None

    @property
    def centre_px(self) -> Float[np.ndarray, "2"]:
        """Middle of the face."""
        return face_centre_px(crop_around_face(self.points))

    @property
    def size_px(self) -> float:
        """Side of the face box; a turned head keeps it."""
        return face_size_px(crop_around_face(self.points))


def patch_crop(points: SixPoints) -> FaceCrop:
    """Place of a face's patch in its frame."""
    crop = crop_around_face(points)
    matrix = crop.frame_from_crop.copy()
    matrix[:, :2] *= crop.side_px / PATCH_SIDE_PX
    return replace(crop, frame_from_crop=matrix, side_px=PATCH_SIDE_PX)


def patch_around(image: Pixels, points: SixPoints) -> Patch:
    """Return the grey patch of the face in a picture that is sRGB-encoded in [0, 1]."""
    gray = cut_crop(image, patch_crop(points)) @ np.array(LUMA_WEIGHTS, dtype=np.float32)
    return np.asarray(np.rint(gray.clip(0.0, 1.0) * 255).astype(np.uint8))


def unlikeness(one: Detection, other: Detection) -> float:
    """Difference of two faces' looks, whatever the exposure: 0 for the same patch, up to 2."""
    return float(1.0 - (_look(one.patch) * _look(other.patch)).mean())


def _look(patch: Patch) -> Float[np.ndarray, "rows columns"]:
    """Return the patch in a few cells, of mean 0 and variance 1."""
    cells = patch.reshape(_LOOK_SIDE, -1, _LOOK_SIDE, PATCH_SIDE_PX // _LOOK_SIDE)
    means = cells.mean(axis=(1, 3), dtype=np.float64)
    return np.asarray((means - means.mean()) / max(float(means.std()), 1e-6))
