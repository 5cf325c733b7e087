"""What a job is asked for: an expression and sliders, shape keys, takes; in real Blender."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

SAMPLES = Path(__file__).parents[2] / "reggan_plugin/samples"


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    """Three rendered frames, 1001 to 1003, of a file that is saved."""
    shot = tmp_path / "shot"
    shot.mkdir()
    for number in (1001, 1002, 1003):
        shutil.copy(SAMPLES / f"avatar_png/avatar.{number}.png", shot / f"a.{number}.png")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    settings = bpy.context.scene.reggan
    settings.frames_source, settings.frames_path = "SEQUENCE", str(shot)
    settings.output_path = str(tmp_path / "out")
    return bpy.context.scene


def asked_of_frames(pretended: Path) -> dict[str, Any]:
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    return dict(json.loads(pretended.read_text(encoding="utf-8").splitlines()[-1]))


def weights(asked: dict[str, Any], frame: int) -> dict[str, float]:
    """Of a frame in the curve that was written."""
    rows = [line.split(",") for line in asked["curve"][1:]]
    return {name: float(value) for number, name, value in rows if int(number) == frame}


def test_sliders_and_a_named_expression_go_together(scene: Any, pretended: Path) -> None:
    settings, sliders = scene.reggan, scene.reggan_shapes
    settings.expression, settings.intensity, settings.adds = "happily_surprised", 0.5, True
    sliders.jawOpen, sliders.mouthSmileLeft = 0.4, 1.5
    arguments = asked_of_frames(pretended)["arguments"]
    at = arguments.index("--expression")
    assert arguments[at + 1 : at + 7] == [
        *("happily surprised", "--shape=mouthSmileLeft=1.500", "--shape=jawOpen=0.400"),
        *("--intensity", "0.500", "--add"),
    ]
    assert settings.result_image.name == "a happily_surprised"


def test_sliders_alone_are_enough_and_nothing_is_refused(scene: Any, pretended: Path) -> None:
    scene.reggan.expression = "NONE"
    with pytest.raises(RuntimeError, match=r"Nothing is asked.*move a slider"):
        bpy.ops.reggan.render_frames()
    scene.reggan_shapes.eyeBlinkLeft = 0.25
    arguments = asked_of_frames(pretended)["arguments"]
    assert "--shape=eyeBlinkLeft=0.250" in arguments
    assert "--expression" not in arguments
    bpy.ops.reggan.reset_shapes()
    assert scene.reggan_shapes.eyeBlinkLeft == 0


def test_an_animated_slider_arrives_at_every_frame(scene: Any, pretended: Path) -> None:
    scene.reggan.intensity, scene.reggan.expression = 0.5, "sad"
    for frame, value in ((1001, 0.0), (1003, 1.0)):
        scene.reggan_shapes.jawOpen = value
        scene.reggan_shapes.keyframe_insert("jawOpen", frame=frame)
    scene.reggan_shapes.browInnerUp = 0.2
    scene.frame_set(17)
    asked = asked_of_frames(pretended)
    assert scene.frame_current == 17
    assert "--expression" not in asked["arguments"]
    assert weights(asked, 1001) == {"sad": 0.5, "jawOpen": 0.0, "browInnerUp": 0.1}
    assert weights(asked, 1002) == {"sad": 0.5, "jawOpen": 0.25, "browInnerUp": 0.1}
    assert weights(asked, 1003) == {"sad": 0.5, "jawOpen": 0.5, "browInnerUp": 0.1}


def test_a_rig_s_own_shape_keys_drive_its_old_renders(scene: Any, pretended: Path) -> None:
    """By an F-curve, by a driver, and by one key for both sides."""
    face = bpy.data.objects["Cube"]
    face.shape_key_add(name="Basis")
    keys = {name: face.shape_key_add(name=name) for name in ("JawOpen", "eye_blink", "mouthLeft")}
    keys["mouthLeft"].value = 0.3
    face.shape_key_add(name="Fat").value = 1.0
    for frame, value in ((1001, 0.0), (1003, 1.0)):
        keys["JawOpen"].value = value
        keys["JawOpen"].keyframe_insert("value", frame=frame)
    keys["eye_blink"].driver_add("value").driver.expression = "(frame - 1001) / 4"
    scene.reggan.driven_by = "OBJECT"
    with pytest.raises(RuntimeError, match="Choose a mesh with shape keys"):
        bpy.ops.reggan.render_frames()
    scene.reggan.driving_object, scene.reggan.intensity = face, 0.8
    asked = asked_of_frames(pretended)
    assert "--expression" not in asked["arguments"]
    for frame, jaw, lids in ((1001, 0, 0), (1002, 0.4, 0.2), (1003, 0.8, 0.4)):
        assert weights(asked, frame) == pytest.approx(
            {"jawOpen": jaw, "eyeBlinkLeft": lids, "eyeBlinkRight": lids, "mouthLeft": 0.24},
            abs=0.001,
        )
    assert scene.reggan.result_image.name == "a Cube"


def test_keys_that_nobody_knows_are_named_and_may_be_mapped(
    scene: Any, pretended: Path, tmp_path: Path
) -> None:
    """Of a game avatar: its smile has a name of its own, and another key shapes the character."""
    face = bpy.data.objects["Cube"]
    face.shape_key_add(name="Basis")
    names = ("h_expressions.RsmileOpen_h", "Grin", "Sulk", "Fat")
    keys = {name: face.shape_key_add(name=name) for name in names}
    for key in keys.values():
        key.value = 0.0  # Blender 5 begins with 1
    keys["Fat"].value = 0.4
    for frame, value in ((1001, 0.0), (1003, 1.0)):
        for name in names[1:3]:
            keys[name].value = value
            keys[name].keyframe_insert("value", frame=frame)
    scene.reggan.output_path = ""
    scene.reggan.driven_by, scene.reggan.driving_object = "OBJECT", face
    table = face.reggan_driving
    found = [(row.key.rpartition(".")[2], row.shape) for row in table.rows]
    assert found == [
        ("RsmileOpen_h", "mouthSmileRight"),
        ("RsmileOpen_h", "mouthUpperUpRight"),
        *(("Grin", "NONE"), ("Sulk", "NONE"), ("Fat", "NONE")),
    ]
    with pytest.raises(RuntimeError, match=r"Cube moves Grin, Sulk, which move nothing .*table"):
        bpy.ops.reggan.render_frames()
    assert not pretended.exists()
    table.active_row = 2
    table.rows[2].shape, table.rows[2].weight = "mouthSmileLeft", 0.6
    bpy.ops.reggan.add_driving_key()
    table.rows[table.active_row].shape = "eyeSquintLeft"
    asked = asked_of_frames(pretended)
    assert weights(asked, 1003)["mouthSmileLeft"] == 0.6
    assert weights(asked, 1003)["eyeSquintLeft"] == 1.0
    assert bpy.context.window_manager.reggan_last_words == (
        "Sulk of Cube moves nothing in the picture. The table under Driven By says which face "
        "shapes they are."
    )
    out = asked["arguments"][asked["arguments"].index("--out") + 1]
    assert out == str(tmp_path / "shot" / "a_Cube")  # not called after all its shapes
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "figure.blend"), copy=True)
    with bpy.data.libraries.load(str(tmp_path / "figure.blend")) as (_, into):
        into.objects = ["Cube"]
    assert [row.shape for row in into.objects[0].reggan_driving.rows][2:4] == [
        "mouthSmileLeft",
        "eyeSquintLeft",
    ]
    assert bpy.ops.reggan.fill_driving_table() == {"FINISHED"}
    assert len(table.rows) == 5


def test_keys_of_no_face_are_named(scene: Any, pretended: Path) -> None:
    face = bpy.data.objects["Cube"]
    face.shape_key_add(name="Basis")
    face.shape_key_add(name="Fat")
    scene.reggan.driven_by, scene.reggan.driving_object = "OBJECT", face
    with pytest.raises(RuntimeError, match=r"No shape key of Cube .*jawOpen.*table"):
        bpy.ops.reggan.render_frames()


def test_a_take_drives_a_shot_at_the_scene_s_rate(
    scene: Any, pretended: Path, tmp_path: Path
) -> None:
    scene.reggan.driven_by, scene.render.fps, scene.render.fps_base = "TAKE", 24, 1.001
    with pytest.raises(RuntimeError, match="Choose a recorded performance as Take"):
        bpy.ops.reggan.render_frames()
    scene.reggan.take = "//take ä.csv"
    with pytest.raises(RuntimeError, match="no take at"):
        bpy.ops.reggan.render_frames()
    take = tmp_path / "take ä.csv"
    take.write_text("frame,jawOpen\n1,0.5\n")
    scene.reggan.take_offset = "1001"
    assert bpy.ops.reggan.add_fit() == bpy.ops.reggan.add_fit() == {"FINISHED"}
    assert [row.shape for row in scene.reggan_fit.rows] == ["brows", "blink"]
    assert bpy.ops.reggan.remove_fit(line=1) == {"FINISHED"}
    scene.reggan_fit.rows[0].gain, scene.reggan_fit.asymmetry = 1.4, 0.5
    fit = ("--curves-gain=brows=1.4,0", "--curves-asymmetry=0.5")
    arguments = asked_of_frames(pretended)["arguments"]
    at = arguments.index("--curves")
    assert arguments[at : at + 8] == [
        *("--curves", str(take), "--curves-fps", "23.976", "--curves-offset", "1001", *fit)
    ]
    assert scene.reggan.result_image.name == "a take ä"


def test_a_preset_is_kept_and_may_be_named(scene: Any, pretended: Path, tmp_path: Path) -> None:
    assert not bpy.ops.reggan.save_preset.poll()
    scene.reggan_shapes.mouthSmileLeft = 0.6
    assert bpy.ops.reggan.save_preset(name="half smile") == {"FINISHED"}
    assert scene.reggan.presets == "//presets.toml"
    text = (tmp_path / "presets.toml").read_text(encoding="utf-8")
    assert text == '["half smile"]\nmouthSmileLeft = 0.6\n'
    with pytest.raises(RuntimeError, match="already"):
        bpy.ops.reggan.save_preset(name="Half Smile")
    scene.reggan_shapes.mouthSmileLeft = 0.7
    assert bpy.ops.reggan.save_preset(name="Half Smile", replaces=True) == {"FINISHED"}
    text = (tmp_path / "presets.toml").read_text(encoding="utf-8")
    assert text == '["Half Smile"]\nmouthSmileLeft = 0.7\n'
    bpy.ops.reggan.reset_shapes()
    scene.reggan.blend = "half smile:0.5"
    arguments = asked_of_frames(pretended)["arguments"]
    assert arguments[arguments.index("--presets") + 1] == str(tmp_path / "presets.toml")
    assert "half smile:0.5" in arguments


def test_a_blend_is_mixed_by_sliders_and_kept(scene: Any, pretended: Path, tmp_path: Path) -> None:
    settings = scene.reggan
    assert bpy.ops.reggan.add_to_blend(expression="surprised") == {"FINISHED"}
    assert settings.blend == "happy:1+surprised:0.5"
    bpy.ops.reggan.add_to_blend(expression="wink_left")
    assert [round(share, 3) for share in settings.blend_shares[:4]] == [1, 0.5, 0.5, 0]
    settings.blend_shares[0] = 0.3
    settings.blend_shares[7] = 1.0  # no expression has it
    assert settings.blend == "happy:0.3+surprised:0.5+wink left:0.5"
    bpy.ops.reggan.remove_from_blend(name="surprised")
    assert "happy:0.3+wink left:0.5" in asked_of_frames(pretended)["arguments"]
    assert bpy.ops.reggan.save_preset(name="sly") == {"FINISHED"}
    text = (tmp_path / "presets.toml").read_text(encoding="utf-8")
    assert text == '["sly"]\nhappy = 0.3\n"wink left" = 0.5\n'
    settings.blend = "happy:"  # half typed
    assert not any(settings.blend_shares)
    with pytest.raises(RuntimeError, match=r"happy:0\.6"):
        bpy.ops.reggan.add_to_blend(expression="sad")
    settings.blend, settings.expression = "", "NONE"
    bpy.ops.reggan.add_to_blend(expression="sad")
    assert settings.blend == "sad:1"


def test_a_map_is_given_what_the_panel_above_asks_for(scene: Any, pretended: Path) -> None:
    map_settings = scene.reggan_texture
    map_settings.layout = "FLAT"
    map_settings.image = bpy.data.images.load(str(SAMPLES / "statue/statue.1001.png"))
    scene.reggan.blend, scene.reggan.intensity = "happy:0.6+sad", 0.7
    assert bpy.ops.reggan.edit_texture() == {"FINISHED"}
    arguments = json.loads(pretended.read_text().splitlines()[-1])["arguments"]
    assert arguments[arguments.index("--expression") + 1] == "happy:0.6+sad"
    assert arguments[arguments.index("--intensity") + 1] == "0.700"
    assert bpy.data.images["statue.1001_happy_sad.png"]
    map_settings.makes_several, map_settings.expressions = True, {"angry", "sad"}
    assert bpy.ops.reggan.edit_texture() == {"FINISHED"}
    assert {"statue.1001_angry.png", "statue.1001_sad.png"} <= set(bpy.data.images.keys())


def test_a_preview_takes_the_face_from_the_rig(scene: Any, pretended: Path, tmp_path: Path) -> None:
    tracks = tmp_path / "tracks.json"
    tracks.write_text('{"kind": "reggan-tracks", "schema": 1, "frames": {"1001": {"faces": []}}}')
    scene.reggan.use_rig_tracks, scene.reggan.rig_tracks = True, "//tracks.json"
    scene.frame_set(1002)
    for button in (bpy.ops.reggan.preview, bpy.ops.reggan.draw_faces):
        assert button() == {"FINISHED"}
        asked = json.loads(pretended.read_text(encoding="utf-8").splitlines()[-1])
        assert asked["arguments"][0] == str(tmp_path / "shot" / "a.1002.png")
        at = asked["arguments"].index("--tracks")
        assert asked["arguments"][at + 1] == str(tracks)


def test_frames_of_another_size_than_the_tracked_ones_are_refused(
    scene: Any, pretended: Path, tmp_path: Path
) -> None:
    tracks = tmp_path / "tracks.json"
    tracks.write_text('{"size": [2560, 1440], "frames": {}}')
    scene.reggan.use_rig_tracks, scene.reggan.rig_tracks = True, "//tracks.json"
    scene.reggan.tracks_compared = True
    with pytest.raises(RuntimeError, match=r"a\.1001\.png is 1280x720, .*2560x1440.*Resolution"):
        bpy.ops.reggan.render_frames()
    assert not pretended.exists()


def test_shares_of_a_blend_are_keyed(scene: Any, pretended: Path) -> None:
    settings = scene.reggan
    settings.blend = "happy:0.2+sad:0.7+angry:0.1"
    assert [round(share, 3) for share in settings.blend_shares[:4]] == [0.2, 0.7, 0.1, 0.0]
    for frame, value in ((1001, 0.0), (1003, 1.0)):
        settings.blend_shares[1] = value
        settings.keyframe_insert("blend_shares", index=1, frame=frame)
    scene.frame_set(1001)
    asked = asked_of_frames(pretended)
    for frame, sad in ((1001, 0.0), (1002, 0.5), (1003, 1.0)):
        assert weights(asked, frame) == {"happy": 0.2, "sad": sad, "angry": 0.1}
    assert settings.result_image.name == "a happy_sad_angry"
    scene.frame_set(1002)
    settings.frames_source = "SCENE"  # a still: the values of this frame
    still = still_arguments(pretended)
    assert "happy:0.2+sad:0.5+angry:0.1" in still
    bpy.ops.reggan.remove_from_blend(name="happy")
    settings.frames_source = "SEQUENCE"
    assert weights(asked_of_frames(pretended), 1003) == {"sad": 1.0, "angry": 0.1}


def still_arguments(pretended: Path) -> list[str]:
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.type = "IMAGE_EDITOR"
    area.spaces.active.image = bpy.data.images.load(str(SAMPLES / "avatar_png/avatar.1001.png"))
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area):
        assert bpy.ops.reggan.edit_image() == {"FINISHED"}
    return list(json.loads(pretended.read_text(encoding="utf-8").splitlines()[-1])["arguments"])


def test_the_expression_is_keyed_and_blended_over(scene: Any, pretended: Path) -> None:
    settings = scene.reggan
    settings.blend_over, settings.output_path = 2, ""
    for frame, name in ((1001, "happy"), (1002, "look_left")):
        settings.expression = name
        settings.keyframe_insert("expression", frame=frame)
    asked = asked_of_frames(pretended)
    assert weights(asked, 1001) == {"happy": 1.0}
    assert weights(asked, 1002) == {"happy": 1.0, "look left": 0.0}
    assert weights(asked, 1003) == {"happy": 0.5, "look left": 0.5}
    assert settings.result_image.name == "a expressions"


def test_markers_are_cues(scene: Any, pretended: Path) -> None:
    settings = scene.reggan
    settings.driven_by, settings.blend_over = "CUES", 2
    with pytest.raises(RuntimeError, match="No marker of the timeline is a cue"):
        bpy.ops.reggan.render_frames()
    scene.frame_set(1001)
    settings.expression = "happy"
    assert bpy.ops.reggan.add_cue() == {"FINISHED"}
    settings.expression = "sad"
    bpy.ops.reggan.add_cue()  # in place of the other
    scene.timeline_markers.new("angry:0.6", frame=1002)
    scene.timeline_markers.new("hapy", frame=1003)
    camera = scene.timeline_markers.new("close-up", frame=1003)
    camera.camera = scene.camera
    scene.reggan_shapes.jawOpen = 0.2
    asked = asked_of_frames(pretended)
    assert weights(asked, 1001) == {"sad": 1.0, "jawOpen": 0.2}
    assert weights(asked, 1003) == {"sad": 0.5, "angry": 0.3, "jawOpen": 0.2}
    said = bpy.context.window_manager.reggan_last_words
    assert said == "No cue, as no expression has that name: hapy."
    scene.frame_set(1003)
    assert "sad:0.5+angry:0.3" in still_arguments(pretended)


def test_a_take_becomes_keys_of_the_sliders_as_an_action(
    scene: Any, pretended: Path, tmp_path: Path
) -> None:
    settings = scene.reggan
    settings.intensity = 0.5
    settings.keyframe_insert("intensity", frame=1001)
    before = scene.animation_data.action
    (tmp_path / "take ä.csv").write_text(
        "frame,jawOpen,mouthLeft\n1001,0,0\n1002,0.2,0\n1003,1,0\n"
    )
    settings.take, settings.driven_by = "//take ä.csv", "TAKE"
    assert bpy.ops.reggan.add_fit() == {"FINISHED"}
    line = scene.reggan_fit.rows[0]
    line.shape, line.gain, line.offset = "jawOpen", 0.5, 0.1
    assert bpy.ops.reggan.keys_from_take() == {"FINISHED"}
    (asked,) = map(json.loads, pretended.read_text(encoding="utf-8").splitlines())
    assert "--curves-gain=jawOpen=0.5,0.1" in asked["arguments"]
    action = scene.animation_data.action
    assert action.name == "Take take ä"
    assert action != before
    assert before.use_fake_user
    assert (settings.driven_by, settings.expression) == ("PANEL", "NONE")
    scene.frame_set(1002)
    assert scene.reggan_shapes.jawOpen == pytest.approx(0.2)
    asked = asked_of_frames(pretended)
    assert [weights(asked, f)["jawOpen"] for f in (1001, 1002, 1003)] == [0.0, 0.1, 0.5]
    settings.take = "//shot/a.1001.png"
    with pytest.raises(RuntimeError, match=r"a\.1001\.png is a picture or a video"):
        bpy.ops.reggan.keys_from_take()


def test_a_video_becomes_a_take_and_keys(scene: Any, pretended: Path, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"a video")
    scene.render.fps = 30
    scene.frame_start = 11
    for name in ("clip.csv", "clip_2.csv"):
        assert bpy.ops.reggan.take_from_video(filepath=str(tmp_path / "clip.mp4")) == {"FINISHED"}
        assert scene.reggan.take == f"//reggan/{name}"
        assert (tmp_path / "reggan" / name).is_file()
    assert [json.loads(line)["command"] for line in pretended.read_text().splitlines()] == [
        *("perform", "curves") * 2
    ]
    scene.frame_set(41)
    assert scene.reggan_shapes.jawOpen == 1.0
    scene.frame_set(20)
    assert scene.reggan_shapes.jawOpen == 0.0


def test_the_sliders_show_what_a_picture_shows(scene: Any, pretended: Path, tmp_path: Path) -> None:
    picture = tmp_path / "me ä.png"
    picture.write_bytes(b"a picture")
    scene.reggan.expression = "happy"
    scene.reggan_shapes.browInnerUp = 0.7
    assert bpy.ops.reggan.like_picture(filepath=str(picture)) == {"FINISHED"}
    shapes = scene.reggan_shapes
    shown = (shapes.jawOpen, shapes.mouthSmileLeft, shapes.browInnerUp)
    assert shown == pytest.approx((0.4, 0.2, 0.0))
    assert scene.reggan.expression == "NONE"
    (asked,) = (json.loads(line) for line in pretended.read_text().splitlines())
    assert (asked["command"], asked["arguments"]) == ("read", [str(picture), "--json"])
    with pytest.raises(RuntimeError, match="There is no picture at"):
        bpy.ops.reggan.like_picture(filepath=str(tmp_path / "none.png"))


def test_several_expressions_are_made_in_one_job(
    scene: Any, pretended: Path, tmp_path: Path
) -> None:
    settings = scene.reggan
    settings.makes_several, settings.expressions = True, {"sad", "angry"}
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    asked = [json.loads(line)["arguments"] for line in pretended.read_text().splitlines()]
    assert [one[one.index("--expression") + 1] for one in asked] == ["sad", "angry"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["angry", "sad"]
    names = [image.name for image in bpy.data.images if image.get("reggan_kind") == "result"]
    assert sorted(names) == ["a angry", "a sad"]
    manager = bpy.context.window_manager
    assert manager.reggan_done == "6 changed, 0 untouched"
    assert manager.reggan_done_folder == str(tmp_path / "out" / "angry")
    settings.makes_several = False
    settings.frames_path = str(tmp_path / "shot.blend")
    with pytest.raises(RuntimeError, match=r"shot\.blend is no picture"):
        bpy.ops.reggan.render_frames()
    assert not manager.reggan_done


def test_all_cameras_of_a_folder_are_changed_in_one_job(
    scene: Any, pretended: Path, tmp_path: Path
) -> None:
    """A folder for each, in one of them two view layers."""
    shots = tmp_path / "all"
    for name in ("close/hair", "close/skin", "wide/shot"):
        (shots / name).parent.mkdir(parents=True, exist_ok=True)
        for number in (1, 2):
            shutil.copy(SAMPLES / "avatar_png/avatar.1001.png", shots / f"{name}.{number:04d}.png")
    scene.reggan.frames_path = "//all"
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    outs = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert outs == ["close_hair", "close_skin", "wide_shot"]
    manager = bpy.context.window_manager
    assert manager.reggan_done == "6 changed, 0 untouched"
    names = [image.name for image in bpy.data.images if image.get("reggan_kind") == "result"]
    assert sorted(names) == ["hair happy", "shot happy", "skin happy"]
    scene.reggan.use_rig_tracks, scene.reggan.rig_tracks = True, "//tracks.json"
    with pytest.raises(
        RuntimeError, match="These are 3 sequences, but the head was tracked for one"
    ):
        bpy.ops.reggan.render_frames()


def test_a_take_that_is_dropped_drives_the_face(scene: Any, tmp_path: Path) -> None:
    take = tmp_path / "take.csv"
    take.write_text("frame,jawOpen\n1,0.5\n")
    handler = bpy.types.REGGAN_FH_take
    assert handler.bl_import_operator == "reggan.drop_take"
    assert bpy.ops.reggan.drop_take(filepath=str(take)) == {"FINISHED"}
    assert (scene.reggan.driven_by, scene.reggan.take) == ("TAKE", "//take.csv")


def test_sliders_are_mirrored(scene: Any) -> None:
    shapes = scene.reggan_shapes
    shapes.mouthSmileLeft, shapes.eyeBlinkRight, shapes.jawLeft = 0.6, 0.4, 0.3
    bpy.ops.reggan.mirror_shapes(way="SWAP")
    found = [getattr(shapes, n) for n in ("mouthSmileRight", "eyeBlinkLeft", "jawRight", "jawLeft")]
    assert found == pytest.approx([0.6, 0.4, 0.3, 0.0])
    bpy.ops.reggan.mirror_shapes(way="LEFT")
    assert shapes.eyeBlinkRight == pytest.approx(0.4)
    assert shapes.mouthSmileRight == 0.0
    assert shapes.jawRight == pytest.approx(0.3)
