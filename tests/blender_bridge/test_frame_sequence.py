"""What an artist points to becomes a source that the runtime takes for the same frames."""

from pathlib import Path

import pytest

from blender_addon.bridge.errors import BridgeError
from blender_addon.bridge.frame_sequence import (
    READ,
    pattern_from_output,
    range_text,
    sequence_from_path,
    shown_number,
)
from reggan_plugin.files.image_format import frame_suffixes
from reggan_plugin.files.sequence import find_sequence, parse_frame_range

NAMES = ("Röst 2.-003.png", "Röst 2.0000.png", "Röst 2.0001.png", "Röst 2.12345.png")


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    folder = tmp_path / "a shot"
    folder.mkdir()
    for name in (*NAMES, "other.0001.png", "notes.txt"):
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("name", [*NAMES, "Röst 2.###.png"])
def test_one_frame_or_a_pattern_means_the_frames_that_the_runtime_finds(
    shot: Path, name: str
) -> None:
    found = sequence_from_path(shot / name, frame_suffixes())
    runtime = find_sequence(found.source)
    assert found.files == {frame.number: frame.path for frame in runtime.frames}
    assert sorted(found.files) == [-3, 0, 1, 12345]


def test_the_endings_are_those_that_the_runtime_reads() -> None:
    assert set(READ) == set(frame_suffixes())


def test_a_folder_goes_to_the_runtime_as_it_is(shot: Path) -> None:
    (shot / "other.0001.png").unlink()
    (shot / "still.png").touch()
    found = sequence_from_path(shot, frame_suffixes())
    assert found.source == str(shot)
    runtime = find_sequence(found.source).frames
    assert found.files == {f.number: f.path for f in runtime if f.number is not None}


def test_what_is_no_picture_is_passed_over_in_a_folder(shot: Path) -> None:
    for number in range(9):
        (shot / f"log.{number:04d}.json").touch()
    assert sorted(sequence_from_path(shot, frame_suffixes()).files) == [-3, 0, 1, 12345]


@pytest.mark.parametrize(
    ("name", "number"), [("a.0012.png", 12), ("a2_0012_beauty.exr", 12), ("still.png", 0)]
)
def test_the_number_that_blender_shows_a_frame_at(name: str, number: int) -> None:
    assert shown_number(Path(name)) == number


def test_a_folder_that_cannot_be_listed_is_named(
    shot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(BridgeError, match=r"a shot cannot be listed: Permission denied\. Give"):
        sequence_from_path(shot, frame_suffixes())


def test_a_picture_without_a_number_is_itself(shot: Path) -> None:
    picture = shot / "still.png"
    picture.touch()
    found = sequence_from_path(picture, frame_suffixes())
    assert (found.source, found.files) == (str(picture), {})
    assert found.nearest(7) == picture


def test_the_nearest_frame(shot: Path) -> None:
    found = sequence_from_path(shot / NAMES[0], frame_suffixes())
    assert found.nearest(1).name == "Röst 2.0001.png"
    assert found.nearest(400).name == "Röst 2.0001.png"
    assert found.nearest(99_999).name == "Röst 2.12345.png"


@pytest.mark.parametrize("name", ["none.png", "none.####.png", "nowhere/none.####.png"])
def test_what_is_not_there_is_named(shot: Path, name: str) -> None:
    with pytest.raises(BridgeError, match=r"no frame at .*none.*Choose one frame"):
        sequence_from_path(shot / name, frame_suffixes())


@pytest.mark.parametrize(
    ("written", "pattern"),
    [
        ("/r/shot_{:04d}.png", "/r/shot_####.png"),
        ("/r/1111111 v2/{:03d}_beauty.exr", "/r/1111111 v2/###_beauty.exr"),
        ("/r/{:01d}.png", "/r/#.png"),
    ],
)
def test_the_pattern_of_an_output(written: str, pattern: str) -> None:
    assert pattern_from_output(written.format) == Path(pattern)


def test_an_output_of_one_file_is_refused() -> None:
    with pytest.raises(BridgeError, match=r"one file, all\.mkv.*PNG or OpenEXR"):
        pattern_from_output(lambda frame: "/r/all.mkv")


def test_ranges_are_those_of_the_runtime() -> None:
    assert parse_frame_range(range_text(-5, -1, 2)).spans == (range(-5, 0, 2),)
    assert range_text(1, 9, 1) == "1-9"
