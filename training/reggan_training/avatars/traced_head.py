"""A head in Blender, path-traced: geometry, paint and light of `rendering`, shadows of Cycles.

A process holds one scene at a time. Lengths are in eye distances, axes those of the camera: x to
the right, y up, z towards it.
"""

import math
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.errors import MissingExtraError
from reggan_training.data.identity_and_split import TRACED_STYLES
from reggan_training.heads.head import HeadMesh, Part
from reggan_training.rendering.head_look import HeadLook, surface_colour
from reggan_training.rendering.picture_set import Drawn, Renderer
from reggan_training.rendering.rasterising import Camera
from reggan_training.rendering.shading import HeadShader, backdrop_of, developed

_LIBRARIES = "libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libgl1"
_SAMPLES, _BOUNCES = 8, 3
_SENSOR_MM = 36.0
_SUN_ANGLE = 0.4
"""Width of a light, radians."""
_FILL_PX = 9
_SUBSURFACE = {
    "Subsurface Weight": 0.4,
    "Subsurface Radius": (1.0, 0.36, 0.22),
    "Subsurface Scale": 0.03,
}
_STATUES: Mapping[str, Mapping[str, Any]] = {
    "stone": {"Roughness": 0.45, "Subsurface Weight": 0.2, "Subsurface Scale": 0.03},
    "metal": {"Roughness": 0.3, "Metallic": 1.0},
    "clay": {"Roughness": 0.9},
}
_WET = {"Roughness": 0.3}
_PARTS: Mapping[Part, Mapping[str, Any]] = {
    Part.SKIN: {"Roughness": 0.5, "Specular IOR Level": 0.4, **_SUBSURFACE},
    Part.EYE: {"Roughness": 0.12, "Coat Weight": 0.4, "Coat Roughness": 0.03},
    Part.TEETH: {"Roughness": 0.25},
    Part.GUMS: _WET,
    Part.TONGUE: _WET,
    Part.MOUTH: _WET,
    Part.GLASSES: {"Roughness": 0.2},
    Part.CLOTHES: {"Roughness": 0.95},
}
_HAIR = {"Roughness": 0.6}


def traced(head: HeadMesh, shader: HeadShader, look: HeadLook) -> Drawn:
    """Build the scene of a head in a look, before the camera that the shader's head has.

    Raises:
        MissingExtraError: Blender's Python cannot be loaded.
    """
    seen, bpy = shader.head, _blender()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    side_px = seen.face.side_px // 2
    _apply_settings(scene, side_px)
    _add_camera(scene, seen.camera)
    _add_lights(scene, look)
    paint = bpy.data.images.new("paint", *[seen.face.side_px] * 2, float_buffer=True, is_data=True)
    mesh = _add_mesh(scene, head, look, paint)

    def drawn(state: int) -> Float[Tensor, "3 side side"]:
        points = seen.camera.view(head.vertices(seen.states[state]))
        mesh.vertices.foreach_set("co", points.ravel())
        mesh.update()
        with torch.no_grad():
            pixels = _paint(shader, state, look).permute(1, 2, 0).flip(0).contiguous()
        paint.pixels.foreach_set(pixels.numpy().ravel())
        paint.update()
        light = _rendered(scene)
        behind = backdrop_of(look, seen.face.thinned(2))
        return developed(light[:3] + (1 - light[3:]) * behind, look)

    return drawn


def _blender() -> Any:
    """Blender's Python; a process that loads it cannot hand its import path to another."""
    try:
        import bpy
    except ImportError as error:
        raise MissingExtraError(
            f"Blender's Python (bpy) cannot be loaded: {error}. On Debian or Ubuntu: "
            f"apt-get install {_LIBRARIES}"
        ) from error
    return bpy


TRACED = Renderer(name="avatars", styles=TRACED_STYLES, draw=traced, packages=("torch", "bpy"))


def _paint(shader: HeadShader, state: int, look: HeadLook) -> Float[Tensor, "4 side side"]:
    """Colours of what each pixel shows without light; those of the head's edge run over it."""
    rasters = shader.head.face
    surface = shader.seen(rasters, state)
    paint = torch.zeros(4, rasters.side_px, rasters.side_px)
    paint.flatten(1)[:3, surface.pixels] = surface_colour(surface, look, shader.textures).T
    paint.flatten(1)[3, surface.pixels] = 1.0
    around = F.avg_pool2d(paint[None], _FILL_PX, 1, _FILL_PX // 2)[0]
    return torch.where(paint[3:] > 0, paint, around / around[3:].clamp(min=1e-6))


def _apply_settings(scene: Any, side_px: int) -> None:
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x = render.resolution_y = side_px
    render.threads_mode, render.threads = "FIXED", 1
    render.use_persistent_data = True
    render.film_transparent = True
    render.use_file_extension = False
    cycles.device, cycles.samples, cycles.max_bounces = "CPU", _SAMPLES, _BOUNCES
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = True
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_use_gpu = False
    output = render.image_settings
    output.file_format, output.color_mode = "OPEN_EXR", "RGBA"
    output.color_depth, output.exr_codec = "32", "NONE"


def _add_camera(scene: Any, camera: Camera) -> None:
    """Blender's camera at our camera's place, its picture the crop."""
    import bpy
    import mathutils

    linear, shift = camera.crop_from_plane[:, :2], camera.crop_from_plane[:, 2]
    data = bpy.data.cameras.new("camera")
    data.sensor_width, data.clip_start, data.clip_end = _SENSOR_MM, 0.1, 1000.0
    data.lens = math.sqrt(np.linalg.det(linear)) * camera.distance * _SENSOR_MM
    data.shift_x, data.shift_y = 0.5 - shift[0], shift[1] - 0.5
    thing = bpy.data.objects.new("camera", data)
    roll = mathutils.Matrix.Rotation(math.atan2(linear[1, 0], linear[0, 0]), 4, "Z")
    thing.matrix_world = mathutils.Matrix.Translation((0.0, 0.0, camera.distance)) @ roll
    scene.collection.objects.link(thing)
    scene.camera = thing


def _add_lights(scene: Any, look: HeadLook) -> None:
    """Add the look's lights as suns, its ambient light all around."""
    import bpy
    import mathutils

    for light in look.lights:
        data = bpy.data.lights.new("light", "SUN")
        data.angle, data.energy = _SUN_ANGLE, math.pi  # white paper that faces it gives its colour
        data.color = light.colour.tolist()
        thing = bpy.data.objects.new("light", data)
        thing.rotation_mode = "QUATERNION"
        towards = mathutils.Vector(light.direction.tolist())
        thing.rotation_quaternion = towards.to_track_quat("Z", "Y")
        scene.collection.objects.link(thing)
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    around = scene.world.node_tree.nodes["Background"].inputs["Color"]
    around.default_value = (*look.ambient.tolist(), 1.0)


def _add_mesh(scene: Any, head: HeadMesh, look: HeadLook, paint: Any) -> Any:
    """Add the head's mesh, with a material for each part."""
    import bpy

    mesh = bpy.data.meshes.new("head")
    mesh.from_pydata(np.zeros_like(head.rest).tolist(), [], head.triangles.tolist())
    for part in Part:
        inputs = _STATUES.get(look.style) or _PARTS.get(part, _HAIR)
        mesh.materials.append(_material(part.name, paint, inputs))
    mesh.polygons.foreach_set("material_index", head.parts.astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(head.triangles), dtype=bool))
    scene.collection.objects.link(bpy.data.objects.new("head", mesh))
    return mesh


def _material(name: str, paint: Any, inputs: Mapping[str, Any]) -> Any:
    """Make a surface painted as the camera sees it."""
    import bpy

    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    place, texture = tree.nodes.new("ShaderNodeTexCoord"), tree.nodes.new("ShaderNodeTexImage")
    texture.image, texture.extension = paint, "EXTEND"
    surface = tree.nodes["Principled BSDF"]
    surface.subsurface_method = "BURLEY"
    for name, value in inputs.items():
        surface.inputs[name].default_value = value
    tree.links.new(place.outputs["Window"], texture.inputs["Vector"])
    tree.links.new(texture.outputs["Color"], surface.inputs["Base Color"])
    return material


def _rendered(scene: Any) -> Float[Tensor, "4 side side"]:
    """Scene-linear light and coverage, premultiplied."""
    import bpy
    import OpenEXR

    with tempfile.TemporaryDirectory(prefix="reggan-avatar-") as folder:
        path = Path(folder) / "light.exr"
        scene.render.filepath = str(path)
        with _stdout_on_stderr():
            bpy.ops.render.render(write_still=True)
        with OpenEXR.File(str(path)) as file:
            pixels = np.array(file.channels()["RGBA"].pixels, dtype=np.float32)
    return torch.from_numpy(pixels).permute(2, 0, 1)


@contextmanager
def _stdout_on_stderr() -> Iterator[None]:
    """Keep Blender's own words out of the results."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
