"""One face with its truth from the rig, and what a model made of it."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8

from reggan_plugin.array_types import CropPlane, SixPoints
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.landmarks import LANDMARK_NAMES
from reggan_plugin.imaging.region_limits import inside_in_frame
from reggan_training.heads.head import Part
from reggan_training.metrics.image_distance import DILATION_SHARE, change_region

Planes = Float[np.ndarray, "3 side side"]
"""sRGB-encoded, [0, 1]."""
MotionPlanes = Float[np.ndarray, "2 side side"]
PixelMask = Bool[np.ndarray, "side side"]

LEAST_MOTION = 0.01
"""Motion that counts as moved, in eye distances: two thirds of a pixel in a crop of 256."""
_BROWS_AND_LIDS = (-1.05, 1.05, -0.75, 0.32)  # left, right, top, bottom in eye distances
_BESIDE_MOUTH, _ABOVE_MOUTH = 0.22, 0.32
_TOWARDS_CHIN = 0.62
"""The mouth's region ends at this part of the way from its middle to the chin."""
INSIDE_OF_MOUTH = (Part.TEETH, Part.GUMS, Part.TONGUE, Part.MOUTH)
_OF_EYES = (Part.EYE, Part.SOCKET, Part.LASHES, Part.BROWS)


@dataclass(frozen=True, kw_only=True, eq=False)
class TrueFace:
    """A source, the picture that answers a request, and how the one became the other.

    Attributes:
        source, target: sRGB-encoded, in [0, 1].
        motion: (x, y) from a pixel of the target to where the source shows the same surface, in
            parts of the crop's side. 0 on the background; of no meaning where not visible.
        is_visible: the surface that the target shows here is seen in the source.
        is_head: the target shows the head here, not the background.
        parts: a `Part` for each pixel of the target's head; of no meaning outside of it.
        eye_distance: in parts of the crop's side.
        source_landmarks, target_landmarks: in parts of the crop's side, in the order of
            `LANDMARK_NAMES`.
    """

    source: Planes
    target: Planes
    motion: MotionPlanes
    is_visible: PixelMask
    is_head: PixelMask
    parts: UInt8[np.ndarray, "side side"]
    eye_distance: float
    source_landmarks: SixPoints
    target_landmarks: SixPoints

    @property
    def side_px(self) -> int:
        """Side of the crop."""
        return self.source.shape[-1]

    @property
    def eye_distance_px(self) -> float:
        """Distance between the eyes in pixels of the crop."""
        return self.eye_distance * self.side_px

    @property
    def is_uncovered(self) -> PixelMask:
        """True cover: pixels whose target shows a surface of the head that the source hides."""
        return self.is_head & ~self.is_visible

    def shows(self, *parts: Part) -> PixelMask:
        """Pixels whose target shows one of these parts."""
        return self.is_head & np.isin(self.parts, [int(part) for part in parts])


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceAnswer:
    """The answer of a model, at the crop's size.

    Attributes:
        motion: as in `TrueFace`; the model's smaller grid has been enlarged as the runtime does.
        behind: the same, also where something stands before the face.
        cover: how much of each pixel is paint, in [0, 1].
        picture: the source with motion, light and paint, as a frame is composited.
    """

    motion: MotionPlanes
    behind: MotionPlanes
    cover: CropPlane
    picture: Planes


class FacePart(Enum):
    """A part of the face."""

    BROWS_AND_LIDS = "brows and lids"
    MOUTH = "mouth"
    REST = "rest"


def part_masks(face: TrueFace) -> dict[FacePart, PixelMask]:
    """Divide the crop: every pixel belongs to exactly one part.

    Boxes around the landmarks of source and target together, plus what the triangles say. The
    background is part of the rest.
    """
    mouth = _mouth_box(face, face.source_landmarks) | _mouth_box(face, face.target_landmarks)
    mouth |= face.shows(*INSIDE_OF_MOUTH)
    brows = _box(face, face.source_landmarks, _BROWS_AND_LIDS) | face.shows(*_OF_EYES)
    brows &= ~mouth
    return {
        FacePart.BROWS_AND_LIDS: brows,
        FacePart.MOUTH: mouth,
        FacePart.REST: ~(brows | mouth),
    }


def changeable_region(side_px: int) -> PixelMask:
    """Pixels in which a change counts in full: all but the border of the crop, where it fades."""
    crop = FaceCrop(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), side_px)
    everywhere = (slice(0, side_px), slice(0, side_px))
    return np.asarray(inside_in_frame(crop, everywhere) >= 1)


def moved_region(face: TrueFace) -> PixelMask:
    """Pixels of surfaces seen in both pictures that truly move."""
    size = np.hypot(*face.motion) / face.eye_distance
    return face.is_head & face.is_visible & (size > LEAST_MOTION)


def changed_region(face: TrueFace) -> PixelMask:
    """Pixels in which the truth differs, moves or is uncovered, and 8 px at 256 around them.

    Motion counts although the picture may look the same: smooth skin that should have moved and
    folds instead is a fault there.
    """
    pictures = (torch.from_numpy(np.ascontiguousarray(one)) for one in (face.source, face.target))
    differs = change_region(*(one[None] for one in pictures))[0, 0].numpy()
    return differs | dilated(moved_region(face) | face.is_uncovered)


def dilated(mask: PixelMask) -> PixelMask:
    """Grow a mask to everything within 8 px at 256 of it."""
    radius_px = round(DILATION_SHARE * mask.shape[0])
    plane = torch.from_numpy(mask).float()[None, None]
    wide = F.max_pool2d(plane, 2 * radius_px + 1, 1, radius_px)
    return np.asarray(wide[0, 0].numpy() > 0)


def _mouth_box(face: TrueFace, landmarks: SixPoints) -> PixelMask:
    """From above the upper lip towards the chin, which goes down with the jaw."""
    points = _upright(face, landmarks, landmarks.T[:, :, None])
    x, y = points[..., 0]
    left, right = (LANDMARK_NAMES.index(name) for name in ("mouth_left", "mouth_right"))
    ends = x[[left, right]]
    middle, chin = y[[left, right]].mean(), y[LANDMARK_NAMES.index("chin")]
    box = (
        float(ends.min()) - _BESIDE_MOUTH,
        float(ends.max()) + _BESIDE_MOUTH,
        float(middle) - _ABOVE_MOUTH,
        float(middle + _TOWARDS_CHIN * max(chin - middle, 0.0)),
    )
    return _box(face, landmarks, box)


def _box(face: TrueFace, landmarks: SixPoints, box: tuple[float, float, float, float]) -> PixelMask:
    """Pixels in an upright box (left, right, top, bottom) around the middle between the eyes."""
    axis = (np.arange(face.side_px) + 0.5) / face.side_px
    x, y = _upright(face, landmarks, np.stack(np.meshgrid(axis, axis)))
    left, right, top, bottom = box
    return np.asarray((x >= left) & (x <= right) & (y >= top) & (y <= bottom))


def _upright(
    face: TrueFace, landmarks: SixPoints, points: Float[np.ndarray, "2 rows columns"]
) -> Float[np.ndarray, "2 rows columns"]:
    """Points (x, y) in eye distances, from between the eyes; x along the line through them."""
    left, right = (landmarks[LANDMARK_NAMES.index(name)] for name in ("left_eye", "right_eye"))
    along = (left - right) / max(float(np.hypot(*(left - right))), 1e-6)
    away = points - ((left + right) / 2)[:, None, None]
    x = along[0] * away[0] + along[1] * away[1]
    y = along[0] * away[1] - along[1] * away[0]
    return np.stack([x, y]) / face.eye_distance
