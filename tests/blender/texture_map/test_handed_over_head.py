"""The file of the head that is handed over: which meshes, materials and UVs it holds."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reggan_plugin.textures.read_mesh import load_mesh

from ...textures.conftest import MadeHead

bpy = pytest.importorskip("bpy")

from .worn_head import material_called, nodes_of, rig_for  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]


def test_eyes_that_are_selected_go_along_in_their_sockets(
    head: Any, made_head: MadeHead, tmp_path: Path
) -> None:
    """The file that is handed over: both meshes at rest, the eye by its own image."""
    from blender_addon.scene.head_as_glb import TextureImage, export_head

    rig = rig_for(head)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.01, location=(0.03, -0.08, 0.02))
    eye = bpy.context.object
    eye.name = "Auge"
    eye.parent, eye.parent_type, eye.parent_bone = rig, "BONE", "Kopf.b"
    eye.matrix_world.translation = (0.03, -0.08, 0.02)
    bpy.context.view_layer.update()
    place = eye.matrix_world.translation.copy()
    lost = material_called("Auge")  # its image is missing: it goes along plain
    eye.data.materials.append(lost)
    colour = lost.node_tree.nodes.new("ShaderNodeTexImage")
    colour.image = bpy.data.images.new("Auge", 4, 4)
    colour.image.source, colour.image.filepath = "FILE", "//gone.png"
    shader = lost.node_tree.nodes["Principled BSDF"]
    lost.node_tree.links.new(colour.outputs["Color"], shader.inputs["Base Color"])
    rig.pose.bones["Kopf.b"].location = (0.3, 0, 0)
    rig.rotation_euler = (0, 0, 1.0)
    bpy.context.view_layer.update()
    material = head.active_material
    image = nodes_of(head)[2].image
    worn = TextureImage(image=image, material=material, uv_map="Haut UV")
    name, names = export_head([head, eye], worn, tmp_path / "Kopf ß.glb")
    assert names[name] == material.name
    assert set(names.values()) == {"Mein Kopf", "Auge", "Rig", "Häut 1"}
    character = load_mesh(tmp_path / "Kopf ß.glb").character
    face, ball = sorted(character.parts, key=lambda part: -np.ptp(part.positions))
    assert face.material.name == name
    assert_same_points(face.positions, made_head.positions)
    middle = (ball.positions.min(0) + ball.positions.max(0)) / 2
    np.testing.assert_allclose(middle, (place.x, place.z, -place.y), atol=1e-5)
    assert face.uv is not None
    assert_same_points(face.uv, made_head.uv)
    assert "Kopf.b" in character.node_names.values()


def test_materials_that_share_the_map_are_handed_over_as_one(head: Any, tmp_path: Path) -> None:
    """And a head without a material wears the image that was chosen."""
    from blender_addon.scene.head_as_glb import TextureImage, export_head

    image = nodes_of(head)[2].image
    head.data.materials.append(head.active_material.copy())
    head.data.materials.append(None)
    for polygon in head.data.polygons:
        polygon.material_index = polygon.index % 3
    worn = TextureImage(image=image, material=head.active_material, uv_map="Haut UV")
    name, _ = export_head([head], worn, tmp_path / "shared.glb")
    parts = load_mesh(tmp_path / "shared.glb").character.parts
    third = len(head.data.polygons) / 3
    worn_by = [len(part.faces) for part in parts if part.material.name == name]
    assert sum(worn_by) == pytest.approx(2 * third, abs=2)
    assert sum(len(part.faces) for part in parts) == len(head.data.polygons)
    head.data.materials.clear()
    bare = TextureImage(image=image, material=None, uv_map="Haut UV")
    assert export_head([head], bare, tmp_path / "bare.glb")[0] == "Face"
    (part,) = load_mesh(tmp_path / "bare.glb").character.parts
    assert part.material.name == "Face"
    assert part.uv is not None
    assert np.ptp(part.uv) > 0.9


def test_only_what_is_face_is_handed_over(head: Any, tmp_path: Path) -> None:
    """Of a character that is selected as a whole, in several meshes and in one."""
    from blender_addon.scene.head_as_glb import TextureImage, export_head, without_what_hides

    sizes = {"Auge": 0.01, "Mesh.007": 0.01, "Wimpern_Lash": 0.01, "Zopf": 0.6}
    things = {}
    for name, size in sizes.items():
        bpy.ops.mesh.primitive_uv_sphere_add(radius=size, location=(0.03, -0.05, 0.02))
        things[name] = bpy.context.object
        things[name].name = name
    things["Mesh.007"].data.materials.append(material_called("Hair_front"))
    kept, left_out = without_what_hides(head, [head, *things.values()])
    assert [thing.name for thing in kept] == ["Auge"]
    assert sorted(left_out) == ["Mesh.007", "Wimpern_Lash", "Zopf"]
    head.data.materials.append(material_called("FaceEyelash"))
    for polygon in list(head.data.polygons)[::3]:
        polygon.material_index = 1
    image, count = nodes_of(head)[2].image, len(head.data.polygons)
    worn = TextureImage(image=image, material=head.data.materials[0], uv_map="Haut UV")
    export_head([head, *kept], worn, tmp_path / "face.glb")
    parts = load_mesh(tmp_path / "face.glb").character.parts
    faces = max(len(part.faces) for part in parts)
    assert faces == count - len(range(0, count, 3))
    assert len(head.data.polygons) == count  # the artist's own


def assert_same_points(found: np.ndarray, expected: np.ndarray) -> None:
    """As sets: the order of an exporter is its own."""
    ours, theirs = (np.unique(np.round(points, 4), axis=0) for points in (found, expected))
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=2e-4)
