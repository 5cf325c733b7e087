"""Names for arrays in signatures: `Float[np.ndarray, "height width 3"]`.

They are jaxtyping's for type checkers, and wherever it is loaded before: the tests do so and check
every call by them. Otherwise they stand for the class of the array alone, since loading jaxtyping
takes longer than reading a frame.
"""

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Complex, Float, Int, Shaped, UInt8
else:

    class _ArrayOfShape:
        """Gives the array's class and drops its shape."""

        def __class_getitem__(cls, array_and_shape: tuple[Any, str]) -> Any:
            return array_and_shape[0]

    Bool = Complex = Float = Int = Shaped = UInt8 = _ArrayOfShape

Pixels = Float[np.ndarray, "height width 3"]
Plane = Float[np.ndarray, "height width"]
"""One number for each of `Pixels`: alpha, a mask, a weight."""
RegionPixels = Float[np.ndarray, "rows columns 3"]
RegionPlane = Float[np.ndarray, "rows columns"]
"""Those of a part of a picture."""
CropPixels = Float[np.ndarray, "side side 3"]
CropPlane = Float[np.ndarray, "side side"]
"""Those of a square."""
SixPoints = Float[np.ndarray, "6 2"]
"""A face's, in the order of `LANDMARK_NAMES`."""

__all__ = ["Bool", "Complex", "Float", "Int", "Shaped", "UInt8"]
