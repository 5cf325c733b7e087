"""Under alpha 0 the model sees what stands beside it, not what the renderer left there."""

import numpy as np

from reggan_plugin.imaging.crop import FaceCrop, crop_of_whole_image
from reggan_plugin.imaging.in_front_and_behind import (
    Front,
    Underlay,
    before_grey,
    continue_under_alpha,
)


def test_colours_run_on_under_the_transparent_part() -> None:
    alpha = np.zeros((64, 64), dtype=np.float32)
    alpha[:, :32] = 1.0
    image = np.zeros((64, 64, 3), dtype=np.float32)
    image[:, :32] = [0.8, 0.5, 0.4]
    filled = continue_under_alpha(image, alpha)
    assert np.array_equal(filled[:, :32], image[:, :32])
    assert np.allclose(filled[:, 32:], [0.8, 0.5, 0.4], atol=1e-3)


def test_nothing_visible_stays_finite_and_all_visible_is_untouched() -> None:
    image = np.random.default_rng(0).random((7, 7, 3)).astype(np.float32)
    assert np.isfinite(continue_under_alpha(image, np.zeros((7, 7), np.float32))).all()
    assert continue_under_alpha(image, np.ones((7, 7), np.float32)) is image


def test_what_is_transparent_is_grey_to_a_model_that_answers_with_motion() -> None:
    image = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    alpha = np.zeros((8, 8), np.float32)
    alpha[:, :3], alpha[:, 3], alpha[:, 4] = 1.0, 0.5, 0.25
    seen = before_grey(image, alpha)
    assert np.array_equal(seen[:, :4], image[:, :4])
    assert np.allclose(seen[:, 4], 0.25 + image[:, 4] / 2)
    assert (seen[:, 5:] == 0.5).all()
    assert before_grey(image, np.ones((8, 8), np.float32)) is image


def beneath_a_rim(face: np.ndarray, rim: slice) -> np.ndarray:
    """What runs on beneath a bright bar across a grey face; a row each."""
    side = len(face)
    pixels = np.repeat(face[..., None], 3, axis=2)
    pixels[rim] = 5.0
    matte = np.zeros((side, side, 1), np.float32)
    matte[rim] = 1
    front = Front(matte=matte, crop=crop_of_whole_image(side, side, side))
    whole = (slice(0, side), slice(0, side))
    underlay = Underlay(pixels, None, whole, is_premultiplied=False, front=front)
    return underlay.beneath(pixels, None, whole)[rim, 8:-8, 0]


def test_hair_goes_on_beneath_a_rim() -> None:
    side = 384
    hair = np.random.default_rng(1).random(side // 3, dtype=np.float32).repeat(3)
    beneath = beneath_a_rim(np.broadcast_to(hair, (side, side)), slice(188, 196))
    assert np.corrcoef(beneath[1], hair[8:-8])[0, 1] > 0.9
    assert beneath.std() > 0.5 * hair.std()
    assert beneath.max() < 1.1


def test_hair_beneath_a_rim_has_its_grain_and_skin_has_none() -> None:
    side, rim = 384, slice(188, 196)
    noise = np.random.default_rng(3).random((side, side))
    is_hair = (np.arange(side) < side // 2)[None]
    beneath = beneath_a_rim(np.where(is_hair, 0.2 + 0.3 * noise, 0.7 + 0.01 * noise), rim)
    hair, skin = beneath[:, 20:160], beneath[:, 220:360]
    assert hair.std() > 0.03
    assert skin.std() < 0.005


def test_skin_that_shines_between_hairs_leaves_no_speckles_beneath_a_rim() -> None:
    side, rim = 384, slice(188, 196)
    shines = np.repeat(np.random.default_rng(5).random(side // 2) < 0.15, 2)
    hair = np.where(shines, 0.75, 0.2 + 0.1 * np.random.default_rng(3).random((side, side)))
    y = np.arange(side)[:, None]
    beneath = beneath_a_rim(np.where((y > 192) & (y < 226), hair, 0.7), rim)
    assert beneath[2:5].max() < 0.7


def test_a_brow_that_ends_beneath_a_rim_has_no_halo() -> None:
    side, rim = 384, slice(188, 196)
    noise = np.random.default_rng(3).random((side, side))
    hair, skin = 0.2 + 0.3 * noise, 0.7 + 0.002 * noise
    y = np.arange(side)[:, None]
    ends = beneath_a_rim(np.where((y > 170) & (y < 190), hair, skin), rim)
    assert ends[-2].mean() > 0.65


def test_a_brow_across_a_rim_goes_on_aslant_and_one_below_it_does_not_begin_again() -> None:
    side, rim = 384, slice(188, 196)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    is_across, is_below = np.abs(x - y - 60) < 14, (y > 198) & (x < 200)
    beneath = beneath_a_rim(np.where(is_across | is_below, 0.2, 0.7), rim)
    truth = np.where(is_across[rim, 8:-8], 0.2, 0.7)
    away = np.abs(beneath - truth)
    assert away[:, :160].max() < 0.04  # above what is below the rim, whose edge is a little grain
    assert away[:, 200:].mean() < 0.05


def test_skin_around_a_brow_is_not_drawn_through_it_beneath_a_rim() -> None:
    side, rim = 560, slice(275, 285)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    brow = np.where(y > side / 2, 0.2, 0.45)  # in a shadow beyond the rim
    beneath = beneath_a_rim(np.where(np.abs(x - 200) > 14, 0.7, brow), rim)
    assert beneath[5, 182:202].mean() < 0.48


def test_what_may_be_before_a_face_stays_unless_it_moves_far() -> None:
    side = 1000
    matte = np.array([0.0, 0.5, 0.5, 0.5, 1.0], np.float32)
    front = Front(
        matte=np.broadcast_to(matte[None, :, None], (5, 5, 1)).copy(),
        crop=FaceCrop(np.eye(2, 3) * side / 5, 5),
    )
    moved = np.array([0.0, 0.0, 1.5, 10.0, 10.0], np.float32)
    whole = np.concatenate(
        [
            front.staying((slice(500, 501), slice(column, column + 1)), moved[k : k + 1])
            for k, column in enumerate(range(100, 1000, 200))
        ]
    )
    np.testing.assert_allclose(whole, [0, 1, 0.5, 0.5, 1], atol=0.05)


def test_the_edge_of_hair_counts_as_face_and_a_rim_never_does() -> None:
    side = 300
    matte = np.zeros((side, side, 1), np.float32)
    matte[:, 200:] = 1  # hair
    matte[:, 50:56] = 1  # a rim
    matte[:, 100:120] = 0.15  # perhaps a thin lock, perhaps not
    front = Front(matte=matte, crop=FaceCrop(np.eye(2, 3), side))
    hidden = front.hidden((slice(140, 160), slice(0, side)))[10]
    assert hidden[50:56].min() == 1
    assert hidden[60:204].max() == 0
    assert hidden[210:].min() == 1
    assert front.stays((slice(140, 160), slice(0, side)))[10, 201:].all()
