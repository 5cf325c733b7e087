"""A head's texture map in Blender: the mesh, map and UVs that are handed over, what comes back."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.textures.mesh_files import load_mesh
from reggan_plugin.transfer import ExpressionTransfer

from ..textures.conftest import MadeHead, make_head, sample_face, write_obj

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]


@pytest.fixture(scope="module")
def made_head() -> MadeHead:
    return make_head(sample_face(ExpressionTransfer()))


@pytest.fixture
def has_textures(reggan_python: Path) -> None:
    """Skips where the workers' environment cannot change texture maps."""
    check = [str(reggan_python), "-c", "import embreex, trimesh"]
    if subprocess.run(check, capture_output=True).returncode:
        pytest.skip(f"{reggan_python} has no [textures]")


@pytest.fixture
def map_file(made_head: MadeHead, tmp_path: Path) -> Path:
    path = tmp_path / "Gesicht ß.png"
    Image.fromarray(made_head.picture).save(path)
    return path


@pytest.fixture
def head(made_head: MadeHead, map_file: Path) -> Any:
    """The made head as an object that looks along -Y, wearing its map by its second UV map."""
    return object_of(made_head, bpy.data.images.load(str(map_file)))


def object_of(made: MadeHead, image: Any, *, uv: np.ndarray | None = None) -> Any:
    mesh = bpy.data.meshes.new("Kopf")
    x, y, z = made.positions.T
    mesh.from_pydata(np.stack([x, -z, y], 1).tolist(), [], made.faces.tolist())
    places = (made.uv if uv is None else uv)[made.faces.ravel()].astype(np.float32)
    mesh.uv_layers.new(name="lightmap")
    mesh.uv_layers.new(name="Haut UV").data.foreach_set("uv", places.ravel())
    material = material_called("Häut 1")
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = nodes["Principled BSDF"]
    shown, layout = nodes.new("ShaderNodeTexImage"), nodes.new("ShaderNodeUVMap")
    mixed = nodes.new("ShaderNodeHueSaturation")
    bumps = nodes.new("ShaderNodeTexImage")  # another image, which is not the base colour
    bumps.image = bpy.data.images.new("bumps", 4, 4)
    links.new(bumps.outputs["Color"], shader.inputs["Roughness"])
    shown.image, layout.uv_map = image, "Haut UV"
    links.new(layout.outputs["UV"], shown.inputs["Vector"])
    links.new(shown.outputs["Color"], mixed.inputs["Color"])
    links.new(mixed.outputs["Color"], shader.inputs["Base Color"])
    mesh.materials.append(material)
    head = bpy.data.objects.new("Mein Kopf", mesh)
    bpy.context.scene.collection.objects.link(head)
    for thing in bpy.context.selected_objects:
        thing.select_set(False)
    head.select_set(True)
    bpy.context.view_layer.objects.active = head
    return head


def material_called(name: str) -> Any:
    """A new material with nodes, as Blender 5 makes all of them."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    return material


def everything() -> dict[str, list[str]]:
    """The names of all data in the file."""
    found = ((name, getattr(bpy.data, name)) for name in dir(bpy.data) if name != "all_ids")
    collections = {k: v for k, v in found if isinstance(v, bpy.types.bpy_prop_collection)}
    return {kind: sorted(collection.keys()) for kind, collection in collections.items()}


def press(new_data: set[str] = frozenset({"images"})) -> list[Any]:  # type: ignore[assignment]
    """The new images of a press of the button; nothing else is left in the file."""
    before = everything()
    assert bpy.ops.reggan.edit_texture() == {"FINISHED"}
    after = everything()
    assert {kind for kind in after if after[kind] != before[kind]} == set(new_data)
    names = [name for name in after["images"] if name not in before["images"]]
    return [bpy.data.images[name] for name in names]


def picture(image: Any) -> np.ndarray:
    """The packed PNG of an image."""
    import io

    with Image.open(io.BytesIO(bytes(image.packed_file.data))) as decoded:
        return np.asarray(decoded).astype(int)


@pytest.fixture
def by_hand(
    made_head: MadeHead, map_file: Path, reggan_python: Path, tmp_path: Path
) -> Callable[..., np.ndarray]:
    """What `reggan-plugin texture` makes of the head as an OBJ file, which knows no Blender."""

    def run(expression: str) -> np.ndarray:
        write_obj(tmp_path / "head.obj", made_head)
        out = tmp_path / "by_hand.png"
        command = [str(reggan_python), "-m", "reggan_plugin", "texture", "--overwrite"]
        command += ["--mesh", str(tmp_path / "head.obj"), "--texture", str(map_file)]
        subprocess.run([*command, "--expression", expression, "--out", str(out)], check=True)
        return np.asarray(Image.open(out)).astype(int)

    return run


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


def rig_for(head: Any) -> Any:
    """An armature with a hip and a head bone, which moves all of the mesh."""
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    hip, bone = (rig.data.edit_bones.new(name) for name in ("hip", "Kopf.b"))
    hip.tail, bone.head, bone.tail = (0, 0, -0.1), (0, 0, -0.1), (0, 0, 0.1)
    bone.parent = hip
    bpy.ops.object.mode_set(mode="OBJECT")
    head.vertex_groups.new(name="Kopf.b").add(range(len(head.data.vertices)), 1.0, "REPLACE")
    head.modifiers.new("Armature", "ARMATURE").object = rig
    head.parent = rig
    bpy.context.view_layer.objects.active = head
    return rig


def test_eyes_that_are_selected_go_along_in_their_sockets(
    head: Any, made_head: MadeHead, tmp_path: Path
) -> None:
    """The file that is handed over: both meshes at rest, the eye by its own image."""
    from blender_addon.scene.head_mesh import WornImage, export_head

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
    worn = WornImage(image=image, material=material, uv_map="Haut UV")
    name = export_head([head, eye], worn, tmp_path / "Kopf ß.glb")
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
    from blender_addon.scene.head_mesh import WornImage, export_head

    image = nodes_of(head)[2].image
    head.data.materials.append(head.active_material.copy())
    head.data.materials.append(None)
    for polygon in head.data.polygons:
        polygon.material_index = polygon.index % 3
    worn = WornImage(image=image, material=head.active_material, uv_map="Haut UV")
    name = export_head([head], worn, tmp_path / "shared.glb")
    parts = load_mesh(tmp_path / "shared.glb").character.parts
    third = len(head.data.polygons) / 3
    worn_by = [len(part.faces) for part in parts if part.material.name == name]
    assert sum(worn_by) == pytest.approx(2 * third, abs=2)
    assert sum(len(part.faces) for part in parts) == len(head.data.polygons)
    head.data.materials.clear()
    bare = WornImage(image=image, material=None, uv_map="Haut UV")
    assert export_head([head], bare, tmp_path / "bare.glb") == "Face"
    (part,) = load_mesh(tmp_path / "bare.glb").character.parts
    assert part.material.name == "Face"
    assert part.uv is not None
    assert np.ptp(part.uv) > 0.9


def assert_same_points(found: np.ndarray, expected: np.ndarray) -> None:
    """As sets: the order of an exporter is its own."""
    ours, theirs = (np.unique(np.round(points, 4), axis=0) for points in (found, expected))
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


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
@pytest.mark.parametrize("packed", [False, True], ids=["files", "packed"])
def test_tiles_go_through_files(made_head: MadeHead, tmp_path: Path, packed: bool) -> None:
    """One half of the face on tile 1001, the other on 1002; 1011 stays as it is."""
    half, middle = len(made_head.uv) // 2, made_head.picture.shape[1] // 2
    uv = made_head.uv * [2, 1]
    uv[:half, 0] = np.minimum(uv[:half, 0], 1 - 1e-4)
    tiles = {1001: made_head.picture[:, :middle], 1002: made_head.picture[:, middle:]}
    tiles[1011] = np.full((8, 8, 3), 9, np.uint8)
    for number, part in tiles.items():
        Image.fromarray(part).save(tmp_path / f"Haut é.{number}.png")
    image = bpy.data.images.load(str(tmp_path / "Haut é.1001.png"))
    image.source, image.filepath = "TILED", str(tmp_path / "Haut é.<UDIM>.png")
    present = {tile.number for tile in image.tiles}
    for number in set(tiles) - present:
        image.tiles.new(tile_number=number)
    if packed:
        image.pack()
        image.filepath = "//Haut é.<UDIM>.png"
    object_of(made_head, image, uv=uv)
    folder = tmp_path / "saved"
    folder.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "head.blend"))
    (new,) = press()
    assert new.source == "TILED"
    assert new.filepath == "//reggan/Haut é_happy.<UDIM>.png"
    assert [tile.number for tile in new.tiles] == [1001, 1002, 1011]
    assert [tuple(tile.size) for tile in new.tiles] == [(256, 512), (256, 512), (8, 8)]
    for number, part in tiles.items():
        result = np.asarray(Image.open(folder / f"reggan/Haut é_happy.{number}.png"))
        assert (result != part).any() == (number != 1011)
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(folder / "head.blend"))
    again = bpy.data.images["Haut é_happy.<UDIM>.png"]
    assert tuple(again.tiles[1].size) == (256, 512)


@pytest.mark.usefixtures("has_textures")
def test_tiles_of_an_unsaved_file_are_packed(tmp_path: Path) -> None:
    """Intensity 0 on a flat map: the files are the same ones."""
    contents = {}
    for number in (1001, 1003):
        Image.new("RGB", (16, 8), (number % 256, 2, 3)).save(tmp_path / f"a.{number}.png")
        contents[number] = (tmp_path / f"a.{number}.png").read_bytes()
    image = bpy.data.images.load(str(tmp_path / "a.1001.png"))
    image.source, image.filepath = "TILED", str(tmp_path / "a.<UDIM>.png")
    if 1003 not in [tile.number for tile in image.tiles]:
        image.tiles.new(tile_number=1003)
    settings = bpy.context.scene.reggan_texture
    settings.layout, settings.image, bpy.context.scene.reggan.intensity = "FLAT", image, 0.0
    (new,) = press()
    packed = {file.tile_number: file for file in new.packed_files}
    assert {number: bytes(file.packed_file.data) for number, file in packed.items()} == contents
    assert packed[1003].filepath == "//a_happy.1003.png"


@pytest.mark.skipif(bpy.app.version < (4, 3, 0), reason="4.2 asks that they be saved first")
def test_painted_tiles_are_written_and_stay_painted(tmp_path: Path) -> None:
    from blender_addon.scene.image_files import file_of_image

    image = bpy.data.images.new("ge malt", 8, 8, tiled=True)
    image.tiles.new(tile_number=1002)
    for index, colour in enumerate([(1, 0, 0, 1), (0, 1, 0, 1)]):
        image.tiles.active_index = index
        with bpy.context.temp_override(edit_image=image):
            bpy.ops.image.tile_fill(color=colour, width=8, height=8, float=False, alpha=True)
    image.pixels[1] = 1.0  # paint that is not saved
    image.update()
    written = file_of_image(image, tmp_path)
    assert written.path == tmp_path / "ge malt.<UDIM>.png"
    first, second = (Image.open(tmp_path / f"ge malt.{n}.png") for n in (1001, 1002))
    assert first.getpixel((0, 7))[:3] == (255, 255, 0)
    assert second.getpixel((3, 3))[:3] == (0, 255, 0)
    assert (image.is_dirty, image.filepath, image.source) == (True, "", "TILED")


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


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda head: head.data.materials.clear(), "has no material"),
        (lambda head: head.select_set(False) or unlink_active(), "Select the head's mesh"),
        (lambda head: remove_uvs(head), "no UV map: unwrap"),
        (lambda head: second_image(head), "mixes 2 images .*Choose the one with the face"),
        (lambda head: unlink_colour(head), "no image as its base colour.*choose the image"),
        (lambda head: scale_mapping(head), "Mapping node.*reset"),
        (lambda head: by_object(head), "not laid out by a UV map.*Connect a UV Map node"),
        (lambda head: set_field("uv_map", "nowhere"), "no UV map 'nowhere'; it has lightmap, Haut"),
        (lambda head: several(), "No expression is chosen"),
        (lambda head: set_field("material", bpy.data.materials.new("x")), "has no material 'x'"),
    ],
)
def test_what_cannot_be_done_is_said(head: Any, change: Callable[[Any], Any], reason: str) -> None:
    change(head)
    before = everything()
    with pytest.raises(RuntimeError, match=reason):
        bpy.ops.reggan.edit_texture()
    assert everything() == before


def unlink_active() -> None:
    bpy.context.view_layer.objects.active = None


def remove_uvs(head: Any) -> None:
    while head.data.uv_layers:
        head.data.uv_layers.remove(head.data.uv_layers[0])


def nodes_of(head: Any) -> tuple[Any, Any, Any]:
    tree = head.active_material.node_tree
    images = (node for node in tree.nodes if node.type == "TEX_IMAGE")
    return tree, tree.nodes["Principled BSDF"], next(n for n in images if n.image.name != "bumps")


def second_image(head: Any) -> None:
    tree, shader, shown = nodes_of(head)
    mix, other = tree.nodes.new("ShaderNodeMixRGB"), tree.nodes.new("ShaderNodeTexImage")
    other.image = bpy.data.images.new("make-up", 4, 4)
    tree.links.new(shown.outputs["Color"], mix.inputs["Color1"])
    tree.links.new(other.outputs["Color"], mix.inputs["Color2"])
    tree.links.new(mix.outputs["Color"], shader.inputs["Base Color"])


def unlink_colour(head: Any) -> None:
    tree, shader, _ = nodes_of(head)
    tree.links.remove(shader.inputs["Base Color"].links[0])


def scale_mapping(head: Any) -> None:
    tree, _, shown = nodes_of(head)
    mapping = tree.nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value[0] = 2.0
    tree.links.new(mapping.outputs["Vector"], shown.inputs["Vector"])


def by_object(head: Any) -> None:
    tree, _, shown = nodes_of(head)
    source = tree.nodes.new("ShaderNodeTexCoord")
    tree.links.new(source.outputs["Object"], shown.inputs["Vector"])


def set_field(name: str, value: Any) -> None:
    setattr(bpy.context.scene.reggan_texture, name, value)


def several(*expressions: str) -> None:
    """Maps of the panel's own list, in place of one."""
    set_field("makes_several", True)
    set_field("expressions", set(expressions))


@pytest.mark.skipif(os.name == "nt", reason="the environment is a shell script")
def test_an_environment_without_textures_says_what_to_do(head: Any, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys; sys.modules['embreex'] = None\n")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{hidden}" exec "{sys.executable}" "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    preferences = bpy.context.preferences.addons["blender_addon"].preferences
    before = preferences.environment
    preferences.environment = str(python)
    try:
        with pytest.raises(RuntimeError, match=r"needs embreex.*pip install.*textures"):
            bpy.ops.reggan.edit_texture()
    finally:
        preferences.environment = before
