"""Only images, their materials and buffer views change in a glTF file."""

import copy
import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from reggan_plugin.errors import UsageError
from reggan_plugin.textures.gltf.add_textures import GltfEdit
from reggan_plugin.textures.gltf.gltf_character import character_from_gltf
from reggan_plugin.textures.gltf.gltf_file import read_gltf
from reggan_plugin.textures.gltf.vrm_atlas import write_atlas
from reggan_plugin.textures.write_mesh import write_replaced, write_variants

from ..glb_files import glb_bytes
from .conftest import MadeHead

WriteGlb = Callable[..., None]
UNTOUCHED = (
    *("asset", "scene", "scenes", "nodes", "skins", "animations", "samplers", "accessors"),
    "unknownTopLevel",
)


def parsed(path: Path) -> tuple[dict[str, Any], bytes]:
    content = path.read_bytes()
    length = struct.unpack_from("<I", content, 12)[0]
    return json.loads(content[20 : 20 + length]), content[28 + length :]


def view_bytes(document: dict[str, Any], binary: bytes, index: int) -> bytes:
    view = document["bufferViews"][index]
    return binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]


def png(colour: tuple[int, int, int], side_px: int = 16) -> bytes:
    import io

    encoded = io.BytesIO()
    Image.new("RGB", (side_px, side_px), colour).save(encoded, format="PNG")
    return encoded.getvalue()


@pytest.fixture
def source(head: MadeHead, write_head_glb: WriteGlb, tmp_path: Path) -> Path:
    write_head_glb(tmp_path / "head.glb", head, image=png((10, 20, 30)))
    return tmp_path / "head.glb"


@pytest.fixture
def vrm(head: MadeHead, write_head_glb: WriteGlb, tmp_path: Path) -> Path:
    extension = {
        "specVersion": "1.0",
        "humanoid": {"humanBones": {"head": {"node": 1}}},
        "expressions": {
            "preset": {
                "angry": {"morphTargetBinds": [{"node": 2, "index": 0, "weight": 1}]},
                "happy": {"isBinary": False, "overrideBlink": "block"},
            }
        },
    }
    write_head_glb(
        tmp_path / "head.vrm",
        head,
        image=png((10, 20, 30)),
        vrm=extension,
        normal_map=png((128, 128, 255), 8),
    )
    return tmp_path / "head.vrm"


def check_everything_else_is_equal(source: Path, output: Path) -> None:
    before, old = parsed(source)
    after, new = parsed(output)
    for key in UNTOUCHED:
        assert after[key] == before[key], key
    assert after["extensions"]["VENDOR_things"] == before["extensions"]["VENDOR_things"]
    assert after["materials"][1] == before["materials"][1]
    for index, view in enumerate(before["bufferViews"]):
        kept = {k: v for k, v in view.items() if k not in ("byteOffset", "byteLength")}
        now = after["bufferViews"][index]
        assert {k: v for k, v in now.items() if k not in ("byteOffset", "byteLength")} == kept
        if index not in [image["bufferView"] for image in before["images"]]:
            assert view_bytes(after, new, index) == view_bytes(before, old, index)
            assert now["byteOffset"] % 4 == 0
    assert after["buffers"][0]["byteLength"] <= len(new)


@pytest.mark.parametrize("side_px", [1, 16, 300], ids=["smaller", "as large", "larger"])
def test_replacing_a_map_leaves_everything_else(source: Path, side_px: int) -> None:
    output = source.with_name("out.glb")
    new = png((200, 100, 50), side_px)
    write_replaced(read_gltf(source), 0, new, ".png", output)
    check_everything_else_is_equal(source, output)
    document, binary = parsed(output)
    assert document["meshes"] == parsed(source)[0]["meshes"]
    assert view_bytes(document, binary, document["images"][0]["bufferView"]) == new
    assert abs(output.stat().st_size - source.stat().st_size - len(new) + len(png((1, 2, 3)))) < 400


def test_a_png_in_the_place_of_a_ktx2_is_shown_as_a_png(source: Path) -> None:
    document, binary = parsed(source)
    document["textures"] += [{"source": 0}, {"extensions": {"EXT_texture_webp": {"source": 1}}}]
    document["textures"][0] = {"sampler": 0, "extensions": {"KHR_texture_basisu": {"source": 1}}}
    document["images"].append({**document["images"][0], "mimeType": "image/ktx2"})
    document["images"][1]["bufferView"] = len(document["bufferViews"])
    document["bufferViews"].append({**document["bufferViews"][0]})
    document["extensionsUsed"] += ["KHR_texture_basisu", "EXT_texture_webp"]
    document["extensionsRequired"] = ["KHR_texture_basisu"]
    source.write_bytes(glb_bytes(document, binary))
    output = source.with_name("out.glb")
    write_replaced(read_gltf(source), 1, png((200, 100, 50)), ".png", output)
    after, _ = parsed(output)
    assert after["textures"][0] == {"sampler": 0, "source": 1}
    assert after["textures"][2] == {"source": 1}
    assert after["images"][1]["mimeType"] == "image/png"
    assert not {"KHR_texture_basisu", "EXT_texture_webp"} & set(after["extensionsUsed"])
    assert "extensionsRequired" not in after


def test_chunks_of_other_programs_stay(source: Path) -> None:
    content, more = source.read_bytes(), struct.pack("<I4s8s", 8, b"XTRA", b"anything")
    source.write_bytes(content[:8] + struct.pack("<I", len(content + more)) + content[12:] + more)
    output = source.with_name("out.glb")
    write_replaced(read_gltf(source), 0, png((200, 100, 50)), ".png", output)
    written = output.read_bytes()
    assert written.endswith(more)
    assert struct.unpack_from("<I", written, 8) == (len(written),)
    check_everything_else_is_equal(source, output)


def test_a_name_that_is_no_unicode_stays(source: Path) -> None:
    document, binary = parsed(source)
    document["nodes"][0]["name"] = "\ud800 é"
    source.write_bytes(glb_bytes(document, binary))
    output = source.with_name("out.glb")
    write_replaced(read_gltf(source), 0, png((200, 100, 50)), ".png", output)
    assert parsed(output)[0]["nodes"][0]["name"] == "\ud800 é"


def test_other_libraries_read_the_new_map(source: Path) -> None:
    output = source.with_name("out.glb")
    write_replaced(read_gltf(source), 0, png((200, 100, 50)), ".png", output)
    (mesh,) = trimesh.load_scene(output).geometry.values()
    assert mesh.visual.material.baseColorTexture.getpixel((3, 3))[:3] == (200, 100, 50)


def test_the_skinned_pose_is_read_as_it_stands(source: Path, head: MadeHead) -> None:
    """The node's own place is ignored, the joint's undone by its inverse: the head is at 1.5 m."""
    (part,) = character_from_gltf(read_gltf(source)).parts
    np.testing.assert_allclose(part.positions, head.positions + np.array([0, 1.5, 0]), atol=1e-5)
    assert part.uv is not None
    np.testing.assert_allclose(part.uv, head.uv, atol=1e-6)


def test_variants_add_a_material_for_each_expression(source: Path) -> None:
    output = source.with_name("out.glb")
    contents = {"happy": png((255, 0, 0)), "sad": png((0, 0, 255))}
    write_variants(read_gltf(source), 0, contents, ".png", output)
    check_everything_else_is_equal(source, output)
    document, binary = parsed(output)
    before = parsed(source)[0]
    assert document["images"][:1] == before["images"]
    assert document["materials"][:2] == before["materials"]
    names = [v["name"] for v in document["extensions"]["KHR_materials_variants"]["variants"]]
    assert names == ["happy", "sad"]
    meshes = copy.deepcopy(document["meshes"])
    mappings = meshes[0]["primitives"][0].pop("extensions")["KHR_materials_variants"]["mappings"]
    assert meshes == before["meshes"]
    for number, (name, content) in enumerate(contents.items()):
        (mapping,) = [m for m in mappings if m["variants"] == [number]]
        material = document["materials"][mapping["material"]]
        assert material["name"] == f"Face_{name}"
        assert material["extras"] == {"shader": "ours"}
        texture = document["textures"][
            material["pbrMetallicRoughness"]["baseColorTexture"]["index"]
        ]
        assert texture["sampler"] == 0
        image = document["images"][texture["source"]]
        assert view_bytes(document, binary, image["bufferView"]) == content


def test_a_variant_that_is_there_keeps_its_name_alone(source: Path) -> None:
    first, second = source.with_name("first.glb"), source.with_name("second.glb")
    assert not write_variants(read_gltf(source), 0, {"happy": png((9, 0, 0))}, ".png", first)
    contents = {"happy": png((0, 9, 0)), "sad": png((0, 0, 9))}
    (notice,) = write_variants(read_gltf(first), 0, contents, ".png", second)
    assert "the map is the variant happyTexture" in notice
    variants = parsed(second)[0]["extensions"]["KHR_materials_variants"]["variants"]
    assert [one["name"] for one in variants] == ["happy", "happyTexture", "sad"]


def test_an_atlas_moves_a_vrm_to_its_expressions(vrm: Path) -> None:
    output = vrm.with_name("out.vrm")
    contents = {name: png((i, i, i)) for i, name in enumerate(("happy", "angry", "afraid"), 100)}
    notices = write_atlas(read_gltf(vrm), 0, contents, output)
    check_everything_else_is_equal(vrm, output)
    document, binary = parsed(output)
    assert document["meshes"] == parsed(vrm)[0]["meshes"]
    expressions = document["extensions"]["VRMC_vrm"]["expressions"]
    assert expressions["preset"]["angry"] == {
        "morphTargetBinds": [{"node": 2, "index": 0, "weight": 1}]
    }
    assert "angryTexture" in notices[0]
    assert expressions["preset"]["happy"]["overrideBlink"] == "block"
    found = {
        "happy": expressions["preset"]["happy"],
        "angry": expressions["custom"]["angryTexture"],
        "afraid": expressions["custom"]["afraid"],
    }
    material = document["materials"][0]
    base = atlas_of(document, binary, material["pbrMetallicRoughness"]["baseColorTexture"])
    bumps = atlas_of(document, binary, material["normalTexture"])
    assert shown(base, transform(material["pbrMetallicRoughness"]["baseColorTexture"])) == (
        10,
        20,
        30,
    )
    assert transform(material["normalTexture"]) == {"scale": [0.5, 0.5], "offset": [0, 0]}
    for name, level in (("happy", 100), ("angry", 101), ("afraid", 102)):
        assert found[name]["isBinary"] is True
        (bind,) = found[name]["textureTransformBinds"]
        assert bind["material"] == 0
        assert shown(base, bind) == (level, level, level)
        assert shown(bumps, bind) == (128, 128, 255)


def test_an_atlas_leaves_expressions_that_move_the_mesh_as_they_are(vrm: Path) -> None:
    document, binary = parsed(vrm)
    moving = {"morphTargetBinds": [{"node": 2, "index": 0, "weight": 0.5}], "isBinary": False}
    expressions = document["extensions"]["VRMC_vrm"]["expressions"]
    expressions["custom"] = {"smirk": moving, "angryTexture": moving, "wink": {"isBinary": False}}
    vrm.write_bytes(glb_bytes(document, binary))
    output = vrm.with_name("out.vrm")
    contents = dict.fromkeys(("smirk", "angry", "wink"), png((1, 2, 3)))
    notices = write_atlas(read_gltf(vrm), 0, contents, output)
    custom = parsed(output)[0]["extensions"]["VRMC_vrm"]["expressions"]["custom"]
    assert custom["smirk"] == custom["angryTexture"] == moving
    made = {"smirkTexture", "angryTextureTexture", "wink"}
    assert custom.keys() == {*expressions["custom"], *made}
    for name in made:
        assert custom[name].keys() == {"isBinary", "textureTransformBinds"}
    assert ["smirk moves" in notices[0], "angry moves" in notices[1]] == [True, True]
    assert len(notices) == 2


def test_an_atlas_keeps_what_expressions_do_with_the_map(vrm: Path) -> None:
    output = vrm.with_name("out.vrm")

    def look(offset: list[float]) -> dict[str, Any]:
        document, binary = parsed(vrm)
        bind = {"material": 0, "scale": [0.5, 0.5], "offset": offset}
        expressions = document["extensions"]["VRMC_vrm"]["expressions"]
        expressions["custom"] = {"look": {"textureTransformBinds": [bind]}}
        vrm.write_bytes(glb_bytes(document, binary))
        write_atlas(read_gltf(vrm), 0, {"sad": png((1, 2, 3))}, output)
        custom = parsed(output)[0]["extensions"]["VRMC_vrm"]["expressions"]["custom"]
        return dict(custom["look"]["textureTransformBinds"][0])

    assert look([0.25, 0.5]) == {"material": 0, "scale": [0.25, 0.25], "offset": [0.125, 0.25]}
    with pytest.raises(UsageError, match="'look' lays the map beyond its edges"):
        look([0.75, 0.5])


def transform(info: dict[str, Any]) -> dict[str, Any]:
    return dict(info["extensions"]["KHR_texture_transform"])


def atlas_of(document: dict[str, Any], binary: bytes, info: dict[str, Any]) -> Image.Image:
    import io

    image = document["images"][document["textures"][info["index"]]["source"]]
    return Image.open(io.BytesIO(view_bytes(document, binary, image["bufferView"])))


def shown(atlas: Image.Image, place: dict[str, Any]) -> tuple[int, ...]:
    """The colour in the middle of what UVs from 0 to 1 show."""
    x, y = ((0.5 * place["scale"][i] + place["offset"][i]) * atlas.size[i] for i in (0, 1))
    return tuple(atlas.getpixel((math.floor(x), math.floor(y))))  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["set", "offset"])
def test_an_atlas_takes_no_uvs_that_reach_into_other_cells(vrm: Path, way: str) -> None:
    document, binary = parsed(vrm)
    info = document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    (primitive,) = document["meshes"][0]["primitives"]
    if way == "set":
        info["texCoord"] = 1
        primitive["attributes"]["TEXCOORD_1"] = len(document["accessors"])
        uv = document["accessors"][primitive["attributes"]["TEXCOORD_0"]]
        document["accessors"].append({**uv, "bufferView": len(document["bufferViews"])})
        document["bufferViews"].append(
            {"buffer": 0, "byteOffset": len(binary), "byteLength": 8 * uv["count"]}
        )
        binary += np.full((uv["count"], 2), 1.5, np.float32).tobytes()
        document["buffers"][0]["byteLength"] = len(binary)
    else:
        info["extensions"] = {"KHR_texture_transform": {"offset": [0.5, 0.0]}}
    vrm.write_bytes(glb_bytes(document, binary))
    with pytest.raises(UsageError, match="UVs outside 0 to 1"):
        write_atlas(read_gltf(vrm), 0, {"happy": png((1, 1, 1))}, vrm.with_name("o.vrm"))


def test_an_atlas_needs_vrm_1(source: Path) -> None:
    with pytest.raises(UsageError, match=r"not VRM 1.0.*variant"):
        write_atlas(read_gltf(source), 0, {"happy": png((1, 1, 1))}, source.with_name("o.vrm"))


def test_a_gltf_with_files_beside_it_keeps_them(source: Path) -> None:
    document, binary = parsed(source)
    folder = source.parent
    (folder / "data.bin").write_bytes(binary)
    (folder / "skin.png").write_bytes(png((10, 20, 30)))
    document["buffers"][0]["uri"] = "data.bin"
    document["images"][0] = {"uri": "skin.png", "name": "skin"}
    (folder / "head.gltf").write_text(json.dumps(document))
    gltf = read_gltf(folder / "head.gltf")
    write_replaced(gltf, 0, png((7, 7, 7)), ".png", folder / "out.gltf")
    after = json.loads((folder / "out.gltf").read_text())
    assert after["buffers"] == document["buffers"]
    with Image.open(folder / after["images"][0]["uri"]) as new:
        assert new.getpixel((0, 0)) == (7, 7, 7)
    assert (folder / "skin.png").read_bytes() == png((10, 20, 30))
    (folder / "elsewhere").mkdir()
    with pytest.raises(UsageError, match="same folder"):
        write_replaced(gltf, 0, png((7, 7, 7)), ".png", folder / "elsewhere" / "out.gltf")


def test_an_image_that_shares_its_bytes_is_added_not_spliced(source: Path) -> None:
    gltf = read_gltf(source)
    gltf.document["images"].append({**gltf.document["images"][0], "name": "twin"})
    edit = GltfEdit(gltf)
    edit.replace_image(0, png((9, 9, 9)), ".png")
    edit.write(source.with_name("out.glb"))
    document, binary = parsed(source.with_name("out.glb"))
    twin = view_bytes(document, binary, document["images"][1]["bufferView"])
    assert twin == png((10, 20, 30))
