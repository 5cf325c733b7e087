"""A frame in, a frame out: what the mask does not cover keeps its bits."""

from dataclasses import replace

import numpy as np
import pytest

from reggan_plugin import ExpressionTransfer
from reggan_plugin.change import pipeline
from reggan_plugin.errors import FaceNotFoundError, UnknownExpressionError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import Encoding, Frame, read_frame
from reggan_plugin.imaging.crop import crop_of_whole_image, cut_crop
from reggan_plugin.rig.steady_landmarks import is_of_landmarks
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES, ExpressionMix

from ..sample_frames import SAMPLES


@pytest.fixture(scope="module")
def transfer() -> ExpressionTransfer:
    return ExpressionTransfer(device="cpu")


@pytest.fixture(scope="module")
def with_masks() -> ExpressionTransfer:
    """A model of contract 1."""
    return ExpressionTransfer("sargan", device="cpu")


@pytest.fixture(scope="module")
def avatar() -> Frame:
    return read_frame(SAMPLES / "avatar_png" / "avatar.1001.png")


@pytest.fixture(scope="module")
def avatar_exr() -> Frame:
    return read_frame(SAMPLES / "avatar_exr" / "avatar.1001.exr")


def frame_of(pixels: np.ndarray, like: Frame, alpha: np.ndarray | None = None) -> Frame:
    return Frame(
        pixels=pixels.astype(np.float32),
        alpha=alpha,
        alpha_is_premultiplied=like.alpha_is_premultiplied,
        encoding=like.encoding,
        original=like.original,
    )


def test_apply_changes_the_face_and_nothing_else(
    transfer: ExpressionTransfer, avatar: Frame
) -> None:
    happy = transfer.apply(avatar.pixels, "happy")
    changed = (happy != avatar.pixels).any(axis=2)
    assert 0.005 < changed.mean() < 0.5
    corners = changed[:40, :40], changed[-40:, :40], changed[:40, -40:], changed[-40:, -40:]
    assert not any(corner.any() for corner in corners)
    assert np.abs(happy - avatar.pixels).max() > 0.2


def test_a_huge_face_is_composed_in_bands_that_show_no_seam(
    with_masks: ExpressionTransfer, avatar_exr: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops, mix = with_masks.find_faces(avatar_exr, FaceChoice(), ()), ExpressionMix({"happy": 1.0})
    whole = with_masks.render(avatar_exr, mix, crops)
    monkeypatch.setattr(pipeline, "_MOST_AT_ONCE", 20_000)
    # parts of another size are enlarged in another order: the last bits of some values
    bands = with_masks.render(avatar_exr, mix, crops)
    np.testing.assert_allclose(bands, whole, rtol=1e-5, atol=1e-9)


def test_beyond_the_largest_yaw_the_intensity_fades_to_nothing(avatar: Frame) -> None:
    limited = ExpressionTransfer(device="cpu")
    limited.card = replace(limited.card, max_yaw_deg=30.0)
    happy, half = (ExpressionMix({"happy": intensity}) for intensity in (1.0, 0.5))
    crop = limited.find_faces(avatar, FaceChoice())[0]
    assert crop.yaw_deg is not None
    full, fading, away = (
        limited.render(avatar, happy, [replace(crop, yaw_deg=turn)]) for turn in (-30.0, 35.0, 41.0)
    )
    without_landmarks = replace(crop, yaw_deg=None)
    assert np.array_equal(full, limited.render(avatar, happy, [without_landmarks]))
    assert np.array_equal(fading, limited.render(avatar, half, [without_landmarks]))
    assert np.array_equal(away, avatar.pixels)
    assert not np.array_equal(fading, full)


def test_intensity_0_is_the_frame_and_1_is_more_than_a_half(
    transfer: ExpressionTransfer, avatar: Frame
) -> None:
    def distance(intensity: float) -> float:
        changed = transfer.apply(avatar.pixels, "surprised", intensity)
        return float(np.abs(changed - avatar.pixels).mean())

    assert distance(0.0) == 0.0
    assert 0 < distance(0.05) < distance(0.5) < distance(1.0)
    assert np.isfinite(transfer.apply(avatar.pixels, "surprised", 1.5)).all()


@pytest.mark.parametrize("sample", ["avatar_png/avatar", "statue/statue", "toon/toon"])
def test_the_mask_spares_the_ring_and_most_of_the_crop(
    with_masks: ExpressionTransfer, sample: str
) -> None:
    frame = read_frame(SAMPLES / f"{sample}.1001.png")
    (crop,) = with_masks.find_faces(frame, FaceChoice())
    picture = np.clip(cut_crop(frame.pixels, crop), 0.0, 1.0)
    rim = int(np.ceil(0.04 * crop.side_px))
    for name in EXPRESSION_NAMES:
        (answer,) = with_masks._source.answer([picture], [ExpressionMix({name: 1.5})])
        light = np.abs(answer.gain).max(axis=2)
        for edge in (light[:rim], light[-rim:], light[:, :rim], light[:, -rim:]):
            assert not edge.any()
        assert 0.05 < (light > 0).mean() < 0.6


def test_faces_are_found_on_every_kind_of_sample(transfer: ExpressionTransfer) -> None:
    for path in sorted(SAMPLES.rglob("*.1001.*")):
        assert transfer.find_faces(read_frame(path), FaceChoice()), path.name


def test_png_and_exr_of_one_picture_show_the_same_expression(
    transfer: ExpressionTransfer, avatar: Frame, avatar_exr: Frame
) -> None:
    assert avatar_exr.encoding is Encoding.SCENE_LINEAR
    crops = transfer.find_faces(avatar, FaceChoice())
    mix = ExpressionMix({"surprised": 1.0})
    from_png = transfer.render(avatar, mix, crops)
    from_exr = transfer.render(avatar_exr, mix, crops)
    moved_png = np.abs(from_png - avatar.pixels).max(axis=2) > 0.15
    moved_exr = np.abs(from_exr - avatar_exr.pixels).max(axis=2) > 0.02
    assert (moved_png & moved_exr).sum() > 0.5 * moved_png.sum()


def ramp_to_64(like: Frame, size: int) -> Frame:
    """Values rise from left to right, alpha from 0 to 1 downwards; premultiplied."""
    ramp = np.linspace(0, 64, size, dtype=np.float32)[None, :, None].repeat(size, 0).repeat(3, 2)
    alpha = np.linspace(0, 1, size, dtype=np.float32)[:, None].repeat(size, 1)
    return frame_of(ramp * alpha[..., None], like, alpha)


def test_a_ramp_to_64_with_alpha_stays_finite(
    transfer: ExpressionTransfer, avatar_exr: Frame
) -> None:
    frame = ramp_to_64(avatar_exr, 256)
    crops = (crop_of_whole_image(256, 256, transfer.card.image_size_px),)
    for name in EXPRESSION_NAMES[1:]:
        result = transfer.render(frame, ExpressionMix({name: 1.0}), crops)
        assert np.isfinite(result).all()
        assert np.array_equal(result[0], frame.pixels[0])  # alpha 0
        assert not np.array_equal(result, frame.pixels)


def test_a_ramp_to_64_with_alpha_stays_finite_with_a_picture_model(
    with_masks: ExpressionTransfer, avatar_exr: Frame
) -> None:
    frame = ramp_to_64(avatar_exr, 256)
    crops = (crop_of_whole_image(256, 256, with_masks.card.image_size_px),)
    for name in EXPRESSION_NAMES[1:]:
        result = with_masks.render(frame, ExpressionMix({name: 1.0}), crops)
        assert np.isfinite(result).all()
        assert np.array_equal(result[0], frame.pixels[0])  # alpha 0


def test_pixels_that_are_not_numbers_keep_their_bits(
    transfer: ExpressionTransfer, avatar_exr: Frame
) -> None:
    pixels = avatar_exr.pixels.copy()
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[0:height:7, 0:width:7]
    pixels[rows, columns, 0] = np.nan
    pixels[rows[::2], columns[::2], 1] = np.inf
    pixels[rows[1::2], columns[1::2], 2] = -np.inf
    frame = frame_of(pixels, avatar_exr, avatar_exr.alpha)
    crops = transfer.find_faces(avatar_exr, FaceChoice())
    result = transfer.render(frame, ExpressionMix({"happy": 1.0}), crops)
    strange = ~np.isfinite(pixels).all(axis=2)
    assert result[strange].tobytes() == pixels[strange].tobytes()
    assert np.isfinite(result[~strange]).all()
    assert (result != avatar_exr.pixels)[~strange].any()


def test_one_pixel_and_a_strip_are_pictures(transfer: ExpressionTransfer, avatar: Frame) -> None:
    for shape in ((1, 1, 3), (3, 400, 3)):
        frame = frame_of(np.full(shape, 0.5, dtype=np.float32), avatar)
        crops = transfer.find_faces(frame, FaceChoice(whole_image=True))
        result = transfer.render(frame, ExpressionMix({"sad": 1.0}), crops)
        assert result.shape == shape
        assert np.isfinite(result).all()
        assert transfer.find_faces(frame, FaceChoice()) == ()


def test_no_face_and_no_such_expression_are_said(
    transfer: ExpressionTransfer, avatar: Frame
) -> None:
    empty = np.full((200, 300, 3), 0.4, dtype=np.float32)
    with pytest.raises(FaceNotFoundError, match="300x200"):
        transfer.apply(empty, "happy")
    with pytest.raises(UnknownExpressionError, match="'happy'"):
        transfer.apply(avatar.pixels, "hapy")
    with pytest.raises(UsageError, match=r"0 to 1\.5"):
        transfer.apply(avatar.pixels, "happy", 2.0)


def test_dense_landmarks_lie_on_the_face_wherever_the_picture_begins(
    transfer: ExpressionTransfer, avatar: Frame, with_masks: ExpressionTransfer
) -> None:
    assert with_masks.landmarker is None
    assert transfer.landmarker is not None
    points = np.array([[737, 331], [585, 328], [664, 408], [721, 489], [598, 487], [659, 590.0]])
    (found,) = transfer.landmarker(avatar, [points])
    assert found is not None
    assert is_of_landmarks(found, points)
    assert found.mouth is not None
    assert not found.mouth.is_drawn
    moved = replace(avatar, origin_px=(-30, 50))
    way = np.array([50, -30])
    there, outside = transfer.landmarker(moved, [points + way, points + 5000])
    assert there is not None
    np.testing.assert_allclose(there.places, found.places + way, atol=1e-6)
    assert outside is None
