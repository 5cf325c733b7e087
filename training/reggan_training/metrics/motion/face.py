"""One face with its truth from the rig, and what a model made of it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from reggan_training.heads.head import Part


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

    source: Float[np.ndarray, "3 side side"]
    target: Float[np.ndarray, "3 side side"]
    motion: Float[np.ndarray, "2 side side"]
    is_visible: Bool[np.ndarray, "side side"]
    is_head: Bool[np.ndarray, "side side"]
    parts: UInt8[np.ndarray, "side side"]
    eye_distance: float
    source_landmarks: Float[np.ndarray, "6 2"]
    target_landmarks: Float[np.ndarray, "6 2"]

    @property
    def side_px(self) -> int:
        """Side of the crop."""
        return self.source.shape[-1]

    @property
    def eye_distance_px(self) -> float:
        """Distance between the eyes in pixels of the crop."""
        return self.eye_distance * self.side_px

    @property
    def is_uncovered(self) -> Bool[np.ndarray, "side side"]:
        """True cover: pixels whose target shows a surface of the head that the source hides."""
        return self.is_head & ~self.is_visible

    def shows(self, *parts: Part) -> Bool[np.ndarray, "side side"]:
        """Pixels whose target shows one of these parts."""
        return self.is_head & np.isin(self.parts, [int(part) for part in parts])


@dataclass(frozen=True, kw_only=True, eq=False)
class MadeFace:
    """The answer of a model, at the crop's size.

    Attributes:
        motion: as in `TrueFace`; the model's smaller grid has been enlarged as the runtime does.
        behind: the same, also where something stands before the face.
        cover: how much of each pixel is paint, in [0, 1], painters' crops included.
        picture: the source with motion, light and paint, as a frame is composited.
    """

    motion: Float[np.ndarray, "2 side side"]
    behind: Float[np.ndarray, "2 side side"]
    cover: Float[np.ndarray, "side side"]
    picture: Float[np.ndarray, "3 side side"]
