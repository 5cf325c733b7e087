"""An artist's own character, as game avatars are: one mesh, foreign names, an odd rest pose.

A head of VALID (MIT, Tiffany Do), as cut out into an .npz, becomes one mesh with its eyes, teeth,
hair and a long wig; its 65 morphs keep their names. The rig is made here: its bones lie as an
importer leaves them, the rest pose is not the one that the mesh was made in, and a hand and the
hips carry vertices of the same mesh.
"""

import json
import math
import tempfile
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

FRAMES = 8
SIZE_PX = (640, 640)
UP = 1.55
BONES = {
    "hip_j": ("", (0.0, 0.02, 0.95), (0.0, 0.1, 0.95)),
    "spine_j": ("hip_j", (0.0, 0.02, 1.1), (0.05, 0.02, 1.2)),
    "skull_j": ("spine_j", (0.0, 0.02, UP - 0.1), (0.12, 0.02, UP - 0.1)),
    "hand_l_j": ("spine_j", (0.45, 0.0, 1.0), (0.5, 0.0, 0.95)),
}
"""Parent, head and tail: the skull's points to the side."""
_LEAN_DEG = 12.0
"""Of the skull in the pose in which the mesh was made, from the rest pose."""


def build_character(npz: Path) -> Any:
    """Empty the scene and put the character before a camera; its head turns.

    Args:
        npz: a head of VALID.

    Returns:
        The mesh object.
    """
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    model = np.load(npz)
    meta = json.loads(bytes(model["meta"]))
    rig = _rig()
    parts = [_part(model, meta, place, entry) for place, entry in enumerate(meta["parts"])]
    parts += [_long_hair(parts[-1]), _hand()]
    avatar = _joined(parts)
    _follow(avatar, rig)
    _camera_and_light()
    _turn(rig)
    return avatar


def _part(model: Any, meta: Any, place: int, entry: Any) -> Any:
    """One part of the head, in metres: z up, -y to the front."""
    span = meta["eye_span"]
    points = _placed(model[f"v{place}"].astype(np.float64), span)
    faces = model[f"f{place}"].astype(int)
    mesh = bpy.data.meshes.new(entry["name"])
    mesh.from_pydata(points.tolist(), [], faces.tolist())
    uv = model[f"t{place}"].astype(np.float64)[faces.ravel()]
    uv[:, 1] = 1 - uv[:, 1]
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", uv.astype(np.float32).ravel())
    mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    mesh.materials.append(_material(model, meta, entry["material"]))
    thing = bpy.data.objects.new(entry["name"], mesh)
    bpy.context.collection.objects.link(thing)
    names = entry.get("morphs", [])
    if names and not names[0].startswith("h_teeth"):
        thing.shape_key_add(name="Basis")
        for number, name in enumerate(names):
            key = thing.shape_key_add(name=name, from_mix=False)
            key.value = 0.0
            moved = points.copy()
            deltas = model[f"m{place}_{number}_d"].astype(np.float64) * span
            moved[model[f"m{place}_{number}_i"].astype(int)] += deltas[:, [0, 2, 1]] * (1, -1, 1)
            key.data.foreach_set("co", moved.astype(np.float32).ravel())
    return thing


def _placed(points: np.ndarray, span: float) -> np.ndarray:
    return points[:, [0, 2, 1]] * (span, -span, span) + (0, 0, UP)


def _material(model: Any, meta: Any, number: int) -> Any:
    given = meta["materials"][str(number)]
    if given["name"] in bpy.data.materials:
        return bpy.data.materials[given["name"]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{given['name']}.{given['file']}")
        path.write_bytes(bytes(model[f"x{number}"]))
        image = bpy.data.images.load(str(path))
        image.pack()
    material = bpy.data.materials.new(given["name"])
    if material.node_tree is None:  # before Blender 5
        material.use_nodes = True
    tree = material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    shader = next(one for one in tree.nodes if one.type == "BSDF_PRINCIPLED")
    tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    tree.nodes.active = node
    return material


def _long_hair(wig: Any) -> Any:
    """Two curtains of hair beside the face, down to the chest, in the wig's own material."""
    points, faces = [], []
    for side in (-1, 1):
        begin = len(points)
        for row in range(24):
            down = row / 23
            for column in range(8):
                across = column / 7
                x = side * (0.078 + 0.03 * across + 0.006 * math.cos(9 * across + 5 * down))
                y = -0.035 + 0.1 * across + 0.02 * down
                points.append((x, y, UP + 0.06 - 0.42 * down))
        for row in range(23):
            for column in range(7):
                at = begin + 8 * row + column
                faces.append((at, at + 1, at + 9, at + 8))
    mesh = bpy.data.meshes.new("strands")
    mesh.from_pydata(points, [], faces)
    mesh.uv_layers.new(name="UVMap")
    mesh.materials.append(wig.data.materials[0])
    thing = bpy.data.objects.new("strands", mesh)
    bpy.context.collection.objects.link(thing)
    return thing


def _hand() -> Any:
    """Something of the same mesh that another bone carries."""
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.04, location=(0.5, 0.0, 0.95))
    thing = bpy.context.object
    thing.name = "hand"
    bpy.ops.object.transform_apply(location=True)
    thing.data.materials.append(bpy.data.materials[0])
    return thing


def _joined(parts: list[Any]) -> Any:
    with bpy.context.temp_override(
        active_object=parts[0], object=parts[0], selected_editable_objects=parts
    ):
        bpy.ops.object.join()
    avatar = parts[0]
    avatar.name = avatar.data.name = "Avatar"
    return avatar


def _rig() -> Any:
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for name, (parent, head, tail) in BONES.items():
        bone = rig.data.edit_bones.new(name)
        bone.head, bone.tail, bone.roll = head, tail, 0.7
        bone.parent = rig.data.edit_bones.get(parent)
    bpy.ops.object.mode_set(mode="OBJECT")
    return rig


def _follow(avatar: Any, rig: Any) -> None:
    """Bind the mesh, then let the rest pose be another one: the mesh leans with it."""
    places = np.empty(3 * len(avatar.data.vertices), np.float32)
    avatar.data.vertices.foreach_get("co", places)
    x, z = places.reshape(-1, 3)[:, 0], places.reshape(-1, 3)[:, 2]
    is_hand, is_hip = x > 0.3, (z < UP - 0.34) & (x <= 0.3)
    is_skull = ~is_hand & ~is_hip
    for name, chosen in (("hand_l_j", is_hand), ("hip_j", is_hip), ("skull_j", is_skull)):
        indices = np.flatnonzero(chosen).tolist()
        avatar.vertex_groups.new(name=name).add(indices, 1.0, "REPLACE")
    lean = Matrix.Rotation(math.radians(_LEAN_DEG), 4, "X")
    pivot = Matrix.Translation(BONES["skull_j"][1])
    turned = pivot @ lean @ pivot.inverted()
    for key in avatar.data.shape_keys.key_blocks:
        _lean(key.data, is_skull, turned)
    _lean(avatar.data.vertices, is_skull, turned)
    avatar.modifiers.new("Rig", "ARMATURE").object = rig
    avatar.parent = rig


def _lean(points: Any, chosen: np.ndarray, turned: Any) -> None:
    flat = np.empty(3 * len(points), np.float32)
    points.foreach_get("co", flat)
    places = flat.reshape(-1, 3)
    matrix = np.array(turned)
    places[chosen] = places[chosen] @ matrix[:3, :3].T + matrix[:3, 3]
    points.foreach_set("co", places.ravel())


def _turn(rig: Any) -> None:
    """Lean the head back up, and turn it to and fro; by keys in the bone's own odd axes."""
    bone = rig.pose.bones["skull_j"]
    bone.rotation_mode = "QUATERNION"
    rest = bone.bone.matrix_local.to_3x3()
    for frame, turn_deg in ((1, -10), (FRAMES, 10)):
        wanted = Matrix.Rotation(math.radians(turn_deg), 3, "Z") @ Matrix.Rotation(
            -math.radians(_LEAN_DEG), 3, "X"
        )
        bone.rotation_quaternion = (rest.inverted() @ wanted @ rest).to_quaternion()
        bone.keyframe_insert("rotation_quaternion", frame=frame)


def _camera_and_light() -> None:
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0, -1.0, UP - 0.04), (math.pi / 2, 0, 0)
    camera.data.lens = 80
    scene.camera = camera
    scene.frame_start, scene.frame_end = 1, FRAMES
    scene.render.resolution_x, scene.render.resolution_y = SIZE_PX
    scene.render.resolution_percentage = 100
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.shading.color_type = "TEXTURE"
    scene.display.shading.show_cavity = False
    scene.display.render_aa = "8"
    scene.render.image_settings.file_format = "PNG"
