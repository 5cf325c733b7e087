"""What is pressed in the 3D viewport's sidebar: a head is tracked, a character written."""

import json
from collections.abc import Callable

import bpy
from mathutils import Matrix, Vector
from screen import Pause, button_of, click, scroll
from watch import OUT, picture, run_job, window

LAST_FRAME = 5
SHAPES = {
    "eyeBlink_L": (0.035, -0.08, 0.03),
    "eyeBlink_R": (-0.035, -0.08, 0.03),
    "jawOpen": (0.0, -0.07, -0.07),
    "mouthSmile_L": (0.025, -0.08, -0.045),
    "mouthSmile_R": (-0.025, -0.08, -0.045),
}
"""Places on the ball that its face shapes move."""
REACH = 0.03


def put_a_head_before_the_camera() -> Pause:
    """In a saved file: a ball that looks at the camera along -Y, with five face shapes."""
    for found in list(bpy.data.objects):
        bpy.data.objects.remove(found)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=1, segments=24, ring_count=16)
    head = bpy.context.object
    head.name = "Kopf Ä"
    head.data.transform(Matrix.Diagonal((0.09, 0.09, 0.12, 1)))
    head.shape_key_add(name="Basis")
    for name, place in SHAPES.items():
        key = head.shape_key_add(name=name, from_mix=False)
        key.value = 0  # Blender 5.2 begins with 1
        for point in key.data:
            if (point.co - Vector(place)).length < REACH:
                point.co.z -= 0.01
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0, -1, 0), (1.5708, 0, 0)
    scene = bpy.context.scene
    scene.camera, scene.frame_start, scene.frame_end = camera, 1, LAST_FRAME
    scene.render.engine = "BLENDER_WORKBENCH"
    bpy.ops.wm.save_as_mainfile(filepath=str(OUT / "Szene ü.blend"))
    scene.reggan_head.head = head
    yield 0.5


def track_a_head() -> Pause:
    """In a second Blender; the file appears beside the .blend."""
    button = yield from button_of("VIEW_3D", "reggan.track_head")
    yield from run_job("track_head", button, window(), meanwhile=picture("9_tracking"))
    frames = json.loads((OUT / "Szene ü_tracks.json").read_text(encoding="utf-8"))["frames"]
    assert sorted(frames) == [str(number) for number in range(1, LAST_FRAME + 1)]
    assert {face["status"] for frame in frames.values() for face in frame["faces"]} == {"given"}
    assert bpy.context.scene.reggan.rig_tracks == "//Szene ü_tracks.json"
    yield from picture("10_tracked")


def write_the_character() -> Pause:
    """The file with its face shapes."""
    bpy.context.scene.reggan_character.mesh = bpy.data.objects["Kopf Ä"]
    assert bpy.ops.reggan.recognise_shape_keys() == {"FINISHED"}
    button = yield from button_of("VIEW_3D", "reggan.write_character")
    yield from picture("11_character")
    yield from click(window(), *button)
    yield 3.0
    assert (OUT / "Kopf-Ä.glb").stat().st_size > 10_000
    yield from picture("12_character_written")
    yield from scroll("VIEW_3D", back=True)


STEPS: tuple[Callable[[], Pause], ...] = (
    put_a_head_before_the_camera,
    track_a_head,
    write_the_character,
)
