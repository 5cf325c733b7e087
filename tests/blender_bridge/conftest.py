"""Workers that really run, as the add-on starts them."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from blender_addon.bridge.find_runtime import Runtime, find_runtime


@pytest.fixture
def runtime() -> Runtime:
    """This Python, with the reggan-plugin that it has."""
    return find_runtime(sys.executable, None)


@pytest.fixture
def pretend(tmp_path: Path) -> Callable[[str], Runtime]:
    """Makes a runtime whose reggan-plugin is this script."""

    def runtime_of(script: str) -> Runtime:
        package = tmp_path / "packages" / "reggan_plugin"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(script, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(package.parent), "PYTHONUTF8": "1"}
        return Runtime(python=Path(sys.executable), environment=environment)

    return runtime_of
