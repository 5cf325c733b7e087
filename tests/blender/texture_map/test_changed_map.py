"""The map that comes back: the command line's own, worn where that was asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

from ...textures.conftest import MadeHead, sample_face

bpy = pytest.importorskip("bpy")

from .worn_head import picture, press, rig_for, several  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]


@pytest.mark.usefixtures("has_textures")
def test_the_new_map_is_the_command_lines(
    head: Any, map_file: Path, by_hand: Callable[..., np.ndarray], made_head: MadeHead
) -> None:
    content = map_file.read_bytes()
    several("angry", "sad")
    sad, angry = sorted(press(), key=lambda image: image.name, reverse=True)
    assert (angry.name, sad.name) == ("Gesicht ß_angry.png", "Gesicht ß_sad.png")
    assert angry.filepath == "//Gesicht ß_angry.png"
    # through float32 of glTF and by another order of triangles: single levels may differ
    difference = np.abs(picture(angry) - by_hand("angry"))
    assert difference.mean() < 0.02
    assert np.quantile(difference, 0.999) <= 2
    assert (picture(sad) != picture(angry)).any()
    behind = made_head.points_of_texels()[..., 2] < 0
    assert (picture(angry)[behind] == made_head.picture[behind]).all()
    assert map_file.read_bytes() == content
    material = head.active_material
    assert (material.name, len(head.material_slots)) == ("Häut 1", 1)


@pytest.mark.usefixtures("has_textures")
def test_pose_shapes_turn_and_mode_do_not_count(
    head: Any, made_head: MadeHead, by_hand: Callable[..., np.ndarray]
) -> None:
    """A rig that is posed, turned and walked away, with a smile on, in Edit Mode."""
    smile = (head.shape_key_add(name="Basis"), head.shape_key_add(name="smile"))[1]
    for point in smile.data:
        point.co.y *= 1.3
    smile.value = 1.0
    rig = rig_for(head)
    rig.pose.bones["Kopf.b"].rotation_mode = "XYZ"
    rig.pose.bones["Kopf.b"].rotation_euler = (0.9, 0.4, 0)
    rig.location, rig.rotation_euler, rig.scale = (30, 4, 2), (0, 0, 2.1), (7, 7, 7)
    bpy.context.scene.reggan_head.head, bpy.context.scene.reggan_head.bone = rig, "Kopf.b"
    bpy.context.scene.reggan.expression = "angry"
    bpy.ops.object.mode_set(mode="EDIT")
    (angry,) = press()
    assert head.mode == "EDIT"
    assert smile.value == 1.0
    assert bpy.context.view_layer.objects.active == head
    difference = np.abs(picture(angry) - by_hand("angry"))
    assert difference.mean() < 0.02
    bpy.ops.object.mode_set(mode="OBJECT")


@pytest.mark.usefixtures("has_textures")
def test_a_copy_of_the_material_wears_it_on_request(head: Any) -> None:
    group = bpy.data.node_groups.new("Skin", "ShaderNodeTree")  # the image lies in a group
    group.interface.new_socket("Out", in_out="OUTPUT", socket_type="NodeSocketColor")
    old = head.active_material
    tree = old.node_tree
    image = next(n for n in tree.nodes if n.type == "TEX_IMAGE" and n.image.name != "bumps").image
    inner, end = group.nodes.new("ShaderNodeTexImage"), group.nodes.new("NodeGroupOutput")
    inner.image = image
    head.data.uv_layers["Haut UV"].active_render = True  # which no node names
    group.links.new(inner.outputs["Color"], end.inputs["Out"])
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = group
    tree.links.new(node.outputs["Out"], tree.nodes["Principled BSDF"].inputs["Base Color"])
    bpy.context.scene.reggan_texture.assigns = True
    (new,) = press({"images", "materials", "node_groups"})
    worn = head.active_material
    assert worn.name == "Häut 1_happy"
    assert worn.node_tree.nodes["Group"].node_tree.nodes["Image Texture"].image == new
    assert group.nodes["Image Texture"].image == image  # the old ones are as they were
    assert old.node_tree.nodes["Group"].node_tree == group


@pytest.mark.usefixtures("has_textures")
def test_a_flat_map_with_a_face_box(made_head: MadeHead) -> None:
    face = sample_face(ExpressionTransfer())
    flat = np.full((400, 700, 3), 120, np.uint8)
    flat[40:360, 200:520] = np.rint(face * 255)
    pixels = np.ones((400, 700, 4), np.float32)
    pixels[..., :3] = flat[::-1] / 255
    image = bpy.data.images.new("unfolded", 700, 400)
    image.pixels.foreach_set(pixels.ravel())
    settings = bpy.context.scene.reggan_texture
    settings.layout, settings.image = "FLAT", image
    settings.face_box = (280, 110, 160, 190)
    (new,) = press()
    difference = np.abs(picture(new)[..., :3] - flat)
    assert (difference[110:300, 280:440] > 5).any()
    assert not difference[:, :200].any()


@pytest.mark.usefixtures("has_textures")
def test_the_preview_shows_the_head(head: Any) -> None:
    assert bpy.ops.reggan.preview_texture() == {"FINISHED"}
    sheet = bpy.data.images["RegGAN texture preview"]
    assert (sheet.filepath, bool(sheet.packed_file)) == ("//RegGAN texture preview.png", True)
    assert sheet.size[0] > 400
