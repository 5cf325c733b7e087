"""Pixels travel whole: their detail, their range and their place; the rest keeps its bits."""

from dataclasses import replace

import numpy as np
import pytest

from reggan_plugin.change.answer import Answer, Painter, finite, motion_in_frame
from reggan_plugin.imaging.colour import PixelCoding, linear_from_srgb, srgb_from_linear
from reggan_plugin.imaging.composite_motion import StoredPicture, composite_motion
from reggan_plugin.imaging.crop import FaceCrop, crop_of_whole_image
from reggan_plugin.imaging.in_front_and_behind import Beside, Underlay

SIDE, CELLS = 64, 32
LINEAR = PixelCoding(is_linear=True)
Pair = tuple[np.ndarray, np.ndarray]


def answer_of(
    motion: tuple[float, float] = (0.0, 0.0),
    gain: float | np.ndarray = 0.0,
    cover: float | np.ndarray = 0.0,
    paint: float = 0.0,
    painters: tuple[Painter, ...] = (),
) -> Answer:
    """The same everywhere in the crop; `motion` in parts of its side."""
    return Answer(
        motion=np.broadcast_to(np.array(motion, np.float32), (CELLS, CELLS, 2)),
        gain=np.broadcast_to(np.array(gain, np.float32), (CELLS, CELLS, 1)),
        cover=np.broadcast_to(np.array(cover, np.float32), (SIDE, SIDE, 1)),
        paint=np.full((SIDE, SIDE, 3), paint, np.float32),
        painters=painters,
    )


def changed(
    pixels: np.ndarray,
    answer: Answer,
    *,
    alpha: np.ndarray | None = None,
    coding: PixelCoding = LINEAR,
    crop: FaceCrop | None = None,
    matte: np.ndarray | None = None,
) -> Pair:
    height, width = pixels.shape[:2]
    crop = crop or crop_of_whole_image(height, width, SIDE)
    region = slice(0, height), slice(0, width)
    underlay = Underlay(pixels, alpha, region, is_premultiplied=coding.is_premultiplied)
    source = StoredPicture(pixels=pixels, alpha=alpha, coding=coding, underlay=underlay)
    moved = composite_motion(source, motion_in_frame(answer, crop, region, matte), region)
    assert moved.alpha is None
    return moved.pixels, moved.weight


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).random((256, 256, 3)).astype(np.float32)


MIDDLE = slice(64, 192), slice(64, 192)


def test_a_shift_by_whole_pixels_is_exact(noise: np.ndarray) -> None:
    result, weight = changed(noise, answer_of((8 / 256, -16 / 256)))
    assert (weight[MIDDLE] == 1).all()
    assert np.array_equal(result[MIDDLE], noise[48:176, 72:200])


def test_outside_the_change_every_bit_stays(noise: np.ndarray) -> None:
    result, weight = changed(noise, answer_of((0.03, 0.02), 0.2))
    assert np.array_equal(result[weight == 0], noise[weight == 0])
    rim = round(0.04 * 256)
    for edge in (weight[:rim], weight[-rim:], weight[:, :rim], weight[:, -rim:]):
        assert not edge.any()
    assert (weight > 0).mean() > 0.7


def test_what_a_network_answers_where_nothing_moves_changes_no_bit(noise: np.ndarray) -> None:
    result, weight = changed(noise, answer_of((0.0003, -0.0002), 0.004, 0.2, 1.0))
    assert not weight.any()
    assert np.array_equal(result, noise)


def test_light_above_white_travels_unclipped() -> None:
    pixels = np.full((256, 256, 3), 0.2, np.float32)
    pixels[120:136, 120:136] = 50.0
    whole, _ = changed(pixels, answer_of((0, -16 / 256)))
    assert (whole[136:152, 120:136] == 50.0).all()
    part, _ = changed(pixels, answer_of((0, -16.5 / 256)))
    assert part.max() == pytest.approx(50.0, rel=0.01)
    assert part.min() >= 0.15  # no dark ring around the lamp


def test_fine_detail_keeps_its_contrast_under_a_shift_by_part_of_a_pixel() -> None:
    """Squares of three pixels in a 4K frame keep 90 % of it; straight lines leave 72 %."""
    rows, columns = np.mgrid[:512, :3840]
    squares = ((rows // 3 + columns // 3) % 2).astype(np.float32)
    pixels = np.repeat((0.35 + 0.3 * squares)[..., None], 3, axis=2)
    crop = FaceCrop(np.array([[8.0, 0, 1600], [0, 8.0, 0]]), SIDE)
    shift_px = 10.3
    result, _ = changed(pixels, answer_of((shift_px / 512, shift_px / 512)), crop=crop)
    inside = slice(64, 448), slice(1664, 2048)
    assert result[inside].std() > 0.9 * pixels[inside].std()


def test_motion_is_turned_and_scaled_with_the_crop() -> None:
    pixels = np.zeros((400, 400, 3), np.float32)
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = 4.0 * turn
    centre = np.array([200.0, 200.0]) - linear @ [SIDE / 2, SIDE / 2]
    crop = FaceCrop(np.column_stack([linear, centre]), SIDE)
    pixels[196:204, 196:204] = 1.0
    result, _ = changed(pixels, answer_of((0.1, 0.0)), crop=crop)
    y, x = (axis.mean() + 0.5 for axis in np.nonzero(result[..., 0] > 0.5))
    expected = np.array([200.0, 200.0]) - turn @ [0.1 * 4.0 * SIDE, 0]  # backward: it came from +x
    assert (x, y) == pytest.approx(tuple(expected), abs=0.5)


def test_pixels_that_are_no_numbers_stay_and_are_not_spread(noise: np.ndarray) -> None:
    pixels = noise.copy()
    strange = np.zeros((256, 256), bool)
    strange[::9, ::7] = True
    pixels[strange] = [np.nan, np.inf, -np.inf]
    result, weight = changed(pixels, answer_of((0.0213, 0.0107), 0.3))
    assert result[strange].tobytes() == pixels[strange].tobytes()
    assert not weight[strange].any()
    assert np.isfinite(result[~strange]).all()
    assert (result != pixels)[~strange & (weight == 1)].any(axis=-1).all()


@pytest.mark.parametrize("is_linear", [True, False])
def test_gain_multiplies_light_whatever_the_encoding(is_linear: bool) -> None:
    pixels = np.full((128, 128, 3), 0.3, np.float32)
    coding = PixelCoding(is_linear=is_linear)
    result, _ = changed(pixels, answer_of(gain=np.log(2.0)), coding=coding)
    before, after = pixels[32:96, 32:96], result[32:96, 32:96]
    if not is_linear:
        before, after = linear_from_srgb(before), linear_from_srgb(after)
    np.testing.assert_allclose(after, 2 * before, rtol=1e-5)


class Rooted:
    """A colour space whose numbers are the square roots of light."""

    def linear_from_own(self, own: np.ndarray) -> np.ndarray:
        return np.copysign(own * own, own)

    def own_from_linear(self, linear: np.ndarray) -> np.ndarray:
        return np.copysign(np.sqrt(np.abs(linear)), linear)


def test_a_declared_colour_space_says_what_light_is() -> None:
    pixels = np.full((128, 128, 3), 0.3, np.float32)
    coding = PixelCoding(is_linear=True, colour_space=Rooted(), exposure_ev=1.0)
    brighter, _ = changed(pixels, answer_of(gain=np.log(4.0)), coding=coding)
    np.testing.assert_allclose(brighter[32:96, 32:96], 0.6, rtol=1e-5)
    painted, _ = changed(pixels, answer_of(cover=1.0, paint=0.5), coding=coding)
    expected = np.sqrt(linear_from_srgb(np.full(1, 0.5, np.float32)) / 2)
    np.testing.assert_allclose(painted[32:96, 32:96], expected[0], rtol=1e-5)


def test_paint_stands_in_the_exposure_of_the_shot() -> None:
    pixels = np.full((128, 128, 3), 3.0, np.float32)
    coding = PixelCoding(is_linear=True, exposure_ev=-2.0)
    result, _ = changed(pixels, answer_of(cover=1.0, paint=0.5), coding=coding)
    shown = srgb_from_linear(result[32:96, 32:96] * np.float32(2.0**-2))
    np.testing.assert_allclose(shown, 0.5, atol=1e-5)


def test_half_a_cover_decides_at_the_frames_own_resolution() -> None:
    """A ramp of cover over 16 of 64 cells leaves a seam of less than half its width."""
    pixels = np.ones((512, 512, 3), np.float32)
    ramp = np.clip((np.arange(SIDE) - 24) / 16, 0, 1)[None, :, None].repeat(SIDE, 0)
    result, _ = changed(pixels, answer_of(cover=ramp, paint=0.0))
    row = result[256, :, 0]
    mixed = (row > 0.05) & (row < 0.95)
    assert 0 < mixed.sum() < 0.5 * 16 * 8


def test_a_painter_paints_its_window_and_nothing_else() -> None:
    pixels = np.ones((256, 256, 3), np.float32)
    painter = Painter(
        window=(0.25, 0.5, 0.5, 0.75),
        cover=np.ones((96, 96, 1), np.float32),
        paint=np.full((96, 96, 3), 0.25, np.float32),
    )
    result, weight = changed(pixels, answer_of(painters=(painter,)), coding=PixelCoding())
    np.testing.assert_allclose(result[140:180, 76:116], 0.25, atol=1e-5)
    outside = np.ones((256, 256), bool)
    outside[128:192, 64:128] = False
    assert not weight[outside].any()


def half_transparent() -> Pair:
    """A grey disc, premultiplied, on nothing."""
    rows, columns = np.mgrid[:256, :256] + 0.5
    alpha = np.clip(80.5 - np.hypot(rows - 128, columns - 128), 0, 1).astype(np.float32)
    return np.repeat(0.5 * alpha[..., None], 3, axis=2), alpha


def test_a_silhouette_gets_no_dark_rim() -> None:
    pixels, alpha = half_transparent()
    coding = PixelCoding(is_linear=True, is_premultiplied=True)
    result, weight = changed(pixels, answer_of((0.08, 0.03)), alpha=alpha, coding=coding)
    visible = alpha > 0
    np.testing.assert_allclose(result[visible] / alpha[visible][:, None], 0.5, atol=2e-3)
    assert np.array_equal(result[~visible], pixels[~visible])
    assert not weight[~visible].any()


def test_what_is_beneath_a_transparent_pixel_does_not_show() -> None:
    """Straight alpha: green under alpha 0 is not dragged into the grey."""
    pixels, alpha = np.full((256, 256, 3), 0.5, np.float32), half_transparent()[1]
    pixels[alpha == 0] = [0, 1, 0]
    result, _ = changed(pixels, answer_of((-0.08, 0.03)), alpha=alpha, coding=PixelCoding())
    np.testing.assert_allclose(result[alpha > 0], 0.5, atol=2e-3)


@pytest.mark.parametrize("is_premultiplied", [True, False])
def test_alpha_moves_with_its_surface_if_it_shall(is_premultiplied: bool) -> None:
    """A disc is shifted whole: its colour, its rim and its hole in the background."""
    pixels, alpha = half_transparent()
    if not is_premultiplied:
        pixels = np.full_like(pixels, 0.5)
    coding = PixelCoding(is_linear=True, is_premultiplied=is_premultiplied)
    region = slice(0, 256), slice(0, 256)
    underlay = Underlay(pixels, alpha, region, is_premultiplied=is_premultiplied)
    source = StoredPicture(pixels=pixels, alpha=alpha, coding=coding, underlay=underlay)
    crop = crop_of_whole_image(256, 256, SIDE)
    motion = motion_in_frame(answer_of((16 / 256, 0)), crop, region)
    moved = composite_motion(source, motion, region, moves_alpha=True)
    assert moved.alpha is not None
    np.testing.assert_allclose(moved.alpha[40:216, 24:216], alpha[40:216, 40:232], atol=1e-6)
    shows = moved.alpha > 0
    straight = moved.pixels[shows]
    if is_premultiplied:
        straight = straight / moved.alpha[shows][:, None]
    np.testing.assert_allclose(straight, 0.5, atol=2e-3)
    untouched = moved.weight == 0
    assert np.array_equal(moved.pixels[untouched], pixels[untouched])
    assert np.array_equal(moved.alpha[untouched], alpha[untouched])


def test_compression_averages_and_does_not_alias() -> None:
    """Stripes of one pixel, three of them for each pixel of the result, are grey."""
    pixels = np.zeros((256, 256, 3), np.float32)
    pixels[:, ::2] = 1.0
    place = (np.arange(CELLS) + 0.5) / CELLS - 0.5
    motion = np.zeros((CELLS, CELLS, 2), np.float32)
    motion[..., 0] = np.where(np.abs(place) < 0.15, 2 * place, 0.3 * np.sign(place))
    answer = Answer(
        motion=motion,
        gain=np.zeros((CELLS, CELLS, 1), np.float32),
        cover=np.zeros((SIDE, SIDE, 1), np.float32),
        paint=np.zeros((SIDE, SIDE, 3), np.float32),
    )
    result, weight = changed(pixels, answer)
    middle = slice(100, 156), slice(108, 148)
    assert (weight[middle] > 0).mean() > 0.8
    squeezed = result[middle][weight[middle] == 1]
    assert squeezed.std() < 0.1
    assert squeezed.mean() == pytest.approx(0.5, abs=0.05)


def test_a_matte_takes_its_part_of_motion_and_light(noise: np.ndarray) -> None:
    matte = np.zeros((256, 256), np.float32)
    matte[:, 128:] = 1.0
    full, _ = changed(noise, answer_of((8 / 256, 0), 0.5))
    part, weight = changed(noise, answer_of((8 / 256, 0), 0.5), matte=matte)
    assert np.array_equal(part[:, :128], noise[:, :128])
    assert np.array_equal(part[:, 128:], full[:, 128:])
    assert not weight[:, :128].any()
    half, _ = changed(noise, answer_of((8 / 256, 0), 0.5), matte=matte * 0.5)
    as_asked, _ = changed(noise, answer_of((4 / 256, 0), 0.25))
    np.testing.assert_allclose(half[64:192, 160:192], as_asked[64:192, 160:192], atol=1e-5)


def test_an_answer_that_is_no_number_changes_nothing_there(noise: np.ndarray) -> None:
    answer = answer_of()
    motion = np.full((CELLS, CELLS, 2), np.nan, np.float32)
    broken = Answer(
        motion=motion, gain=answer.gain + np.nan, cover=answer.cover, paint=answer.paint
    )
    result, weight = changed(noise, finite(broken))
    assert not weight.any()
    assert np.array_equal(result, noise)


def test_a_head_moves_over_what_is_beside_it(noise: np.ndarray) -> None:
    shift, edge = 20, 128
    crop, whole = crop_of_whole_image(256, 256, SIDE), (slice(0, 256), slice(0, 256))
    answer = answer_of(motion=(-shift / 256, 0.0))
    head = np.zeros((256, 256, 1), np.float32)
    head[:, :edge] = 1
    beside = Beside.of(head, answer.motion, crop)
    source = StoredPicture(
        pixels=noise,
        alpha=None,
        coding=LINEAR,
        underlay=Underlay(noise, None, whole, is_premultiplied=False),
        beside=beside,
    )
    moved = composite_motion(source, motion_in_frame(answer, crop, whole), whole)
    rows, over, clear = slice(64, 192), slice(64, edge + shift - 2), slice(edge + shift + 2, 256)
    was = slice(over.start - shift, over.stop - shift)
    np.testing.assert_allclose(moved.pixels[rows, over], noise[rows, was], atol=1e-3)
    np.testing.assert_array_equal(moved.pixels[rows, clear], noise[rows, clear])
    assert moved.weight[rows, over].min() == 1
    assert moved.weight[rows, clear].max() == 0
    back = answer_of(motion=(shift / 256, 0.0))
    drawn_back = replace(source, beside=Beside.of(head, back.motion, crop))
    stayed = composite_motion(drawn_back, motion_in_frame(back, crop, whole), whole)
    bare = slice(edge - shift + 2, edge)
    np.testing.assert_array_equal(stayed.pixels[rows, bare], noise[rows, bare])
    shifted = beside.moved(-30, -10).at((slice(0, 90), slice(0, 200)))
    np.testing.assert_allclose(shifted, beside.at(whole)[10:100, 30:230], atol=1e-6)
