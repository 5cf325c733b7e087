"""The square that a model sees, and how it lies in the frame; the square that the locator sees."""

import math
from dataclasses import replace

import numpy as np

from reggan_plugin.array_types import Float, SixPoints
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.faces.landmarks import BOX_SIDE_IN_EYE_DISTANCES, LANDMARK_NAMES, FaceLandmarks
from reggan_plugin.frozen import frozen

ALIGNED_LANDMARKS = ("left_eye", "right_eye", "mouth_left", "mouth_right")
"""The points that fix the crop. Nose and chin move too much with yaw and jaw."""


@frozen(kw_only=False, eq=False)
class FaceCrop:
    """A square crop of `side_px` pixels and the similarity transform that places it.

    `frame_from_crop` maps crop to frame: frame_xy = frame_from_crop @ (x, y, 1). Both sides
    are continuous pixel coordinates; the crop's run from 0 to `side_px`. `yaw_deg` is how far
    the head is turned to its own left, None where no landmarks say so.

    `in_shot` is what the shot says of the face, in parts of the crop's side, where it was tracked.

    `face` is the identity of the face in its tracks, or its place by size, largest first;
    `score` the locator's confidence, None where it did not look; `status` as in `TrackedFace`.
    """

    frame_from_crop: Float[np.ndarray, "2 3"]
    side_px: int
    yaw_deg: float | None = None
    face: int = 0
    score: float | None = None
    status: str = "given"
    in_shot: FaceInShot | None = None

    @property
    def scale(self) -> float:
        """Frame pixels per crop pixel."""
        return float(np.hypot(*self.frame_from_crop[:, 0]))

    @property
    def crop_from_frame(self) -> Float[np.ndarray, "2 3"]:
        """The inverse map, frame to crop."""
        linear = np.linalg.inv(self.frame_from_crop[:, :2])
        return np.column_stack([linear, -linear @ self.frame_from_crop[:, 2]])

    def moved(self, x_px: float, y_px: float) -> "FaceCrop":
        """Return the same crop in a picture whose corner lies at (-x_px, -y_px) of this one's."""
        matrix = self.frame_from_crop.copy()
        matrix[:, 2] += [x_px, y_px]
        return replace(self, frame_from_crop=matrix)

    def scaled(self, factor: float) -> "FaceCrop":
        """Return the same crop in a picture `factor` times as large."""
        return replace(self, frame_from_crop=self.frame_from_crop * factor)

    def rolled(self, roll_deg: float, middle: Float[np.ndarray, "2"]) -> "FaceCrop":
        """Return the same square turned clockwise about a point of the frame."""
        angle = math.radians(roll_deg)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        matrix = turn @ self.frame_from_crop
        matrix[:, 2] += middle - turn @ middle
        return replace(self, frame_from_crop=matrix, in_shot=None)

    def resized(self, side_px: int) -> "FaceCrop":
        """Return a larger or smaller square about the same centre, at the same scale and
        rotation.
        """
        matrix = self.frame_from_crop.copy()
        margin_px = (side_px - self.side_px) / 2
        matrix[:, 2] -= matrix[:, :2] @ [margin_px, margin_px]
        return replace(self, frame_from_crop=matrix, side_px=side_px, in_shot=None)

    def finer(self, factor: float) -> "FaceCrop":
        """Return the same square with `factor` times as many pixels on a side, about."""
        side_px = round(factor * self.side_px)
        factor, matrix = side_px / self.side_px, self.frame_from_crop.copy()
        matrix[:, :2] /= factor
        return replace(self, frame_from_crop=matrix, side_px=side_px)

    def corners(self) -> Float[np.ndarray, "4 2"]:
        """Corners of the crop in the frame, in pixels."""
        side = float(self.side_px)
        square = np.array([[0, 0], [side, 0], [side, side], [0, side]])
        return self.place(square)

    def place(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Map points of the crop into the frame, both in pixels."""
        return points @ self.frame_from_crop[:, :2].T + self.frame_from_crop[:, 2]


def crop_from_landmarks(landmarks: FaceLandmarks, canonical: SixPoints, side_px: int) -> FaceCrop:
    """Place the crop so that eyes and mouth come closest to their canonical positions.

    Args:
        landmarks: points of the face in the frame, in pixels.
        canonical: where a model expects them, as fractions of the crop's side.
        side_px: side of the crop that the model sees.

    Raises:
        UsageError: the points coincide or are not finite, so that they place nothing.
    """
    rows = [LANDMARK_NAMES.index(name) for name in ALIGNED_LANDMARKS]
    source, target = canonical[rows] * side_px, landmarks.points[rows]
    if not np.isfinite(target).all() or np.ptp(target, axis=0).max() < 1e-3:
        raise UsageError(
            f"The landmarks {target.round(3).tolist()} place no face; expected four distinct, "
            f"finite points: {', '.join(ALIGNED_LANDMARKS)}."
        )
    return FaceCrop(fit_similarity(source, target), side_px)


def crop_from_box(
    box: tuple[float, float, float, float], canonical: SixPoints, side_px: int
) -> FaceCrop:
    """Place the crop so that the canonical face fills `box` (x, y, width, height; pixels).

    The box is a face box as `FaceLandmarks.box`: brows to below the chin. A box that is not
    square is taken by its centre and its mean side.

    Raises:
        UsageError: the box has no area.
    """
    x, y, width, height = box
    if not (np.isfinite(box).all() and width > 0 and height > 0):
        raise UsageError(f"The face box {box} has no area; give x,y,width,height in pixels.")
    left, top, canonical_side, _ = FaceLandmarks(canonical * side_px).box
    scale = (width + height) / 2 / canonical_side
    centre = np.array([x + width / 2, y + height / 2])
    canonical_centre = np.array([left, top]) + canonical_side / 2
    offset = centre - scale * canonical_centre
    return FaceCrop(np.array([[scale, 0.0, offset[0]], [0.0, scale, offset[1]]]), side_px)


def crop_of_whole_image(height: int, width: int, side_px: int) -> FaceCrop:
    """Place the crop on the largest square in the middle of an image."""
    scale = min(height, width) / side_px
    offset_x, offset_y = (width - scale * side_px) / 2, (height - scale * side_px) / 2
    return FaceCrop(np.array([[scale, 0.0, offset_x], [0.0, scale, offset_y]]), side_px)


def fit_similarity(
    source: Float[np.ndarray, "n 2"], target: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, "2 3"]:
    """Least-squares similarity (rotation, uniform scale, shift) from `source` to `target`.

    Written as one complex number per point, the fit is target = a * source + b, so that
    a = <source, target> / <source, source> on centred points and reflections cannot occur.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    s = (source - source_mean) @ np.array([1, 1j])
    t = (target - target_mean) @ np.array([1, 1j])
    a = np.vdot(s, t) / np.vdot(s, s).real
    linear = np.array([[a.real, -a.imag], [a.imag, a.real]])
    return np.column_stack([linear, target_mean - linear @ source_mean])


CROP_SIDE_PX = 112
CROP_SIDE_IN_EYE_DISTANCES = 4.0
CROP_LANDMARKS = np.array(
    [[0.625, 0.260], [0.375, 0.260], [0.500, 0.430], [0.605, 0.565], [0.395, 0.565], [0.500, 0.765]]
)
"""Mean positions of the six points, as fractions of the crop's side."""


def crop_around_face(points: SixPoints) -> FaceCrop:
    """Place the square so that the face stands upright in its middle."""
    return crop_from_landmarks(FaceLandmarks(points), CROP_LANDMARKS, CROP_SIDE_PX)


def vary_crop(crop: FaceCrop, zoom: float, turn_deg: float) -> FaceCrop:
    """Return the crop enlarged and turned about its middle."""
    angle = math.radians(turn_deg)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = crop.frame_from_crop[:, :2] @ turn * zoom
    offset = face_centre_px(crop) - linear @ np.full(2, crop.side_px / 2)
    return FaceCrop(np.column_stack([linear, offset]), crop.side_px)


def face_size_px(crop: FaceCrop) -> float:
    """Side of the face box, as fitted to eyes and mouth: a turned head keeps its size."""
    eye_distance = crop.scale * crop.side_px / CROP_SIDE_IN_EYE_DISTANCES
    return eye_distance * BOX_SIDE_IN_EYE_DISTANCES


def face_centre_px(crop: FaceCrop) -> Float[np.ndarray, "2"]:
    """Middle of the square, in frame pixels."""
    return np.asarray(crop.place(np.full((1, 2), crop.side_px / 2))[0], dtype=np.float64)
