"""A file appears whole or not at all, and the message says what to do."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from reggan_plugin.errors import OutputError, UnreadableFrameError
from reggan_plugin.files.frame import copy_frame, read_frame, write_frame

Write = Callable[[Path], None]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    path.write_bytes(imagecodecs.png_encode(np.zeros((4, 4, 3), np.uint8)))
    return path


@pytest.fixture(params=["write", "copy"])
def write(request: pytest.FixtureRequest, source: Path) -> Write:
    if request.param == "copy":
        return lambda path: copy_frame(source, path)
    frame = read_frame(source)
    return lambda path: write_frame(frame, frame.pixels, path, overwrite=True)


def listing(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_written_file_leaves_nothing_else(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "out.png")
    write(tmp_path / "out.png")
    assert listing(tmp_path) == {"in.png", "out.png"}


def test_new_files_have_the_usual_rights(tmp_path: Path, write: Write) -> None:
    (tmp_path / "usual").write_bytes(b"")
    write(tmp_path / "out.png")
    assert (tmp_path / "out.png").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_missing_folder_is_named(tmp_path: Path, write: Write) -> None:
    with pytest.raises(OutputError, match=r"none.out\.png cannot be written.*Create the folder"):
        write(tmp_path / "none" / "out.png")


def test_a_folder_in_the_way_is_named(tmp_path: Path, write: Write) -> None:
    (tmp_path / "out.png").mkdir()
    with pytest.raises(OutputError, match=r"out\.png cannot be written"):
        write(tmp_path / "out.png")
    assert listing(tmp_path) == {"in.png", "out.png"}


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "No space left on device. Free some space"),
        (errno.EROFS, "Read-only file system. Name an output on a disk that is not"),
        (errno.EACCES, "Permission denied. Give yourself the right"),
    ],
)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_what_was_there(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch, step: str, code: int, remedy: str
) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"before")

    def fail(*args: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os if step == "fsync" else Path, step, fail)
    with pytest.raises(OutputError, match=rf"out\.png cannot be written: {remedy}"):
        write(target)
    assert target.read_bytes() == b"before"
    assert listing(tmp_path) == {"in.png", "out.png"}


def test_an_interruption_leaves_what_was_there(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(path: Path, *args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "out.png")
    assert listing(tmp_path) == {"in.png"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_folder_is_named(tmp_path: Path, write: Write) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(OutputError, match=r"out\.png cannot be written: Permission denied"):
        write(folder / "out.png")


def test_copying_what_is_not_there_blames_the_source(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFrameError, match=r"none\.png cannot be read"):
        copy_frame(tmp_path / "none.png", tmp_path / "out.png")
    assert listing(tmp_path) == set()
