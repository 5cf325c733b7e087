"""Details of a face are read from its picture, and are those of the face cut out whole."""

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.change.pipeline import Picture, cut_face
from reggan_plugin.imaging.crop import CroppedFace, FaceCrop, cut_crop
from reggan_plugin.vocabulary.expression import ExpressionMix

from ..motion_models import motion_card

SIDE = 64


def smooth_picture(side: int = 300) -> np.ndarray:
    """Draw soft blots of colour."""
    noise = np.random.default_rng(3).random((side // 12, side // 12, 3)) * 255
    blots = Image.fromarray(noise.astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(blots, np.float32) / np.float32(255)


def cropped(picture: np.ndarray, scale: float, coverage: np.ndarray | None = None) -> CroppedFace:
    """Cut out a face, turned by 10 degrees, whose details have three times its side."""
    angle = np.radians(10.0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    crop = FaceCrop(np.column_stack([scale * turn, [60.0, 20.0]]), SIDE)
    small = np.clip(cut_crop(picture, crop), 0, 1)
    return CroppedFace(small, picture, crop.finer(3), coverage)


def middles(side: int) -> np.ndarray:
    along = (np.arange(side) + 0.5) / side
    return np.stack(np.meshgrid(along, along), axis=2)


@pytest.mark.parametrize("scale", [1.5, 2.9, 3.7])
def test_details_are_those_of_the_whole_face(scale: float) -> None:
    face = cropped(smooth_picture(), scale)
    assert face.side_px == 3 * SIDE
    assert face.crop is not None
    cut = np.clip(cut_crop(face.picture, face.crop), 0, 1)
    np.testing.assert_allclose(face.at(middles(3 * SIDE)), cut, atol=0.02)
    np.testing.assert_allclose(face.whole, cut, atol=0.02)


@pytest.mark.parametrize("scale", [2.5, 7.5])
def test_a_part_has_the_details_of_the_whole(scale: float) -> None:
    face, places = cropped(smooth_picture(700), scale), middles(SIDE)
    part = np.s_[11:23, 30:41]
    np.testing.assert_allclose(face.at(places[part]), face.at(places)[part], atol=1e-6)


def test_a_picture_much_finer_than_its_details_is_averaged() -> None:
    checkerboard = (np.indices((900, 900)).sum(axis=0) % 2).astype(np.float32)
    face = cropped(checkerboard[..., None].repeat(3, 2), 12.0)
    assert np.abs(face.at(middles(SIDE)) - 0.5).max() < 0.1


def test_what_shows_nothing_is_as_the_model_sees_it() -> None:
    picture = smooth_picture()
    coverage = np.ones(picture.shape[:2], np.float32)
    coverage[:, :150] = 0
    face = cropped(picture, 2.5, coverage)
    grey = CroppedFace(np.full_like(face.small, 0.5), face.picture, face.crop, coverage)
    found, places = grey.at(middles(SIDE)), middles(SIDE)
    in_picture = face.crop.place(places.reshape(-1, 2) * face.side_px).reshape(SIDE, SIDE, 2)
    np.testing.assert_allclose(found[in_picture[..., 0] < 145], 0.5, atol=1e-6)
    there = in_picture[..., 0] > 155
    np.testing.assert_allclose(found[there], face.at(places)[there], atol=1e-6)
    np.testing.assert_allclose(grey.at(middles(3 * SIDE)), grey.whole, atol=1e-4)


def test_details_are_numbers_that_a_display_shows() -> None:
    pixels = smooth_picture() * 2
    pixels[100:120] = np.nan
    whole = slice(0, len(pixels)), slice(0, len(pixels))
    crop = FaceCrop(np.column_stack([2.5 * np.eye(2), [10.0, 20.0]]), SIDE)
    card = motion_card(image_size_px=SIDE)
    face = cut_face(Picture(pixels=pixels), whole, crop, ExpressionMix(), card).before
    assert isinstance(face, CroppedFace)
    seen = face.at(middles(3 * SIDE))
    assert (seen.min(), seen.max()) == (0, 1)


def test_a_face_without_a_picture_has_no_more_details() -> None:
    face = cropped(smooth_picture(), 2.5)
    alone = CroppedFace(face.small)
    assert alone.side_px == SIDE
    np.testing.assert_allclose(alone.at(middles(SIDE)), face.small, atol=1e-6)
