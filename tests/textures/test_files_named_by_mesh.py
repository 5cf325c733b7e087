"""What a mesh names is read inside its folder and nowhere else, and never without end."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.errors import MeshError, RegganError, UsageError
from reggan_plugin.textures.files_named_by_mesh import file_of_uri
from reggan_plugin.textures.gltf.add_textures import GltfEdit
from reggan_plugin.textures.gltf.gltf_file import GltfFile, read_gltf
from reggan_plugin.textures.gltf.vrm_atlas import check_takes_atlas
from reggan_plugin.textures.maps.texture_files import embedded_texture, image_bytes
from reggan_plugin.textures.read_mesh import files_of_mesh, load_mesh

from ..glb_files import glb_bytes
from .conftest import MadeHead, write_obj
from .test_write_gltf import parsed

SECRET = b"a private key"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the mesh lies; a secret lies beside the folder, a link to it inside."""
    (tmp_path / "secret").write_bytes(SECRET)
    folder = tmp_path / "mesh"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "beside.bin").write_bytes(bytes(range(200)))
    return folder


def hostile_uris(folder: Path) -> list[str]:
    secret = folder.parent / "secret"
    return [
        *("../secret", "..%2fsecret", "%2e%2e/secret", "..\\secret", "x/../../secret", "link"),
        *(str(secret), secret.as_uri(), f"%2f{str(secret)[1:]}", "C:\\secret", "C:secret"),
        *("http://localhost/secret", "", ".", "a%00b", "x" * 5000),
    ]


def test_only_names_inside_the_folder_count(folder: Path) -> None:
    for uri in hostile_uris(folder):
        with pytest.raises(MeshError, match=r"names the file .*Put the file beside the mesh"):
            file_of_uri(folder / "head.gltf", uri)
    for uri in ("beside.bin", "./beside.bin", "be%73ide.bin"):
        assert file_of_uri(folder / "head.gltf", uri).read_bytes() == bytes(range(200))


def minimal(folder: Path, uri: str, byte_length: int, *, is_binary: bool) -> GltfFile:
    buffers = [{"uri": uri, "byteLength": byte_length}]
    document = {"asset": {"version": "2.0"}, "buffers": buffers}
    path = folder / ("head.glb" if is_binary else "head.gltf")
    path.write_bytes(glb_bytes(document, b"") if is_binary else json.dumps(document).encode())
    return read_gltf(path)


@pytest.mark.parametrize("is_binary", [False, True])
def test_a_buffer_is_read_inside_the_folder_up_to_its_length(folder: Path, is_binary: bool) -> None:
    for uri in hostile_uris(folder):
        with pytest.raises(MeshError, match="names the file"):
            minimal(folder, uri, 5, is_binary=is_binary)
    gltf = minimal(folder, "beside.bin", 5, is_binary=is_binary)
    assert gltf.buffers == (bytes(range(5)),)
    with pytest.raises(MeshError, match="has 200 bytes of 201"):
        minimal(folder, "beside.bin", 201, is_binary=is_binary)


def test_an_edit_puts_nothing_inside_that_was_outside(folder: Path) -> None:
    gltf = minimal(folder, "beside.bin", 5, is_binary=True)
    with pytest.raises(UsageError, match="npx gltf-transform copy"):
        GltfEdit(gltf).write(folder / "out.glb")


@pytest.mark.parametrize("key", ["images", "buffers"])
def test_a_texture_command_copies_no_secret(
    key: str,
    head: MadeHead,
    head_files: Path,
    write_head_glb: Callable[..., None],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mesh = folder / "head.glb"
    write_head_glb(mesh, head, image=(head_files / "base_color.png").read_bytes())
    document, binary = parsed(mesh)
    if key == "images":
        document["images"][0] = {"uri": "../secret"}
    else:
        document["buffers"].append({"uri": "../secret", "byteLength": len(SECRET)})
    mesh.write_bytes(glb_bytes(document, binary))
    command = ["texture", "--mesh", str(mesh), "--expression", "sad"]
    assert main([*command, "--out-mesh", str(folder / "new.glb"), "--device", "cpu"]) == 1
    assert "leads out of the folder of the mesh" in capsys.readouterr().err
    assert not any(SECRET in path.read_bytes() for path in folder.iterdir() if path.name != "link")


@pytest.mark.parametrize("is_given_elsewhere", [True, False])
def test_images_elsewhere_are_left_out_where_another_map_is_given(
    is_given_elsewhere: bool,
    head: MadeHead,
    head_files: Path,
    write_head_glb: Callable[..., None],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Textures often lie beside the folder of the mesh; a second file of the folder names it."""
    picture = (head_files / "base_color.png").read_bytes()
    textures, mesh = folder.parent / "textures", folder / "head.glb"
    textures.mkdir()
    (textures / "skin.png").write_bytes(picture)
    (folder / "other.png").write_bytes(picture)
    write_head_glb(mesh, head, image=picture)
    document, binary = parsed(mesh)
    document["images"][0] = {"uri": "../textures/skin.png", "name": "face"}
    mesh.write_bytes(glb_bytes(document, binary))
    assert files_of_mesh(mesh) == [mesh]
    command = ["texture", str(mesh), "-e", "sad", "--device", "cpu"]
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "leads out of the folder of the mesh" in said
    assert "--texture names a map that lies elsewhere" in said
    given = textures / "skin.png" if is_given_elsewhere else folder / "other.png"
    command += ["--texture", str(given), "--material", "Face"][: 2 if is_given_elsewhere else 4]
    outputs = ["--out-mesh", str(folder / "sad.glb"), "--out", str(folder / "sad.png")]
    assert main([*command, *outputs]) == 0, "the name of the file tells which material wears it"
    after, _ = parsed(folder / "sad.glb")
    assert "bufferView" in after["images"][0]
    over = ["--out", str(textures / "skin.png"), "--overwrite"]
    assert main([*command, *over]) == 2
    assert "is an input" in capsys.readouterr().err
    assert main([*command, "--sheet", str(textures / "skin.png"), "--overwrite"]) == 2
    assert main([*command, "--out-mesh", str(textures / "sad.glb")]) == 2
    assert "would not find the files" in capsys.readouterr().err
    assert (textures / "skin.png").read_bytes() == picture


def test_an_atlas_of_maps_elsewhere_is_refused_before_the_work(
    head: MadeHead, head_files: Path, write_head_glb: Callable[..., None], folder: Path
) -> None:
    picture, mesh = (head_files / "base_color.png").read_bytes(), folder / "head.vrm"
    write_head_glb(mesh, head, image=picture, vrm={"specVersion": "1.0"})
    document, binary = parsed(mesh)
    check_takes_atlas(read_gltf(mesh), 0)
    document["images"][0] = {"uri": "../secret"}
    mesh.write_bytes(glb_bytes(document, binary))
    with pytest.raises(MeshError, match="leads out of the folder"):
        check_takes_atlas(read_gltf(mesh), 0)


def test_a_name_in_a_document_is_no_path(
    head: MadeHead, head_files: Path, write_head_glb: Callable[..., None], folder: Path
) -> None:
    """An image of a .gltf is put beside it, whatever it is called."""
    write_head_glb(folder / "head.glb", head, image=(head_files / "base_color.png").read_bytes())
    document, binary = parsed(folder / "head.glb")
    (folder / "head.bin").write_bytes(binary)
    document["buffers"][0]["uri"] = "head.bin"
    document["images"][0]["name"] = "../../outside"
    (folder / "head.gltf").write_text(json.dumps(document))
    edit = GltfEdit(read_gltf(folder / "head.gltf"))
    edit.replace_image(0, b"new", ".png")
    edit.write(folder / "new.gltf")
    assert [path.name for path in folder.parent.iterdir() if path.is_file()] == ["secret"]
    assert (folder / "outside.png").read_bytes() == b"new"


@pytest.mark.timeout(60)
def test_maps_beside_a_gltf_get_names_that_are_free(folder: Path) -> None:
    """Every name of an earlier run is taken; found by the long fuzz run as a hang."""
    document = {"asset": {"version": "2.0"}, "images": [{"uri": "beside.bin", "name": "skin"}]}
    (folder / "head.gltf").write_text(json.dumps(document))
    for run in range(20):
        edit = GltfEdit(read_gltf(folder / "head.gltf"))
        edit.replace_image(0, str(run).encode(), ".png")
        edit.write(folder / "new.gltf")
    written = sorted(int(path.read_bytes()) for path in folder.glob("skin*.png"))
    assert written == list(range(20))


@pytest.mark.parametrize("name", ["../looks.mtl", "link.mtl", "{folder}/../looks.mtl"])
def test_a_material_library_counts_inside_the_folder(
    name: str, head: MadeHead, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder.parent / "looks.mtl").write_text("newmtl Skin\nKd 1 0 0\nmap_Kd skin.png\n")
    (folder / "link.mtl").symlink_to(folder.parent / "looks.mtl")
    Image.new("RGB", (4, 4)).save(folder / "skin.png")
    write_obj(folder / "head.obj", head)
    text = (folder / "head.obj").read_text()
    named = f"mtllib {name.format(folder=folder)}\nusemtl Skin\n{text}"
    (folder / "head.obj").write_text(named)
    (part,) = load_mesh(folder / "head.obj").character.parts
    assert part.material.image is None
    assert part.material.colour != (1.0, 0.0, 0.0, 1.0)
    assert files_of_mesh(folder / "head.obj") == [folder / "head.obj"]
    shutil.copy(folder.parent / "looks.mtl", folder / "own.mtl")
    (folder / "head.obj").write_text(f"mtllib own.mtl\nusemtl Skin\n{text}")
    (part,) = load_mesh(folder / "head.obj").character.parts
    assert part.material.image == folder / "skin.png"
    (folder / "own.mtl").unlink()
    load_mesh(folder / "head.obj")
    assert "own.mtl, which are not there" in caplog.text


def test_tiles_of_a_library_count_inside_the_folder(
    head: MadeHead, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_obj(folder / "head.obj", head)
    text = (folder / "head.obj").read_text()
    (folder / "head.obj").write_text(f"mtllib looks.mtl\nusemtl Skin\n{text}")
    names = ["<UDIM>", "one", "two", "three", "four"]
    library = "".join(f"newmtl {one}\nmap_Kd skin.{one}.png\n" for one in names)
    (folder / "looks.mtl").write_text(library.replace("newmtl <UDIM>", "newmtl Skin"))
    Image.new("RGB", (4, 4)).save(folder / "skin.1001.png")
    Image.new("RGB", (4, 4)).save(folder / "skin.1002.png")
    (part,) = load_mesh(folder / "head.obj").character.parts
    assert part.material.image == folder / "skin.<UDIM>.png"
    tiles = [folder / "skin.1001.png", folder / "skin.1002.png"]
    assert files_of_mesh(folder / "head.obj")[2:4] == tiles
    (said,) = caplog.messages
    assert said.endswith(
        "not there: " + ", ".join(f"{folder}/skin.{one}.png" for one in names[1:4]) + ", …"
    )
    (folder / "skin.1003.png").symlink_to(folder.parent / "secret")
    (part,) = load_mesh(folder / "head.obj").character.parts
    assert part.material.image is None
    assert "skin.1003.png" in caplog.text


@pytest.mark.parametrize("name", ["../secret.png", "secret.png", "/{folder}/../secret.png"])
def test_a_map_of_a_library_counts_inside_the_folder(
    name: str, head: MadeHead, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Image.new("RGB", (4, 4)).save(folder.parent / "secret.png")
    (folder / "secret.png").symlink_to(folder.parent / "secret.png")
    write_obj(folder / "head.obj", head)
    text = (folder / "head.obj").read_text()
    (folder / "head.obj").write_text(f"mtllib looks.mtl\nusemtl Skin\n{text}")
    (folder / "looks.mtl").write_text(f"newmtl Skin\nmap_Kd {name.format(folder=folder)}\n")
    assert len(files_of_mesh(folder / "head.obj")) == 2
    (part,) = load_mesh(folder / "head.obj").character.parts
    assert part.material.image is None
    assert len(caplog.messages) == 1, "said once, however often it is looked up"
    assert "names the file" in caplog.text


ENDLESS = {"zeros": Path("/dev/zero"), "a pipe": None}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither")
@pytest.mark.parametrize("target", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("kind", ["buffer", "image", "mesh.glb", "mesh.obj", "looks.mtl"])
def test_devices_and_pipes_are_refused(
    kind: str, target: Path | None, folder: Path, head: MadeHead
) -> None:
    def put(name: str) -> Path:
        path = folder / name
        if target is None:
            os.mkfifo(path)
        else:
            path.symlink_to(target)
        return path

    def use() -> Any:
        if kind == "buffer":
            return minimal(folder, put("endless").name, 5, is_binary=False)
        if kind == "image":
            document = {"asset": {"version": "2.0"}, "images": [{"uri": put("endless").name}]}
            (folder / "head.gltf").write_text(json.dumps(document))
            gltf = read_gltf(folder / "head.gltf")
            with pytest.raises(MeshError, match="names the file"):
                image_bytes(gltf, 0)
            return embedded_texture(gltf, 0, folder)
        return load_mesh(put(kind))

    if kind == "looks.mtl":
        write_obj(folder / "head.obj", head)
        text = (folder / "head.obj").read_text()
        (folder / "head.obj").write_text(f"mtllib {put(kind).name}\n{text}")
        load_mesh(folder / "head.obj")  # as without it
        return
    with pytest.raises(RegganError, match=r"ordinary file|leads out of the folder"):
        use()


USD_LAYER = '#usda 1.0\n(\n    subLayers = [@{}@]\n)\ndef Mesh "Head" {{}}\n'


@pytest.mark.parametrize("name", ["../secret.usda", "/{folder}/../secret.usda", "link.usda"])
def test_layers_of_usd_count_inside_the_folder(name: str, folder: Path) -> None:
    pytest.importorskip("pxr")
    (folder.parent / "secret.usda").write_text("#usda 1.0\n")
    (folder / "link.usda").symlink_to(folder.parent / "secret.usda")
    (folder / "head.usda").write_text(USD_LAYER.format(name.format(folder=folder)))
    for use in (load_mesh, files_of_mesh):
        with pytest.raises(MeshError, match="names the file"):
            use(folder / "head.usda")
    (folder / "own.usda").write_text("#usda 1.0\n")
    (folder / "head.usda").write_text(USD_LAYER.format("./own.usda"))
    assert folder / "own.usda" in files_of_mesh(folder / "head.usda")
