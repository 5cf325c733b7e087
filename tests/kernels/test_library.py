"""The compiled kernels are there, belong to their sources, and say so where they do not."""

import runpy
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reggan_plugin.errors import RegganError
from reggan_plugin.kernels import library
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

from ..sample_frames import small_frame

ROOT = Path(__file__).parents[2]
BUILD = runpy.run_path(str(ROOT / "hatch_build.py"))
COMPILED = library.FOLDER / "compiled"
"""Of these sources: conftest.py sees to it. The wheel's are the same bytes: `test_release.py`."""
LARGEST_KB = 120


@pytest.fixture
def own_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with the sources alone that takes the place of the room."""
    folder = tmp_path / "kernels"
    shutil.copytree(library.FOLDER, folder, ignore=shutil.ignore_patterns("compiled"))
    monkeypatch.setattr(library, "FOLDER", folder)
    monkeypatch.setattr(library, "_library", library._library.__wrapped__)
    return folder


def test_one_file_for_each_system_which_needs_nothing_of_it() -> None:
    first = {"so": b"\x7fELF", "dylib": b"\xcf\xfa\xed\xfe", "dll": b"MZ"}
    assert {path.name for path in COMPILED.iterdir()} == set(BUILD["TARGETS"])
    for path in COMPILED.iterdir():
        assert path.read_bytes().startswith(first[path.suffix[1:]])
        assert path.stat().st_size < LARGEST_KB * 1000
        assert str(ROOT).encode() not in path.read_bytes()  # where it was made
    for path in COMPILED.glob("*.so"):
        assert b"libc.so" not in path.read_bytes()
        assert undefined_names(path) == []


def test_its_command_compiles_for_every_system_into_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the nodes of ComfyUI are made; here one system stands for all."""
    real, kept = subprocess.run, "linux-x86_64.so"

    def run(command: list[str], **more: Any) -> None:
        path = Path(command[command.index("-o") + 1])
        path.touch()
        if path.name == kept:
            real(command, **more)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["hatch_build.py", str(tmp_path / "compiled")])
    runpy.run_path(str(ROOT / "hatch_build.py"), run_name="__main__")
    made = {path.name: path.read_bytes() for path in (tmp_path / "compiled").iterdir()}
    assert made == dict.fromkeys(BUILD["TARGETS"], b"") | {kept: (COMPILED / kept).read_bytes()}


def undefined_names(path: Path) -> list[str]:
    """Names that an ELF file (64 bits, little-endian) expects from other files."""
    data = path.read_bytes()
    first, size, count = *struct.unpack_from("<Q", data, 40), *struct.unpack_from("<2H", data, 58)
    sections = [struct.unpack_from("<2I4Q2I2Q", data, first + i * size) for i in range(count)]
    (symbols,) = [one for one in sections if one[1] == 11]  # SHT_DYNSYM
    names = sections[symbols[6]][4]
    found = []
    for offset in range(symbols[4] + 24, symbols[4] + symbols[5], 24):
        name, _, _, section = struct.unpack_from("<I2BH", data, offset)
        if section == 0:
            found.append(data[names + name : data.index(b"\0", names + name)].decode())
    return found


def test_a_folder_without_compiled_kernels_says_how_to_get_them(own_room: Path) -> None:
    with pytest.raises(RegganError, match=r"none.*hatch_build") as failure:
        library.call("compiled_from")
    assert failure.value.kind == "no-kernels"
    (own_room / "compiled").mkdir()
    shutil.copy(library.__file__, own_room / "compiled" / "other-system.so")
    with pytest.raises(RegganError, match="compiled for other-system, this machine is"):
        library.call("compiled_from")
    shutil.copy(library.__file__, library.compiled_file())
    with pytest.raises(RegganError, match="cannot be loaded"):
        library.call("compiled_from")


def test_kernels_of_other_sources_are_refused(own_room: Path) -> None:
    shutil.copytree(COMPILED, own_room / "compiled")
    library.call("compiled_from")
    with (own_room / "kernels.h").open("a") as source:
        source.write("/* changed */\n")
    with pytest.raises(RegganError, match="from other sources"):
        library.call("compiled_from")


def test_kernels_for_newer_processors_give_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usual = library._opened(library.compiled_file())
    if not usual.has_avx2():
        pytest.skip("this processor has no AVX2")
    newer = library.compiled_file().with_stem(f"{library.compiled_file().stem}-avx2")
    assert library._library()._name == str(newer)
    transfer = ExpressionTransfer(device="cpu")
    frame = small_frame("avatar_png/avatar.1001.png", tmp_path)
    changed = transfer.apply(frame, "happy")
    monkeypatch.setattr(library, "_library", lambda: usual)
    np.testing.assert_array_equal(transfer.apply(frame, "happy"), changed)
