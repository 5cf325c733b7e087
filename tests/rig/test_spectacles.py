"""Spectacles stay where they are, whole, and what is behind them moves."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

import reggan_plugin
from reggan_plugin.change.answer import Answer, motion_in_frame
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.composite_motion import StoredPicture, composite_motion
from reggan_plugin.imaging.crop import crop_of_whole_image
from reggan_plugin.imaging.in_front_and_behind import Front, Underlay
from reggan_plugin.imaging.moved_part import moved_part
from reggan_plugin.rig.dense_landmarks import rows_of
from reggan_plugin.rig.raster import line_of
from reggan_plugin.rig.spectacles_and_hair import lift_spectacles, shows_spectacles
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from tests.rig.drawn_face import drawn_face

SAMPLES = Path(reggan_plugin.__file__).parent / "samples"
SIDE, CELLS = 256, 128
SKIN, HAIR, METAL = (190, 140, 110), (60, 40, 30), (90, 30, 120)


def face(*, spectacles: bool, side_px: int = SIDE) -> np.ndarray:
    """Skin, eyes and brows where an aligned face has them."""
    image = Image.new("RGB", (SIDE, SIDE), SKIN)
    draw = ImageDraw.Draw(image)
    for x in (98, 158):
        draw.ellipse((x - 10, 73, x + 10, 81), fill="white", outline=HAIR)
        draw.rectangle((x - 20, 54, x + 20, 62), fill=HAIR)
        if spectacles:
            draw.ellipse((x - 26, 52, x + 26, 104), outline=METAL, width=3)
    if spectacles:
        draw.line((123, 74, 133, 74), fill=METAL, width=3)
    image = image.resize((side_px, side_px), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def told(worn: np.ndarray, bare: np.ndarray) -> np.ndarray:
    """What a network says: about where they are, in cells of a few pixels."""
    rims = Image.fromarray((worn != bare).any(axis=2)).convert("L")
    return np.asarray(rims.resize((CELLS, CELLS), Image.Resampling.BOX), np.float32) / 255


@pytest.mark.parametrize("side_px", [SIDE, 3 * SIDE])
def test_a_frame_is_found_whole_and_nothing_else(side_px: int) -> None:
    worn, bare = (face(spectacles=one, side_px=side_px) for one in (True, False))
    front = lift_spectacles(worn, told(worn, bare)).front
    assert front is not None
    assert front.shape == (side_px, side_px, 1)
    is_rim = np.abs(worn - bare).max(axis=2) > 0.02
    assert front[..., 0][is_rim].mean() > 0.7
    assert (front[..., 0] > 0.5)[~is_rim].sum() < 0.05 * is_rim.sum()


def test_spectacles_are_more_than_a_few_cells_and_more_than_a_doubt() -> None:
    worn = told(face(spectacles=True), face(spectacles=False))
    places = drawn_face()[1].places
    assert shows_spectacles(worn, places)
    assert not shows_spectacles(0.4 * worn, places)
    share = np.zeros((CELLS, CELLS), np.float32)
    share[40:44, 60:66] = 1
    assert not shows_spectacles(share, places)


def test_brows_that_look_like_rims_are_no_spectacles() -> None:
    places = drawn_face()[1].places
    brows = [places[rows_of("brow", side)] for side in ("right", "left")]
    rims = [line_of(brow, 0.03, (0, 0, 1, 1), CELLS) for brow in brows]
    share = np.maximum(*rims).astype(np.float32)
    assert share.mean() > 0.006
    assert not shows_spectacles(share, places)
    assert shows_spectacles(np.roll(share, 12, axis=0), places)


def test_a_brow_beside_a_rim_is_none_of_it() -> None:
    """The network's cells reach over it."""
    worn, bare = face(spectacles=True, side_px=3 * SIDE), face(spectacles=False, side_px=3 * SIDE)
    front = lift_spectacles(worn, told(worn, bare)).front
    assert front is not None
    is_rim = np.abs(worn - bare).max(axis=2) > 0.02
    brow = (np.abs(bare - np.array(HAIR) / 255).max(axis=2) < 0.1) & ~is_rim
    beside = np.asarray(Image.fromarray(is_rim).convert("L").filter(ImageFilter.MaxFilter(9))) > 0
    assert (front[..., 0][brow & beside] < 0.1).mean() > 0.9
    assert front[..., 0][is_rim].mean() > 0.7


def test_the_model_sees_the_face_beneath() -> None:
    bare, worn = face(spectacles=False), face(spectacles=True)
    lifted = lift_spectacles(worn, told(worn, bare)).face
    before, after = (np.abs(one - bare).mean() for one in (worn, lifted))
    assert after < 0.5 * before


def still(front: np.ndarray, shift: float) -> Answer:
    return Answer(
        motion=np.broadcast_to(np.array([0, shift], np.float32), (32, 32, 2)),
        gain=np.zeros((1, 1, 1), np.float32),
        cover=np.zeros((1, 1, 1), np.float32),
        paint=np.zeros((1, 1, 3), np.float32),
        front=front,
    )


def test_what_stands_before_a_face_keeps_its_light_and_is_seen_once() -> None:
    y = np.linspace(0.2, 0.4, SIDE, dtype=np.float32)
    pixels = np.repeat(np.repeat(y[:, None, None], SIDE, axis=1), 3, axis=2)
    pixels[118:130] = 7.5  # a bar, brighter than white
    matte = np.zeros((SIDE, SIDE, 1), np.float32)
    matte[117:131] = 1
    answer, whole = still(matte, 20 / SIDE), (slice(0, SIDE), slice(0, SIDE))
    crop = crop_of_whole_image(SIDE, SIDE, SIDE)
    underlay = Underlay(
        pixels, None, whole, is_premultiplied=False, front=Front(matte=matte, crop=crop)
    )
    linear = colour.PixelCoding(is_linear=True)
    source = StoredPicture(pixels=pixels, alpha=None, coding=linear, underlay=underlay)
    motion = motion_in_frame(answer, crop, whole)
    moved = composite_motion(source, motion, whole)
    middle = moved.pixels[32:-32, 32:-32]
    np.testing.assert_array_equal(moved.pixels[118:130], pixels[118:130])
    assert (np.delete(middle, range(84, 100), axis=0) < 0.45).all()
    np.testing.assert_allclose(moved.pixels[60, 60], pixels[80, 60], atol=1e-5)
    part = moved_part(source, motion, moved, whole)
    assert (part.cover[100:108, 60] == 1).all()  # what is behind the bar is painted ...
    np.testing.assert_allclose(part.paint[100:108, 60], moved.pixels[100:108, 60], rtol=1e-5)
    assert (part.cover[60:90, 60] == 0).all()  # ... and nothing else


def test_rims_of_a_toon_stay_where_its_brows_rise() -> None:
    path = SAMPLES / "toon" / "toon.1001.png"
    transfer = ExpressionTransfer(device="cpu")
    before = np.asarray(Image.open(path).convert("RGB"), dtype=np.int64)
    after = np.asarray(transfer.apply(Image.open(path).convert("RGB"), "surprised"), np.int64)
    rims = (before[..., 0] - before[..., 1] > 70) & (before[..., 2] - before[..., 1] > 70)
    rims[450:] = False
    assert rims.sum() > 1000
    assert (np.abs(after - before).max(axis=2)[rims] <= 2).mean() > 0.92
    purple = (after[..., 0] - after[..., 1] > 70) & (after[..., 2] - after[..., 1] > 70)
    purple[450:] = False
    assert (purple & ~rims).sum() < 0.02 * rims.sum()


@pytest.mark.parametrize("is_premultiplied", [True, False])
def test_a_half_covered_rim_on_a_silhouette_that_moves_keeps_its_colour(
    is_premultiplied: bool,
) -> None:
    side, whole = 64, (slice(0, 64), slice(0, 64))
    alpha = np.ones((side, side), np.float32)
    alpha[:20] = 0
    pixels = np.full((side, side, 3), 0.5, np.float32)
    if is_premultiplied:
        pixels *= alpha[..., None]
    matte = np.zeros((side, side, 1), np.float32)
    matte[22:26] = 0.5
    crop = crop_of_whole_image(side, side, side)
    front = Front(matte=matte, crop=crop)
    coding = colour.PixelCoding(is_linear=True, is_premultiplied=is_premultiplied)
    underlay = Underlay(pixels, alpha, whole, is_premultiplied=is_premultiplied, front=front)
    source = StoredPicture(pixels=pixels, alpha=alpha, coding=coding, underlay=underlay)
    motion = motion_in_frame(still(matte, -6 / side), crop, whole)
    moved = composite_motion(source, motion, whole, moves_alpha=True)
    assert moved.alpha is not None
    seen = moved.alpha > 0.05
    own = moved.pixels[seen] / (moved.alpha[seen][:, None] if is_premultiplied else 1)
    assert (moved.alpha != alpha).any()
    np.testing.assert_allclose(own, 0.5, atol=0.01)


def test_no_share_is_too_odd() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        share = random.random((CELLS, CELLS)).astype(np.float32) ** random.integers(1, 6)
        lifted = lift_spectacles(random.random((96, 96, 3)).astype(np.float32), share)
        assert np.isfinite(lifted.face).all()
