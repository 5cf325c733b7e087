"""What stands before a face: crumbs of its mask go, edges stay."""

import numpy as np
from PIL import Image, ImageFilter

from reggan_plugin.rig.front import _median, front_matte


def test_medians_are_those_of_their_squares() -> None:
    rng = np.random.default_rng(3)
    levels = (rng.random((150, 90)) < 0.5).astype(np.uint8) * 255
    levels[:70] = rng.integers(0, 256, (70, 90))
    levels[100:, :40] = 0
    wanted = np.asarray(Image.fromarray(levels).filter(ImageFilter.MedianFilter(5)))
    assert np.array_equal(_median(levels, 5), wanted)


def test_a_fringe_is_before_the_face_up_to_its_edge_in_the_picture() -> None:
    picture = np.full((192, 192, 3), 0.7, np.float32)
    picture[:60] = 0.1
    label = np.zeros((3, 48, 48), np.float32)
    label[2, :14] = 1  # coarse: to row 56
    matte = front_matte(picture, label)
    assert matte is not None
    assert matte[:52].min() > 0.9
    assert matte[61:].max() < 0.1
    assert front_matte(picture, np.zeros_like(label)) is None
