"""Size of the pictures that are drawn, and of the face in them."""

from typing import Final

import numpy as np
from jaxtyping import UInt8

SIDE_PX: Final = 384
"""Of a picture."""
EYE_PX: Final = 106.7
"""Pixels of an eye distance, about."""
Picture = UInt8[np.ndarray, "side side 3"]
"""sRGB-encoded."""
Plane = UInt8[np.ndarray, "side side"]
