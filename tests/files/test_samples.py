"""Pixels that differ are found, however large the pictures."""

import numpy as np

from reggan_plugin.files.image_format import changed_pixels, is_changed


def test_pixels_of_a_large_picture_that_differ_in_a_bit_are_found() -> None:
    before = np.random.default_rng(6).random((500, 700, 3)).astype(np.float32)
    before[3, 4] = np.nan
    assert not is_changed(before, before.copy())
    after = before.copy()
    after[499, 699, 2] = np.nextafter(after[499, 699, 2], np.float32(2))
    after[120, 0, 0] = -0.0
    assert is_changed(before, after)
    assert np.argwhere(changed_pixels(before, after)).tolist() == [[120, 0], [499, 699]]
