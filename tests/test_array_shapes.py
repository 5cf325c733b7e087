"""Array shapes are checked in every test, however often a function was called before."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from reggan_plugin.imaging.crop import reduce_by

from .array_shapes import CHECKED_CALLS


@pytest.mark.parametrize("test", range(2))
def test_another_shape_fails_the_first_calls(test: int) -> None:
    picture = np.zeros((4, 4, 3), np.float32)
    with pytest.raises(TypeCheckError, match="reduce_by"):
        reduce_by(picture[..., 0, 0], 2)
    for _ in range(2 * CHECKED_CALLS):
        assert reduce_by(picture, 2).shape == (2, 2, 3)
