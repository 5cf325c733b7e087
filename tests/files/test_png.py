"""PNG keeps its samples, its chunks and their order."""

import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError, UsageError
from reggan_plugin.files.formats import png
from reggan_plugin.files.frame import Encoding, copy_frame, encode_frame, read_frame, write_frame
from reggan_plugin.files.image_format import frame_suffixes

from .conftest import Edit

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
BEFORE_DATA = [
    (b"gAMA", struct.pack(">I", 45455)),
    (b"iCCP", b"icc\0\0" + zlib.compress(PROFILE)),
    (b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
    (b"tEXt", b"Software\0Renderer"),
    (b"prVt", b"\0\1private"),
]
AFTER_DATA = [(b"tIME", struct.pack(">HBBBBB", 2024, 1, 2, 3, 4, 5)), (b"iTXt", b"a\0\0\0\0\0b")]


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def chunks(path: Path) -> list[tuple[bytes, bytes]]:
    content, position, found = path.read_bytes(), 8, []
    while position < len(content):
        size = int.from_bytes(content[position : position + 4], "big")
        found.append(
            (content[position + 4 : position + 8], content[position + 8 : position + 8 + size])
        )
        position += size + 12
    return found


def write_png(path: Path, samples: Any) -> None:
    """A PNG with metadata before and after two IDAT chunks."""
    encoded = imagecodecs.png_encode(samples)
    path.write_bytes(encoded)
    header = dict(chunks(path))[b"IHDR"]
    data = b"".join(data for name, data in chunks(path) if name == b"IDAT")
    middle = len(data) // 2
    parts = [(b"IHDR", header), *BEFORE_DATA, (b"IDAT", data[:middle]), (b"IDAT", data[middle:])]
    path.write_bytes(
        SIGNATURE + b"".join(chunk(*part) for part in [*parts, *AFTER_DATA, (b"IEND", b"")])
    )


def read_png(path: Path) -> Any:
    samples = imagecodecs.png_decode(path.read_bytes())
    return samples if samples.ndim == 3 else samples[..., None]


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
class TestWriteAgain:
    def test_only_changed_pixels_differ(
        self, tmp_path: Path, image: Callable[..., Any], edit: Edit, channels: int, dtype: str
    ) -> None:
        source, target = tmp_path / "in.png", tmp_path / "out.png"
        samples = image(31, 45, channels, dtype)
        write_png(source, samples)
        frame = read_frame(source)
        pixels, mask = edit(frame)
        write_frame(frame, pixels, target)
        written = read_png(target)
        assert written.dtype == samples.dtype
        np.testing.assert_array_equal(written[~mask], samples[~mask])
        if channels in (2, 4):
            np.testing.assert_array_equal(written[..., -1], samples[..., -1])
        scale = np.iinfo(samples.dtype).max
        expected = pixels[mask] if channels > 2 else pixels[mask] @ [[0.2126], [0.7152], [0.0722]]
        colours = 3 if channels > 2 else 1
        assert np.abs(written[mask][:, :colours] / scale - expected).max() <= 0.51 / scale

    def test_chunks_keep_bytes_and_order(
        self, tmp_path: Path, image: Callable[..., Any], edit: Edit, channels: int, dtype: str
    ) -> None:
        source, target = tmp_path / "in.png", tmp_path / "out.png"
        write_png(source, image(31, 45, channels, dtype))
        frame = read_frame(source)
        write_frame(frame, edit(frame)[0], target)
        kept = [part for part in chunks(target) if part[0] != b"IDAT"]
        assert kept == [part for part in chunks(source) if part[0] != b"IDAT"]
        names = [name for name, _ in chunks(target)]
        assert names.index(b"prVt") < names.index(b"IDAT") < names.index(b"tIME")

    def test_unchanged_and_one_pixel(
        self, tmp_path: Path, image: Callable[..., Any], channels: int, dtype: str
    ) -> None:
        source, target = tmp_path / "in.png", tmp_path / "out.png"
        write_png(source, image(1, 1, channels, dtype))
        frame = read_frame(source)
        write_frame(frame, frame.pixels, target)
        np.testing.assert_array_equal(read_png(target), read_png(source))


def test_frame_is_srgb_in_0_to_1_with_straight_alpha(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_png(path, np.array([[[0, 128, 255, 51], [255, 255, 255, 0]]], np.uint8))
    frame = read_frame(path)
    assert frame.encoding is Encoding.SRGB
    assert not frame.alpha_is_premultiplied
    assert frame.alpha is not None
    np.testing.assert_allclose(frame.alpha, [[0.2, 0]], rtol=1e-6)
    np.testing.assert_allclose(frame.pixels[0, 0], [0, 128 / 255, 1], rtol=1e-6)
    assert not frame.pixels.flags.writeable


def test_all_16_bit_values_are_encoded_exactly(tmp_path: Path) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    write_png(source, np.roll(values, 1))
    frame = read_frame(source)
    write_frame(frame, np.repeat(values / 65535, 3, axis=2).astype(np.float32), target)
    np.testing.assert_array_equal(read_png(target), values)


def test_values_outside_0_to_1_are_clipped_and_nan_is_refused(tmp_path: Path) -> None:
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    write_png(source, np.full((1, 2, 3), 7, np.uint8))
    frame = read_frame(source)
    write_frame(frame, np.array([[[-1, 2, np.inf], frame.pixels[0, 1]]], np.float32), target)
    assert read_png(target).tolist() == [[[0, 255, 255], [7, 7, 7]]]
    with pytest.raises(UsageError, match="NaN"):
        write_frame(frame, np.full((1, 2, 3), np.nan, np.float32), target, overwrite=True)


@pytest.mark.parametrize(("shape", "dtype"), [((2, 1, 3), "f4"), ((1, 2, 3), "f8")])
def test_pixels_of_another_shape_or_type_are_refused(
    tmp_path: Path, shape: tuple[int, ...], dtype: str
) -> None:
    write_png(tmp_path / "in.png", np.zeros((1, 2, 3), np.uint8))
    frame = read_frame(tmp_path / "in.png")
    with pytest.raises(UsageError, match="takes float32"):
        write_frame(frame, np.zeros(shape, dtype), tmp_path / "out.png")


@pytest.mark.parametrize("has_alpha", [False, True])
def test_palette_is_written_as_colours(tmp_path: Path, has_alpha: bool) -> None:
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    picture = Image.new("P", (3, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    picture.putdata([0, 1, 2])
    picture.save(source, **({"transparency": bytes([0, 128, 255])} if has_alpha else {}))
    frame = read_frame(source)
    assert any("palette" in notice for notice in frame.notices)
    pixels = frame.pixels.copy()
    pixels[0, 1] = 1
    write_frame(frame, pixels, target)
    written = read_png(target)
    assert written[0, :, :3].tolist() == [[10, 20, 30], [255, 255, 255], [70, 80, 90]]
    assert b"PLTE" not in dict(chunks(target))
    if has_alpha:
        assert written[0, :, 3].tolist() == [0, 128, 255]


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_few_bits_are_written_as_eight(tmp_path: Path, depth: int) -> None:
    highest = 2**depth - 1
    header = struct.pack(">IIBBBBB", 1, 1, depth, 0, 0, 0, 0)
    data = zlib.compress(bytes([0, highest << (8 - depth)]))
    parts = [(b"IHDR", header), (b"bKGD", struct.pack(">H", highest)), (b"IDAT", data)]
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    source.write_bytes(SIGNATURE + b"".join(chunk(*part) for part in [*parts, (b"IEND", b"")]))
    frame = read_frame(source)
    assert frame.pixels.tolist() == [[[1, 1, 1]]]
    assert frame.notices
    write_frame(frame, np.full((1, 1, 3), 0.2, np.float32), target)
    assert read_png(target).tolist() == [[[51]]]
    assert dict(chunks(target))[b"bKGD"] == struct.pack(">H", 255)


@pytest.mark.parametrize(("dtype", "scale"), [("u1", 255), ("u2", 65535)])
def test_transparent_colour_hides_the_same_pixels(tmp_path: Path, dtype: str, scale: int) -> None:
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    samples = np.array([[[9, 9, 9], [1, 2, 3], [1, 2, 3], [5, 5, 5]]], dtype)
    source.write_bytes(imagecodecs.png_encode(samples))
    header, data, end = chunks(source)
    key = (b"tRNS", struct.pack(">3H", 1, 2, 3))
    source.write_bytes(SIGNATURE + b"".join(chunk(*part) for part in [header, key, data, end]))
    frame = read_frame(source)
    assert frame.alpha is not None
    assert frame.alpha.tolist() == [[1, 0, 0, 1]]
    pixels = frame.pixels.copy()
    pixels[0, 0] = np.array([1, 2, 3]) / scale  # would become transparent
    pixels[0, 1] = 0.5  # would become opaque
    write_frame(frame, pixels, target)
    again = read_frame(target).alpha
    assert again is not None
    assert again.tolist() == [[1, 0, 0, 1]]
    assert chunks(target)[1] == key


def test_a_transparent_colour_that_no_pixel_had_hides_none_that_changes(tmp_path: Path) -> None:
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    source.write_bytes(imagecodecs.png_encode(np.full((1, 2, 3), 9, np.uint8)))
    header, data, end = chunks(source)
    key = (b"tRNS", struct.pack(">3H", 1, 2, 3))
    source.write_bytes(SIGNATURE + b"".join(chunk(*part) for part in [header, key, data, end]))
    frame = read_frame(source)
    pixels = frame.pixels.copy()
    pixels[0, 0] = np.array([1, 2, 3]) / 255
    write_frame(frame, pixels, target)
    again = read_frame(target).alpha
    assert again is not None
    assert again.tolist() == [[1, 1]]


def test_a_transparent_colour_beside_alpha_counts_for_nothing(tmp_path: Path) -> None:
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    samples = np.array([[[9, 9, 9, 0], [9, 9, 9, 200]]], np.uint8)
    source.write_bytes(imagecodecs.png_encode(samples))
    header, data, end = chunks(source)
    key = (b"tRNS", struct.pack(">3H", 9, 9, 9))
    source.write_bytes(SIGNATURE + b"".join(chunk(*part) for part in [header, key, data, end]))
    frame = read_frame(source)
    write_frame(frame, frame.pixels + np.float32(0.1), target)
    assert read_png(target)[..., 3].tolist() == [[0, 200]]


def test_interlaced_png_is_written_without_interlacing(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 2, 1, 8, 0, 0, 0, 1)
    data = zlib.compress(bytes([0, 100, 0, 200]))  # passes 1 and 6, one pixel each
    parts = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    source.write_bytes(SIGNATURE + b"".join(chunk(*part) for part in parts))
    frame = read_frame(source)
    pixels = frame.pixels.copy()
    pixels[0, 0] = 0
    write_frame(frame, pixels, target)
    assert read_png(target).tolist() == [[[0], [200]]]
    assert chunks(target)[0][1][-1] == 0


def test_animated_png_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.raises(UnsupportedFormatError, match="animated"):
        read_frame(path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.5, 0.99])
def test_truncated_png_is_named(tmp_path: Path, image: Callable[..., Any], share: float) -> None:
    path = tmp_path / "cut.png"
    write_png(path, image(20, 20, 3, "u1"))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UnreadableFrameError, match=r"cut\.png.*(Render|begins)"):
        read_frame(path)


def filtered(row: bytes, above: bytes, step: int, number: int) -> bytes:
    """A row as PNG's filter of a number stores it, said once more in plain Python."""
    stored = bytearray([number])
    for x, value in enumerate(row):
        left, corner = (row[x - step], above[x - step]) if x >= step else (0, 0)
        nearest = min((left, above[x], corner), key=lambda one: abs(left + above[x] - corner - one))
        foretold = (0, left, above[x], (left + above[x]) // 2, nearest, 0)[number]
        stored.append((value - foretold) % 256)
    return bytes(stored)


def png_of(samples: Any, numbers: list[int]) -> bytes:
    """A PNG whose rows have the filters of these numbers in turn."""
    height, width, channels = samples.shape
    depth, kind = 8 * samples.itemsize, {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = [row.astype(samples.dtype.newbyteorder(">")).tobytes() for row in samples]
    pairs = zip(rows, [bytes(len(rows[0])), *rows[:-1]], strict=True)
    step = channels * samples.itemsize
    stored = [filtered(*pair, step, numbers[row % len(numbers)]) for row, pair in enumerate(pairs)]
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"".join(stored)))
    return SIGNATURE + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


@pytest.mark.parametrize("numbers", [[0, 1, 2, 3, 4], [4, 3], [3], [2], [1]])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_rows_of_every_filter_are_read(
    image: Callable[..., Any], channels: int, dtype: str, numbers: list[int]
) -> None:
    for size in ((31, 45), (3, 1), (1, 2)):
        samples = image(*size, channels, dtype)
        content = png_of(samples, numbers)
        np.testing.assert_array_equal(
            imagecodecs.png_decode(content).reshape(samples.shape), samples
        )
        found = png.decode_samples(content).original.samples
        assert found.dtype == samples.dtype
        np.testing.assert_array_equal(found, samples)


def test_what_no_filter_and_no_checksum_allows_is_named(
    tmp_path: Path, image: Callable[..., Any]
) -> None:
    sound = png_of(image(31, 45, 3, "u1"), [4])
    odd = png_of(image(31, 45, 3, "u1"), [4, 5])
    short = png_of(image(31, 45, 3, "u1"), [4]).replace(
        struct.pack(">II", 45, 31), struct.pack(">II", 45, 32)
    )
    wrong = bytearray(sound)
    wrong[sound.index(b"IDAT") + 40] ^= 1
    empty = [
        SIGNATURE
        + chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(size[1])))
        + chunk(b"IEND", b"")
        for size in ((0, 3), (3, 0))
    ]
    for number, content in enumerate((odd, short, bytes(wrong), *empty)):
        path = tmp_path / f"{number}.png"
        path.write_bytes(content)
        with pytest.raises(UnreadableFrameError, match="is damaged"):
            read_frame(path)


def test_damaged_data_is_named(tmp_path: Path, image: Callable[..., Any]) -> None:
    path = tmp_path / "bad.png"
    write_png(path, image(20, 20, 3, "u1"))
    content = bytearray(path.read_bytes())
    content[-200] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UnreadableFrameError, match=r"bad\.png is damaged: .* Render"):
        read_frame(path)


def test_chunks_that_no_such_picture_has_are_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.png"
    write_png(path, np.zeros((4, 4, 3), np.uint8))
    parts = dict(chunks(path))
    head, data, end = ((name, parts[name]) for name in (b"IHDR", b"IDAT", b"IEND"))
    palette = (b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 3, 0, 0, 0))
    for parts in (
        [head, (b"XXXX", b""), data, end],
        [head, (b"\x1b[2J", b""), data, end],
        [head, data, head, end],
        [palette, data, end],
        [head, end],
    ):
        path.write_bytes(SIGNATURE + b"".join(chunk(*part) for part in parts))
        with pytest.raises(UnreadableFrameError, match=r"odd\.png is damaged: .* chunk"):
            read_frame(path)


def test_chunks_that_are_tied_to_old_pixels_are_left_out_and_named(tmp_path: Path) -> None:
    """Apple's decoders take places of rows from iDOT: they would show other data, or none."""
    path = tmp_path / "a.png"
    write_png(path, np.zeros((4, 4, 3), np.uint8))
    head, *rest = chunks(path)
    kept = [(b"gAMA", struct.pack(">I", 45455)), (b"sTER", b"\0"), (b"vpAg", bytes(9))]
    own = [*kept, (b"iDOT", bytes(28)), (b"dSIG", b"abc")]
    path.write_bytes(SIGNATURE + b"".join(chunk(*part) for part in (head, *own, *rest)))
    frame = read_frame(path)
    assert [one.partition(": ")[2] for one in frame.notices] == ["iDOT, dSIG"]
    assert encode_frame(frame, frame.pixels) == path.read_bytes()
    write_frame(frame, 1 - frame.pixels, tmp_path / "b.png")
    files = (tmp_path / "a.png", tmp_path / "b.png")
    before, after = ([*dict.fromkeys(name for name, _ in chunks(file))] for file in files)
    assert after == [name for name in before if name not in (b"iDOT", b"dSIG")]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("a.png", UnreadableFrameError, "is not an image"),
        ("a.gif", UnsupportedFormatError, "is a video"),
        ("a.psd", UnsupportedFormatError, re.escape(", ".join(frame_suffixes()))),
        ("none.png", UnreadableFrameError, "No such file"),
    ],
)
def test_what_is_no_picture_is_named(
    tmp_path: Path, name: str, error: type[Exception], message: str
) -> None:
    for there in ("a.png", "a.gif", "a.psd"):
        (tmp_path / there).write_bytes(b"hello")
    with pytest.raises(error, match=message):
        read_frame(tmp_path / name)


def test_copy_is_byte_identical(tmp_path: Path, image: Callable[..., Any]) -> None:
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    write_png(source, image(9, 9, 3, "u2"))
    copy_frame(source, target)
    assert target.read_bytes() == source.read_bytes()


def test_reading_png_loads_no_other_format(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.zeros((1, 1, 3), np.uint8))
    code = (
        "import sys, pathlib; from reggan_plugin.files.frame import read_frame;"
        f"read_frame(pathlib.Path({str(tmp_path / 'a.png')!r}));"
        "print(sorted({'OpenEXR', 'tifffile', 'torch'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_a_picture_that_is_compressed_in_bands_reads_the_same(
    tmp_path: Path, image: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    source = tmp_path / "in.png"
    write_png(source, image(150, 45, 4, dtype))
    original = read_frame(source).original
    assert isinstance(original, png.StoredPng)
    frame = read_frame(source)
    after = frame.pixels.copy()
    after[70:] = 0.25
    at_once = original.encode(frame.pixels, after)
    monkeypatch.setattr(png, "_MOST_AT_ONCE", 1)
    in_bands = original.encode(frame.pixels, after)
    assert at_once != in_bands
    assert np.array_equal(imagecodecs.png_decode(at_once), imagecodecs.png_decode(in_bands))


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_each_row_has_the_filter_that_leaves_least(channels: int, dtype: str) -> None:
    across, down = np.meshgrid(np.arange(90), np.arange(90))
    noise = np.random.default_rng(1).integers(0, 255, 90)
    striped = np.where(down < 30, noise, 40 * (down % 3))
    levels = np.where(down < 60, striped, 128 + across - down)
    samples = np.repeat(levels.astype(dtype)[..., None], channels, axis=2)
    frame = png.decode(imagecodecs.png_encode(samples))
    assert isinstance(frame.original, png.StoredPng)
    written = frame.original.encode(frame.pixels, frame.pixels * 0.75)
    [data] = [c.data for c in png.read_chunks(written) if c.name == b"IDAT"]
    stored = np.frombuffer(zlib.decompress(data), np.uint8).reshape(90, -1)
    filters = [set(stored[part, 0].tolist()) for part in np.s_[1:30, 31:60, 61:90]]
    assert filters == [{2}, {1}, {3}]
    found = png.decode(written).pixels
    assert np.abs(found - frame.pixels * 0.75).max() <= 0.51 / np.iinfo(dtype).max


def test_a_box_that_holds_the_change_gives_the_file_that_the_whole_frame_gives(
    tmp_path: Path, image: Callable[..., Any]
) -> None:
    source = tmp_path / "in.png"
    write_png(source, image(60, 45, 4, "u2"))
    frame = read_frame(source)
    assert isinstance(frame.original, png.StoredPng)
    box, after = np.s_[7:40, 5:31], frame.pixels.copy()
    after[10:33, 9:30] = 0.25
    part = frame.original.encode_part(frame.pixels[box], after[box], box)
    assert part == frame.original.encode(frame.pixels, after)
    assert not np.array_equal(
        imagecodecs.png_decode(part), imagecodecs.png_decode(source.read_bytes())
    )
