"""The six landmarks of a face, and the head pose that they tell."""

import numpy as np

from reggan_plugin.array_types import Complex, Float, SixPoints
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
