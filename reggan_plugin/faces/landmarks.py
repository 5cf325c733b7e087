"""Six points of a face, and what follows from them."""

from dataclasses import dataclass

import numpy as np

from reggan_plugin.array_types import Float

LANDMARK_NAMES = ("left_eye", "right_eye", "nose_tip", "mouth_left", "mouth_right", "chin")
"""Order of the points. *Left* is the face's own left: on the right of the picture."""

BOX_SIDE_IN_EYE_DISTANCES = 2.6
"""Side of the face box, which reaches from the brows to below the chin."""


@dataclass(frozen=True, eq=False)
class FaceLandmarks:
    """Landmarks of one face, in pixels from the top-left corner of the image.

    Coordinates are continuous: the centre of the pixel in row i and column j is
    (j + 0.5, i + 0.5). `score` is the locator's confidence in [0, 1]; 1 for given landmarks.
    """

    points: Float[np.ndarray, "6 2"]
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
