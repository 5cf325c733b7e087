"""Formats are found by looking; what breaks in our own code is no damage to a file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.errors import UnreadableFrameError
from reggan_plugin.files.formats import jpeg, png
from reggan_plugin.files.frame import read_frame
from reggan_plugin.files.image_format import format_named, format_of, frame_suffixes, image_formats
from reggan_plugin.files.tiff import tiff_file

HEADS = {
    "EXR": b"\x76\x2f\x31\x01\x02\0\0\0",
    "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "TIFF": b"II*\0\x08\0\0\0",
}


@pytest.mark.parametrize("name", HEADS)
def test_a_file_is_of_one_format_at_most_whatever_its_name(name: str) -> None:
    assert [one.name for one in image_formats() if one.recognises(HEADS[name])] == [name]
    assert format_of(b"GIF89a") is format_of(b"") is None


def test_a_name_ends_like_those_of_one_format() -> None:
    assert len(set(frame_suffixes())) == len(frame_suffixes()) >= 6
    for one in image_formats():
        for suffix in one.suffixes:
            assert format_named(f"A.1001{suffix.upper()}") is one
    assert format_named("a.gif") is format_named("a") is None


@pytest.mark.parametrize(
    ("name", "module"), [("a.png", png), ("a.jpg", jpeg), ("a.tif", tiff_file)], ids=str
)
def test_a_mistake_of_ours_is_not_called_damage(
    name: str, module: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(samples: object) -> object:
        raise TypeError("ours")

    path = tmp_path / name
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(path)
    monkeypatch.setattr(module, "pixels_from_samples", mistaken)
    with pytest.raises(TypeError, match="ours"):
        read_frame(path)


def test_what_a_library_says_of_a_damaged_file_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0" + b"\xff" * 60)
    with pytest.raises(UnreadableFrameError, match=r"a\.tif is damaged: .*Render or copy"):
        read_frame(path)


def test_a_frame_leaves_the_array_that_it_was_made_of_writable(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(path)
    pixels = np.zeros((4, 6, 3), np.float32)
    frame = replace(read_frame(path), pixels=pixels)
    pixels[0, 0] = 1.0
    assert frame.pixels[0, 0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        frame.pixels[0, 0] = 0.0


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp"])
def test_bytes_behind_the_end_of_a_picture_are_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.new("RGB", (32, 32), (90, 80, 70)).save(path)
    assert not any("behind the end" in one for one in read_frame(path).notices)
    path.write_bytes(path.read_bytes() + b"a phone's clip")
    said = "14 bytes behind the end of the picture left out of a changed one"
    assert said in read_frame(path).notices
