"""Blender as a module, with nobody's settings, and the add-on in it as it stands in the tree.

How its environment is made: docs/blender.md, "Tested with". Workers run in `REGGAN_PYTHON`, or in
this Python where it has reggan-plugin.
"""

import os
import shutil
import sys
import tempfile
import venv
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ADDON = "blender_addon"
if find_spec("bpy"):  # before the tests' own import of it
    os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="blender-user-")


@pytest.fixture(scope="session")
def reggan_python() -> Path:
    """A Python whose reggan-plugin the workers run."""
    return Path(os.environ.get("REGGAN_PYTHON", sys.executable))


@pytest.fixture(scope="session")
def registered(reggan_python: Path) -> Iterator[ModuleType]:
    """The add-on, enabled, with the environment runtime."""
    import addon_utils
    import bpy

    addon = addon_utils.enable(ADDON, default_set=True)
    assert addon is not None, "the add-on does not register: see the traceback above"
    preferences = bpy.context.preferences.addons[ADDON].preferences
    preferences.runtime, preferences.environment = "ENVIRONMENT", str(reggan_python)
    yield addon
    addon_utils.disable(ADDON, default_set=True)


@pytest.fixture
def empty_file(registered: ModuleType) -> None:
    """Blender's start-up scene, without what an earlier test left; the add-on stays."""
    import bpy

    bpy.ops.wm.read_homefile(use_empty=False, use_factory_startup=False)


@pytest.fixture
def pretended(registered: ModuleType, tmp_path: Path) -> Iterator[Path]:
    """The file in which a runtime that changes nothing notes what it was asked, a line each.

    Where a test is of what Blender does before and after a job, nobody need wait for a model.
    """
    import bpy

    home = tmp_path / "pretended"
    venv.create(home, symlinks=True)
    python = next(home.glob("bin/python"), home / "Scripts" / "python.exe")
    packages = next(home.glob("**/site-packages"))
    (packages / "reggan_plugin").mkdir()
    (packages / "reggan_plugin" / "__init__.py").touch()
    shutil.copy(Path(__file__).with_name("pretend.py"), packages / "reggan_plugin" / "__main__.py")

    def preferences() -> Any:  # a test may register the add-on anew
        return bpy.context.preferences.addons[ADDON].preferences

    before = preferences().environment
    preferences().environment = str(python)
    yield packages / "reggan_plugin" / "asked.jsonl"
    preferences().environment = before
