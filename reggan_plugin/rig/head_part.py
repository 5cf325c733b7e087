"""Parts of a head."""

from enum import IntEnum


class Part(IntEnum):
    """Part that a triangle belongs to; its material and its occlusion follow from it."""

    SKIN = 0
    EYE = 1
    TEETH = 2
    GUMS = 3
    TONGUE = 4
    MOUTH = 5
    """The skin of the mouth's inside."""
    SOCKET = 6
    """Behind the lids; seen as a dark rim at most."""
    LASHES = 7
    HAIR = 8
    """Scalp hair, fringes and wigs that do not move with the face."""
    BEARD = 9
    BROWS = 10
    """Brow meshes or cards; brows painted on skin are a region."""
    GLASSES = 11
    CLOTHES = 12
