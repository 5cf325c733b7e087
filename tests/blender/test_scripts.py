"""Scripts inside a .blend: blocked here means blocked in the second Blender too."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from blender_addon.panels.head import HeadPanel  # noqa: E402
from blender_addon.scene.python_drivers import driver_that_stands_still  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

PYTHON, SIMPLE = "len(str(frame)) * 0", "frame * 0"


@pytest.fixture
def preference(registered: Any) -> Iterator[Any]:
    """`use_scripts_auto_execute` as it was, afterwards."""
    filepaths = bpy.context.preferences.filepaths
    before = filepaths.use_scripts_auto_execute
    yield filepaths
    bpy.context.preferences.filepaths.use_scripts_auto_execute = before


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    """The cube as a head before a camera, and a text marked Register that leaves a file behind."""
    head, camera = bpy.data.objects["Cube"], bpy.data.objects["Camera"]
    camera.location, camera.rotation_euler = (0, -9, 0), (math.pi / 2, 0, 0)
    scene = bpy.context.scene
    scene.frame_start = scene.frame_end = 1
    scene.reggan_head.head = head
    text = bpy.data.texts.new("rig.py")
    text.write(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    text.use_module = True
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    return scene


@pytest.mark.parametrize("allows", [False, True])
def test_a_registered_text_runs_only_where_the_preference_allows_it(
    scene: Any, preference: Any, tmp_path: Path, allows: bool
) -> None:
    preference.use_scripts_auto_execute = allows
    assert not bpy.app.autoexec_fail  # nothing was blocked in this Blender, as after Append
    assert bpy.ops.reggan.track_head() == {"FINISHED"}
    assert (tmp_path / "ran").exists() is allows
    tracks = Path(bpy.path.abspath(scene.reggan.rig_tracks))
    assert json.loads(tracks.read_text(encoding="utf-8"))["frames"]


@pytest.mark.parametrize(("expression", "needs_python"), [(PYTHON, True), (SIMPLE, False)])
def test_the_panel_names_a_driver_that_will_stand_still(
    scene: Any, preference: Any, expression: str, needs_python: bool
) -> None:
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    scene.reggan_head.head.modifiers.new("Rig", "ARMATURE").object = rig
    rig.driver_add("location", 0).driver.expression = expression
    preference.use_scripts_auto_execute = False
    owner = driver_that_stands_still(bpy.context, [scene.reggan_head.head, None])
    assert owner == ("Rig" if needs_python else "")
    assert ("Auto Run Python Scripts" in words_of(HeadPanel)) is needs_python
    preference.use_scripts_auto_execute = True
    assert driver_that_stands_still(bpy.context, [scene.reggan_head.head]) == ""


def test_the_environment_is_in_no_file(scene: Any, tmp_path: Path) -> None:
    preferences = bpy.context.preferences.addons["blender_addon"].preferences
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"), compress=False)
    assert preferences.environment.encode() not in (tmp_path / "saved.blend").read_bytes()


def words_of(panel: Any) -> str:
    """All labels that a panel draws."""
    drawn: list[str] = []

    class Layout:
        def __getattr__(self, _: str) -> Any:
            return lambda *_, text="", **__: (drawn.append(text), self)[1]

    panel.draw(type("Self", (), {"layout": Layout()})(), bpy.context)
    return " ".join(drawn)
