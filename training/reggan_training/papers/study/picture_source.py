"""Sources of a study's pictures."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

Picture = UInt8[np.ndarray, "height width 3"]
"""sRGB-encoded."""


@dataclass(frozen=True, order=True)
class Face:
    """Whose picture, with which expression asked for."""

    identity: str
    expression: str


@runtime_checkable
class StudyPictures(Protocol):
    """Pictures of the same faces by several methods."""

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of what is compared, in the order in which they were given."""

    @property
    def faces(self) -> tuple[Face, ...]:
        """Faces of which every method has a picture, sorted."""

    def read_original(self, face: Face) -> Picture:
        """The picture that the methods were given."""

    def read_result(self, method: str, face: Face) -> Picture:
        """A method's result for a face."""
