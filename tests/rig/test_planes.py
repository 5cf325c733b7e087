"""Masks of outlines, and values that go on beyond where they are known."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from reggan_plugin.kernels.sampling import sampled
from reggan_plugin.rig.raster import (
    extended,
    grown,
    line_of,
    mask_of,
    smooth_arc,
    square_around,
    window_places,
)

WHOLE = (0.0, 0.0, 1.0, 1.0)


def circle(radius: float, corners: int = 64) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return 0.5 + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def test_a_mask_has_the_area_of_its_outline() -> None:
    mask = mask_of(circle(0.3), WHOLE, 100)
    assert mask.mean() == pytest.approx(np.pi * 0.09, rel=0.02)
    assert mask[50, 50] == 1
    assert mask[0, 0] == 0
    closer = mask_of(circle(0.3), (0.25, 0.25, 0.75, 0.75), 100)
    assert closer[50, 50] == 1


def test_an_outline_without_area_masks_next_to_nothing() -> None:
    flat = np.array([[0.2, 0.5], [0.8, 0.5], [0.2, 0.5]])
    assert mask_of(flat, WHOLE, 64).mean() < 0.01


def test_known_values_stay_and_go_on() -> None:
    known = np.zeros((40, 30), np.float32)
    known[:, :15] = 1
    values = np.where(known[..., None] > 0, 2.0, 99.0).astype(np.float32)
    result = extended(values, known)
    assert np.array_equal(result[:, :15], values[:, :15])
    assert np.allclose(result, 2.0, atol=1e-4)


def test_nothing_known_gives_finite_values() -> None:
    assert np.isfinite(extended(np.ones((9, 7, 2), np.float32), np.zeros((9, 7), np.float32))).all()


def test_an_arc_goes_through_its_places() -> None:
    places = np.array([[0.0, 0.0], [1.0, 0.4], [2.0, 0.5], [3.0, 0.0]])
    arc = smooth_arc(places, 6)
    assert np.allclose(arc[::6], places)
    assert np.abs(np.diff(arc, axis=0)).max() < 0.3


def test_a_line_is_as_wide_as_it_is_asked() -> None:
    line = line_of(np.array([[0.1, 0.5], [0.9, 0.5]]), 0.1, WHOLE, 200)
    assert line[100, 100] == 1
    assert (line[:, 100] > 0.5).sum() == pytest.approx(20, abs=3)


def test_masks_grow_and_shrink_by_pixels() -> None:
    mask = mask_of(circle(0.2), WHOLE, 100) > 0.5
    for by in (-6, -3, 4, 12):
        wide = np.flatnonzero(grown(mask, by)[50])
        own = np.flatnonzero(mask[50])
        assert len(wide) - len(own) == pytest.approx(2 * by, abs=2)


def test_values_are_read_at_pixel_centres() -> None:
    picture = np.arange(12, dtype=np.float32).reshape(3, 4, 1)
    assert sampled(picture, np.array([[1.5, 0.5]]))[0, 0] == 1
    assert sampled(picture, np.array([[2.0, 0.5]]))[0, 0] == pytest.approx(1.5, abs=1e-3)
    assert np.isfinite(sampled(picture, np.array([[-9.0, 99.0]]))).all()


def test_a_window_covers_its_places() -> None:
    window = square_around(circle(0.2), 0.05)
    places = window_places(window, 10)
    assert window[2] - window[0] == pytest.approx(0.5, abs=0.01)
    assert places.min() > 0.2
    assert places.max() < 0.8


@pytest.mark.parametrize("by_px", [1, 2, 6, -1, -3])
def test_a_mask_grows_as_far_as_asked(by_px: int) -> None:
    mask = np.random.default_rng(abs(by_px)).random((40, 30)) < (0.01 if by_px > 0 else 0.98)
    size = 2 * abs(by_px) + 1
    kind = ImageFilter.MaxFilter if by_px > 0 else ImageFilter.MinFilter
    wanted = np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).filter(kind(size))) > 0
    assert np.array_equal(grown(mask, by_px), wanted)
