"""A game avatar of one mesh, with foreign morph names and an odd rest pose: nothing silent.

`REGGAN_VALID` names the head, one of VALID's as an .npz. The runtime pretends: what Blender does
before and after a job is what is tested. Every file of the artist's is hashed before and after.
"""

import ctypes.util
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from .gui.foreign_character import FRAMES, build_character  # noqa: E402

HEAD = os.environ.get("REGGAN_VALID", "")
pytestmark = [
    pytest.mark.blender,
    pytest.mark.timeout(1200),
    pytest.mark.usefixtures("empty_file"),
    pytest.mark.skipif(not HEAD, reason="REGGAN_VALID names no head"),
    pytest.mark.skipif(not ctypes.util.find_library("EGL"), reason="Workbench needs libEGL"),
]


def hashes(folder: Path) -> dict[str, str]:
    """Of the .blend and of the renders."""
    files = [*folder.glob("*.blend"), *(folder / "render").glob("*.png")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def last_asked(pretended: Path) -> dict[str, Any]:
    return dict(json.loads(pretended.read_text(encoding="utf-8").splitlines()[-1]))


def test_all_steps_leave_the_artist_s_files_as_they_are(pretended: Path, tmp_path: Path) -> None:
    avatar = build_character(Path(HEAD))
    scene = bpy.context.scene
    settings, head = scene.reggan, scene.reggan_head
    scene.render.filepath, scene.render.resolution_percentage = "//render/avatar.", 10
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "Avatar ü.blend"))
    bpy.ops.render.render(animation=True)
    before = hashes(tmp_path)
    assert len(before) == FRAMES + 1

    head.head = bpy.data.objects["Rig"]
    assert head.bone == "skull_j"  # it carries what the morphs move, whatever else the mesh has
    for bone in ("hand_l_j", "hip_j"):
        head.bone = bone
        with pytest.raises(RuntimeError, match="Choose skull_j as Bone"):
            bpy.ops.reggan.track_head()
    head.bone = "skull_j"
    assert bpy.ops.reggan.track_head() == {"FINISHED"}
    assert f"in sight in {FRAMES} of {FRAMES} frames" in settings.tracks_account
    assert json.loads((tmp_path / "Avatar ü_tracks.json").read_text())["size"] == [64, 64]
    assert bpy.ops.reggan.preview() == {"FINISHED"}
    settings.tracks_compared = True

    with pytest.raises(RuntimeError, match=r"8 frames in .*render were not rendered by this"):
        bpy.ops.reggan.render_and_apply(animation=True)
    scene.render.resolution_percentage = 20  # and tracked anew: the frames are not of that size
    bpy.ops.reggan.track_head()
    with pytest.raises(RuntimeError, match=r"is 64x64, but the head was tracked .* 128x128"):
        bpy.ops.reggan.render_frames()
    scene.render.resolution_percentage, settings.use_rig_tracks = 10, False

    settings.driven_by, settings.driving_object = "OBJECT", avatar
    blocks = avatar.data.shape_keys.key_blocks
    for name in ("h_expressions.LsmileOpen_h", "h_expressions.Glotis_h"):
        for frame, value in ((1, 0.0), (FRAMES, 1.0)):
            blocks[name].value = value
            blocks[name].keyframe_insert("value", frame=frame)
    assert len({row.key for row in avatar.reggan_driving.rows if row.shape != "NONE"}) > 55
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    curve = last_asked(pretended)["curve"]
    assert f"{FRAMES},mouthSmileLeft,1.0" in curve
    assert "Glotis_h of Avatar moves nothing" in bpy.context.window_manager.reggan_last_words

    settings.driven_by, settings.blend_over = "CUES", 2
    for frame, name in ((1, "none"), (4, "happy")):
        scene.timeline_markers.new(name, frame=frame)
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    assert [line for line in last_asked(pretended)["curve"] if "happy" in line] == [
        *("4,happy,0.0", "5,happy,0.5", "6,happy,1.0", "7,happy,1.0", "8,happy,1.0")
    ]
    assert bpy.ops.reggan.add_compositor_group() == {"FINISHED"}
    mix = next(one for one in bpy.data.scenes if one.get("reggan_mix_of") == scene)
    bpy.ops.render.render(animation=True, scene=mix.name)
    assert len(list((tmp_path / "render" / "avatar_cues_mix").iterdir())) == FRAMES
    bpy.context.window_manager.windows[0].scene = scene
    assert hashes(tmp_path) == before
