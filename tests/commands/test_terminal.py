"""What a file is called does not reach a terminal as it is."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.commands.command_group_and_terminal import printable, printable_streams

Streams = pytest.CaptureFixture[str]

HOSTILE = "a\x1b]0;renamed\x07\x1b[2J\r\x9b31m\u202egnp.1001.png"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows takes no such names")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    folder = tmp_path / "shot"
    folder.mkdir()
    Image.new("RGB", (64, 48)).save(folder / HOSTILE, "PNG")
    return folder


def is_clean(text: str) -> bool:
    return printable(text) == text


def commands(shot: Path, out: Path) -> list[list[str]]:
    frame = str(shot / HOSTILE)
    place = ["--frames", str(shot), "--out", str(out)]
    return [
        ["report", *place],
        ["render", *place, "--expression", "happy", "--intensity", "0", "--overwrite"],
        ["render", "--frames", f"{frame}.png", "--expression", "happy"],
        ["sheet", frame, "--face-box", "0,0,9,9", "--landmarks", frame],
        ["sheet", f"{frame}\x1b.png"],
        ["-v", "texture", "--flat", "--texture", f"{frame}.png", "--expression", "sad"],
    ]


def test_names_reach_no_stream_that_a_person_reads(
    shot: Path, tmp_path: Path, capsys: Streams
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for command in commands(shot, out):
        main(command)
        err = capsys.readouterr().err
        assert is_clean(err), command
    assert main(commands(shot, out)[0]) == 0


def test_stdout_keeps_names_for_programs_and_not_for_terminals(
    shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    render = commands(shot, tmp_path / "out")[1]
    assert main(render) == 0
    assert "a\x1b]0;renamed\x07" in capsys.readouterr().out
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(render) == 0
    assert "\\x1b]0;renamed" in terminal.getvalue()
    assert is_clean(terminal.getvalue())


def test_a_name_that_is_no_unicode_is_printed_byte_for_byte(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        patch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
        with printable_streams():
            print(name, flush=True)
            print(name, "é", file=sys.stderr)
    assert stream.buffer.getvalue() == b"caf\xe9.png\n"  # type: ignore[attr-defined]


def test_names_that_are_no_unicode_reach_a_pipe() -> None:
    """Those of a disk byte for byte; those of a document, which no disk has, as escapes."""
    module = "reggan_plugin.commands.command_group_and_terminal"
    lines = f"from {module} import printable_streams\nwith printable_streams():"
    command = [sys.executable, "-X", "utf8", "-c", f"{lines}\n print('a\\udcffb\\ud800c é')"]
    run = subprocess.run(command, capture_output=True, check=True)
    assert run.stdout.split() == [b"a\xffb\\ud800c", "é".encode()]
