"""The size of a picture, told by the first bytes of its file."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from blender_addon.bridge.errors import BridgeError
from blender_addon.bridge.tracks_file import (
    picture_size,
    refuse_frames_of_other_size,
    text_from_tracks,
    tracks_from_faces,
)
from reggan_plugin.files.frame import read_frame

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
def test_files_that_pillow_writes(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    Image.fromarray(np.zeros((21, 34, 3), np.uint8)).save(path)
    assert picture_size(path) == (34, 21)


def test_an_exr_file_by_its_display_window() -> None:
    path = next((ROOT / "reggan_plugin/samples/avatar_exr").glob("*.exr"))
    assert picture_size(path) == read_frame(path).display_px[::-1] == (1280, 720)


def test_what_is_no_picture_has_no_size(tmp_path: Path) -> None:
    for name, content in (("a.png", b"\x89PNG"), ("b.jpg", b"\xff\xd8\xff"), ("c.exr", b"v/1\x01")):
        (tmp_path / name).write_bytes(content)
        assert picture_size(tmp_path / name) is None
    assert picture_size(tmp_path / "gone.png") is None


def test_frames_of_another_size_than_the_tracks_are_refused(tmp_path: Path) -> None:
    tracks = tmp_path / "tracks.json"
    tracks.write_text(text_from_tracks(tracks_from_faces({}, size=(68, 42))))
    frame = tmp_path / "a.0001.png"
    Image.new("RGB", (68, 42)).save(frame)
    refuse_frames_of_other_size(tracks, [frame])
    Image.new("RGB", (34, 21)).save(frame)
    with pytest.raises(BridgeError, match=r"0001\.png is 34x21, .* of 68x42.*Resolution and %"):
        refuse_frames_of_other_size(tracks, [frame])
    tracks.write_text(text_from_tracks(tracks_from_faces({})))  # of an older version
    refuse_frames_of_other_size(tracks, [frame])
