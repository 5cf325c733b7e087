"""A head wears its map as it is being changed; in real Blender, without a model."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from blender_addon.scene.images_from_files import become_tiled  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

FRAME = Path(__file__).parents[2] / "reggan_plugin/samples/avatar_png/avatar.1001.png"


@pytest.fixture
def node() -> Any:
    """The image node of the active head's material."""
    for found in list(bpy.data.objects):
        bpy.data.objects.remove(found)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.1, segments=12, ring_count=8)
    bpy.context.object.name = "Head"
    material = bpy.data.materials.new("skin")
    if material.node_tree is None:  # before Blender 5
        material.use_nodes = True
    tree = material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.load(str(FRAME))
    shader = next(n for n in tree.nodes if n.type == "BSDF_PRINCIPLED")
    tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    bpy.context.object.data.materials.append(material)
    return node


def is_live(kind: str) -> bool:
    from blender_addon.operators import live

    return live.is_shown(getattr(live, kind))


def settle() -> None:
    """Tick as the timer does until the map is the one that is asked for."""
    from blender_addon.operators import live

    end = time.monotonic() + 60
    while time.monotonic() < end:
        live.tick()
        if live.is_settled():
            live.tick()
            return
        time.sleep(0.01)
    pytest.fail("no answer")


def shown(node: Any) -> tuple[str, float]:
    return node.image.name, round(node.image.pixels[0], 2)


def test_the_head_wears_what_the_sliders_say_and_its_own_map_after(
    node: Any, pretended: Path
) -> None:
    sliders = bpy.context.scene.reggan_shapes
    assert bpy.ops.reggan.live_map() == {"FINISHED"}
    settle()
    assert shown(node) == ("RegGAN live map", 0.0)
    sliders.jawOpen = 0.6
    settle()
    assert shown(node) == ("RegGAN live map", pytest.approx(0.6, abs=0.01))
    requests = [json.loads(line) for line in pretended.read_text("utf-8").splitlines()]
    assert len(requests) == 2
    assert requests[0]["texture"] == str(FRAME)
    assert requests[0]["material"].startswith("skin")
    assert Path(requests[0]["mesh"]).is_file()
    assert bpy.ops.reggan.end_live_map() == {"FINISHED"}  # Esc
    assert node.image.name == FRAME.name
    assert "RegGAN live map" not in bpy.data.images
    assert not is_live("LiveHead")


def test_esc_is_blender_s_own_where_nothing_is_live(node: Any, pretended: Path) -> None:
    assert not bpy.ops.reggan.end_live_map.poll()


def test_a_file_is_saved_with_its_own_map(node: Any, pretended: Path, tmp_path: Path) -> None:
    bpy.ops.reggan.live_map()
    settle()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "head.blend"))  # it goes on afterwards
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "head.blend"))
    assert "RegGAN live map" not in bpy.data.images
    nodes = bpy.data.materials["skin"].node_tree.nodes
    worn = [one.image.name for one in nodes if one.type == "TEX_IMAGE"]
    assert worn == [FRAME.name]


def test_a_map_that_nothing_wears_is_said_and_ends_it(node: Any, pretended: Path) -> None:
    bpy.context.scene.reggan_texture.image = bpy.data.images.new("other", 8, 8)
    bpy.context.scene.reggan_texture.uv_map = "UVMap"
    bpy.ops.reggan.live_map()
    settle()
    manager = bpy.context.window_manager
    assert "No material of Head shows other" in manager.reggan_last_words
    assert not is_live("LiveHead")
    assert node.image.name == FRAME.name


def test_a_picture_and_a_head_take_turns(node: Any, pretended: Path) -> None:
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "IMAGE_EDITOR"
    area.spaces.active.image = node.image
    bpy.ops.reggan.live_map()
    settle()
    with bpy.context.temp_override(window=window, area=area):
        assert bpy.ops.reggan.live() == {"FINISHED"}
    settle()
    assert node.image.name == FRAME.name
    assert area.spaces.active.image.name == "RegGAN live"
    assert (is_live("LiveImage"), is_live("LiveHead")) == (True, False)


def test_jobs_begin_with_the_head_s_own_map(node: Any, pretended: Path) -> None:
    bpy.ops.reggan.live_map()
    settle()
    assert bpy.ops.reggan.edit_texture() == {"FINISHED"}
    command = json.loads(pretended.read_text("utf-8").splitlines()[-1])
    assert str(FRAME) in command["arguments"]


def test_a_set_of_tiles_is_worn_as_a_set(node: Any, pretended: Path, tmp_path: Path) -> None:
    """The face lies on tile 1002; Blender tells pixels of 1001 only, so the other is baked."""
    for number in (1001, 1002):
        shutil.copy(FRAME, tmp_path / f"skin.{number}.png")
    image = bpy.data.images.load(str(tmp_path / "skin.1001.png"))
    become_tiled(image, tmp_path / "skin.<UDIM>.png", (1001, 1002))
    node.image = image
    bpy.ops.reggan.live_map()
    settle()
    assert (node.image.name, node.image.source) == ("RegGAN live map", "TILED")
    assert [tile.number for tile in node.image.tiles] == [1001, 1002]
    assert node.image.colorspace_settings.name == image.colorspace_settings.name
    bpy.context.scene.reggan_shapes.jawOpen = 0.6
    settle()
    assert seen_of_tile(node.image, 1002) == pytest.approx(0.6, abs=0.01)
    bpy.context.scene.reggan_shapes.jawOpen = 0.2
    settle()
    assert seen_of_tile(node.image, 1002) == pytest.approx(0.2, abs=0.01)
    bpy.ops.reggan.end_live_map()
    assert node.image == image
    assert "RegGAN live map" not in bpy.data.images


def seen_of_tile(image: Any, number: int) -> float:
    """Grey of a tile as a render has it: its light is baked onto a plane."""
    bpy.ops.mesh.primitive_plane_add()
    plane = bpy.context.object
    for corner in plane.data.uv_layers.new(name="on the tile").data:
        corner.uv = (number - 1001 + 0.5, 0.5)
    material = bpy.data.materials.new("seen")
    if material.node_tree is None:  # before Blender 5
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    picture, light = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeEmission")
    end, target = tree.nodes.new("ShaderNodeOutputMaterial"), tree.nodes.new("ShaderNodeTexImage")
    place = tree.nodes.new("ShaderNodeUVMap")
    picture.image, place.uv_map = image, "on the tile"
    tree.links.new(place.outputs[0], picture.inputs["Vector"])
    target.image = bpy.data.images.new("seen", 4, 4, float_buffer=True, is_data=True)
    tree.links.new(picture.outputs["Color"], light.inputs["Color"])
    tree.links.new(light.outputs[0], end.inputs["Surface"])
    tree.nodes.active = target
    plane.data.materials.append(material)
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    bpy.ops.object.bake(type="EMIT")
    light_value = target.image.pixels[0]
    head = bpy.data.objects["Head"]
    bpy.data.objects.remove(plane)
    bpy.context.view_layer.objects.active = head
    return 1.055 * light_value ** (1 / 2.4) - 0.055
