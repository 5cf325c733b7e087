"""Mattes: one file for all frames, files by number, or a channel of the frames themselves."""

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import OpenEXR
import pytest
from PIL import Image

from reggan_plugin.errors import MissingChannelsError, SourceError, UnsupportedFormatError
from reggan_plugin.files.frame import read_frame
from reggan_plugin.files.matte import Matte, read_matte
from reggan_plugin.files.sequence import SourceFrame

from .exr_files import header, tiled, window

HEIGHT, WIDTH = 12, 20


@pytest.fixture
def frame(tmp_path: Path) -> SourceFrame:
    path = tmp_path / "shot.1001.png"
    Image.new("RGB", (WIDTH, HEIGHT)).save(path)
    return SourceFrame(path=path, number=1001)


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(8).integers(0, 256, (HEIGHT, WIDTH), np.uint8)


def matte_of(source: SourceFrame, matte: Matte) -> np.ndarray:
    return read_matte(matte, source, read_frame(source.path))


def test_grey_counts_as_it_is_stored(tmp_path: Path, frame: SourceFrame, values: Any) -> None:
    Image.fromarray(values).save(tmp_path / "matte.png")
    found = matte_of(frame, Matte(source=str(tmp_path / "matte.png")))
    assert found.dtype == np.float32
    assert np.array_equal(found, values / np.float32(255))
    deep = values.astype(np.uint16) * 257
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(deep))
    assert np.array_equal(matte_of(frame, Matte(source=str(tmp_path / "deep.png"))), found)


def test_alpha_counts_before_red(tmp_path: Path, frame: SourceFrame, values: Any) -> None:
    rgba = np.full((HEIGHT, WIDTH, 4), 99, np.uint8)
    rgba[..., 3] = values
    Image.fromarray(rgba).save(tmp_path / "matte.png")
    found = matte_of(frame, Matte(source=str(tmp_path / "matte.png")))
    assert np.array_equal(found, values / np.float32(255))
    Image.fromarray(rgba[..., :3]).save(tmp_path / "red.png")
    red = matte_of(frame, Matte(source=str(tmp_path / "red.png")))
    assert np.array_equal(red, np.full((HEIGHT, WIDTH), np.float32(99 / 255)))


def test_mattes_of_a_sequence_go_by_number(tmp_path: Path, frame: SourceFrame) -> None:
    (tmp_path / "mattes").mkdir()
    for number in (1001, 1003):
        picture = Image.new("L", (WIDTH, HEIGHT), number - 1000)
        picture.save(tmp_path / "mattes" / f"roto.{number}.png")
    for source in (str(tmp_path / "mattes"), str(tmp_path / "mattes" / "roto.####.png")):
        matte = Matte(source=source)
        assert matte.path_for(frame).name == "roto.1001.png"
        assert np.allclose(matte_of(frame, matte), 1 / 255)
        with pytest.raises(SourceError, match=r"no matte: .* 1001 to 1003, and no 1002") as refusal:
            matte.path_for(SourceFrame(path=frame.path, number=1002))
        assert (refusal.value.kind, refusal.value.fields) == ("no-matte-of-frame", {"frame": 1002})
    one = Matte(source=str(tmp_path / "mattes" / "roto.1003.png"))
    assert one.path_for(frame).name == "roto.1003.png"


@pytest.mark.parametrize("make_header", [header, tiled])
def test_a_channel_of_the_frame_itself(tmp_path: Path, make_header: Any) -> None:
    path = tmp_path / "in.exr"
    roto = np.random.default_rng(1).normal(0.5, 1.0, (HEIGHT, WIDTH)).astype(np.float32)
    roto[0, :2] = [np.nan, np.inf]
    picture = {"RGB": np.ones((HEIGHT, WIDTH, 3), np.float16), "roto.face": roto}
    OpenEXR.File(make_header("ZIP"), picture).write(str(path))
    source = SourceFrame(path=path, number=None)
    found = matte_of(source, Matte(channel="roto.face"))
    expected = np.clip(roto, 0, 1)
    expected[0, :2] = [0, 1]
    assert np.array_equal(found, expected)
    with pytest.raises(MissingChannelsError, match=r"no channel roto\.faec.*has B, G, R, roto\.fa"):
        matte_of(source, Matte(channel="roto.faec"))


def test_whole_numbers_of_an_exr_count_as_they_are_stored(
    tmp_path: Path, frame: SourceFrame
) -> None:
    stored = np.arange(HEIGHT * WIDTH, dtype=np.uint32).reshape(HEIGHT, WIDTH)
    OpenEXR.File(header(), {"A": stored}).write(str(tmp_path / "ids.exr"))
    found = matte_of(frame, Matte(source=str(tmp_path / "ids.exr")))
    assert np.array_equal(found, stored > 0)


def test_windows_are_laid_over_each_other(tmp_path: Path) -> None:
    """Frame and matte have other data windows in the same display window."""
    screen = {"displayWindow": window(10, 10, 59, 49)}
    path, other = tmp_path / "in.exr", tmp_path / "matte.exr"
    pixels = np.ones((20, 30, 3), np.float16)
    OpenEXR.File(header(dataWindow=window(15, 12, 44, 31), **screen), {"RGB": pixels}).write(
        str(path)
    )
    values = np.random.default_rng(2).random((16, 25)).astype(np.float32)
    OpenEXR.File(header(dataWindow=window(0, 20, 24, 35), **screen), {"A": values}).write(
        str(other)
    )
    found = matte_of(SourceFrame(path=path, number=None), Matte(source=str(other)))
    assert found.shape == (20, 30)
    expected = np.zeros((20, 30), np.float32)
    expected[8:20, 0:10] = values[0:12, 15:25]
    assert np.array_equal(found, expected)


def test_a_channel_of_another_part(tmp_path: Path) -> None:
    path = tmp_path / "in.exr"
    roto = np.random.default_rng(3).random((HEIGHT, WIDTH)).astype(np.float16)
    OpenEXR.File(
        [
            OpenEXR.Part(header(), {"RGB": np.ones((HEIGHT, WIDTH, 3), np.float16)}, "beauty"),
            OpenEXR.Part(header("PIZ"), {"A": roto}, "roto"),
        ]
    ).write(str(path))
    found = matte_of(SourceFrame(path=path, number=None), Matte(channel="roto:A"))
    assert np.array_equal(found, roto.astype(np.float32))


def test_what_does_not_fit_is_said(tmp_path: Path, frame: SourceFrame) -> None:
    path = tmp_path / "small.png"
    Image.new("L", (WIDTH - 1, HEIGHT)).save(path)
    with pytest.raises(SourceError, match=r"small\.png is 19x12, but the frame .* is 20x12\. Rend"):
        matte_of(frame, Matte(source=str(path)))
    with pytest.raises(SourceError, match=r"is no EXR.*alpha counts"):
        matte_of(frame, Matte(source=str(path), channel="A"))
    with pytest.raises(SourceError, match="nothing"):
        matte_of(frame, Matte(source=str(tmp_path / "nothing")))
    sampled = OpenEXR.Channel(np.zeros((HEIGHT // 2, WIDTH // 2), np.float16), 2, 2)
    OpenEXR.File(header(), {"A": sampled}).write(str(tmp_path / "half.exr"))
    with pytest.raises(UnsupportedFormatError, match=r"half\.exr has sub-sampled channels \(A\)"):
        matte_of(frame, Matte(source=str(tmp_path / "half.exr")))


def test_a_matte_that_was_rendered_since_is_there(tmp_path: Path, frame: SourceFrame) -> None:
    folder = tmp_path / "mattes"
    folder.mkdir()
    Image.new("L", (WIDTH, HEIGHT), 9).save(folder / "roto.1003.png")
    Image.new("L", (WIDTH, HEIGHT), 9).save(folder / "roto.1004.png")
    with pytest.raises(SourceError, match="no 1001"):
        Matte(source=str(folder)).path_for(frame)
    Image.new("L", (WIDTH, HEIGHT), 9).save(folder / "roto.1001.png")
    assert Matte(source=str(folder)).path_for(frame).name == "roto.1001.png"
