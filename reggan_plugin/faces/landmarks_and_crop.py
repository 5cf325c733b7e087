"""The six landmarks of a face, the head pose that they tell, and the square that a model sees."""

import math
from dataclasses import replace

import numpy as np

from reggan_plugin.array_types import Complex, Float, SixPoints
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.frozen import frozen

LANDMARK_NAMES = ("left_eye", "right_eye", "nose_tip", "mouth_left", "mouth_right", "chin")
"""Order of the points. *Left* is the face's own left: on the right of the picture."""

BOX_SIDE_IN_EYE_DISTANCES = 2.6
"""Side of the face box, which reaches from the brows to below the chin."""


@frozen(kw_only=False, eq=False)
class FaceLandmarks:
    """Landmarks of one face, in pixels from the top-left corner of the image.

    Coordinates are continuous: the centre of the pixel in row i and column j is
    (j + 0.5, i + 0.5). `score` is the locator's confidence in [0, 1]; 1 for given landmarks.
    """

    points: SixPoints
    score: float = 1.0

    def __post_init__(self) -> None:
        if self.points.shape != (len(LANDMARK_NAMES), 2):
            raise ValueError(f"landmarks of shape {self.points.shape}, expected (6, 2)")

    @property
    def eye_distance_px(self) -> float:
        """Distance between the eye centres."""
        return float(np.hypot(*(self.points[0] - self.points[1])))

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Square face box (x, y, width, height), upright, around the mean of eyes and mouth."""
        centre = self.points[[0, 1, 3, 4]].mean(axis=0)
        side = BOX_SIDE_IN_EYE_DISTANCES * self.eye_distance_px
        return (float(centre[0] - side / 2), float(centre[1] - side / 2), side, side)


CANONICAL_FACE: Float[np.ndarray, "6 3"] = np.array(
    [
        [0.50, 0.00, 0.00],
        [-0.50, 0.00, 0.00],
        [0.00, 0.66, 0.62],
        [0.39, 1.18, 0.12],
        [-0.39, 1.18, 0.12],
        [0.00, 1.86, 0.00],
    ]
)
"""Landmarks of a frontal face in distances of its eyes: x to its own left, y down, z towards the
camera. Means over 60 heads of seven expressions each, made by the training room's generator from
MakeHuman's CC0 head, rounded; but for the nose, which a camera at a usual distance sees larger:
its depth of 0.49 is raised until the yaw has no bias."""

_WEIGHTS = np.array([1.0, 1.0, 1.0, 0.3, 0.3, 0.2])
"""Trust in each point: mouth and chin move with the expression."""
_PITCH_PRIOR = 0.1
"""Cost of a pitch of one radian, in squared eye distances: a long face is not a nod."""
_LARGEST_YAW_DEG, _LARGEST_PITCH_DEG = 75.0, 35.0
_FIRST_STEP_DEG, _REFINEMENTS, _STEPS_TO_A_SIDE = 5.0, 4, 4
YAW_GAIN = 0.83
"""True yaw for a fitted one, by `tests/measurements/head_pose.py` on 48 rendered skin heads."""

LOCATED_GAIN = 1.3
"""True yaw for that of landmarks which the locator found: it puts those of turned heads too near to
the front. Eight heads (seven of VALID and the sample head) that looked 30, 45, 60 and 75 degrees
aside were at 21, 35, 47 and 57 in their mean without it. At 85 and more they were at 59."""

FAR_FROM_HUMAN = 0.42
"""`distance_from_human` beyond which proportions are no person's: of 600 drawn heads, many of them
with the eyes of toons and turned up to 80 degrees, the farthest is at 0.37, the median at 0.14.
Left and right taken for each other are at 1.4, a horse and a frog at 0.6."""
FADE_DEG = 10.0
"""Beyond a model's largest yaw, the further turn over which its effect fades to nothing, unless its
card says otherwise."""


@frozen
class HeadPose:
    """Rotation of a head.

    Attributes:
        yaw_deg: to its own left, which is the picture's right; -75 to 75.
        pitch_deg: up; -35 to 35.
    """

    yaw_deg: float
    pitch_deg: float


def head_pose_from_landmarks(landmarks: FaceLandmarks) -> HeadPose:
    """Estimate the turn of a head; see the module for the accuracy of the yaw."""
    seen = _centred(landmarks.points @ np.array([1, 1j]))
    yaws = np.arange(-_LARGEST_YAW_DEG, _LARGEST_YAW_DEG + 1, _FIRST_STEP_DEG)
    pitches = np.arange(-_LARGEST_PITCH_DEG, _LARGEST_PITCH_DEG + 1, _FIRST_STEP_DEG)
    step = _FIRST_STEP_DEG
    around = np.arange(-_STEPS_TO_A_SIDE, _STEPS_TO_A_SIDE + 1) / _STEPS_TO_A_SIDE
    for refinement in range(_REFINEMENTS + 1):
        cost = _distances(seen, yaws, pitches)
        row, column = np.unravel_index(int(cost.argmin()), cost.shape)
        yaw, pitch = yaws[row], pitches[column]
        if refinement < _REFINEMENTS:
            yaws, pitches = yaw + step * around, pitch + step * around
            step /= _STEPS_TO_A_SIDE
    return HeadPose(yaw_deg=float(YAW_GAIN * yaw), pitch_deg=float(pitch))


def located_yaw_deg(face: FaceLandmarks) -> float:
    """Estimate the yaw of a head whose landmarks our locator found; -82 to 82."""
    return LOCATED_GAIN * head_pose_from_landmarks(face).yaw_deg


def distance_from_human(landmarks: FaceLandmarks) -> float:
    """How far landmarks lie from the canonical face, turned as they fit best, in eye distances."""
    pose = head_pose_from_landmarks(landmarks)
    seen = _centred(landmarks.points @ np.array([1, 1j]))
    yaw, pitch = np.array([pose.yaw_deg / YAW_GAIN]), np.array([pose.pitch_deg])
    return float(np.sqrt(max(0.0, _distances(seen, yaw, pitch)[0, 0])))


def _distances(
    seen: Complex[np.ndarray, " points"],
    yaws_deg: Float[np.ndarray, " yaws"],
    pitches_deg: Float[np.ndarray, " pitches"],
) -> Float[np.ndarray, "yaws pitches"]:
    """Weighted squared distance of the landmarks from the canonical face at every turn.

    A point is the complex number x + iy; `seen` is centred. The best a in |seen - a model|^2 is
    <model, seen> / <model, model>; the distance is divided by |a|^2, so that it is in distances
    of the eyes.
    """
    yaw = np.radians(yaws_deg)[:, None, None]
    pitch = np.radians(pitches_deg)[None, :, None]
    x, y, z = CANONICAL_FACE.T
    across = x * np.cos(yaw) + z * np.sin(yaw)
    towards = z * np.cos(yaw) - x * np.sin(yaw)
    # turned, then seen from infinitely far
    model = _centred(across + 1j * (y * np.cos(pitch) - towards * np.sin(pitch)))
    overlap = (_WEIGHTS * model.conj() * seen).sum(axis=-1)
    own = (_WEIGHTS * np.abs(model) ** 2).sum(axis=-1)
    scale = np.maximum(np.abs(overlap / own) ** 2, 1e-12)
    distance = (_WEIGHTS * np.abs(seen) ** 2).sum() / scale - own
    return np.asarray(distance + _PITCH_PRIOR * np.radians(pitches_deg) ** 2)


def _centred(points: Complex[np.ndarray, "*turns points"]) -> Complex[np.ndarray, "*turns points"]:
    mean = (_WEIGHTS * points).sum(axis=-1, keepdims=True) / _WEIGHTS.sum()
    return points - mean


def intensity_share(
    yaw_deg: float | None, max_yaw_deg: float | None, fade_deg: float = FADE_DEG
) -> float:
    """Intensity factor, 0 to 1, for this yaw; 1 up to the model's limit.

    Beyond it falls in a straight line, to 0 at `fade_deg` more.

    Args:
        yaw_deg: to either side; None where it is not known, which is not faded.
        max_yaw_deg: the limit; None for a model without one.
        fade_deg: of the model's card.
    """
    if yaw_deg is None or max_yaw_deg is None:
        return 1.0
    return min(1.0, max(0.0, 1.0 - (abs(yaw_deg) - max_yaw_deg) / fade_deg))


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


SMALLEST_FACE_PX = 48
"""Side of its box, from the brows to below the chin."""
FINEST_SCALE = 28 / SMALLEST_FACE_PX
"""The finest searched level shows the smallest face at 28 px."""
LARGEST_ON_LEVEL_PX = 56.0
LARGEST_FACE_IN_SHORT_SIDES = 1.25
"""On the coarsest level a face this large, cropped by the frame, still measures 56 px."""
SMALLEST_FRAME_PX = 24
EXPECTED = f"expected one of at least {SMALLEST_FACE_PX} pixels whose eyes and mouth are in sight"
"""The words of an error where no face is found."""
