"""Which pictures of a folder have landed, by a clock of the test."""

import os
from pathlib import Path

import pytest

from reggan_plugin.errors import SourceError
from reggan_plugin.jobs.watched_folder import LandingFolder


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def landing(tmp_path: Path, clock: Clock) -> LandingFolder:
    return LandingFolder(tmp_path, settle_s=3.0, clock=clock)


def look_after(landing: LandingFolder, clock: Clock, seconds: float) -> set[str]:
    clock.now_s += seconds
    landing.look()
    return landing.waiting


def test_a_picture_waits_until_its_size_stays(
    landing: LandingFolder, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "a.1.png"
    path.write_bytes(b"half")
    assert look_after(landing, clock, 0) == set()
    assert look_after(landing, clock, 2) == set()
    path.write_bytes(b"half and the rest")
    assert look_after(landing, clock, 2) == set()
    assert look_after(landing, clock, 2.9) == set()
    assert look_after(landing, clock, 0.1) == {"a.1.png"}


def test_a_picture_waits_until_its_time_stays(
    landing: LandingFolder, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "a.1.png"
    path.write_bytes(b"as long")
    look_after(landing, clock, 0)
    os.utime(path, ns=(1, 1))  # written anew with the same size, on a disk whose clock is wrong
    assert look_after(landing, clock, 3) == set()
    assert look_after(landing, clock, 3) == {"a.1.png"}


def test_what_claims_a_frame_or_is_no_picture_does_not_land(
    landing: LandingFolder, clock: Clock, tmp_path: Path
) -> None:
    for name in ("a.1.png", "a.2.txt", ".a.3.png", "a.4.png.reggan-tmp"):
        (tmp_path / name).write_bytes(b"" if name == "a.1.png" else b"something")
    look_after(landing, clock, 0)
    assert look_after(landing, clock, 9) == set()


def test_a_picture_that_was_dealt_with_comes_again_when_it_changes(
    landing: LandingFolder, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "a.1.png"
    path.write_bytes(b"first")
    look_after(landing, clock, 0)
    assert look_after(landing, clock, 3) == {"a.1.png"}
    landing.set_aside({"a.1.png"})
    assert look_after(landing, clock, 3) == set()
    assert landing.landed == {"a.1.png"}
    path.write_bytes(b"second take")
    assert look_after(landing, clock, 1) == set()
    assert look_after(landing, clock, 3) == {"a.1.png"}


def test_a_folder_that_is_gone_is_an_error_of_the_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be listed"):
        LandingFolder(tmp_path / "nowhere", settle_s=1).look()
