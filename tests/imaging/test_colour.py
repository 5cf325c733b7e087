"""The way to a display image and back loses nothing that matters."""

from collections.abc import Callable

import numpy as np
import pytest

from reggan_plugin.faces.locator import build_pyramid
from reggan_plugin.files.frame import Encoding, read_frame
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.colour import AT_ONCE, LUMA_WEIGHTS, PixelCoding
from reggan_plugin.transfer.display_picture import (
    auto_exposure_ev,
    coding_of,
    display_picture,
    gray_picture,
)

from ..sample_frames import SAMPLES


def test_known_points_of_the_srgb_curve() -> None:
    linear = np.array([0.0, 0.0031308, 0.18, 0.5, 1.0], dtype=np.float32)
    encoded = [0.0, 0.04045, 0.461356, 0.735357, 1.0]  # IEC 61966-2-1
    assert np.allclose(colour.srgb_from_linear(linear), encoded, atol=2e-5)


def test_the_curve_is_odd_and_goes_on_above_white() -> None:
    linear = np.linspace(0, 64, 1000, dtype=np.float32)
    encoded = colour.srgb_from_linear(linear)
    assert np.array_equal(colour.srgb_from_linear(-linear), -encoded)
    assert (np.diff(encoded) > 0).all()
    assert np.allclose(colour.linear_from_srgb(encoded), linear, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("curve", [colour.srgb_from_linear, colour.linear_from_srgb])
def test_a_value_is_encoded_alike_in_pictures_of_any_size(
    curve: Callable[[np.ndarray], np.ndarray],
) -> None:
    values = np.random.default_rng(4).random((AT_ONCE // 50, 70, 3)).astype(np.float32) * 4 - 1
    rows = np.stack([curve(row) for row in values])
    assert np.array_equal(curve(values), rows)
    assert np.array_equal(curve(values[:, ::2]), rows[:, ::2])


def test_a_large_linear_picture_is_shown_row_by_row_as_at_once() -> None:
    frame = read_frame(SAMPLES / "avatar_exr" / "avatar.1001.exr")
    assert frame.encoding is Encoding.SCENE_LINEAR
    linear = colour.linear_from_stored(frame.pixels, frame.alpha, coding_of(frame))
    coding = coding_of(frame, auto_exposure_ev(linear @ np.array(LUMA_WEIGHTS, np.float32)))
    whole = colour.display_from_stored(frame.pixels, frame.alpha, coding)
    shown, factor = display_picture(frame)
    assert factor == 1
    assert np.array_equal(shown, np.clip(whole, 0, 1))
    gray, factor = gray_picture(frame)
    assert factor == 1
    assert np.allclose(gray, build_pyramid(shown).base.gray, rtol=0, atol=1e-6)
    assert np.array_equal(build_pyramid(gray).base.gray, gray)


@pytest.mark.parametrize("is_linear", [False, True])
def test_stored_values_come_back(is_linear: bool) -> None:
    random = np.random.default_rng(3)
    alpha = random.random((40, 40)).astype(np.float32)
    stored = (random.random((40, 40, 3)).astype(np.float32) * 4 - 1) * alpha[..., None]
    coding = PixelCoding(is_linear=is_linear, is_premultiplied=True, exposure_ev=1.5)
    display = colour.display_from_stored(stored, alpha, coding)
    back = colour.stored_from_display(display, alpha, coding)
    assert np.allclose(back, stored, rtol=1e-4, atol=1e-6)


def test_auto_exposure_brings_a_dark_face_to_middle_grey() -> None:
    face = np.full((10, 10, 3), 0.18 / 8, dtype=np.float32)
    assert auto_exposure_ev(face[..., 0]) == 3.0
    assert auto_exposure_ev(np.zeros_like(face)[..., 0]) == 0.0
    assert auto_exposure_ev(np.full_like(face, np.nan)[..., 0]) == 0.0


def test_the_noise_of_a_black_background_does_not_set_the_exposure() -> None:
    picture = np.random.default_rng(0).uniform(0, 5e-4, (100, 100, 3)).astype(np.float32)
    picture[30:60, 30:60] = 0.18
    assert auto_exposure_ev(picture[..., 0]) == 0.0


def test_values_that_need_no_change_are_not_copied() -> None:
    within = np.array([[0.0, 0.25, 1.0]], np.float32)
    assert colour.finite_values(within) is within
    assert colour.clipped_values(within) is within
    beyond = np.array([-1.0, np.nan, np.inf, -np.inf, 1.5], np.float32)
    np.testing.assert_array_equal(colour.finite_values(beyond), np.float32([-1, 0, 1, 0, 1.5]))
    unsure = colour.finite_values(beyond, infinity=0.0)
    np.testing.assert_array_equal(unsure, np.float32([-1, 0, 0, 0, 1.5]))
    np.testing.assert_array_equal(colour.clipped_values(unsure), np.float32([0, 0, 0, 0, 1]))
    np.testing.assert_array_equal(colour.clipped_values(beyond), np.float32([0, 0, 1, 0, 1]))


def test_pixels_are_finite_or_not_whatever_their_sum_is() -> None:
    picture = np.full((40, 50, 3), 0.5, np.float32)
    assert colour.finite_pixels(picture).all()
    picture[:20] = 3e38  # the sum of all is infinite
    assert colour.finite_pixels(picture).all()
    picture[3, 4, 1], picture[5, 6, 2] = np.nan, np.inf
    np.testing.assert_array_equal(np.argwhere(~colour.finite_pixels(picture)), [[3, 4], [5, 6]])
