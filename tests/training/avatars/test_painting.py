import numpy as np
import pytest

from reggan_training.avatars.finish import face_mask
from reggan_training.avatars.painting import calm_means, paint_over
from reggan_training.avatars.render_passes import (
    RenderPasses,
    light_from_srgb,
    picture_from_light,
)
from reggan_training.avatars.surfaces import SURFACES
from reggan_training.avatars.toon import draw_toon


def noisy_edge() -> np.ndarray:
    picture = np.full((48, 48, 3), 0.2)
    picture[:, 24:] = 0.8
    return (picture + np.random.default_rng(0).normal(0, 0.03, picture.shape)).clip(0, 1)


def two_halves() -> RenderPasses:
    surface = np.zeros((48, 48), dtype=np.int64)
    surface[:, 24:] = SURFACES.index("face")
    normal = np.zeros((48, 48, 3))
    normal[:, 24:, 1] = -1
    depth = np.where(surface > 0, 1.0, 1e10)
    return RenderPasses(colour=noisy_edge(), surface=surface, depth=depth, normal=normal)


def test_painting_is_equal_for_equal_seeds_and_keeps_edges() -> None:
    first, second = paint_over(noisy_edge(), 4), paint_over(noisy_edge(), 4)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, paint_over(noisy_edge(), 5))
    assert first[:, :22].mean() < 0.3
    assert first[:, 26:].mean() > 0.7


def test_painting_calms_what_is_restless() -> None:
    calm = calm_means(noisy_edge(), 3)
    assert calm[:, :20].std() < 0.7 * noisy_edge()[:, :20].std()
    flat = np.full((20, 20, 3), 0.5)
    np.testing.assert_allclose(calm_means(flat, 3), flat)


def test_a_drawing_has_ink_on_the_outline_and_few_levels() -> None:
    drawn = draw_toon(noisy_edge(), two_halves())
    assert drawn[:, 23:25].max() < 0.5
    inside = drawn[8:40, 30:44]
    assert inside.min() > 0.5
    assert inside.std() < 0.045


def test_a_drawing_needs_its_passes() -> None:
    passes = two_halves()
    bare = RenderPasses(colour=passes.colour, surface=passes.surface, depth=None, normal=None)
    with pytest.raises(ValueError, match="depth"):
        draw_toon(noisy_edge(), bare)


def test_face_mask_leaves_out_hair_glasses_and_background() -> None:
    surface = np.arange(len(SURFACES))[None, :]
    passes = RenderPasses(
        colour=np.zeros((1, len(SURFACES), 3)), surface=surface, depth=None, normal=None
    )
    shown = dict(zip(SURFACES, face_mask(passes)[0].tolist(), strict=True))
    assert shown["face"]
    assert shown["tooth"]
    assert not any(shown[name] for name in ("background", "hair", "glasses", "lens", "neck"))


def test_light_is_encoded_as_srgb_and_highlights_stay_below_white() -> None:
    light = np.array([[[0.0, 0.18, 0.7], [1.0, 4.0, 100.0]]])
    picture = picture_from_light(light)
    np.testing.assert_allclose(light_from_srgb(picture)[0, 0], light[0, 0], atol=1e-9)
    assert (np.diff(picture[0, 1]) >= 0).all()
    assert picture.max() <= 1.0
