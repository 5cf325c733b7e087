"""What `reggan-plugin texture --out-mesh` writes, opened by Blender's own importer."""

import array
import io
import json
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

from ..textures.conftest import FINE_PX, MadeHead, make_head, sample_face, write_glb

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

VRM = {
    "specVersion": "1.0",
    "humanoid": {"humanBones": {"head": {"node": 1}}},
    "expressions": {"preset": {"happy": {"isBinary": False}}},
}


@pytest.fixture(scope="module")
def made_head() -> MadeHead:
    return make_head(sample_face(ExpressionTransfer()), FINE_PX)


@pytest.fixture
def write(reggan_python: Path, made_head: MadeHead, tmp_path: Path) -> Any:
    """Runs the command on the head; the map files and the mesh that it wrote."""
    check = [str(reggan_python), "-c", "import embreex, trimesh"]
    if subprocess.run(check, capture_output=True).returncode:
        pytest.skip(f"{reggan_python} has no [textures]")

    def run(suffix: str, *options: str, vrm: dict[str, Any] | None = None) -> Path:
        encoded = io.BytesIO()
        Image.fromarray(made_head.picture).save(encoded, format="PNG")
        source, out = tmp_path / f"head{suffix}", tmp_path / f"neu ß{suffix}"
        write_glb(source, made_head, image=encoded.getvalue(), vrm=vrm)
        command = [str(reggan_python), "-m", "reggan_plugin", "texture", "--mesh", str(source)]
        command += ["--out", str(tmp_path / "{expression}.png"), "--out-mesh", str(out)]
        subprocess.run([*command, *options], check=True, capture_output=True)
        return out

    return run


def load(path: Path) -> Any:
    """The object that wears the map."""
    before = set(bpy.data.objects.keys())
    bpy.ops.import_scene.gltf(filepath=str(path))
    new = [bpy.data.objects[name] for name in set(bpy.data.objects.keys()) - before]
    (head,) = (thing for thing in new if thing.type == "MESH" and thing.find_armature())
    return head


def base_colour(material: Any) -> np.ndarray:
    """The image of its base colour, as levels from the top; [height, width, 3]."""
    (link,) = next(
        node.inputs["Base Color"].links
        for node in material.node_tree.nodes
        if node.type == "BSDF_PRINCIPLED"
    )
    image = link.from_node.image
    flat = array.array("f", bytes(16 * image.size[0] * image.size[1]))
    image.pixels.foreach_get(flat)
    pixels = np.frombuffer(flat, np.float32).reshape(image.size[1], image.size[0], 4)
    return np.rint(pixels[::-1, :, :3] * 255).astype(int)


def picture(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("suffix", [".glb", ".vrm"])
def test_a_replaced_map_is_worn(
    write: Any, made_head: MadeHead, tmp_path: Path, suffix: str
) -> None:
    vrm = VRM if suffix == ".vrm" else None
    head = load(write(suffix, "--expression", "angry", vrm=vrm))
    worn = base_colour(head.active_material)
    assert (worn == picture(tmp_path / "angry.png")).all()
    assert (np.abs(worn - made_head.picture) > 10).any()
    assert len(head.data.vertices) == len(made_head.positions)
    assert [key.name for key in head.data.shape_keys.key_blocks] == ["Basis", "grow"]
    assert head.find_armature().data.bones.keys() == ["Hips", "J_Head"]


def test_variants_can_be_chosen(write: Any, made_head: MadeHead, tmp_path: Path) -> None:
    expressions = ("--expression", "happy", "--expression", "sad")
    addon = bpy.context.preferences.addons["io_scene_gltf2"].preferences
    addon.KHR_materials_variants_ui = True  # else the importer leaves them out
    head = load(write(".glb", *expressions))
    assert (base_colour(head.active_material) == made_head.picture).all()
    scene = bpy.context.scene
    names = [variant.name for variant in scene.gltf2_KHR_materials_variants_variants]
    assert names == ["happy", "sad"]
    shown = {}
    for index, name in enumerate(names):
        scene.gltf2_active_variant = index
        assert bpy.ops.scene.gltf2_display_variant() == {"FINISHED"}
        shown[name] = base_colour(head.active_material)
        assert (shown[name] == picture(tmp_path / f"{name}.png")).all()
    assert (shown["happy"] != shown["sad"]).any()


def test_an_atlas_shows_the_old_face_until_an_expression_moves_it(
    write: Any, made_head: MadeHead, tmp_path: Path
) -> None:
    """The base state in Blender; the place of an expression by the VRM's own numbers."""
    expressions = ("--expression", "happy", "--expression", "sad", "--mesh-as", "atlas")
    path = write(".vrm", *expressions, vrm=VRM)
    head = load(path)
    atlas = base_colour(head.active_material)
    side = made_head.picture.shape[0]
    assert (atlas[:side, :side] == made_head.picture).all()
    places = np.empty(2 * len(head.data.loops), np.float32)
    head.data.uv_layers[0].data.foreach_get("uv", places)
    shown = places.reshape(-1, 2)
    assert shown.min() >= 0
    assert shown.max() <= 1
    (mapping,) = (n for n in head.active_material.node_tree.nodes if n.type == "MAPPING")
    assert list(mapping.inputs["Scale"].default_value)[:2] == pytest.approx([0.5, 0.5])
    content = path.read_bytes()
    document = json.loads(content[20 : 20 + struct.unpack_from("<I", content, 12)[0]])
    found = document["extensions"]["VRMC_vrm"]["expressions"]
    moves = {**found.get("custom", {}), **found["preset"]}
    for name in ("happy", "sad"):
        (bind,) = moves[name]["textureTransformBinds"]
        left, top = (
            round(part * length)
            for part, length in zip(bind["offset"], atlas.shape[1::-1], strict=True)
        )
        there = atlas[top : top + side, left : left + side]
        assert (there == picture(tmp_path / f"{name}.png")).all()
