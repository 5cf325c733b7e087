"""The button that makes an environment, and its undo, in real Blender; it fetches 0.4 GB."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.blender,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("registered"),
]


@pytest.fixture
def preferences(registered: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Those of the extension, with a folder of its own and the wheel of this tree."""
    from blender_addon.operators import doctor_and_environment

    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    folder = tmp_path / "Umgebung ü" / "environment"
    monkeypatch.setattr(doctor_and_environment, "own_wheel", lambda: wheel)
    monkeypatch.setattr(doctor_and_environment, "own_environment", lambda: folder)
    chosen = bpy.context.preferences.addons["blender_addon"].preferences
    before = chosen.runtime, chosen.environment
    chosen.runtime, chosen.environment = "BUNDLED", ""
    yield chosen
    chosen.runtime, chosen.environment = before
    bpy.context.preferences.system.use_online_access = False


def test_nothing_is_fetched_while_blender_is_offline(preferences: Any) -> None:
    bpy.context.preferences.system.use_online_access = False
    assert not bpy.app.online_access
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        bpy.ops.reggan.make_environment()
    with pytest.raises(RuntimeError, match="has made no environment"):
        bpy.ops.reggan.remove_environment()


def test_the_button_makes_an_environment_and_takes_it_away(
    preferences: Any, tmp_path: Path
) -> None:
    bpy.context.preferences.system.use_online_access = True
    assert bpy.ops.reggan.make_environment() == {"FINISHED"}
    assert preferences.runtime == "ENVIRONMENT"
    folder = Path(preferences.environment)
    assert folder == tmp_path / "Umgebung ü" / "environment"
    said = bpy.context.window_manager.reggan_doctor
    assert said.startswith("Works: cpu"), said
    assert "pip " not in said
    assert bpy.ops.reggan.doctor() == {"FINISHED"}
    assert str(folder) in bpy.context.window_manager.reggan_doctor
    assert bpy.ops.reggan.remove_environment() == {"FINISHED"}
    assert not folder.exists()
    assert (preferences.runtime, preferences.environment) == ("BUNDLED", "")


def test_without_a_network_it_says_so_and_leaves_nothing(
    preferences: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bpy.context.preferences.system.use_online_access = True
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    with pytest.raises(RuntimeError, match=r"could not be fetched.*Nothing was left"):
        bpy.ops.reggan.make_environment()
    assert not (tmp_path / "Umgebung ü" / "environment").exists()
    assert (preferences.runtime, preferences.environment) == ("BUNDLED", "")
