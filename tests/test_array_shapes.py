"""Array shapes are checked in every test, however often a function was called before."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from reggan_plugin.files.image_format import PlacedPicture
from reggan_plugin.imaging.crop import box_of

from .array_shapes import CHECKED_CALLS


@pytest.mark.parametrize("test", range(2))
def test_another_shape_fails_the_first_calls(test: int) -> None:
    plane, region = np.zeros((4, 4), np.float32), (slice(0, 4), slice(0, 4))
    with pytest.raises(TypeCheckError, match="box_of"):
        box_of(plane[..., None], region)
    for _ in range(2 * CHECKED_CALLS):
        assert box_of(plane, region) == (slice(0, 0), slice(0, 0))


def test_a_dataclass_of_another_shape_fails_whenever_it_is_made() -> None:
    plane = np.zeros((4, 4), np.float32)
    for _ in range(2 * CHECKED_CALLS):
        PlacedPicture(values=plane, origin_px=(0, 0), display_px=(4, 4))
        with pytest.raises(TypeCheckError, match="PlacedPicture"):
            PlacedPicture(values=plane[..., None], origin_px=(0, 0), display_px=(4, 4))
