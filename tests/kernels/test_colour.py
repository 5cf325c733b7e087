"""The curve of sRGB and what is made of stored pixels, said once more in plain NumPy."""

import numpy as np
import pytest

from reggan_plugin.kernels.pixel_values import (
    display_pixels,
    floats_from_halves,
    lie_within,
    relight,
    srgb_curve,
    tones,
)

RANDOM = np.random.default_rng(36)
WEIGHTS = np.array([0.2126, 0.7152, 0.0722], np.float32)


def encoded(linear: np.ndarray) -> np.ndarray:
    size = np.abs(linear.astype(np.float64))
    return np.copysign(
        np.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055), linear
    )


def decoded(values: np.ndarray) -> np.ndarray:
    size = np.abs(values.astype(np.float64))
    return np.copysign(
        np.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4), values
    )


def divided(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    usable = np.isfinite(alpha) & (alpha > 0)
    return pixels / np.where(usable, alpha, np.float32(1))[..., None]


def test_the_curve_both_ways() -> None:
    values = np.concatenate(
        [
            RANDOM.random(50_000) ** 3,
            -RANDOM.random(1_000),
            np.geomspace(1e-30, 1e15, 3_000),
            [0.0, 1.0, 0.0031308, 0.04045],
        ]
    ).astype(np.float32)
    for is_back, truth in ((False, encoded(values)), (True, decoded(values))):
        found = srgb_curve(values, is_back=is_back)
        assert found.dtype == np.float32
        assert np.allclose(found, truth, rtol=4e-7, atol=4e-7)


def test_what_is_not_finite_stays_as_it_is() -> None:
    odd = np.array([np.inf, -np.inf, np.nan], np.float32)
    for is_back in (False, True):
        assert np.array_equal(srgb_curve(odd, is_back=is_back), odd, equal_nan=True)
    assert srgb_curve(np.float32([3e38]), is_back=True) == np.inf


def test_display_pixels_of_a_part_of_a_picture() -> None:
    frame = RANDOM.normal(size=(30, 41, 3)).astype(np.float32)
    alpha = RANDOM.uniform(-0.2, 1.2, frame.shape[:2]).astype(np.float32)
    alpha[5, 4:8] = np.nan, np.inf, -np.inf, 0
    part = slice(3, 20), slice(2, 39)
    straight = divided(frame[part], alpha[part])
    assert np.array_equal(display_pixels(frame[part], alpha[part], None), straight)
    shown = display_pixels(frame[part], alpha[part], 2.5)
    assert np.allclose(shown, encoded(straight * np.float32(2.5)), rtol=4e-7, atol=4e-7)
    assert np.array_equal(shown, display_pixels(frame[part].copy(), alpha[part].copy(), 2.5))
    assert np.array_equal(display_pixels(frame[::-1], None, None), frame[::-1])


def test_tones() -> None:
    pixels = RANDOM.normal(size=(19, 23, 3)).astype(np.float32)
    alpha = RANDOM.uniform(-0.2, 1.2, pixels.shape[:2]).astype(np.float32)
    straight = divided(pixels, alpha)
    assert np.allclose(tones(pixels, alpha, WEIGHTS), straight @ WEIGHTS, rtol=1e-5, atol=1e-6)
    held = tones(pixels, None, WEIGHTS, is_held=True)
    assert np.allclose(held, pixels.clip(0, 1) @ WEIGHTS, atol=1e-6)
    seen = tones(pixels, alpha, WEIGHTS, gain=1.5, is_encoded=True, is_held=True)
    truth = encoded(straight * np.float32(1.5)).clip(0, 1) @ WEIGHTS
    assert np.allclose(seen, truth, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("is_encoded", [False, True])
@pytest.mark.parametrize("is_painted", [False, True])
def test_light_and_paint(channels: int, *, is_encoded: bool, is_painted: bool) -> None:
    values = RANDOM.normal(0.5, 0.5, (70, 3)).astype(np.float32)
    index = RANDOM.permutation(90)[:70]
    gains = np.exp(RANDOM.normal(0, 0.3, (channels, 90))).astype(np.float32)
    gains[:, index[:20]] = 1
    cover, paint = RANDOM.random(90).astype(np.float32), RANDOM.random((90, 3)).astype(np.float32)
    cover[index[:40]] = 0
    own = decoded(values) if is_encoded else values.astype(np.float64)
    light = own * gains[:, index].T
    if is_painted:
        light += cover[index, None] * (decoded(paint[index]) * 0.25 - light)
    truth = encoded(light) if is_encoded else light
    found = values.copy()
    planes = (cover, paint) if is_painted else (None, None)
    relight(found, index, gains, *planes, exposure=0.25, is_encoded=is_encoded)
    assert np.allclose(found, truth, rtol=1e-6, atol=1e-6)
    assert np.array_equal(found[:20], values[:20])
    with pytest.raises(ValueError, match="do not fit"):
        relight(found, index[1:], gains, *planes, exposure=1, is_encoded=is_encoded)


def test_every_half_float_is_itself() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)[:-2].reshape(-1, 7)
    channels = [halves, halves[::-1], halves[:, ::-1]]
    pixels = floats_from_halves(channels)
    for channel, own in enumerate(channels):
        bits = own.astype(np.float32).view(np.uint32)
        assert np.array_equal(pixels[..., channel].view(np.uint32), bits)
    with pytest.raises(ValueError, match="make no pixels"):
        floats_from_halves([halves, halves[1:], halves])


def test_sizes_that_do_not_fit_are_refused() -> None:
    pixels = np.zeros((4, 5, 3), np.float32)
    with pytest.raises(ValueError, match="does not fit"):
        display_pixels(pixels, np.zeros((4, 4), np.float32), 1.0)
    with pytest.raises(ValueError, match="channels"):
        display_pixels(pixels[..., :2], None, 1.0)
    with pytest.raises(ValueError, match="does not fit"):
        tones(pixels, np.zeros((5, 4), np.float32), WEIGHTS)


def test_what_lies_in_the_unit_is_told_of_every_shape() -> None:
    values = RANDOM.random((7, 31, 3)).astype(np.float32)
    values[0, 0, 0], values[-1, -1, -1] = -0.0, 1.0
    for part in (values, values[1:, 3:20], values[..., 0], values.ravel(), values[:0]):
        assert lie_within(part)
    for wrong in (np.nan, np.inf, -1e-7, 1 + 1e-6):
        beyond = values.copy()
        beyond[4, 20, 1] = wrong
        assert not lie_within(beyond)
        assert not lie_within(beyond[4, 20])
        assert lie_within(beyond[:, :20])
    assert not lie_within(np.array([1 + 1e-12]))


def test_grey_of_plain_pixels_is_that_of_others() -> None:
    pixels = RANDOM.normal(0.5, 0.5, (5, 37, 3)).astype(np.float32)
    pixels[2, 3] = np.nan, np.inf, -np.inf
    plain = tones(pixels, None, WEIGHTS, is_held=True)
    opaque = tones(pixels, np.ones((5, 37), np.float32), WEIGHTS, is_held=True)
    np.testing.assert_array_equal(plain, opaque)
