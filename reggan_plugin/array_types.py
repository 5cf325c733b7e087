"""Names for arrays in signatures: `Float[np.ndarray, "height width 3"]`.

They are jaxtyping's for type checkers, and wherever it is loaded before: the tests do so and check
every call by them. Otherwise they stand for the class of the array alone, since loading jaxtyping
takes longer than reading a frame.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Complex, Float, Int, Shaped, UInt8
else:

    class _ArrayOfShape:
        """Gives the array's class and drops its shape."""

        def __class_getitem__(cls, array_and_shape: tuple[Any, str]) -> Any:
            return array_and_shape[0]

    Bool = Complex = Float = Int = Shaped = UInt8 = _ArrayOfShape

__all__ = ["Bool", "Complex", "Float", "Int", "Shaped", "UInt8"]
