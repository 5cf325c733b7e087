"""Standard streams that are closed or full, and what may not be read, in processes of their own."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from reggan_plugin import cli
from reggan_plugin.commands.options.options_and_settings_file import SETTINGS_FILE

Streams = pytest.CaptureFixture[str]


def in_shell(words: str) -> subprocess.CompletedProcess[bytes]:
    command = f'"{sys.executable}" -m reggan_plugin {words}'
    return subprocess.run(["sh", "-c", command], capture_output=True)


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes streams")
def test_closed_streams_take_nothing_and_end_nothing() -> None:
    assert in_shell("expressions >&-").returncode == 0
    silent = in_shell("expressions 2>&-")
    assert silent.returncode == 0
    assert b"happy" in silent.stdout
    unread = in_shell("render - -e happy -o - <&-")
    assert unread.returncode == 1
    assert b"Standard input is closed" in unread.stderr
    unsent = in_shell("render - -e happy -o - </dev/null >&-")
    assert unsent.returncode == 2
    assert b"Standard output is closed" in unsent.stderr
    assert b"Traceback" not in unread.stderr


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes streams")
def test_a_take_that_nobody_gets_is_a_failure(tmp_path: Path) -> None:
    take = tmp_path / "take.csv"
    take.write_text("frame,jawOpen\n1,0.5\n")
    unsent = in_shell(f"curves '{take}' --csv - >&-")
    assert unsent.returncode == 2
    assert b"Standard output is closed" in unsent.stderr
    assert in_shell(f"curves '{take}' --csv -").stdout == b"frame,jawOpen\n1,0.5\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_a_full_output_says_that_files_are_written() -> None:
    full = in_shell("expressions >/dev/full")
    assert full.returncode == 1
    assert b"The list of results is not whole" in full.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_a_log_on_a_full_disk_ends_no_work(tmp_path: Path) -> None:
    frame = Path(cli.__file__).with_name("samples") / "toon" / "toon.1001.png"
    made = in_shell(f'render "{frame}" -e happy --out "{tmp_path}/a.png" 2>/dev/full')
    assert (made.returncode, (tmp_path / "a.png").exists()) == (0, True)
    assert in_shell("render nothing.png -e happy 2>/dev/full").returncode == 1


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
@pytest.mark.parametrize("words", ["expressions", "models --json", "--help", "--version"])
def test_whoever_reads_no_further_hears_no_complaint(words: str) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        command = [sys.executable, "-m", "reggan_plugin", *words.split()]
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


def test_what_may_not_be_read_is_named_with_the_right_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/locked/shot")

    monkeypatch.setattr(cli.reggan_plugin, "main", refuse)
    assert cli.main(["expressions"]) == 1
    err = capsys.readouterr().err
    assert "/locked/shot: Permission denied. Give yourself the right" in err


def test_settings_of_ones_own_that_may_not_be_read_count_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    (tmp_path / SETTINGS_FILE).write_text("[render]\nintensity = 0.5\n")
    monkeypatch.setattr(click, "get_app_dir", lambda _: str(tmp_path))
    opened = Path.open

    def locked(path: Path, *words: object, **named: object) -> object:
        if path == tmp_path / SETTINGS_FILE:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *words, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", locked)
    assert cli.main(["render", "no.png", "-e", "happy"]) != 0
    assert "Your own settings do not count" in capsys.readouterr().err
