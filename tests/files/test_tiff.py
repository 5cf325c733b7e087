"""TIFF keeps its tags, its other pages and every strip or tile without a change."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError
from reggan_plugin.files.frame import Encoding, read_frame, write_frame

from .conftest import Edit

HEIGHT, WIDTH = 45, 61
PLACEMENT = {273, 279, 324, 325}
"""Tags that say where the image data lies."""
METADATA: dict[str, Any] = {
    "software": "Renderer 1.0",
    "description": "a head",
    "iccprofile": b"profile",
    "resolution": (300, 300),
    "extratags": [(315, 2, 0, "somebody", True), (65000, 1, 5, b"\0\1\2\3\4", True)],
}
LAYOUTS: list[dict[str, Any]] = [
    {},
    {"rowsperstrip": 7},
    {"rowsperstrip": 7, "compression": "lzw", "predictor": True},
    {"rowsperstrip": 7, "compression": "packbits"},
    {"tile": (16, 32), "compression": "zlib", "predictor": True},
    {"tile": (16, 32), "compression": "zstd"},
    {"compression": "lzma", "planarconfig": "separate"},
    {"tile": (16, 16), "compression": "zlib", "planarconfig": "separate", "predictor": True},
]


def tags(path: Path, page: int = 0) -> list[tuple[int, int, Any]]:
    with tifffile.TiffFile(path) as file:
        found = file.pages[page].tags
        return [(tag.code, tag.dtype, tag.value) for tag in found if tag.code not in PLACEMENT]


def read_tiff(path: Path, channels: int) -> Any:
    samples = tifffile.imread(path, key=0)
    if samples.ndim == 3 and samples.shape[0] == channels:
        samples = samples.transpose(1, 2, 0)
    return samples.reshape(HEIGHT, WIDTH, channels)


def write_tiff(path: Path, samples: Any, **options: Any) -> None:
    """RGB or grey; a further channel is straight alpha, and one more is of unknown meaning."""
    channels = samples.shape[2]
    colours = 3 if channels >= 3 else 1
    if options.get("planarconfig") == "separate":
        samples = samples.transpose(2, 0, 1)
    settings = {
        "photometric": "rgb" if colours == 3 else "minisblack",
        "planarconfig": "contig" if channels > 1 else None,
        "extrasamples": ["unassalpha", "unspecified"][: channels - colours],
        "metadata": None,
        **options,
    }
    tifffile.imwrite(path, samples if channels > 1 else samples[..., 0], **settings)


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "in.tif", tmp_path / "out.tif"


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize(
    ("dtype", "channels"),
    [("u1", 3), ("u2", 4), ("u2", 5), ("u4", 3), ("f2", 3), ("f4", 5), ("f8", 3)],
)
def test_only_changed_samples_differ(
    paths: tuple[Path, Path],
    image: Callable[..., Any],
    edit: Edit,
    dtype: str,
    channels: int,
    layout: dict[str, Any],
    byteorder: str,
) -> None:
    source, target = paths
    samples = image(HEIGHT, WIDTH, channels, dtype)
    if dtype[0] == "f":
        samples[0, 0, :3] = [np.nan, np.inf, -np.inf]
    write_tiff(source, samples, byteorder=byteorder, **METADATA, **layout)
    frame = read_frame(source)
    pixels, mask = edit(frame)
    write_frame(frame, pixels, target)
    written = read_tiff(target, channels)
    assert written.dtype == samples.dtype
    assert written[~mask].tobytes() == samples[~mask].tobytes()
    assert written[..., 3:].tobytes() == samples[..., 3:].tobytes()
    if dtype[0] == "f":
        np.testing.assert_array_equal(written[mask][:, :3], pixels[mask].astype(dtype))
    else:
        scale = np.iinfo(samples.dtype).max
        assert np.abs(written[mask][:, :3] / scale - pixels[mask]).max() <= 0.51 / scale
    assert tags(target) == tags(source)
    with tifffile.TiffFile(target) as file:
        assert file.byteorder == byteorder


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("channels", [1, 2])
def test_grey_takes_luma(
    paths: tuple[Path, Path], image: Callable[..., Any], edit: Edit, dtype: str, channels: int
) -> None:
    source, target = paths
    samples = image(HEIGHT, WIDTH, channels, dtype)
    write_tiff(source, samples)
    frame = read_frame(source)
    assert (frame.alpha is not None) == (channels == 2)
    pixels, mask = edit(frame)
    write_frame(frame, pixels, target)
    written = read_tiff(target, channels)
    np.testing.assert_array_equal(written[~mask], samples[~mask])
    scale = 1 if dtype == "f4" else np.iinfo(dtype).max
    luma = pixels[mask] @ [0.2126, 0.7152, 0.0722]
    assert np.abs(written[mask][:, 0] / scale - luma).max() <= max(0.51 / scale, 1e-6)


def test_white_stored_as_zero_is_shown_white(paths: tuple[Path, Path]) -> None:
    source, target = paths
    tifffile.imwrite(source, np.array([[0, 255, 10]], np.uint8), photometric="miniswhite")
    frame = read_frame(source)
    assert frame.pixels[0, :, 0].tolist() == pytest.approx([1, 0, 245 / 255])
    pixels = frame.pixels.copy()
    pixels[0, 1] = 1
    write_frame(frame, pixels, target)
    assert tifffile.imread(target).tolist() == [[0, 0, 10]]


def test_all_16_bit_values_are_encoded_exactly(paths: tuple[Path, Path]) -> None:
    source, target = paths
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    tifffile.imwrite(source, np.roll(values, 1), compression="zlib")
    pixels = np.repeat((values / 65535).astype(np.float32)[..., None], 3, axis=2)
    write_frame(read_frame(source), pixels, target)
    np.testing.assert_array_equal(tifffile.imread(target), values)


@pytest.mark.parametrize(
    ("kind", "is_premultiplied"), [("assocalpha", True), ("unassalpha", False)]
)
@pytest.mark.parametrize(
    ("dtype", "encoding"), [("f4", Encoding.SCENE_LINEAR), ("u1", Encoding.SRGB)]
)
def test_meaning_of_numbers_and_alpha(
    paths: tuple[Path, Path], kind: str, is_premultiplied: bool, dtype: str, encoding: Encoding
) -> None:
    samples = np.array([[[0, 0, 0, 1], [0, 0, 0, 0]]], dtype)
    write_tiff(paths[0], samples, extrasamples=[kind])
    frame = read_frame(paths[0])
    assert frame.encoding is encoding
    assert frame.alpha_is_premultiplied is is_premultiplied
    assert frame.alpha is not None
    assert frame.alpha.tolist() == [[1 if dtype == "f4" else pytest.approx(1 / 255), 0]]


def test_a_channel_of_unknown_meaning_is_no_alpha(paths: tuple[Path, Path]) -> None:
    write_tiff(paths[0], np.zeros((2, 2, 4), np.uint8), extrasamples=["unspecified"])
    assert read_frame(paths[0]).alpha is None


@pytest.mark.parametrize("bigtiff", [False, True])
def test_other_pages_and_unchanged_strips_keep_their_bytes(
    paths: tuple[Path, Path], image: Callable[..., Any], bigtiff: bool
) -> None:
    source, target = paths
    picture, second = image(HEIGHT, WIDTH, 3, "u1"), image(9, 9, 3, "u2")
    picture[:] = picture // 64  # so that changed strips grow
    with tifffile.TiffWriter(source, bigtiff=bigtiff) as writer:
        writer.write(picture, photometric="rgb", compression="zlib", rowsperstrip=5)
        writer.write(second, photometric="rgb")
    frame = read_frame(source)
    assert any("first page" in notice for notice in frame.notices)
    pixels = frame.pixels.copy()
    pixels[10:15] = np.random.default_rng(5).random((5, WIDTH, 3))
    write_frame(frame, pixels, target)
    np.testing.assert_array_equal(tifffile.imread(target, key=1), second)
    with tifffile.TiffFile(source) as before, tifffile.TiffFile(target) as after:
        assert after.is_bigtiff == bigtiff
        assert len(after.pages) == 2
        places = [
            (page.dataoffsets, page.databytecounts)
            for page in (before.pages.first, after.pages.first)
        ]
    for old, new in zip(*places, strict=True):
        assert [i for i, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]] == [2]
    assert tags(target, 1) == tags(source, 1)
    assert np.abs(tifffile.imread(target, key=0)[10:15] / 255 - pixels[10:15]).max() < 0.51 / 255


def test_strips_that_share_their_data_part_when_one_changes(paths: tuple[Path, Path]) -> None:
    source, target = paths
    tifffile.imwrite(source, np.full((4, 2), 9, np.uint8), rowsperstrip=1)
    with tifffile.TiffFile(source, mode="r+b") as file:
        tag = file.pages.first.tags[273]
        tag.overwrite([tag.value[0]] * 4)
    frame = read_frame(source)
    pixels = frame.pixels.copy()
    pixels[2] = 1
    write_frame(frame, pixels, target)
    assert tifffile.imread(target).tolist() == [[9, 9], [9, 9], [255, 255], [9, 9]]


def change_tag(path: Path, code: int, value: object, **settings: object) -> None:
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages.first.tags[code].overwrite(value, **settings)


def test_a_strip_that_reaches_into_the_next_does_not_damage_it(paths: tuple[Path, Path]) -> None:
    source, target = paths
    before = np.arange(8, dtype=np.uint8).reshape(4, 2)
    tifffile.imwrite(source, before, rowsperstrip=1)
    with tifffile.TiffFile(source) as file:
        first = file.pages.first.dataoffsets[0]
    change_tag(source, 273, [first, first + 1, first + 4, first + 6])
    frame = read_frame(source)
    pixels = frame.pixels.copy()
    pixels[0] = 1
    write_frame(frame, pixels, target)
    assert tifffile.imread(source).tolist() == [[0, 1], [1, 2], [4, 5], [6, 7]]
    assert tifffile.imread(target).tolist() == [[255, 255], [1, 2], [4, 5], [6, 7]]


def test_a_table_of_strips_that_is_too_short_or_lies_over_them_is_named(
    paths: tuple[Path, Path], image: Callable[..., Any]
) -> None:
    """Else rows without a strip would be whatever memory held, and writing would damage strips."""
    source = paths[0]
    write_tiff(source, image(HEIGHT, WIDTH, 3, "u2"), compression="lzw", rowsperstrip=1)
    sound = source.read_bytes()
    change_tag(source, 257, HEIGHT + 3)
    with pytest.raises(UnreadableFrameError, match=f"table of its {HEIGHT} strips.*copy it again"):
        read_frame(source)
    with tifffile.TiffFile(io.BytesIO(sound)) as file:
        tag, order = file.pages.first.tags[279], file.byteorder
    content = bytearray(sound)
    content[tag.offset + 4 : tag.offset + 8] = struct.pack(f"{order}I", tag.count + 500)
    source.write_bytes(content)
    with pytest.raises(UnreadableFrameError, match=r"lies over other data.*copy it again"):
        read_frame(source)


def test_a_strip_without_a_byte_count_is_named(
    paths: tuple[Path, Path], image: Callable[..., Any]
) -> None:
    write_tiff(paths[0], image(HEIGHT, WIDTH, 3, "u1"), compression="zlib")
    content = bytearray(paths[0].read_bytes())
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        place, order = file.pages.first.tags[279].offset, file.byteorder
    content[place : place + 2] = struct.pack(f"{order}H", 280)
    paths[0].write_bytes(content)
    with pytest.raises(UnreadableFrameError, match=r"is incomplete or lies.*copy it again"):
        read_frame(paths[0])


def test_the_predictor_of_floats_on_integers_is_refused(
    paths: tuple[Path, Path], image: Callable[..., Any]
) -> None:
    write_tiff(paths[0], image(HEIGHT, WIDTH, 3, "u1"), compression="zlib", predictor=True)
    change_tag(paths[0], 317, 3)
    with pytest.raises(UnsupportedFormatError, match="predictor of floats on integers"):
        read_frame(paths[0])


def test_colours_of_two_channels_are_named(
    paths: tuple[Path, Path], image: Callable[..., Any]
) -> None:
    write_tiff(paths[0], image(HEIGHT, WIDTH, 2, "u1"))
    change_tag(paths[0], 262, 2)
    with pytest.raises(UnreadableFrameError, match=r"RGB with 2 channels.*copy it again"):
        read_frame(paths[0])


def test_byte_counts_are_widened_where_they_must(paths: tuple[Path, Path]) -> None:
    source, target = paths
    tifffile.imwrite(source, np.zeros((300, 300), np.uint8), compression="zlib", rowsperstrip=300)
    with tifffile.TiffFile(source, mode="r+b") as file:
        tag = file.pages.first.tags[279]
        tag.overwrite(tag.value, dtype="H")
    noise = np.random.default_rng(2).integers(0, 256, (300, 300, 1))
    pixels = np.repeat((noise / 255).astype(np.float32), 3, axis=2)
    write_frame(read_frame(source), pixels, target)
    np.testing.assert_array_equal(tifffile.imread(target), noise[..., 0])


def test_a_table_of_signed_numbers_is_named(
    paths: tuple[Path, Path], image: Callable[..., Any]
) -> None:
    write_tiff(paths[0], image(HEIGHT, WIDTH, 3, "u1"))
    with tifffile.TiffFile(paths[0]) as file:
        offsets = file.pages.first.dataoffsets
    change_tag(paths[0], 273, offsets, dtype="i")
    with pytest.raises(UnreadableFrameError, match=r"is incomplete or lies.*copy it again"):
        read_frame(paths[0])


def test_unchanged_pixels_give_the_same_file(
    paths: tuple[Path, Path], image: Callable[..., Any]
) -> None:
    source, target = paths
    write_tiff(source, image(HEIGHT, WIDTH, 4, "f2"), compression="zlib", predictor=True)
    frame = read_frame(source)
    write_frame(frame, frame.pixels.copy(), target)
    assert target.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("dtype", ["u1", "u2", "f2", "f4"])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 16), "compression": "zlib"}], ids=str)
def test_one_pixel(paths: tuple[Path, Path], dtype: str, layout: dict[str, Any]) -> None:
    source, target = paths
    tifffile.imwrite(source, np.zeros((1, 1, 3), dtype), photometric="rgb", **layout)
    write_frame(read_frame(source), np.ones((1, 1, 3), np.float32), target)
    assert read_frame(target).pixels.tolist() == [[[1, 1, 1]]]


def test_a_picture_on_its_side_is_shown_upright(paths: tuple[Path, Path]) -> None:
    source, target = paths
    stored = np.arange(6, dtype=np.uint8).reshape(2, 3)
    tifffile.imwrite(source, stored, extratags=[(274, 3, 1, 6, True)])
    frame = read_frame(source)
    np.testing.assert_array_equal(np.rint(frame.pixels[..., 0] * 255), np.rot90(stored, -1))
    pixels = frame.pixels.copy()
    pixels[0, -1] = 1
    write_frame(frame, pixels, target)
    assert tifffile.imread(target).tolist() == [[255, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"photometric": "minisblack", "compression": "jpeg"}, "JPEG compression"),
        ({"photometric": "minisblack", "dtype": "i2"}, "samples of"),
        ({"photometric": "separated", "shape": (8, 8, 4)}, "SEPARATED colours"),
    ],
)
def test_what_cannot_be_written_back_is_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    samples = np.zeros(options.pop("shape", (8, 8)), options.pop("dtype", "u1"))
    tifffile.imwrite(tmp_path / "a.tif", samples, **options)
    with pytest.raises(UnsupportedFormatError, match=rf"a\.tif is a TIFF with .*{message}"):
        read_frame(tmp_path / "a.tif")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_truncated_tiff_is_named(
    tmp_path: Path, image: Callable[..., Any], compression: str | None, share: float
) -> None:
    path = tmp_path / "cut.tif"
    write_tiff(path, image(HEIGHT, WIDTH, 3, "u1"), compression=compression)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UnreadableFrameError, match=r"cut\.tif.*(again|begins)"):
        read_frame(path)


def test_a_small_copy_before_its_picture_is_not_taken_for_that(paths: tuple[Path, Path]) -> None:
    source, _ = paths
    small = np.zeros((8, 8, 3), np.uint8)
    with tifffile.TiffWriter(source) as writer:
        writer.write(small, photometric="rgb", subfiletype=1)
    assert read_frame(source).pixels.shape == (8, 8, 3)
    with tifffile.TiffWriter(source) as writer:
        writer.write(small, photometric="rgb", subfiletype=1)
        writer.write(np.zeros((32, 32, 3), np.uint8), photometric="rgb")
    with pytest.raises(UnsupportedFormatError, match="a small copy of its picture on the first"):
        read_frame(source)


@pytest.mark.parametrize("photometric", ["rgb", "palette"])
def test_lzw_that_names_what_it_does_not_hold_is_named(
    tmp_path: Path, image: Callable[..., Any], photometric: str
) -> None:
    """What decodes it crashes, and all the process with it."""
    path = tmp_path / "odd.tif"
    samples = image(HEIGHT, WIDTH, 3, "u1")
    kinds = {"colormap": np.zeros((3, 256), np.uint16)} if photometric == "palette" else {}
    shown = samples[..., 0] if kinds else samples
    tifffile.imwrite(path, shown, compression="lzw", photometric=photometric, **kinds)  # type: ignore[arg-type]
    assert read_frame(path).pixels.shape == samples.shape
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        content[file.pages.first.dataoffsets[0] + 1] = 127
    path.write_bytes(content)
    with pytest.raises(UnreadableFrameError, match=r"odd\.tif is damaged"):
        read_frame(path)
