"""What a reader says of a face in one picture, whichever reader it is."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reggan_plugin.array_types import Float, UInt8

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceReading:
    """A face as a reader sees it.

    Attributes:
        weights: 0 to 1, of `ARKIT_SHAPES` in their order; sides are the face's own.
        turn_deg: yaw to its own left, pitch up, roll towards its own right shoulder.
        lips_gap: the largest gap between the inner lips, in widths of the mouth.
        lids_gap: between the lids of its left and its right eye, in widths of the eye.
        box: around the face.
    """

    weights: Float[np.ndarray, " shapes"]
    turn_deg: Float[np.ndarray, "3"]
    lips_gap: float
    lids_gap: Float[np.ndarray, "2"]
    box: Box


class FaceReader(Protocol):
    """Reads expressions; opened once, for all frames.

    Attributes:
        name: what takes and messages call it.
    """

    name: str

    def read(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[FaceReading]:
        """Read all faces of a picture, sRGB-encoded, in no order."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


def gap_share(
    points: Float[np.ndarray, "points axes"],
    upper: list[int],
    lower: list[int],
    corners: tuple[int, int],
) -> float:
    """Return the largest distance of paired points, over that of two corners."""
    wide = float(np.linalg.norm(points[corners[0]] - points[corners[1]]))
    return float(np.linalg.norm(points[upper] - points[lower], axis=1).max()) / max(wide, 1e-6)
