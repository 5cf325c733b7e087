"""What a reader says of a face in one picture, whichever reader it is."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from reggan_plugin.array_types import Float, UInt8
from reggan_plugin.files.frame import Frame
from reggan_plugin.frozen import frozen
from reggan_plugin.transfer.display_picture import display_picture

LONGEST_READ_PX = 1280
"""Side of the pictures that are read; larger ones are averaged down."""


@frozen(eq=False)
class FaceReading:
    """A face as a reader sees it.

    Attributes:
        weights: 0 to 1, of `ARKIT_SHAPES` in their order; sides are the face's own.
        turn_deg: yaw to its own left, pitch up, roll towards its own right shoulder.
        lips_gap: the largest gap between the inner lips, in widths of the mouth.
        lids_gap: between the lids of its left and its right eye, in widths of the eye.
        points: its landmarks in pixels, in the reader's own order.
    """

    weights: Float[np.ndarray, " shapes"]
    turn_deg: Float[np.ndarray, "3"]
    lips_gap: float
    lids_gap: Float[np.ndarray, "2"]
    points: Float[np.ndarray, "points 2"]

    @property
    def middle(self) -> Float[np.ndarray, "2"]:
        """x, y of the middle of the box around the face."""
        return np.asarray((self.points.min(axis=0) + self.points.max(axis=0)) / 2)

    @property
    def size(self) -> Float[np.ndarray, "2"]:
        """Width and height of that box."""
        return np.asarray(np.ptp(self.points, axis=0))


class FaceReader(Protocol):
    """Reads expressions; opened once, for all frames.

    Attributes:
        name: what takes and messages call it.
    """

    name: str

    def read(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[FaceReading]:
        """Read all faces of a picture, sRGB-encoded, in no order."""
        ...

    def beyond_rest(
        self, faces: Sequence[FaceReading], rest: Sequence[FaceReading]
    ) -> Float[np.ndarray, "faces shapes"]:
        """Return weights, 0 to 1, of what faces show beyond the same face at rest.

        Args:
            faces: readings.
            rest: those of frames in which it rests.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds; `beyond_rest` still works."""
        ...


def largest_first(faces: Sequence[FaceReading]) -> list[FaceReading]:
    """Return faces by the area of the box around each."""
    return sorted(faces, key=lambda one: -one.size.prod())


def gap_share(
    points: Float[np.ndarray, "points axes"],
    upper: list[int],
    lower: list[int],
    corners: tuple[int, int],
) -> float:
    """Return the largest distance of paired points, over that of two corners."""
    wide = float(np.linalg.norm(points[corners[0]] - points[corners[1]]))
    return float(np.linalg.norm(points[upper] - points[lower], axis=1).max()) / max(wide, 1e-6)


def shown_bytes(frame: Frame) -> UInt8[np.ndarray, "height width 3"]:
    """Return a frame as readers see it: sRGB-encoded, 8 bits, not too large."""
    picture, _ = display_picture(frame, longest_px=LONGEST_READ_PX)
    return np.ascontiguousarray((picture * 255 + 0.5).astype(np.uint8))
