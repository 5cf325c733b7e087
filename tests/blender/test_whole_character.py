"""A rigged, long-haired character gets an animated smile, found in the picture and by its rig.

`REGGAN_ICT` names the head: ICT FaceKit light, the file that training takes as `--ict`.
"""

import ctypes.util
import os
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from .gui.ict_character import FRAMES, build_character, difference, eyes_off  # noqa: E402

HEAD = os.environ.get("REGGAN_ICT", "")
pytestmark = [
    pytest.mark.blender,
    pytest.mark.timeout(1200),
    pytest.mark.usefixtures("empty_file"),
    pytest.mark.skipif(not HEAD, reason="REGGAN_ICT names no head"),
    pytest.mark.skipif(not ctypes.util.find_library("EGL"), reason="Workbench needs libEGL"),
]


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    """The artist's own scene, saved; its intensity goes from 0 to 1."""
    build_character(Path(HEAD))
    scene = bpy.context.scene
    scene.render.filepath = "//render/figur."
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "Figur ü.blend"))
    for frame, value in ((1, 0.0), (FRAMES, 1.0)):
        scene.reggan.intensity = value
        scene.reggan.keyframe_insert("intensity", frame=frame)
    return scene


def changes(before: Path, after: Path) -> list[float]:
    """Of every frame."""
    return [difference(path, after / path.name) for path in sorted(before.glob("*.png"))]


def test_an_animated_smile_is_found_in_the_picture_and_by_the_rig(
    scene: Any, tmp_path: Path
) -> None:
    assert bpy.ops.reggan.render_and_apply(animation=True) == {"FINISHED"}
    found = changes(tmp_path / "render", tmp_path / "render" / "figur_happy")
    assert len(found) == FRAMES
    assert found[0] == 0
    assert found[-1] > found[1] > 0
    scene.reggan_head.head, scene.reggan_head.bone = bpy.data.objects["Rig"], "Head"
    assert bpy.ops.reggan.track_head() == {"FINISHED"}
    assert f"in sight in {FRAMES} of {FRAMES} frames" in scene.reggan.tracks_account
    assert "the head's own shapes and teeth" in scene.reggan.tracks_account
    tracks = Path(bpy.path.abspath(scene.reggan.rig_tracks))
    off = [eyes_off(tracks, frame) for frame in range(1, FRAMES + 1)]
    print("eyes are off by", *(f"{one:.3f}" for one in off), "eye distances")
    assert max(off) < 0.15
    scene.reggan.output_path = "//by rig"
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    by_rig = changes(tmp_path / "render", tmp_path / "by rig")
    assert by_rig[0] == 0
    assert by_rig[-1] == pytest.approx(found[-1], rel=0.5)
