"""Which Python is found, and what is said where there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from blender_addon.bridge.errors import BridgeError
from blender_addon.bridge.find_runtime import find_runtime


def make_environment(folder: Path, version: str = "3.12.1") -> Path:
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    (folder / "pyvenv.cfg").write_text(f"home = somewhere\nversion = {version}\n")
    return python


def make_wheels(folder: Path, *packages: str) -> Path:
    for package in packages:
        (folder / package).mkdir(parents=True)
    return folder


def test_an_environment_is_named_by_its_folder_or_its_python(tmp_path: Path) -> None:
    python = make_environment(tmp_path / "a place ü")
    assert find_runtime(str(tmp_path / "a place ü"), None).python == python
    assert find_runtime(str(python), None).python == python


@pytest.mark.parametrize("typed", ["//env", "//../env", "env", "./env"])
def test_a_program_beside_the_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    make_environment(tmp_path / "env")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BridgeError, match=r"full path.*choose the folder"):
        find_runtime(typed, None)


def test_on_windows_its_python_is_in_scripts(tmp_path: Path) -> None:
    python = tmp_path / "Scripts" / "python.exe"
    python.parent.mkdir()
    python.touch()
    assert find_runtime(str(tmp_path), None).python == python


def test_an_environment_does_not_see_blenders_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_environment(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "blenders")
    monkeypatch.setenv("PYTHONHOME", "blenders")
    monkeypatch.setenv("KEPT", "yes")
    environment = find_runtime(str(tmp_path), None).environment
    assert "PYTHONPATH" not in environment
    assert "PYTHONHOME" not in environment
    assert environment["KEPT"] == "yes"


def test_the_bundled_runtime_is_this_python_with_the_unpacked_wheels(tmp_path: Path) -> None:
    folder = make_wheels(tmp_path, "reggan_plugin", "onnxruntime")
    (folder / "reggan_plugin" / "__init__.py").touch()
    runtime = find_runtime("", folder)
    script = "import reggan_plugin, sys; print(reggan_plugin.__file__, *sys.version_info[:2])"
    said = subprocess.check_output(
        [runtime.python, "-c", script], env=dict(runtime.environment), text=True
    )
    assert said.split()[0] == str(folder / "reggan_plugin" / "__init__.py")
    assert tuple(map(int, said.split()[1:])) == sys.version_info[:2]


@pytest.mark.skipif(os.name == "nt", reason="Windows' Python is beside Blender under one name")
def test_blenders_own_file_is_not_taken_for_a_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_wheels(tmp_path / "wheels", "reggan_plugin", "onnxruntime")
    monkeypatch.setattr(sys, "executable", "/usr/bin/blender")
    python = tmp_path / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    python.parent.mkdir()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(BridgeError, match=r"environment.*preferences"):
        find_runtime("", folder)
    python.touch()
    assert find_runtime("", folder).python == python


def test_what_is_missing_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    make_environment(tmp_path / "old", "3.9.2")
    unpacked = make_wheels(tmp_path / "wheels", "reggan_plugin")
    cases = {
        (str(tmp_path / "gone"), None): "nothing at .*gone.*bundled runtime.*preferences",
        (str(tmp_path / "empty"), None): "no Python in it.*python -m venv.*preferences",
        (str(tmp_path / "old"), None): r"Python 3\.9; .* needs 3\.11 or newer",
        ("", None): "no bundled runtime.*zip file.*choose an environment",
        ("", tmp_path / "empty"): "no bundled runtime.*zip file.*choose an environment",
        ("", unpacked): rf"no packages for .*Python 3\.{sys.version_info[1]}\..*--python 3",
    }
    for (chosen, site_packages), words in cases.items():
        with pytest.raises(BridgeError, match=words):
            find_runtime(chosen, site_packages)
