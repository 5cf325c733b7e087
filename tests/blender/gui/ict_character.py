"""A rigged, long-haired character of ICT FaceKit's head, built inside Blender.

ICT-FaceKit light (MIT, USC Institute for Creative Technologies) is read from the npz that
`train-landmarks --ict` takes. Rig, wig and colours are made here.
"""

import json
import math
from pathlib import Path
from typing import Any

import bmesh
import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view

FRAMES = 6
SIZE_PX = 512
UP = 1.6
"""Height of the middle of the head, in metres."""
_PARTS = {  # up to this vertex: colour, sRGB-encoded
    9409: (0.80, 0.60, 0.50),
    11248: (0.80, 0.60, 0.50),
    14062: (0.35, 0.12, 0.11),
    17039: (0.72, 0.36, 0.36),
    21451: (0.93, 0.91, 0.86),
    24591: (0.95, 0.94, 0.92),
}
_IRISES = ((22221, 23021), (23791, 24591))
_EYEBALLS = ((21451, 22221), (23021, 23791))
_BALLS_BEGIN = 21451
_LIPS = (5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841)
_BROWS = ((268, 493, 1914, 2044, 1401), (3615, 4240, 4114, 2734, 2509))
_EYES = ((3742, 3751, 3756, 3721, 3725, 3732), (1507, 1542, 1537, 1528, 1518, 1511))
"""Corners and lids of its left and its right eye."""
_LIP, _BROW, _HAIR = (0.66, 0.33, 0.32), (0.20, 0.13, 0.09), (0.16, 0.09, 0.06)
_IRIS, _PUPIL = (0.25, 0.16, 0.09), (0.02, 0.02, 0.02)
_TILES, _TILE_PX = (3, 2), 512
"""The model's UDIM tiles, beside and above each other in one map; the eyes get the last place."""
_NECK_CM, _BENT_CM = -14.0, 8.0
"""Height up to which nothing turns with the head, and of the part above that bends."""


def build_character(npz: Path) -> Any:
    """Empty the scene and put the character before a camera; its head turns over six frames.

    Args:
        npz: ICT FaceKit light.

    Returns:
        The armature, whose bone `Head` moves head and wig.
    """
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    model = np.load(npz)
    rig = _rig()
    _head(model, rig)
    _wig(rig)
    _camera_and_light()
    _turn(rig)
    return rig


def _placed(points: np.ndarray) -> np.ndarray:
    """Points of the model (cm, y up, z to the front) in the scene (m, z up, -y to the front)."""
    return points[..., [0, 2, 1]] * (0.01, -0.01, 0.01) + (0, 0, UP)


def _head(model: Any, rig: Any) -> None:
    triangles = model["triangles"].astype(int)
    is_iris = np.zeros(len(model["neutral"]), np.bool_)
    for begin, end in _IRISES:
        is_iris[begin:end] = True
    last = max(_PARTS)
    is_kept = (triangles < last).all(1) & ~is_iris[triangles].any(1)
    kept = triangles[is_kept]
    rest = _placed(model["neutral"][:last])
    mesh = bpy.data.meshes.new("Body")
    mesh.from_pydata(rest.tolist(), [], kept.tolist())
    mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    _colour(mesh, colours := _head_colours(model["neutral"][:last]))
    uv = _places_on_map(model["uv"][model["uv_triangles"].astype(int)[is_kept]], kept)
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", uv.astype(np.float32).ravel())
    _wear(mesh.materials[0], _map_of(uv, colours[kept]))
    head = bpy.data.objects.new("Body", mesh)
    bpy.context.collection.objects.link(head)
    head.shape_key_add(name="Basis")
    for name, delta in _shapes(model).items():
        key = head.shape_key_add(name=name, from_mix=False)
        key.value = 0.0
        moved = rest + delta[:last][:, [0, 2, 1]] * (0.01, -0.01, 0.01)
        key.data.foreach_set("co", moved.astype(np.float32).ravel())
    _follow(head, rig, np.clip((model["neutral"][:last, 1] - _NECK_CM) / _BENT_CM, 0, 1))


def _shapes(model: Any) -> dict[str, np.ndarray]:
    """Deltas in cm, by ARKit's names; those that are two here are added up."""
    shapes: dict[str, np.ndarray] = {}
    for name, delta in zip(model["expression_names"], model["expression_deltas"], strict=True):
        ours = str(name).replace("_L", "Left").replace("_R", "Right")
        if ours.startswith(("browInnerUp", "cheekPuff")):
            ours = ours.removesuffix("Left").removesuffix("Right")
        if not ours.startswith("PupilDilate"):
            shapes[ours] = shapes.get(ours, 0) + delta.astype(np.float64)
    return shapes


def _head_colours(points: np.ndarray) -> np.ndarray:
    colours = np.empty((len(points), 3))
    begin = 0
    for end, colour in _PARTS.items():
        colours[begin:end] = colour
        begin = end
    skin = slice(0, min(_PARTS))
    for line, width, colour in ((_LIPS, 0.55, _LIP), *((brow, 0.4, _BROW) for brow in _BROWS)):
        ends = points[[*line, line[0]]] if line is _LIPS else points[list(line)]
        along = np.linspace(0, 1, 12)[:, None, None]
        path = (ends[:-1] + along * (ends[1:] - ends[:-1])).reshape(-1, 3)
        away = np.linalg.norm(points[skin, None] - path[None], axis=2).min(1)
        share = np.clip(1.6 - away / width, 0, 1)[:, None]
        colours[skin] += share * (np.asarray(colour) - colours[skin])
    for begin, end in _EYEBALLS:
        ball = points[begin:end]
        from_middle = ball - (ball.min(0) + ball.max(0)) / 2
        angle = np.arccos(from_middle[:, 2] / np.linalg.norm(from_middle, axis=1))
        colours[begin:end][angle < 0.45] = _IRIS
        colours[begin:end][angle < 0.2] = _PUPIL
    return colours


def _colour(mesh: Any, colours: np.ndarray) -> None:
    """Give vertices their colours, and a material that shows them."""
    attribute = mesh.color_attributes.new(name="Col", type="BYTE_COLOR", domain="POINT")
    linear = np.where(colours > 0.04045, ((colours + 0.055) / 1.055) ** 2.4, colours / 12.92)
    rgba = np.ones((len(colours), 4), np.float32)
    rgba[:, :3] = linear
    attribute.data.foreach_set("color", rgba.ravel())
    mesh.color_attributes.active_color = attribute
    mesh.materials.append(bpy.data.materials.new(mesh.name))


def _places_on_map(uv: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """From the tiles of the model into one map.

    Args:
        uv: [triangle, corner, 2]; a tile for each whole number.
        triangles: [triangle, corner] vertices, which tell eyes from skin.
    """
    tile = np.floor(uv[..., 0]).min(1).astype(int)
    is_eye = triangles.min(1) >= _BALLS_BEGIN
    place = np.where(is_eye, _TILES[0] * _TILES[1] - 1, tile)
    corner = np.stack([place % _TILES[0], place // _TILES[0]], 1)
    corner[:, 0] -= tile
    return (uv + corner[:, None]) / _TILES


def _map_of(uv: np.ndarray, colours: np.ndarray) -> Any:
    """An image of the vertices' colours, [triangle, corner, …] each; packed."""
    width, height = (_TILE_PX * count for count in _TILES)
    steps = [(i, j) for i in range(13) for j in range(13 - i)]
    share = np.array([(i, j, 12 - i - j) for i, j in steps]) / 12
    at = np.einsum("sc,tcx->stx", share, uv).reshape(-1, 2)
    column, row = np.clip((at * (width, height)).astype(int), 0, (width - 1, height - 1)).T
    texels = np.zeros((height, width, 4))
    texels[row, column, :3] = np.einsum("sc,tcx->stx", share, colours).reshape(-1, 3)
    texels[row, column, 3] = 1
    for _ in range(6):  # over the edges of what was drawn
        near = sum(np.roll(texels, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1))
        filled = near / np.maximum(near[..., 3:], 1)
        texels = np.where(texels[..., 3:] > 0, texels, filled)
    texels[..., 3] = 1
    image = bpy.data.images.new("Skin", width, height)
    image.pixels.foreach_set(texels.astype(np.float32).ravel())
    image.pack()
    return image


def _wear(material: Any, image: Any) -> None:
    if material.node_tree is None:  # before Blender 5
        material.use_nodes = True
    tree = material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    shader = next(one for one in tree.nodes if one.type == "BSDF_PRINCIPLED")
    tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    tree.nodes.active = node  # what a solid viewport shows


def _wig(rig: Any) -> None:
    """A cap with the face left free, and hair that falls to the waist behind and beside it."""
    bpy.ops.mesh.primitive_uv_sphere_add(radius=1, segments=160, ring_count=120)
    wig = bpy.context.object
    wig.name = "Wig"
    count = len(wig.data.vertices)
    points = np.empty(3 * count, np.float32)
    wig.data.vertices.foreach_get("co", points)
    points = points.reshape(-1, 3).astype(np.float64)
    around = np.arctan2(points[:, 0], -points[:, 1])  # 0 is the front
    strands = 1 + 0.02 * np.cos(60 * around)
    falling = np.clip(-points[:, 2], 0, None)
    points[:, :2] *= strands[:, None] * (0.112, 0.138)
    points[:, 2] = np.where(points[:, 2] > 0, 0.128 * points[:, 2], -0.75 * falling)
    points[:, 2] += 0.035
    points[:, 1] += 0.012 + 0.05 * falling
    wig.data.vertices.foreach_set("co", np.add(points, (0, 0, UP)).astype(np.float32).ravel())
    face = (np.abs(around) < 1.15) & (points[:, 2] < 0.085)
    _remove(wig.data, face)
    shade = 0.75 + 0.5 * (np.cos(60 * around[~face]) > 0)
    _colour(wig.data, np.asarray(_HAIR) * shade[:, None])
    _follow(wig, rig, np.ones(len(wig.data.vertices)))


def _remove(mesh: Any, vertices: np.ndarray) -> None:
    work = bmesh.new()
    work.from_mesh(mesh)
    work.verts.ensure_lookup_table()
    gone = [work.verts[index] for index in np.flatnonzero(vertices)]
    bmesh.ops.delete(work, geom=gone, context="VERTS")
    work.to_mesh(mesh)
    work.free()


def _rig() -> Any:
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for name, parent, begin, end in (("Spine", "", 1.0, 1.5), ("Head", "Spine", 1.5, 1.75)):
        bone = rig.data.edit_bones.new(name)
        bone.head, bone.tail = (0, 0.03, begin), (0, 0.03, end)
        bone.parent = rig.data.edit_bones.get(parent)
    bpy.ops.object.mode_set(mode="OBJECT")
    return rig


def _follow(thing: Any, rig: Any, share_of_head: np.ndarray) -> None:
    shares = np.round(share_of_head, 1)  # a few groups of vertices, quickly added
    for bone, weights in (("Head", shares), ("Spine", 1 - shares)):
        group = thing.vertex_groups.new(name=bone)
        for weight in np.unique(weights[weights > 0]):
            group.add(np.flatnonzero(weights == weight).tolist(), float(weight), "REPLACE")
    thing.modifiers.new("Rig", "ARMATURE").object = rig


def _turn(rig: Any) -> None:
    bone = rig.pose.bones["Head"]
    bone.rotation_mode = "XYZ"
    for frame, turn_deg in ((1, -12), (FRAMES, 12)):
        bone.rotation_euler.y = math.radians(turn_deg)
        bone.keyframe_insert("rotation_euler", frame=frame)


def _camera_and_light() -> None:
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0, -1.1, UP - 0.01), (math.pi / 2, 0, 0)
    camera.data.lens = 80
    scene.camera = camera
    scene.frame_start, scene.frame_end = 1, FRAMES
    scene.render.resolution_x = scene.render.resolution_y = SIZE_PX
    scene.render.resolution_percentage = 100
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.shading.color_type = "VERTEX"
    scene.display.shading.show_cavity = False
    scene.display.render_aa = "8"
    scene.render.image_settings.file_format = "PNG"


def difference(one: Path, other: Path) -> float:
    """Mean absolute difference of the stored values of two pictures of one size."""
    values = []
    for path in (one, other):
        image = bpy.data.images.load(str(path))
        values.append(image.pixels[:])
        bpy.data.images.remove(image)
    return sum(abs(a - b) for a, b in zip(*values, strict=True)) / len(values[0])


def eyes_off(tracks: Path, frame: int) -> float:
    """How far tracked eyes are from the middle of their lids at most, in eye distances.

    Args:
        tracks: their file.
        frame: of the scene, which is set to it.
    """
    scene = bpy.context.scene
    scene.frame_set(frame)
    head = bpy.data.objects["Body"].evaluated_get(bpy.context.evaluated_depsgraph_get())
    size = scene.render.resolution_x
    (face,) = json.loads(tracks.read_text(encoding="utf-8"))["frames"][str(frame)]["faces"]
    seen = []
    for eye in _EYES:
        middle = sum((head.data.vertices[i].co for i in eye[1:]), head.data.vertices[eye[0]].co)
        place = world_to_camera_view(scene, scene.camera, head.matrix_world @ (middle / len(eye)))
        seen.append((place.x * size, (1 - place.y) * size))
    apart = math.dist(*seen)
    found = face["landmarks"]["left_eye"], face["landmarks"]["right_eye"]
    return max(math.dist(*pair) for pair in zip(seen, found, strict=True)) / apart
