"""The command itself: it prints an address that answers, and ends when the page says so."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reggan_plugin.cli import main
from reggan_plugin.commands.ui import write_launcher


def test_it_serves_what_it_was_started_on_until_the_page_quits(shot: Path) -> None:
    command = [sys.executable, "-m", "reggan_plugin", "ui", str(shot), "--no-browser"]
    with subprocess.Popen([*command, "--device", "cpu"], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        address = run.stdout.readline().strip()
        with urllib.request.urlopen(f"{address}state", timeout=60) as answer:
            (opened,) = json.load(answer)["shots"]
        assert opened["files"] == sorted(path.name for path in shot.iterdir())
        origin = f"http://{urlsplit(address).netloc}"
        end = urllib.request.Request(f"{address}quit", b"{}", {"Origin": origin})
        urllib.request.urlopen(end, timeout=60).close()
        assert run.wait(timeout=60) == 0
    assert origin.startswith("http://127.0.0.1:")


def test_a_source_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert main(["ui", str(tmp_path / "no such folder"), "--no-browser"]) == 1


def test_a_launcher_starts_the_page_of_this_installation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ui", "--launcher", str(tmp_path / "desktop")]) == 0
    assert capsys.readouterr().out.strip() == str(*(tmp_path / "desktop").iterdir())


def test_a_launcher_that_is_there_needs_overwrite(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_launcher(tmp_path)
    path.write_text("mine")
    assert main(["ui", "--launcher", str(tmp_path)]) == 1
    assert f"{path} exists. --overwrite replaces it" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main(["ui", "--launcher", str(tmp_path), "--overwrite"]) == 0
    assert "reggan_plugin ui" in path.read_text()


def test_the_launchers_of_other_systems_run_the_command(tmp_path: Path) -> None:
    """Windows' is only read: it needs Windows."""
    python = _odd_folder(tmp_path) / "python"
    python.symlink_to(sys.executable)
    command = write_launcher(tmp_path, "darwin", str(python))
    assert command.name == "reggan-plugin.command"
    path = os.pathsep.join(sys.path)  # a link elsewhere belongs to no virtual environment
    environment = os.environ | {"PYTHONPATH": path}
    run = subprocess.run([command, "--help"], capture_output=True, text=True, env=environment)
    assert "choose faces and expressions by eye" in run.stdout
    windows = write_launcher(tmp_path, "win32", r"C:\Program Files\python.exe").read_bytes()
    assert b'/min "C:\\Program Files\\python.exe" -m reggan_plugin ui %*\r\n' in windows
    assert b"\r\nchcp 65001 >nul\r\nstart" in windows  # before the first name that may be no ASCII


@pytest.mark.skipif(shutil.which("gio") is None, reason="no gio, GNOME's way to start programs")
def test_a_desktop_starts_the_launcher_with_what_is_dropped_on_it(tmp_path: Path) -> None:
    python, said = _odd_folder(tmp_path) / "python", tmp_path / "said"
    python.write_text(f'#!/bin/sh\nprintf \'%s\\n\' "$0" "$@" > {said}.new\nmv {said}.new {said}')
    python.chmod(0o755)
    launcher = write_launcher(tmp_path, "linux", str(python))
    assert launcher.name == "reggan-plugin.desktop"
    picture = tmp_path / "a face, 100 %.png"
    picture.touch()
    for dropped in ([], [str(picture)]):
        subprocess.run(["gio", "launch", launcher, *dropped], check=True)
        until = time.monotonic() + 30
        while not said.exists() and time.monotonic() < until:
            time.sleep(0.01)
        assert said.read_text().splitlines() == [str(python), "-m", "reggan_plugin", "ui", *dropped]
        said.unlink()


def _odd_folder(tmp_path: Path) -> Path:
    folder = tmp_path / 'it\'s "100 %" $HOME \\'
    folder.mkdir()
    return folder
