"""The parts of a picture that the networks look at, kept a little wider than they look."""

from typing import Final

import cv2
import numpy as np

from reggan_training.landmarks.pictures import DrawnPicture
from reggan_training.landmarks.squares import PARTS, face_frame, part_square

WIDER: Final = 1.4
"""Side of the square that is kept, in sides of the one that a network looks at."""
KEPT_PX: Final = {"face": 96, "eye": 96, "brow": 80, "mouth": 128}
"""Pixels of the square that is kept, by kind of part."""


def kept_parts(picture: DrawnPicture) -> dict[str, np.ndarray]:
    """Cut the parts of a picture that go into a shard.

    Returns:
        `points`, the landmarks in pixels of the picture; each of `squares.PARTS` [side, side, 3],
        and as `PART_to` [2, 3] the map from the picture's pixels to its own; `label` [side, side]
        of the face's square, as `DrawnPicture.label` has it.
    """
    frame = face_frame(picture.points)
    row: dict[str, np.ndarray] = {"points": picture.points.astype(np.float32)}
    for name in PARTS:
        square = part_square(name, picture.points, frame)
        side = KEPT_PX[name.split("_")[0]]
        matrix = square.wider(WIDER).to_pixels(side)
        shrinks = square.side_px > side
        row[name] = cv2.warpAffine(
            picture.pixels,
            matrix,
            (side, side),
            flags=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        row[f"{name}_to"] = matrix.astype(np.float32)
        if name == "face":
            nearest = cv2.INTER_NEAREST
            row["label"] = cv2.warpAffine(picture.label, matrix, (side, side), flags=nearest)
    return row
