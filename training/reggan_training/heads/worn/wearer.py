"""The head as hair and glasses need it."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from reggan_training.heads.anatomy.eyeball import Eye
from reggan_training.heads.anatomy.meshes import MeshPiece, Points


@runtime_checkable
class Wearer(Protocol):
    """A head at rest that hair grows on and glasses sit on, whatever it was made from.

    Metres and axes are those of `anatomy`, the origin lies between the eyes.
    """

    @property
    def parts(self) -> Mapping[str, MeshPiece]:
        """Faces of each mesh; `skin` is always there."""

    @property
    def rest(self) -> Mapping[str, Points]:
        """Points of each mesh."""

    @property
    def canonical(self) -> Points:
        """Skin points of the unmorphed head, the same on every head."""

    @property
    def eyes(self) -> Mapping[str, Eye]:
        """Eyeballs by side."""

    def region(self, name: str) -> Float[np.ndarray, " points"]:
        """A region's weight for each skin point."""
