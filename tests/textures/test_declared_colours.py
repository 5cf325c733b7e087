"""What a map's own file says of its colours is heeded, and what it cannot mean is said."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import OpenEXR
import pytest
from PIL import Image, ImageCms

from reggan_plugin.cli import main
from reggan_plugin.errors import Remark, TextureError
from reggan_plugin.files.formats.png import Chunk, bytes_from_chunks, make_chunk, read_chunks
from reggan_plugin.imaging.colour import linear_from_srgb, srgb_from_linear
from reggan_plugin.textures.map_change import PreparedFace
from reggan_plugin.textures.maps.texture_map import read_tile
from reggan_plugin.textures.texture_job import run_request
from reggan_plugin.textures.texture_request import Look, TextureRequest
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

from .conftest import MadeHead, share_missed

ANGRY = {"angry": ExpressionMix({"angry": 1.0})}
LINEAR = [make_chunk(b"gAMA", struct.pack(">I", 100000))]
SRGB = [make_chunk(b"sRGB", b"\0")]


def write_png(path: Path, samples: np.ndarray, chunks: list[Chunk]) -> None:
    header, *rest = read_chunks(imagecodecs.png_encode(samples))
    path.write_bytes(bytes_from_chunks([header, *chunks, *rest]))


def profile(name: str, content: bytes) -> list[Chunk]:
    return [make_chunk(b"iCCP", name.encode() + b"\0\0" + zlib.compress(content))]


def exr_with(path: Path, **attributes: object) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **attributes}
    pixels = np.full((8, 8, 3), 0.2, np.float16)
    OpenEXR.File(header, {"RGB": pixels}).write(str(path))


@pytest.mark.parametrize(
    ("chunks", "is_linear"),
    [
        (LINEAR, True),
        ([make_chunk(b"cICP", bytes([1, 8, 0, 1]))], True),
        ([*SRGB, *LINEAR], False),
        ([make_chunk(b"cICP", bytes([1, 13, 0, 1])), *LINEAR], False),
        ([make_chunk(b"gAMA", struct.pack(">I", 45455))], False),
        ([], False),
    ],
)
def test_a_png_is_read_as_it_says(chunks: list[Chunk], is_linear: bool, tmp_path: Path) -> None:
    write_png(tmp_path / "map.png", np.zeros((4, 4, 3), np.uint8), chunks)
    tile = read_tile(tmp_path / "map.png")
    assert tile.is_linear == is_linear
    assert any("says that it is linear" in notice for notice in tile.notices) == is_linear
    assert not read_tile(tmp_path / "map.png", is_gltf_image=True).is_linear


def test_profiles_that_are_not_srgb_are_named(tmp_path: Path) -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = own.replace(b"sRGB", b"wide").replace(
        "sRGB".encode("utf-16-be"), "wide".encode("utf-16-be")
    )
    for name, content, is_named in (("sRGB", own, False), ("Display P3", other, True)):
        write_png(tmp_path / "map.png", np.zeros((4, 4, 3), np.uint8), profile(name, content))
        notices = read_tile(tmp_path / "map.png").notices
        said = [n for n in notices if isinstance(n, Remark)]
        assert bool(said) == is_named
        assert all(f"({name}) is not sRGB" in notice for notice in said)


def test_a_linear_png_gives_the_look_of_an_srgb_one(
    head: MadeHead, head_files: Path, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    linear = linear_from_srgb(head.picture.astype(np.float32) / 255)
    deep = np.rint(linear * 65535).astype(np.uint16)
    write_png(tmp_path / "linear.png", deep, LINEAR)
    shown = {}
    for name, path in (
        ("linear", tmp_path / "linear.png"),
        ("sRGB", head_files / "base_color.png"),
    ):
        face = PreparedFace(head_files / "head.obj", Look(texture=path), transfer, tmp_path)
        (samples,) = face.change(ANGRY["angry"]).tiles.values()
        values = samples.astype(np.float32) / np.iinfo(samples.dtype).max
        shown[name] = (srgb_from_linear(values) if name == "linear" else values) * 255
    assert share_missed(shown["linear"], shown["sRGB"], head.picture) < 0.12


@pytest.mark.parametrize("name", ["oiio:ColorSpace", "colorInteropID"])
@pytest.mark.parametrize("space", ["data", "Utility - Raw", "Non-Color"])
def test_an_exr_of_numbers_is_refused_by_its_header(
    name: str, space: str, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    exr_with(tmp_path / "skin.exr", **{name: space})
    request = TextureRequest(mesh=None, look=Look(texture=tmp_path / "skin.exr"), mixes=ANGRY)
    with pytest.raises(TextureError, match=rf"header calls its colour space '{space}'"):
        run_request(request, lambda: transfer)


def test_an_exr_of_other_primaries_is_read_in_the_space_that_is_named(
    head: MadeHead, head_files: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The note that asks for --colorspace is obeyed, and the result looks as from sRGB."""
    pytest.importorskip("PyOpenColorIO")
    from reggan_plugin.files.colour_management import colour_space_from_name

    space = colour_space_from_name("ACEScg")
    linear = linear_from_srgb(head.picture.astype(np.float32) / 255)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    header["chromaticities"] = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
    path = tmp_path / "skin.exr"
    OpenEXR.File(header, {"RGB": space.own_from_linear(linear)}).write(str(path))
    command = ["texture", "--mesh", str(head_files / "head.obj"), "--expression", "angry"]
    assert main([*command, "--texture", str(path), "--out", str(tmp_path / "plain.exr")]) == 0
    assert "Pass --colorspace ACEScg" in capfd.readouterr().err
    command += ["--colorspace", "ACEScg"]
    assert main([*command, "--texture", str(path), "--out", str(tmp_path / "named.exr")]) == 0
    assert "--colorspace" not in capfd.readouterr().err
    plain = tmp_path / "base.png"
    plain.write_bytes((head_files / "base_color.png").read_bytes())
    assert main([*command[:-2], "--texture", str(plain)]) == 0
    wanted = np.asarray(Image.open(tmp_path / "base_angry.png")).astype(np.float32)
    written = OpenEXR.File(str(tmp_path / "named.exr")).channels()["RGB"].pixels
    shown = srgb_from_linear(space.linear_from_own(written.astype(np.float32))) * 255
    assert share_missed(shown, wanted, head.picture) < 0.12


def test_an_image_inside_a_glb_is_srgb_whatever_its_chunks_say(
    head: MadeHead,
    head_files: Path,
    transfer: ExpressionTransfer,
    write_head_glb: Callable[..., None],
    tmp_path: Path,
) -> None:
    """glTF 2.0 §3.9.2: base colour is sRGB-encoded; gamma and profiles in images are ignored."""
    results = []
    for name, chunks in (("plain", []), ("linear", LINEAR)):
        header, *rest = read_chunks((head_files / "base_color.png").read_bytes())
        mesh = tmp_path / f"{name}.glb"
        write_head_glb(mesh, head, image=bytes_from_chunks([header, *chunks, *rest]))
        request = TextureRequest(mesh=mesh, mixes=ANGRY)
        (path,) = run_request(request, lambda: transfer).written
        results.append(np.asarray(Image.open(io.BytesIO(path.read_bytes()))))
    assert (results[0] == results[1]).all()
