"""Every kind of mesh file gives the same head; the head is found from what the file tells."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.errors import MeshError, MissingExtraError
from reggan_plugin.textures.character import Character, Material, MeshPart, with_outward_faces
from reggan_plugin.textures.gltf.gltf_character import character_from_gltf
from reggan_plugin.textures.gltf.gltf_file import material_from_gltf, read_gltf
from reggan_plugin.textures.map_change import PreparedFace
from reggan_plugin.textures.maps.texture_map import TextureMap, read_tile
from reggan_plugin.textures.read_mesh import load_mesh
from reggan_plugin.textures.texture_request import Look
from reggan_plugin.textures.views.ray_traced_view import Stage, look_at
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

from ..glb_files import glb_bytes
from ..sample_frames import SAMPLES
from .conftest import MadeHead, write_glb, write_obj
from .test_write_gltf import parsed


def test_ply_and_obj_give_the_same_head(head: MadeHead, tmp_path: Path) -> None:
    write_obj(tmp_path / "head.obj", head)
    header = ["ply", "format ascii 1.0", f"element vertex {len(head.uv)}"]
    header += [f"property float {name}" for name in "xyzst"]
    header += [f"element face {len(head.faces)}", "property list uchar int vertex_indices"]
    rows = [
        " ".join(f"{value:.7f}" for value in row) for row in np.hstack([head.positions, head.uv])
    ]
    faces = [f"3 {a} {b} {c}" for a, b, c in head.faces]
    (tmp_path / "head.ply").write_text("\n".join([*header, "end_header", *rows, *faces, ""]))
    for name in ("head.obj", "head.ply"):
        (part,) = load_mesh(tmp_path / name).character.parts
        assert part.uv is not None
        corners = part.positions[part.faces]
        np.testing.assert_allclose(corners, head.positions[head.faces], atol=1e-5)
        np.testing.assert_allclose(part.uv[part.faces], head.uv[head.faces], atol=1e-5)


@pytest.mark.parametrize("suffix", ["obj", "glb"])
def test_a_head_wound_the_other_way_round_is_turned(
    head: MadeHead, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"head.{suffix}"
    wound = replace(head, faces=head.faces[:, ::-1])
    if suffix == "obj":
        write_obj(path, wound)
    else:
        write_glb(path, wound, image=b"")
    (part,) = load_mesh(path).character.parts
    middle = (part.positions.min(axis=0) + part.positions.max(axis=0)) / 2
    a, b, c = np.moveaxis(part.positions[part.faces], 1, 0)
    assert ((np.cross(b - a, c - a) * (a - middle)).sum(axis=1) >= 0).all()


def test_each_part_is_turned_by_what_its_skin_and_itself_show() -> None:
    parts = load_mesh(SAMPLES / "head.glb").character.parts
    skin = next(part for part in parts if part.name == "Skin")

    def wound(*names: str) -> tuple[MeshPart, ...]:
        return tuple(
            replace(part, faces=part.faces[:, ::-1]) if part.name in names else part
            for part in parts
        )

    def check(given: Sequence[MeshPart], expected: Sequence[MeshPart]) -> None:
        for one, other in zip(with_outward_faces(tuple(given)), expected, strict=True):
            np.testing.assert_array_equal(one.faces, other.faces, one.name)

    check(parts, parts)  # the inside of the mouth looks inwards
    check(wound(*(part.name for part in parts)), parts)
    check(wound("Skin"), parts)
    outline = replace(skin, faces=skin.faces[:, ::-1], positions=1.02 * skin.positions)
    check([*parts, outline], [*parts, outline])


@pytest.mark.parametrize("blank", [" ", "\t"])
def test_an_obj_names_its_own_maps(blank: str, head: MadeHead, tmp_path: Path) -> None:
    write_obj(tmp_path / "head.obj", head)
    lines = (tmp_path / "head.obj").read_text()
    looks = f"mtllib looks.mtl\nusemtl Skin\n{lines}".replace(" ", blank)
    (tmp_path / "head.obj").write_text(looks)
    library = "newmtl Skin\nKd 1 1 1\nmap_Kd skin.png\n".replace(" ", blank)
    (tmp_path / "looks.mtl").write_text(library)
    Image.fromarray(head.picture).save(tmp_path / "skin.png")
    (part,) = load_mesh(tmp_path / "head.obj").character.parts
    assert part.material == Material(name="Skin", image=tmp_path / "skin.png")


@pytest.mark.parametrize("options", ["", "-clamp on -s 2 2 2 -o .5 0 ", "-mm 0 1 -bm 1.5 "])
def test_a_map_of_an_obj_may_have_spaces_in_its_name(
    head: MadeHead, tmp_path: Path, options: str
) -> None:
    write_obj(tmp_path / "head.obj", head)
    lines = (tmp_path / "head.obj").read_text()
    (tmp_path / "head.obj").write_text(f"mtllib looks.mtl\nusemtl Skin\n{lines}")
    (tmp_path / "looks.mtl").write_text(f"newmtl Skin\nmap_Kd {options}my 2 skin.png\n")
    Image.fromarray(head.picture).save(tmp_path / "my 2 skin.png")
    (part,) = load_mesh(tmp_path / "head.obj").character.parts
    assert part.material.image == tmp_path / "my 2 skin.png"


@pytest.mark.parametrize(
    ("options", "scale", "offset"),
    [
        ("-s 2 4 1 -o .5 -1 0 ", (2, 4), (0.5, -1)),
        ("-o .25 -clamp on ", (1, 1), (0.25, 0)),
        ("-s 1.2.3 2 ", (1, 1), (0, 0)),
    ],
)
def test_a_map_of_an_obj_lies_where_its_options_say(
    options: str,
    scale: tuple[float, float],
    offset: tuple[float, float],
    head: MadeHead,
    tmp_path: Path,
) -> None:
    write_obj(tmp_path / "head.obj", head)
    lines = (tmp_path / "head.obj").read_text()
    (tmp_path / "head.obj").write_text(f"mtllib looks.mtl\nusemtl Skin\n{lines}")
    Image.fromarray(head.picture).save(tmp_path / "skin.png")
    found = []
    for text in ("", options):
        (tmp_path / "looks.mtl").write_text(f"newmtl Skin\nmap_Kd {text}skin.png\n")
        (part,) = load_mesh(tmp_path / "head.obj").character.parts
        assert part.uv is not None
        found.append(part.uv)
    np.testing.assert_allclose(found[1], found[0] * scale + offset, atol=1e-5)


def test_corners_of_an_obj_may_count_back_from_their_face(tmp_path: Path) -> None:
    points = ("v 0 0 0\nv 1 0 0\nv 0 1 0\n", "v 0 0 5\nv 1 0 5\nv 0 1 5\n")
    text = "".join(f"o part{i}\n{own}f -3 -2 -1\n" for i, own in enumerate(points))
    (tmp_path / "a.obj").write_text(text)
    parts = load_mesh(tmp_path / "a.obj").character.parts
    heights = [part.positions[face, 2].tolist() for part in parts for face in part.faces]
    assert heights == [[0.0] * 3, [5.0] * 3]
    for corner in ("-4", "-x", "-1/-1"):
        (tmp_path / "a.obj").write_text(f"{points[0]}f {corner} -2 -1\n")
        with pytest.raises(MeshError, match=r"broken"):
            load_mesh(tmp_path / "a.obj")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig"])
def test_an_obj_of_an_old_program_is_read(head: MadeHead, tmp_path: Path, encoding: str) -> None:
    write_obj(tmp_path / "head.obj", head)
    lines = (tmp_path / "head.obj").read_text()
    text = f"mtllib looks.mtl\n# Gesicht für alle\nusemtl Skin\n{lines}"
    (tmp_path / "head.obj").write_text(text, encoding=encoding)
    library = "newmtl Skin\n# größer\nKd 0.2 0.4 0.6\n"
    (tmp_path / "looks.mtl").write_text(library, encoding=encoding)
    (part,) = load_mesh(tmp_path / "head.obj").character.parts
    assert part.material.name == "Skin"
    assert part.material.colour[:3] == pytest.approx((0.2, 0.4, 0.6), abs=0.01)


def test_usd_gives_the_same_head_or_names_its_package(head: MadeHead, tmp_path: Path) -> None:
    points = ", ".join(f"({x:.6f}, {-z:.6f}, {y:.6f})" for x, y, z in head.positions)
    st = ", ".join(f"({u:.7f}, {v:.7f})" for u, v in head.uv)
    order = ", ".join(str(i) for i in head.faces.ravel())
    (tmp_path / "head.usda").write_text(
        f"""#usda 1.0
(
    upAxis = "Z"
)
def Mesh "Head" {{
    int[] faceVertexCounts = [{", ".join(["3"] * len(head.faces))}]
    int[] faceVertexIndices = [{order}]
    point3f[] points = [{points}]
    texCoord2f[] primvars:st = [{st}] (interpolation = "vertex")
}}
"""
    )
    try:
        import pxr  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtraError, match="pip install usd-core"):
            load_mesh(tmp_path / "head.usda")
        return
    character = load_mesh(tmp_path / "head.usda").character
    (part,) = character.parts
    assert part.uv is not None
    assert character.fronts[0] == ("-Y", "+Z")
    expected = head.positions[head.faces][..., [0, 2, 1]] * [1, -1, 1]
    np.testing.assert_allclose(part.positions[part.faces], expected, atol=1e-5)
    np.testing.assert_allclose(part.uv[part.faces], head.uv[head.faces], atol=1e-5)


def test_glb_agrees_with_trimesh(head: MadeHead, tmp_path: Path) -> None:
    """A file by another writer, with a node that is turned, moved and scaled."""
    scene = trimesh.Scene()
    visual = trimesh.visual.TextureVisuals(uv=head.uv, image=Image.fromarray(head.picture))
    mesh = trimesh.Trimesh(head.positions, head.faces, visual=visual, process=False)
    motion = trimesh.transformations.rotation_matrix(0.7, [1, 2, 3]) * 2
    motion[:3, 3], motion[3, 3] = [4, 5, 6], 1
    scene.add_geometry(mesh, transform=motion)
    (tmp_path / "t.glb").write_bytes(scene.export(file_type="glb"))
    (part,) = load_mesh(tmp_path / "t.glb").character.parts
    (expected,) = trimesh.load_scene(tmp_path / "t.glb", process=False).dump()
    np.testing.assert_allclose(
        part.positions[part.faces], expected.vertices[expected.faces], atol=1e-4
    )
    assert part.uv is not None
    np.testing.assert_allclose(part.uv[part.faces], expected.visual.uv[expected.faces], atol=1e-5)


def test_morphs_texture_transforms_and_alpha_are_read(head: MadeHead, head_glb: Path) -> None:
    document, binary = parsed(head_glb)
    document["meshes"][0]["weights"] = [2.0]
    material = document["materials"][0]
    material |= {"alphaMode": "MASK", "alphaCutoff": 0.25, "doubleSided": True}
    info = material["pbrMetallicRoughness"]["baseColorTexture"]
    info["extensions"] = {"KHR_texture_transform": {"scale": [0.5, 1], "offset": [0.25, 0]}}
    head_glb.write_bytes(glb_bytes(document, binary))
    gltf = read_gltf(head_glb)
    (part,) = character_from_gltf(gltf).parts
    shifted = (head.positions + np.array([0, 1.5, 0])) * 0.02
    np.testing.assert_allclose(
        part.positions, head.positions + np.array([0, 1.5, 0]) + shifted, atol=1e-5
    )
    assert part.uv is not None
    np.testing.assert_allclose(part.uv[:, 0], head.uv[:, 0] * 0.5 + 0.25, atol=1e-6)
    read = material_from_gltf(gltf, 0)
    assert (read.alpha_mode, read.alpha_cutoff, read.is_double_sided) == ("cutout", 0.25, True)
    assert not read.is_map_mirrored


def test_a_map_that_is_worn_mirrored_is_refused(
    head_glb: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document, binary = parsed(head_glb)
    document["samplers"] = [{"wrapS": 33648}]
    document["textures"][0]["sampler"] = 0
    head_glb.write_bytes(glb_bytes(document, binary))
    assert material_from_gltf(read_gltf(head_glb), 0).is_map_mirrored
    assert main(["texture", str(head_glb), "-e", "happy"]) == 0, "its UVs lie within 0 to 1"
    info = document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    info["extensions"] = {"KHR_texture_transform": {"offset": [-1, 0]}}
    head_glb.write_bytes(glb_bytes(document, binary))
    assert main(["texture", str(head_glb), "-e", "happy", "--overwrite"]) == 1
    assert "mirrors its map beyond 0 to 1, and UVs reach from -" in capsys.readouterr().err


@pytest.mark.parametrize("turn_deg", [90.0, 180.0])
def test_the_front_is_found_where_the_format_does_not_say(
    turn_deg: float, head: MadeHead, head_files: Path, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    """Z up and facing -Y as Blender has it; or with its back to +Z."""
    x, y, z = head.positions.T
    turned = np.stack([x, -z, y] if turn_deg == 90 else [-x, y, -z], axis=1)
    write_obj(
        tmp_path / "head.obj",
        MadeHead(positions=turned, faces=head.faces, uv=head.uv, picture=head.picture),
    )
    look = Look(texture=head_files / "base_color.png")
    face = PreparedFace(tmp_path / "head.obj", look, transfer, tmp_path)
    assert face.framed.front == ("-Y" if turn_deg == 90 else "-Z")


def test_the_vrm_head_bone_comes_first(
    head: MadeHead, head_files: Path, write_head_glb: Callable[..., None], tmp_path: Path
) -> None:
    image = (head_files / "base_color.png").read_bytes()
    vrm = {"humanoid": {"humanBones": {"head": {"node": 1}}}}
    write_head_glb(tmp_path / "head.vrm", head, image=image, vrm=vrm)
    character = load_mesh(tmp_path / "head.vrm").character
    assert character.head_node == 1
    assert len(character.below(1)) == len(head.positions)
    assert len(character.below(0)) == len(head.positions)  # the hips carry the head


def _wall(z: float, material: Material) -> MeshPart:
    corners = np.array([[-1, -1, z], [1, -1, z], [1, 1, z], [-1, 1, z]], float)
    return MeshPart(
        name=material.name,
        material=material,
        positions=corners,
        faces=np.array([[0, 1, 2], [0, 2, 3]]),
        uv=(corners[:, :2] + 1) / 2,
    )


def test_rays_pass_holes_and_the_backs_of_surfaces(tmp_path: Path) -> None:
    """A veil with a hole on its left before a shell that shows its back, before a wall."""
    picture = np.full((8, 8, 4), 255, np.uint8)
    picture[:, :4, 3] = 0
    Image.fromarray(picture).save(tmp_path / "veil.png")
    shell = _wall(0.0, Material(name="shell", colour=(1, 0, 0, 1), is_double_sided=False))
    shell = MeshPart(**{**vars(shell), "faces": shell.faces[:, ::-1].copy()})
    parts = (
        _wall(1.0, Material(name="veil", image=0, alpha_mode="cutout")),
        shell,
        _wall(-1.0, Material(name="wall", colour=(0, 0, 1, 1))),
    )
    veil = TextureMap(tiles={1001: read_tile(tmp_path / "veil.png")})
    stage = Stage(Character(path=tmp_path, parts=parts), {0: veil}.get)
    view = look_at(
        np.zeros(3), np.array([0, 0, 1.0]), np.array([0, 1.0, 0]), distance=9, extent=1.5, side_px=8
    )
    seen = stage.take(view)
    assert (seen.part[:, :3] == 2).all()
    assert (seen.part[:, 5:] == 0).all()
    assert np.allclose(seen.distance[:, :3], 10, atol=0.01)


def test_every_material_of_an_obj_keeps_its_uvs(tmp_path: Path) -> None:
    """Eyes that come before the skin, and texture coordinates in an order of their own."""
    corners = ["v 0 0 0", "v 1 0 0", "v 0 1 0", "v 0 0 -1", "v 1 0 -1", "v 0 1 -1"]
    places = ["vt 0.1 0.2", "vt 0.3 0.4", "vt 0.5 0.6", "vt 0.7 0.8"]
    groups = ["usemtl eyes", "f 1/4 2/3 3/2", "usemtl skin", "f 4/1 5/2 6/3", "f 6/3 5/2 3/4"]
    (tmp_path / "head.mtl").write_text("newmtl eyes\nKd 1 1 1\nnewmtl skin\nKd 1 0 0\n")
    (tmp_path / "head.obj").write_text("\n".join(["mtllib head.mtl", *corners, *places, *groups]))
    parts = {part.material.name: part for part in load_mesh(tmp_path / "head.obj").character.parts}
    expected = {
        "eyes": [[[0.7, 0.8], [0.5, 0.6], [0.3, 0.4]]],
        "skin": [[[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], [[0.5, 0.6], [0.3, 0.4], [0.7, 0.8]]],
    }
    for name, uv in expected.items():
        part = parts[name]
        assert part.uv is not None
        np.testing.assert_allclose(part.uv[part.faces], uv)
        assert np.isin(np.arange(len(part.positions)), part.faces).all()
