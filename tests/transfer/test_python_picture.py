"""What Python hands over as a picture: any kind in, the same kind out, and errors that are true."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
from PIL import Image

import reggan_plugin
from reggan_plugin import ExpressionTransfer, read_frame, write_frame
from reggan_plugin.errors import FaceNotFoundError, UnreadableFrameError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import Frame

from ..sample_frames import SAMPLES

PNG, EXR = SAMPLES / "avatar_png/avatar.1001.png", SAMPLES / "avatar_exr/avatar.1001.exr"


@pytest.fixture(scope="module")
def transfer() -> ExpressionTransfer:
    return ExpressionTransfer(device="cpu", batch=2)


@pytest.fixture(scope="module")
def levels() -> np.ndarray:
    with Image.open(PNG) as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.fixture(scope="module")
def happy(transfer: ExpressionTransfer, levels: np.ndarray) -> np.ndarray:
    changed: np.ndarray = transfer.apply(levels, "happy")
    return changed


@pytest.fixture(autouse=True)
def as_outside_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def test_levels_come_back_as_levels_and_keep_what_did_not_change(
    levels: np.ndarray, happy: np.ndarray
) -> None:
    assert (happy.dtype, happy.shape) == (np.uint8, levels.shape)
    changed = (happy != levels).any(axis=2)
    assert 0.005 < changed.mean() < 0.5
    assert not changed[:40, :40].any()


def test_a_matrix_is_the_array_that_it_holds(
    transfer: ExpressionTransfer, levels: np.ndarray
) -> None:
    grey = levels[..., 1]
    changed = transfer.apply(grey.view(np.matrix), "happy")
    assert type(changed) is np.ndarray
    assert np.array_equal(changed, transfer.apply(grey, "happy"))


def test_a_path_a_frame_and_a_text_are_what_render_makes(transfer: ExpressionTransfer) -> None:
    frame = read_frame(str(EXR))
    pixels = transfer.apply(EXR, "happy")
    assert np.array_equal(pixels, transfer.apply(str(EXR), "happy"))
    assert np.array_equal(pixels, transfer.apply(frame, "happy"))
    crops = transfer.find_faces(frame, FaceChoice())
    mix = reggan_plugin.parse_expression_mix("happy")
    exposure_ev = transfer.auto_exposure(frame, crops)
    assert np.array_equal(pixels, transfer.render(frame, mix, crops, exposure_ev))


def test_linear_pixels_are_said_and_then_give_what_the_file_gives(
    transfer: ExpressionTransfer,
) -> None:
    frame = read_frame(EXR)
    assert frame.alpha is not None
    rgba = np.concatenate([frame.pixels, frame.alpha[..., None]], axis=2)
    linear = transfer.apply(rgba, "happy", encoding="linear")
    assert np.array_equal(linear[..., :3], transfer.apply(frame, "happy"))
    assert np.array_equal(linear[..., 3], frame.alpha)
    bright = frame.pixels * 8
    with pytest.raises(UsageError, match=r"from 0 to [\d.]+; floats are expected.*'linear'"):
        transfer.apply(bright, "happy")
    assert (transfer.apply(bright, "happy", encoding="linear") != bright).any()


def test_floats_of_every_width_come_back_as_they_were_and_unchanged_bits_stay(
    transfer: ExpressionTransfer, levels: np.ndarray, happy: np.ndarray
) -> None:
    for dtype, tolerance in ((np.float16, 8e-3), (np.float32, 2.1e-3), (np.float64, 2.1e-3)):
        picture = (levels / 255).astype(dtype)
        before = picture.copy()
        result = transfer.apply(picture, "happy")
        assert result.dtype == dtype
        assert np.array_equal(picture, before)
        apart = np.abs(result - happy / 255)
        assert (apart > tolerance).mean() < 3e-4  # rounded pixels move otherwise, as edges show
        same = result == picture
        assert same.mean() > 0.5


def test_16_bits_give_the_picture_of_8(
    transfer: ExpressionTransfer, levels: np.ndarray, happy: np.ndarray
) -> None:
    result = transfer.apply(levels.astype(np.uint16) * 257, "happy")
    assert result.dtype == np.uint16
    assert np.abs(result / 257 - happy).max() <= 0.51


def test_bgr_is_rgb_the_other_way_round_with_alpha_last(
    transfer: ExpressionTransfer, levels: np.ndarray, happy: np.ndarray
) -> None:
    assert np.array_equal(transfer.apply(levels[..., ::-1], "happy", order="BGR")[..., ::-1], happy)
    alpha = np.full((*levels.shape[:2], 1), 255, np.uint8)
    bgra = np.concatenate([levels[..., ::-1], alpha], axis=2)
    result = transfer.apply(bgra, "happy", order="BGR")
    assert np.array_equal(result[..., 3], bgra[..., 3])
    assert np.abs(result[..., 2::-1].astype(int) - happy).max() <= 1


def test_grey_stays_grey_and_alpha_stays(transfer: ExpressionTransfer, levels: np.ndarray) -> None:
    grey = levels.mean(axis=2).round().astype(np.uint8)
    flat = transfer.apply(grey, "happy")
    assert (flat.dtype, flat.shape) == (np.uint8, grey.shape)
    assert (flat != grey).any()
    assert np.array_equal(transfer.apply(grey[..., None], "happy")[..., 0], flat)
    with_alpha = np.stack([grey, np.full_like(grey, 255)], axis=2)
    result = transfer.apply(with_alpha, "happy")
    assert np.array_equal(result[..., 1], with_alpha[..., 1])
    assert (result[..., 0] != grey).any()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P"])
def test_pil_images_come_back_as_pil_images(
    transfer: ExpressionTransfer, levels: np.ndarray, mode: str
) -> None:
    picture = Image.fromarray(levels).convert(mode)
    picture.info["icc_profile"] = b"profile"
    result = transfer.apply(picture, "happy")
    assert isinstance(result, Image.Image)
    assert (result.mode, result.size) == ("RGB" if mode == "P" else mode, picture.size)
    assert result.info["icc_profile"] == b"profile"
    plain = picture.convert("RGB")
    assert result.convert("RGB").tobytes() != plain.tobytes()
    assert result.getpixel((0, 0)) == (plain if mode == "P" else picture).getpixel((0, 0))


def test_a_pil_image_that_lies_on_its_side_is_stood_up(
    transfer: ExpressionTransfer, levels: np.ndarray, happy: np.ndarray
) -> None:
    lying = Image.fromarray(np.ascontiguousarray(np.rot90(levels)))
    lying.getexif()[274] = 6
    assert np.array_equal(np.asarray(transfer.apply(lying, "happy")), happy)


def test_the_bytes_of_a_file_come_back_as_the_bytes_of_a_file(
    transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    result = transfer.apply(PNG.read_bytes(), "happy")
    frame = read_frame(PNG)
    write_frame(frame, transfer.apply(frame, "happy"), str(tmp_path / "a.png"))
    assert result == (tmp_path / "a.png").read_bytes()
    with Image.open(io.BytesIO(result)) as picture:
        assert picture.format == "PNG"
    with pytest.raises(UnreadableFrameError, match="the picture is"):
        transfer.apply(b"\x89PNG\r\n\x1a\nbroken", "happy")


def test_a_list_gives_a_list_of_the_same_kinds(
    transfer: ExpressionTransfer, levels: np.ndarray, happy: np.ndarray
) -> None:
    three = transfer.apply([levels, Image.fromarray(levels), levels / 255], "happy")
    assert [type(one) for one in three] == [np.ndarray, Image.Image, np.ndarray]
    assert np.array_equal(three[0], happy)
    assert np.array_equal(np.asarray(three[1]), happy)
    assert transfer.apply([], "happy") == []
    with pytest.raises(FaceNotFoundError, match="picture 2 of the list, a 80x60 picture"):
        transfer.apply([levels, levels, np.zeros((60, 80, 3), np.uint8)], "happy")


def test_intensity_0_is_the_picture_bit_for_bit(
    transfer: ExpressionTransfer, levels: np.ndarray
) -> None:
    for picture in (levels, levels / 255, levels[..., 0]):
        result = transfer.apply(picture, "happy", 0.0)
        assert result.tobytes() == np.ascontiguousarray(picture).tobytes()
        assert result is not picture


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda a: {"pixels": a}, "type dict is no picture; give a path, the bytes of a file"),
        (lambda a: None, "type NoneType is no picture"),
        (lambda a: a.astype(np.float32), "from 0 to 244; .*8-bit levels: divide them by 255"),
        (lambda a: a / 127.5 - 1, "from -1 to 0.9137; floats are expected from 0 to 1"),
        (lambda a: a.astype(np.int64), r"array of int64 .*astype\(numpy.uint8\)"),
        (lambda a: a > 3, "array of bool"),
        (lambda a: np.moveaxis(a, -1, 0), "Channels come last: numpy.moveaxis"),
        (lambda a: np.stack([a, a]), "Give several pictures as a list"),
        (lambda a: np.zeros((0, 4, 3)), r"shape \(0, 4, 3\) is no picture"),
        (lambda a: np.zeros((4, 4, 5)), "3 or 4 channels"),
        (lambda a: Image.fromarray(a).convert("CMYK"), r"mode CMYK .*convert\('RGB'\)"),
    ],
)
def test_what_is_no_picture_is_told_the_truth(
    transfer: ExpressionTransfer, levels: np.ndarray, make: Callable[[np.ndarray], Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        transfer.apply(make(levels), "happy")


def test_what_is_said_of_a_picture_must_fit(
    transfer: ExpressionTransfer, levels: np.ndarray
) -> None:
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        (levels, {"encoding": "linear"}, "Linear pixels need floats"),
        (levels, {"encoding": "log"}, "'log' is no encoding"),
        (levels, {"order": "GBR"}, "'GBR' is no order"),
        (PNG, {"encoding": "srgb"}, "Leave both out"),
        (Image.fromarray(levels), {"order": "BGR"}, "Leave both out"),
    ]
    for picture, said, message in wrong:
        with pytest.raises(UsageError, match=message):
            transfer.apply(picture, "happy", **said)
    assert (transfer.apply(levels / 200, "happy", encoding="srgb") != levels / 200).any()


def test_the_package_says_what_it_is_and_has() -> None:
    from importlib import metadata

    assert reggan_plugin.__version__ == metadata.version("reggan-plugin")
    assert {"__version__", *reggan_plugin.__all__} <= set(dir(reggan_plugin))
    assert all(getattr(reggan_plugin, name) is not None for name in reggan_plugin.__all__)
    assert isinstance(read_frame(str(PNG)), Frame)
    for name in ("reggan_plugin", "reggan_training", "reggan_export"):
        package = __import__(name)
        assert (Path(package.__file__).parent / "py.typed").is_file(), name


def test_what_is_no_expression_is_told_the_truth(
    transfer: ExpressionTransfer, levels: np.ndarray
) -> None:
    wrong: Any = None
    with pytest.raises(UsageError, match="type NoneType is no expression; give a name, a blend"):
        transfer.apply(levels, wrong)
