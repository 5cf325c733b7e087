"""Track Head as a job: what it writes, what a render makes of that, and how it fails."""

import ctypes.util
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from blender_addon import second_blender  # noqa: E402
from blender_addon.bridge import find_runtime as runtime  # noqa: E402
from blender_addon.head_settings import named_values  # noqa: E402
from blender_addon.operators.track_head import TrackHead  # noqa: E402

from ..cancelled_jobs import cancel_after_two  # noqa: E402
from .tracked_head import SIZE, frames_in, only_face, track_by_button  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]


def test_what_is_missing_is_said(scene: Any) -> None:
    scene.reggan_head.mouth = scene.camera
    assert not bpy.ops.reggan.track_head.poll()
    scene.reggan_head.mouth = None
    scene.camera.data.type = "PANO"
    assert not bpy.ops.reggan.track_head.poll()
    scene.camera.data.type = "PERSP"
    scene.reggan.rig_tracks = "//notes.json"
    path = Path(bpy.path.abspath("//notes.json"))
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(RuntimeError, match="Name another file, or delete it"):
        bpy.ops.reggan.track_head()
    assert path.read_text(encoding="utf-8") == "[]"
    assert not list(path.parent.glob(".*"))


def test_an_unsaved_file_has_no_folder(empty_file: None) -> None:
    bpy.context.scene.reggan_head.head = bpy.data.objects["Cube"]
    with pytest.raises(RuntimeError, match="never saved"):
        bpy.ops.reggan.track_head()


@pytest.mark.skipif(not ctypes.util.find_library("EGL"), reason="Workbench needs libEGL")
def test_render_takes_the_tracks_and_changes_that_place(
    scene: Any, tmp_path: Path, reggan_python: Path
) -> None:
    scene.reggan_head.head.location = (0.1, 0, 0.05)
    scene.frame_end = 1002
    render = scene.render
    render.engine = "BLENDER_WORKBENCH"
    render.image_settings.file_format = "PNG"
    render.filepath = str(tmp_path / "shot" / "bild.")
    bpy.ops.render.render(animation=True)
    x, y, width, height = only_face(track_by_button(scene))["box"]
    tracks = bpy.path.abspath(scene.reggan.rig_tracks)
    arguments = ("--expression", "surprised", "--tracks", tracks, "--out", str(tmp_path / "out"))
    command = [str(reggan_python), "-m", "reggan_plugin", "render", "--frames"]
    subprocess.run([*command, str(tmp_path / "shot"), *arguments], check=True, capture_output=True)
    before, after = (
        bpy.data.images.load(str(tmp_path / folder / "bild.1001.png")).pixels[:]
        for folder in ("shot", "out")
    )
    changed = [i // 4 for i in range(len(before)) if before[i] != after[i]]
    columns = [i % SIZE[0] for i in changed]
    rows = [SIZE[1] - 1 - i // SIZE[0] for i in changed]
    assert len(changed) > 500
    assert x + width / 2 == pytest.approx((min(columns) + max(columns)) / 2, abs=width / 4)
    assert y < sum(rows) / len(rows) < y + height
    assert max(columns) - min(columns) < 2 * width


def test_another_scene_is_tracked_as_its_own(scene: Any) -> None:
    """In a file that opens on the first one, where the head looks elsewhere just now."""
    head = scene.reggan_head.head
    for frame, place, turn in ((1001, (0.2, 0, 0), math.pi), (1003, (0, 0, 0), 0)):
        head.location, head.rotation_euler.z = place, turn
        head.keyframe_insert("location", frame=frame)
        head.keyframe_insert("rotation_euler", frame=frame)
    scene.frame_set(1003)
    other = scene.copy()
    other.name, other.use_fake_user = "Zweite Szene ö", True  # no window shows it: it is kept so
    other.frame_end = 1001
    with bpy.context.temp_override(scene=other, view_layer=other.view_layers[0]):
        assert bpy.ops.reggan.track_head() == {"FINISHED"}
    face = only_face(frames_in(Path(bpy.path.abspath(other.reggan.rig_tracks))))
    assert not scene.reggan.rig_tracks
    assert face["status"] == "given"  # it looks at the camera there: that is its front
    focal_px = scene.camera.data.lens / scene.camera.data.sensor_width * SIZE[0]
    wanted = SIZE[0] / 2 + 0.2 * focal_px / 0.91
    assert face["landmarks"]["nose_tip"][0] == pytest.approx(wanted, abs=0.5)


def files_beside(scene: Any) -> list[str]:
    return sorted(path.name for path in Path(bpy.data.filepath).parent.iterdir())


def test_cancelling_leaves_the_old_tracks(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    track_by_button(scene)
    path = Path(bpy.path.abspath(scene.reggan.rig_tracks))
    before, listed = path.read_bytes(), files_beside(scene)
    cancel_after_two(monkeypatch, TrackHead)
    scene.frame_end = 100_000
    assert bpy.ops.reggan.track_head() == {"CANCELLED"}
    assert (path.read_bytes(), files_beside(scene)) == (before, listed)


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        ("import os; os.abort()", "signal 6.*Close other programs"),
        ("import sys; sys.exit('no licence')", "no licence.*restart Blender"),
        ("raise OSError('No space left')", "stopped: No space left. Mend that and run it again"),
        ("raise KeyError('Kopf')", "KeyError: 'Kopf'"),
    ],
)
def test_a_second_blender_that_ends_badly_says_what_to_do(
    scene: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, breaks: str, words: str
) -> None:
    broken = tmp_path / "addon" / "second_blender"
    shutil.copytree(Path(second_blender.__file__).parent, broken)
    shutil.copytree(Path(runtime.__file__).parent, broken.parent / "bridge")
    (broken.parent / "__init__.py").touch()
    (broken / "head_tracker.py").write_text(f"def run(asked, say): {breaks}")
    monkeypatch.setattr(runtime, "_SCRIPT", broken / "script.py")
    listed = files_beside(scene)
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.reggan.track_head()
    assert not scene.reggan.rig_tracks
    assert files_beside(scene) == listed


def test_what_the_copy_lacks_is_named(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the head of a library that cannot be found."""
    names = {**named_values(scene.reggan_head), "head": "Kopf [fehlt.blend]"}
    monkeypatch.setattr("blender_addon.operators.track_head.named_values", lambda _: names)
    with pytest.raises(RuntimeError, match=r"Kopf \[fehlt.blend\] is not in the copy.*library"):
        bpy.ops.reggan.track_head()


def test_a_scene_that_is_gone_at_the_end_is_named(
    scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = TrackHead.job

    def begin_and_rename(operator: Any, context: Any) -> Any:
        job = begin(operator, context)
        scene.name = "Andere"
        return job

    monkeypatch.setattr(TrackHead, "job", begin_and_rename)
    with pytest.raises(RuntimeError, match=r"renamed or removed.*track it again"):
        bpy.ops.reggan.track_head()
    assert not scene.reggan.rig_tracks
