"""`render --watch`: pictures are rendered as they land, also after a restart."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.commands.options import model as open_model
from reggan_plugin.jobs import watched_folder

from .conftest import ReddeningTransfer

Streams = pytest.CaptureFixture[str]
STOPPED = 128 + signal.SIGTERM
LONGEST_S = 120.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_model, "ExpressionTransfer", ReddeningTransfer)
    monkeypatch.setattr(watched_folder, "LOOK_EVERY_S", 0.05)


@pytest.fixture
def renders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "renders").mkdir()
    return tmp_path / "renders"


def land(folder: Path, number: int, level: int = 60) -> None:
    picture = Image.new("RGB", (16, 12), (level, level, level))
    picture.save(folder / f"a.{number}.png")


def wait_for(*paths: Path) -> None:
    end = time.monotonic() + LONGEST_S
    while not all(path.exists() for path in paths):
        assert time.monotonic() < end, f"{paths} did not come"
        time.sleep(0.05)


@pytest.fixture
def meanwhile() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Do something while a command runs, then end the command as a farm does."""
    threads: list[threading.Thread] = []

    def start(what: Callable[[], None]) -> None:
        def run() -> None:
            try:
                what()
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        threads.append(threading.Thread(target=run))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()


Meanwhile = Callable[[Callable[[], None]], None]


def watch(*words: str) -> int:
    return main(
        ["render", "--watch", "renders", "--expression", "happy", "--settle", "0.1", *words]
    )


def is_red(path: Path) -> bool:
    with Image.open(path) as picture:
        return picture.getpixel((8, 6))[0] == 255  # type: ignore[index]


def test_pictures_are_rendered_as_they_land(
    renders: Path, tmp_path: Path, meanwhile: Meanwhile, capsys: Streams
) -> None:
    out = tmp_path / "renders_happy"
    land(renders, 1)

    def work() -> None:
        wait_for(out / "a.1.png")
        (renders / "a.2.png").touch()  # as Blender claims a frame
        land(renders, 3)
        wait_for(out / "a.3.png")
        land(renders, 2)
        wait_for(out / "a.2.png")

    meanwhile(work)
    assert watch() == STOPPED
    captured = capsys.readouterr()
    assert captured.out.split() == [f"renders_happy/a.{number}.png" for number in (1, 3, 2)]
    assert all(is_red(path) for path in out.glob("*.png"))
    assert "Waiting for pictures in renders. Ctrl-C ends it." in captured.err
    assert "[3/3] a.2.png written" in captured.err
    assert "Interrupted: 3 written, 0 copied, 0 skipped, 0 failed" in captured.err


def test_another_run_keeps_what_is_finished_and_renders_what_changed(
    renders: Path, tmp_path: Path, meanwhile: Meanwhile, capsys: Streams
) -> None:
    out = tmp_path / "out"
    for number in (1, 2):
        land(renders, number)
    meanwhile(lambda: wait_for(out / "a.1.png", out / "a.2.png"))
    assert watch("--out", "out") == STOPPED
    kept = (out / "a.1.png").stat()
    land(renders, 2, level=90)
    land(renders, 3)
    capsys.readouterr()
    meanwhile(lambda: wait_for(out / "a.3.png"))
    assert watch("--out", "out", "--json") == STOPPED
    summary = json.loads(capsys.readouterr().out)
    assert summary["counts"] == {"written": 2, "copied": 0, "skipped": 1, "failed": 0}
    assert [Path(one["source"]).name for one in summary["skipped"]] == ["a.1.png"]
    assert (out / "a.1.png").stat().st_mtime_ns == kept.st_mtime_ns


def test_what_is_wrong_is_said_and_the_watch_goes_on(
    renders: Path, tmp_path: Path, meanwhile: Meanwhile, capsys: Streams
) -> None:
    out = tmp_path / "renders_happy"
    out.mkdir()
    foreign = out / "a.1.png"
    foreign.write_bytes(b"somebody's")
    land(renders, 1)
    (renders / "b.7.png").write_bytes(b"no picture")

    def work() -> None:
        wait_for(tmp_path / "said")
        foreign.unlink()
        wait_for(foreign)
        away = renders.rename(tmp_path / "away")
        time.sleep(0.5)
        land(away, 2)
        away.rename(renders)
        wait_for(out / "a.2.png")

    def soon() -> None:
        (tmp_path / "said").touch()

    threading.Timer(1.0, soon).start()
    meanwhile(work)
    assert watch() == 1, "b.7.png has failed"
    err = capsys.readouterr().err
    assert err.count("have no record of reggan-plugin's, first a.1.png") == 1
    assert err.count("renders cannot be listed") == 1
    assert "b.7.png failed" in err
    assert is_red(foreign)


def test_a_refused_picture_stops_no_other(
    renders: Path, tmp_path: Path, meanwhile: Meanwhile, capsys: Streams
) -> None:
    out = tmp_path / "renders_happy"
    out.mkdir()
    (out / "a.1.png").write_bytes(b"somebody's")
    land(renders, 1)

    def work() -> None:
        time.sleep(0.5)
        land(renders, 2)
        wait_for(out / "a.2.png")
        (renders / "a.02.png").write_bytes((renders / "a.2.png").read_bytes())
        time.sleep(0.5)
        land(renders, 3)
        wait_for(out / "a.3.png")

    meanwhile(work)
    assert watch("-q", "--json") == 1
    captured = capsys.readouterr()
    assert (out / "a.1.png").read_bytes() == b"somebody's"
    assert "2 of 4 frames failed; the first: a.1.png was not begun" in captured.err
    summary = json.loads(captured.out)
    assert summary["counts"] == {"written": 2, "copied": 0, "skipped": 0, "failed": 2}
    assert "a.02.png has the number of another picture" in summary["failed"][1]["message"]
    assert not (out / "a.02.png").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--range", "1-2"], "--watch takes all pictures of one folder"),
        (["other.png"], "other.png and --watch was given"),
        (["--fade-in", "3"], "write an --intensity-curve"),
        (["--out", "one.png"], "one.png is one file"),
        (["--out", "one.mp4"], "one.mp4 is one file"),
        (["--out", "renders"], "where the source frames lie"),
        (["--dry-run"], "Leave one of them out"),
    ],
)
def test_what_a_watch_cannot_do_is_refused(
    renders: Path, capsys: Streams, words: list[str], said: str
) -> None:
    assert watch(*words) == 2
    assert said in capsys.readouterr().err


def test_a_take_needs_its_place(renders: Path, capsys: Streams) -> None:
    Path("take.csv").write_text("time,jawOpen\n0,0.1\n1,0.2\n")
    asked = ["render", "--watch", "renders", "--curves", "take.csv"]
    for offset in ([], ["--curves-offset", "10:20:30:12"]):
        assert main([*asked, *offset]) == 2
        assert "--curves-offset 1001" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_watch_that_was_killed_goes_on(renders: Path, tmp_path: Path) -> None:
    """In a process of its own; intensity 0 needs no model."""
    words = ["render", "--watch", "renders", "--expression", "happy:0", "--settle", "0.1"]
    out = tmp_path / "renders_happy"
    land(renders, 1)
    for number, end in ((1, signal.SIGKILL), (2, signal.SIGTERM)):
        land(renders, number)
        process = subprocess.Popen([sys.executable, "-m", "reggan_plugin", *words])
        try:
            wait_for(out / f"a.{number}.png")
            if number == 1:
                kept = (out / "a.1.png").stat().st_mtime_ns
        finally:
            process.send_signal(end)
            code = process.wait(LONGEST_S)
        assert code == (-end if end is signal.SIGKILL else STOPPED)
    assert (out / "a.1.png").stat().st_mtime_ns == kept
