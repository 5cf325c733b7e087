"""What a shot as a whole says of a face in one frame: its dense landmarks, and its mouth."""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.frozen import frozen


@frozen
class CharacterMouth:
    """What is the same of a character's mouth in all of a shot.

    Attributes:
        tooth: linear RGB of a tooth, in luminances of the skin.
        stone: 1 for a face without colour, whose mouth is all of the skin's tint; 0 for others.
        is_drawn: whether the face is a flat drawing.
        gap: between its lips, as it mostly is, in eye distances.
    """

    tooth: tuple[float, float, float]
    stone: float
    is_drawn: bool
    gap: float


@frozen(eq=False)
class FaceInShot:
    """A face as a frame shows it, as steady as the frames around it make it.

    Attributes:
        places: the dense landmarks, in the order of `rig.dense_landmarks`; in a frame in pixels of
            the picture as displayed, in a crop in parts of its side.
        sigma: their standard deviations, likewise.
        mouth: of the character, the same in all of a shot; None where it could not be told.
    """

    places: Float[np.ndarray, "points 2"]
    sigma: Float[np.ndarray, " points"]
    mouth: CharacterMouth | None = None
