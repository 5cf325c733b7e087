"""Render pictures of a character: what `operators/train_character.py` asks for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import bpy
from mathutils import Matrix, Vector

from .copied import object_in_copy, scene_in_copy

_SUN_STRENGTH = 3.0
"""W/m² of a lamp of strength 1: a white page comes out just below white."""


def run(asked: Mapping[str, Any], say: Callable[..., None]) -> None:
    """Render every picture that is asked for; a picture has its name only when it is whole.

    Raises:
        BridgeError: the character is not in this file.
    """
    scene = scene_in_copy(asked["scene"])
    meshes = [object_in_copy(name) for name in asked["meshes"]]
    _prepare(scene, meshes, asked)
    camera = _new_camera(scene, asked)
    pictures = asked["pictures"]
    say("started", frames=len(pictures))
    partial = Path(asked["partial"])
    shown = None
    for done, picture in enumerate(pictures, 1):
        view = asked["views"][picture["view"]]
        if view is not shown:
            _show_view(scene, camera, view)
            shown = view
        _set_keys(meshes, asked["values"][picture["expression"]])
        scene.render.filepath = str(partial)
        bpy.ops.render.render(write_still=True, scene=scene.name)
        out = Path(picture["file"])
        out.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(out)
        say("frame", done=done, frames=len(pictures), outcome="written", message=None)


def _prepare(
    scene: bpy.types.Scene, meshes: list[bpy.types.Object], asked: Mapping[str, Any]
) -> None:
    """Square pictures of the character alone, with nothing that would move or retouch it."""
    scene.timeline_markers.clear()  # they may choose cameras
    render = scene.render
    render.resolution_x = render.resolution_y = asked["size_px"]
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    for name in ("use_border", "use_compositing", "use_sequencer", "use_multiview", "use_stamp"):
        setattr(render, name, False)
    render.use_motion_blur = render.film_transparent = False
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGB", "8"
    _limit_samples(scene, asked["samples"])
    for found in scene.objects:
        is_foreign = asked["belongings"] is not None and found.name_full not in asked["belongings"]
        if is_foreign and (found.type != "LIGHT" or asked["is_lit"]):
            found.hide_render = True
    for mesh in meshes:
        keys = mesh.data.shape_keys
        keys.animation_data_clear()  # drivers and actions would set the values back
        mesh.show_only_shape_key = False
        for block in keys.key_blocks:
            block.mute = False
    if asked["is_lit"]:
        _take_out_lights(scene)


def _limit_samples(scene: bpy.types.Scene, most: int) -> None:
    if hasattr(scene, "cycles"):
        scene.cycles.samples = min(scene.cycles.samples, most)
    scene.eevee.taa_render_samples = min(scene.eevee.taa_render_samples, most)


def _take_out_lights(scene: bpy.types.Scene) -> None:
    for found in scene.objects:
        if found.type == "LIGHT":
            found.hide_render = True
    scene.world = bpy.data.worlds.new("RegGAN")
    if bpy.app.version < (5, 0, 0):
        scene.world.use_nodes = True
    tree = scene.world.node_tree
    tree.nodes.clear()
    background = tree.nodes.new("ShaderNodeBackground")
    background.name = "RegGAN"
    output = tree.nodes.new("ShaderNodeOutputWorld")
    tree.links.new(background.outputs[0], output.inputs[0])


def _new_camera(scene: bpy.types.Scene, asked: Mapping[str, Any]) -> bpy.types.Object:
    camera = bpy.data.objects.new("RegGAN", bpy.data.cameras.new("RegGAN"))
    camera.data.lens, camera.data.sensor_width = asked["lens_mm"], asked["sensor_mm"]
    camera.data.clip_start = asked["eye_distance"] * 0.1
    camera.data.clip_end = asked["eye_distance"] * 1e4
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera


def _show_view(scene: bpy.types.Scene, camera: bpy.types.Object, view: Mapping[str, Any]) -> None:
    """Put camera, lamps and background in place."""
    camera.matrix_world = Matrix(view["camera"])
    if view["background"] is None:
        return
    grey = view["background"]
    node = scene.world.node_tree.nodes["RegGAN"]
    node.inputs["Color"].default_value = (grey, grey, grey, 1.0)
    for number, lamp in enumerate(view["lamps"]):
        name = f"RegGAN lamp {number}"
        sun = bpy.data.objects.get(name)
        if sun is None:
            sun = bpy.data.objects.new(name, bpy.data.lights.new(name, "SUN"))
            sun.data.angle = 0.3
            scene.collection.objects.link(sun)
        sun.rotation_mode = "QUATERNION"
        sun.rotation_quaternion = Vector(lamp["towards"]).to_track_quat("Z", "Y")
        sun.data.energy, sun.data.color = _SUN_STRENGTH * lamp["strength"], lamp["colour"]


def _set_keys(meshes: list[bpy.types.Object], values: Mapping[str, float]) -> None:
    for mesh in meshes:
        blocks = mesh.data.shape_keys.key_blocks
        for key, value in values.items():
            if (block := blocks.get(key)) is not None:
                block.slider_min = min(block.slider_min, value)
                block.slider_max = max(block.slider_max, value)
                block.value = value
