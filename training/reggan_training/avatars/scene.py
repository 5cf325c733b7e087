"""One avatar's scene in Blender: built once, changed in place for every view, rendered."""

import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy
import mathutils
import numpy as np
from jaxtyping import Float, Int

from reggan_training.avatars.avatar_look import AvatarCamera
from reggan_training.avatars.framing import SENSOR_MM, pose_looking_from
from reggan_training.avatars.glb import export_glb
from reggan_training.avatars.lighting import Lamp
from reggan_training.avatars.render_passes import (
    RenderPasses,
    light_from_srgb,
    passes_from_exr,
)
from reggan_training.avatars.render_settings import AvatarRenderSettings

_LAMP_DISTANCE_HEADS = 3.2


class Scene:
    """The one scene of this process. Everything is in metres around the middle of the eyes."""

    def __init__(self, settings: AvatarRenderSettings) -> None:
        """An empty scene with its render settings; what was in Blender before is gone."""
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        self._objects: dict[str, Any] = {}
        self._turn = bpy.data.objects.new("turn", None)
        self.scene.collection.objects.link(self._turn)
        _apply_settings(self.scene, settings)
        self._folder = tempfile.TemporaryDirectory(prefix="reggan-avatar-")

    def add_mesh(
        self,
        name: str,
        points: Float[np.ndarray, "points 3"],
        faces: Int[np.ndarray, "faces 4"],
        corner_uv: Float[np.ndarray, "faces 4 2"] | None,
        materials: Sequence[Any],
        *,
        face_materials: Int[np.ndarray, " faces"] | None = None,
        subdivisions: int = 0,
    ) -> None:
        """A smooth mesh that turns with the head."""
        mesh = bpy.data.meshes.new(name)
        polygons = [_polygon(face) for face in faces.tolist()]
        mesh.from_pydata(points.tolist(), [], polygons)
        if corner_uv is not None:
            keep = [
                corner
                for face, row in zip(polygons, corner_uv, strict=True)
                for corner in row[: len(face)]
            ]
            layer = mesh.uv_layers.new(name="uv")
            layer.data.foreach_set("uv", np.array(keep, dtype=np.float32).ravel())
        for material in materials:
            mesh.materials.append(material)
        if face_materials is not None:
            mesh.polygons.foreach_set("material_index", face_materials.astype(np.int32))
        mesh.polygons.foreach_set("use_smooth", np.ones(len(polygons), dtype=bool))
        thing = self._link(name, mesh)
        if subdivisions:
            modifier = thing.modifiers.new("subdivision", "SUBSURF")
            modifier.levels = modifier.render_levels = subdivisions

    def move_mesh(self, name: str, points: Float[np.ndarray, "points 3"]) -> None:
        """Put a mesh's points elsewhere."""
        mesh = self._objects[name].data
        mesh.vertices.foreach_set("co", np.ascontiguousarray(points, dtype=np.float32).ravel())
        mesh.update()

    def add_strands(
        self,
        name: str,
        strands: Float[np.ndarray, "strands knots 3"],
        radii: Float[np.ndarray, "strands knots"],
        material: Any,
    ) -> None:
        """Hair that turns with the head; nothing where there is no strand."""
        curves = bpy.data.hair_curves.new(name)
        if len(strands):
            curves.add_curves([strands.shape[1]] * len(strands))
            radius = curves.attributes.new("radius", "FLOAT", "POINT")
            radius.data.foreach_set("value", radii.astype(np.float32).ravel())
        curves.materials.append(material)
        self._link(name, curves)
        self.move_strands(name, strands)

    def move_strands(self, name: str, strands: Float[np.ndarray, "strands knots 3"]) -> None:
        """Put strands elsewhere; as many as there were."""
        curves = self._objects[name].data
        if len(strands):
            values = np.ascontiguousarray(strands, dtype=np.float32).ravel()
            curves.attributes["position"].data.foreach_set("vector", values)
            curves.update_tag()

    def turn(self, motion: Float[np.ndarray, "4 4"]) -> None:
        """Turn the avatar."""
        self._turn.matrix_world = _matrix(motion)

    def set_camera(self, pose: Float[np.ndarray, "4 4"], camera: AvatarCamera) -> None:
        """Look from a pose (camera to world; −z is ahead) as a camera does."""
        data = bpy.data.cameras.new("camera")
        data.lens, data.sensor_width = camera.focal_length_mm, SENSOR_MM
        data.clip_start, data.clip_end = 0.05, 50.0
        thing = bpy.data.objects.new("camera", data)
        thing.matrix_world = _matrix(pose)
        self.scene.collection.objects.link(thing)
        self.scene.camera = thing

    def add_lamp(self, lamp: Lamp, head_height: float) -> None:
        """An area lamp aimed at the head."""
        data = bpy.data.lights.new("lamp", "AREA")
        distance = _LAMP_DISTANCE_HEADS * head_height
        data.shape, data.size = "SQUARE", lamp.size * head_height
        data.energy = lamp.strength * math.pi**2 * distance**2
        data.color = lamp.colour
        azimuth, elevation = math.radians(lamp.azimuth_deg), math.radians(lamp.elevation_deg)
        way = np.array(
            [
                math.sin(azimuth) * math.cos(elevation),
                -math.cos(azimuth) * math.cos(elevation),
                math.sin(elevation),
            ]
        )
        thing = bpy.data.objects.new("lamp", data)
        thing.matrix_world = _matrix(pose_looking_from(way * distance, np.zeros(3)))
        thing.visible_camera = False
        self.scene.collection.objects.link(thing)

    def set_world(
        self, light: Sequence[float], strength: float, backdrop: Float[np.ndarray, "height width 3"]
    ) -> None:
        """Light from all around, and a picture (sRGB-encoded, row 0 on top) behind the head."""
        world = bpy.data.worlds.new("world")
        world.use_nodes = True
        self.scene.world = world
        world.cycles.sampling_method = "NONE"
        tree = world.node_tree
        tree.nodes.clear()
        picture = tree.nodes.new("ShaderNodeTexImage")
        picture.image = image_from_picture("backdrop", backdrop)
        place = tree.nodes.new("ShaderNodeTexCoord")
        path = tree.nodes.new("ShaderNodeLightPath")
        ambient, behind = (tree.nodes.new("ShaderNodeBackground") for _ in range(2))
        ambient.inputs["Color"].default_value = (*light, 1.0)
        ambient.inputs["Strength"].default_value = strength
        mix, output = tree.nodes.new("ShaderNodeMixShader"), tree.nodes.new("ShaderNodeOutputWorld")
        for source, target in (
            (place.outputs["Window"], picture.inputs["Vector"]),
            (picture.outputs["Color"], behind.inputs["Color"]),
            (path.outputs["Is Camera Ray"], mix.inputs[0]),
            (ambient.outputs[0], mix.inputs[1]),
            (behind.outputs[0], mix.inputs[2]),
            (mix.outputs[0], output.inputs["Surface"]),
        ):
            tree.links.new(source, target)

    def render(self) -> RenderPasses:
        """The scene as it is."""
        path = Path(self._folder.name) / "passes.exr"
        self.scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
        return passes_from_exr(path)

    def byte_image(self, name: str, picture: Float[np.ndarray, "height width 3"]) -> Any:
        """An image of eight bits of an sRGB-encoded picture (row 0 on top), as files hold it."""
        height, width = picture.shape[:2]
        image = bpy.data.images.new(name, width, height)
        set_image(image, picture)
        image.pack()
        return image

    def export(self, path: Path, materials: Mapping[str, Sequence[Any]]) -> None:
        """Write the named meshes as a glTF binary, in these materials from now on."""
        for name, slots in materials.items():
            for slot, material in enumerate(slots):
                self._objects[name].data.materials[slot] = material
        export_glb([self._objects[name] for name in materials], path)

    def _link(self, name: str, data: Any) -> Any:
        thing = bpy.data.objects.new(name, data)
        thing.parent = self._turn
        self.scene.collection.objects.link(thing)
        self._objects[name] = thing
        return thing


def _polygon(face: list[int]) -> list[int]:
    return face[:3] if face[3] == face[2] else face


def _matrix(pose: Float[np.ndarray, "4 4"]) -> Any:
    return mathutils.Matrix(pose.tolist())


def _apply_settings(scene: Any, settings: AvatarRenderSettings) -> None:
    render, cycles, layer = scene.render, scene.cycles, scene.view_layers[0]
    render.engine = "CYCLES"
    render.resolution_x = render.resolution_y = settings.side_px
    render.resolution_percentage = 100
    render.threads_mode, render.threads = "FIXED", 1
    render.use_persistent_data = True
    render.use_file_extension = False
    cycles.device = "CPU"
    cycles.seed = settings.seed
    cycles.samples = settings.samples
    cycles.use_adaptive_sampling = False
    cycles.use_light_tree = False
    cycles.max_bounces = settings.bounces
    cycles.diffuse_bounces = 1
    cycles.glossy_bounces = 2
    cycles.transmission_bounces = 0
    cycles.transparent_max_bounces = 4
    cycles.use_denoising = True
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_quality = settings.denoise_quality
    cycles.denoising_prefilter = "FAST"
    cycles.denoising_use_gpu = False
    scene.cycles_curves.shape = "RIBBONS"
    scene.cycles_curves.subdivisions = 1
    layer.name = "ViewLayer"
    layer.use_pass_material_index = True
    output = render.image_settings
    if hasattr(output, "media_type"):  # Blender 5
        output.media_type = "MULTI_LAYER_IMAGE"
    output.file_format = "OPEN_EXR_MULTILAYER"
    output.color_depth = "32"
    output.exr_codec = "NONE"


def image_from_picture(
    name: str, picture: Float[np.ndarray, "height width channels"], *, is_data: bool = False
) -> Any:
    """A Blender image of a picture (row 0 on top) of one or three channels, 0..1."""
    height, width = picture.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=True, float_buffer=True, is_data=True)
    set_image(image, picture if is_data else light_from_srgb(picture))
    return image


def set_image(image: Any, picture: Float[np.ndarray, "height width channels"]) -> None:
    """Replace an image's pixels by values as they are (row 0 on top)."""
    height, width, _ = picture.shape
    pixels = np.ones((height, width, 4), dtype=np.float32)
    pixels[..., :3] = picture
    image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1]).ravel())
    image.update()
