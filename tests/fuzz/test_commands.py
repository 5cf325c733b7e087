"""Commands, given in place of each file what is no such file: one sentence, and no more.

Numbers that are none, and far too large ones, in place of each number. Nothing is opened that does
not end, nothing that was there is changed, and no name drives the terminal.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reggan_plugin.cli import main

from ..sample_frames import contents, small_frame

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither pipes nor such names"),
    pytest.mark.timeout(120),
]

_RENDER = "render frame.png -e happy --out out"
FILES = {
    "render": "render BAD.png -e happy --out out",
    "render in a folder": "render BAD.png frame.png -e happy --out out",
    "render a video": "render BAD.mp4 -e happy --out out",
    "render a picture of others' kind": "render BAD.exr -e happy --out out",
    "--matte": f"{_RENDER} --matte BAD.png",
    "--tracks": f"{_RENDER} --tracks BAD.json",
    "--landmarks": f"{_RENDER} --landmarks BAD.json",
    "--presets": f"{_RENDER} --presets BAD.toml",
    "--each": "render frame.png --each BAD.txt --out out",
    "--like": "render frame.png --like BAD.png --out out",
    "--curves": "render frame.png --curves BAD.csv --out out",
    "--curves of a mesh": "render frame.png --curves BAD.glb --out out",
    "--intensity-curve": f"{_RENDER} --intensity-curve BAD.json",
    "--model": f"{_RENDER} --model BAD.onnx",
    "--sign": f"{_RENDER} --sign BAD.pem --key BAD.pem",
    "report": "report BAD.png --out out",
    "report of outputs": "report frame.png --out BAD.png",
    "comp": "comp BAD.png --for nuke --layers out --out out.nk",
    "job": "job BAD.png -e happy --out out.json",
    "curves": "curves BAD.csv",
    "read": "read BAD.png",
    "models": "models BAD.onnx",
}
"""Files that a command line names, as BAD with their ending."""

BAD: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path,
    "empty": Path.touch,
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "link to nothing": lambda path: path.symlink_to("nothing"),
    "zeros": lambda path: path.write_bytes(bytes(1000)),
    "text": lambda path: path.write_text('{"a": [1e999, NaN]}\n'),
}
NAMES = {"plain": "bad", "letters": "b" * 250, "controls": "b\x1b]0;a\x07\x1b[2J\nError: c\u202e"}
NAMES["no Unicode"] = "b\udcff"

NUMBERS = {
    "-i": f"{_RENDER} -i",
    "--range": f"{_RENDER} --range",
    "--face": f"{_RENDER} --face",
    "--shape": "render frame.png --out out --shape jawOpen=BAD",
    "--matte-grow": f"{_RENDER} --matte frame.png --matte-grow",
    "--fps": "render frame.png --out out --curves take.csv --fps",
    "--curves-offset": "render frame.png --out out --curves take.csv --curves-offset",
    "texture --yaw": "texture --flat --texture frame.png -e happy --out out.png --yaw",
}
BAD_NUMBERS = ["nan", "-inf", "1e400", "9" * 5000, "0x10", "1_0", "\u0663\u0000", ""]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    small_frame("avatar_png/avatar.1001.png", tmp_path / "frame.png")
    (tmp_path / "take.csv").write_text("Timecode,jawOpen\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def state_of(path: Path) -> tuple[int, ...] | None:
    if not os.path.lexists(path):
        return None
    status = path.lstat()
    return status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino


def expect_a_sentence(words: list[str], streams: pytest.CaptureFixture[bytes]) -> None:
    status, streams_said = main(words), streams.readouterr()
    out, err = (said.decode(errors="backslashreplace") for said in streams_said)
    assert status in (1, 2), (words, status, out, err)
    assert "\x1b" not in err, words
    assert "\x07" not in err, words
    assert "Traceback" not in err, (words, err)
    assert 20 < len(err) < 6000, (words, err)


@pytest.mark.parametrize("command", FILES)
def test_what_is_no_file_of_its_kind_is_named(
    command: str, place: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    before = (place / "frame.png").read_bytes()
    for kind, make in BAD.items():
        for name in NAMES.values() if kind == "missing" else ("bad",):
            folder = place / "strange"
            folder.mkdir()
            words = FILES[command].split()
            for index, word in enumerate(words):
                if word.startswith("BAD"):
                    path = folder / (name[: 250 - len(word)] + word[3:])
                    words[index] = str(path)
            if not os.path.lexists(path):
                make(path)
            was = state_of(path)
            expect_a_sentence(words, capsysbinary)
            assert state_of(path) == was, words
            shutil.rmtree(folder)
            shutil.rmtree(place / "out", ignore_errors=True)
    assert (place / "frame.png").read_bytes() == before
    assert set(contents(place)) == {"frame.png", "take.csv"}


@pytest.mark.parametrize("option", NUMBERS)
def test_what_is_no_number_is_named(
    option: str, place: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for number in BAD_NUMBERS:
        words = NUMBERS[option].split(" ")
        if "BAD" in words[-1]:
            words[-1] = words[-1].replace("BAD", number)
        else:
            words.append(number)
        expect_a_sentence(words, capsysbinary)
    assert set(contents(place)) == {"frame.png", "take.csv"}
