"""The square in which the locator's second network sees a candidate face."""

import math

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.faces.face_crop import FaceCrop, crop_from_landmarks
from reggan_plugin.faces.landmarks import BOX_SIDE_IN_EYE_DISTANCES, FaceLandmarks

CROP_SIDE_PX = 112
CROP_SIDE_IN_EYE_DISTANCES = 4.0
CROP_LANDMARKS = np.array(
    [
        [0.625, 0.260],
        [0.375, 0.260],
        [0.500, 0.430],
        [0.605, 0.565],
        [0.395, 0.565],
        [0.500, 0.765],
    ]
)
"""Mean positions of the six points, as fractions of the crop's side."""


def crop_around_face(points: Float[np.ndarray, "6 2"]) -> FaceCrop:
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
