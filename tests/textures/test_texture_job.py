"""Files in, files out: formats, depths, UDIM sets, intensity 0, glTF in all its forms."""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image

from reggan_plugin.errors import OutputExistsError, RegganError, UsageError
from reggan_plugin.imaging.colour import linear_from_srgb, srgb_from_linear
from reggan_plugin.jobs.plan import Existing
from reggan_plugin.textures.maps.texture_files import find_texture
from reggan_plugin.textures.texture_job import run_request
from reggan_plugin.textures.texture_request import Look, TextureRequest, TextureResult
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

from .conftest import MadeHead, share_missed, write_obj
from .test_write_gltf import parsed, view_bytes

ANGRY = {"angry": ExpressionMix({"angry": 1.0})}
CLOSED = {"sad": ExpressionMix({"sad": 1.0})}
NOTHING = {"angry": ExpressionMix({"angry": 0.0})}


def no_model() -> ExpressionTransfer:
    raise AssertionError("nothing changes, so no model is needed")


@pytest.fixture
def run(transfer: ExpressionTransfer) -> Callable[..., TextureResult]:
    def job(mesh: Path | None, texture: Path | None, **more: object) -> TextureResult:
        settings = {"mixes": ANGRY, **more}
        request = TextureRequest(mesh=mesh, look=Look(texture=texture), **settings)  # type: ignore[arg-type]
        return run_request(request, lambda: transfer)

    return job


@pytest.fixture(scope="module")
def angry_map(head_files: Path, transfer: ExpressionTransfer) -> np.ndarray:
    """The result for 8 bits; the other formats must agree with it."""
    texture = head_files / "base_color.png"
    request = TextureRequest(mesh=head_files / "head.obj", look=Look(texture=texture), mixes=ANGRY)
    (path,) = run_request(request, lambda: transfer).written
    assert path == head_files / "base_color_angry.png"
    return np.asarray(Image.open(path)).astype(int)


def test_sixteen_bits_and_alpha_are_kept(
    head: MadeHead,
    head_files: Path,
    angry_map: np.ndarray,
    run: Callable[..., TextureResult],
    tmp_path: Path,
) -> None:
    deep = head.picture.astype(np.uint16) * 257
    alpha = np.full(deep.shape[:2], 65535, np.uint16)
    alpha[300:320] = 30000
    alpha[200:210] = 0
    stored = np.dstack([deep, alpha])
    (tmp_path / "base.png").write_bytes(imagecodecs.png_encode(stored))
    (path,) = run(head_files / "head.obj", tmp_path / "base.png").written
    result = imagecodecs.png_decode(path.read_bytes())
    assert result.dtype == np.uint16
    assert (result[..., 3] == alpha).all()
    assert (result[200:210, :, :3] == deep[200:210]).all()
    visible = alpha == 65535
    result8 = np.where(visible[..., None], result[..., :3] / 257.0, angry_map)
    assert share_missed(result8, angry_map, head.picture) < 0.12
    changed = (angry_map != head.picture).any(axis=2) & visible
    assert (result[..., :3][changed] % 257 != 0).mean() > 0.5  # more than 8 bits of change


@pytest.mark.parametrize("kind", ["half exr", "float tiff"])
def test_linear_base_colour_gives_the_same_look(
    kind: str,
    head: MadeHead,
    head_files: Path,
    angry_map: np.ndarray,
    run: Callable[..., TextureResult],
    tmp_path: Path,
) -> None:
    linear = linear_from_srgb(head.picture.astype(np.float32) / 255)
    if kind == "half exr":
        linear = linear.astype(np.float16)
        path = tmp_path / "base.exr"
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, {"RGB": linear}).write(str(path))
    else:
        path = tmp_path / "base.tif"
        tifffile.imwrite(path, linear, photometric="rgb")
    (output,) = run(head_files / "head.obj", path).written
    if kind == "half exr":
        result = OpenEXR.File(str(output)).channels()["RGB"].pixels
    else:
        result = tifffile.imread(output)
    assert result.dtype == linear.dtype
    shown = srgb_from_linear(result.astype(np.float32)) * 255
    assert share_missed(shown, angry_map, head.picture) < 0.12
    behind = head.points_of_texels()[..., 2] < 0
    assert (result[behind] == linear[behind]).all()


@pytest.fixture
def udim_head(head: MadeHead, tmp_path: Path) -> Path:
    """One half of the face on tile 1001, the other on 1002; 1003 is not used."""
    half = len(head.uv) // 2
    uv = head.uv * [2, 1]
    uv[:half, 0] = np.minimum(uv[:half, 0], 1 - 1e-4)
    write_obj(tmp_path / "head.obj", head, uv=uv)
    middle = head.picture.shape[1] // 2
    for number, part in ((1001, head.picture[:, :middle]), (1002, head.picture[:, middle:])):
        Image.fromarray(part).save(tmp_path / f"face.{number}.png")
    Image.new("RGB", (8, 8), (1, 2, 3)).save(tmp_path / "face.1003.png")
    return tmp_path


@pytest.mark.parametrize("pattern", ["face.<UDIM>.png", "face.%(UDIM)d.png"])
def test_every_tile_of_a_udim_set_is_written(
    pattern: str,
    udim_head: Path,
    head: MadeHead,
    angry_map: np.ndarray,
    run: Callable[..., TextureResult],
) -> None:
    result = run(udim_head / "head.obj", udim_head / pattern)
    assert [path.name for path in result.written] == [
        f"face_angry.{number}.png" for number in (1001, 1002, 1003)
    ]
    assert not any("not in the set" in notice for notice in result.notices)
    left, right, unused = (path.read_bytes() for path in result.written)
    assert unused == (udim_head / "face.1003.png").read_bytes()
    both = np.hstack([imagecodecs.png_decode(left), imagecodecs.png_decode(right)])
    assert share_missed(both, angry_map, head.picture) < 0.12


@pytest.mark.parametrize("uv", [(-0.5, 1.5), (10.5, 0.5), (9.5, -0.5)])
def test_points_beside_the_grid_of_tiles_show_no_other_tile(
    uv: tuple[float, float], tmp_path: Path
) -> None:
    for number in (1000, 1010, 1011):  # what counting on over the ends of rows would come to
        Image.new("RGB", (4, 4), (200, 200, 200)).save(tmp_path / f"face.{number}.png")
    texture = find_texture(tmp_path / "face.<UDIM>.png").read()
    assert texture.shown(np.array([(9.5, 0.5)]))[0].any()
    assert not texture.shown(np.array([uv]))[0].any()


@pytest.mark.parametrize("force", [False, True])
def test_a_tile_without_which_there_is_no_face_is_named(
    force: bool, udim_head: Path, transfer: ExpressionTransfer
) -> None:
    (udim_head / "face.1002.png").unlink()
    look = Look(texture=udim_head / "face.<UDIM>.png", force=force)
    request = TextureRequest(mesh=udim_head / "head.obj", look=look, mixes=ANGRY)
    with pytest.raises(RegganError, match="tiles 1002 are not in the set, and shown black"):
        run_request(request, lambda: transfer)


def test_intensity_0_gives_the_same_files(
    udim_head: Path,
    head: MadeHead,
    head_files: Path,
    write_head_glb: Callable[..., None],
    tmp_path: Path,
) -> None:
    look = Look(texture=udim_head / "face.<UDIM>.png")
    request = TextureRequest(mesh=udim_head / "head.obj", look=look, mixes=NOTHING)
    for path in run_request(request, no_model).written:
        assert path.read_bytes() == path.with_name(path.name.replace("_angry", "")).read_bytes()
    texture = head_files / "base_color.png"
    flat = TextureRequest(
        mesh=None, look=Look(texture=texture), mixes=NOTHING, out=tmp_path / "o.png"
    )
    run_request(flat, no_model)
    assert (tmp_path / "o.png").read_bytes() == texture.read_bytes()


def test_intensity_0_gives_the_same_glb(
    head_files: Path, head_glb: Path, tmp_path: Path, run: Callable[..., TextureResult]
) -> None:
    run(head_glb, None, mixes=NOTHING, out_mesh=tmp_path / "same.glb", out=tmp_path / "same.png")
    assert (tmp_path / "same.glb").read_bytes() == head_glb.read_bytes()
    assert (tmp_path / "same.png").read_bytes() == (head_files / "base_color.png").read_bytes()


def test_a_glb_wears_its_new_map(
    head: MadeHead,
    angry_map: np.ndarray,
    head_glb: Path,
    tmp_path: Path,
    run: Callable[..., TextureResult],
) -> None:
    result = run(head_glb, None, out_mesh=tmp_path / "angry.glb")
    assert result.written == (tmp_path / "angry.glb",)
    assert (result.found_by, result.material) == ("node J_Head", "Face")
    document, binary = parsed(tmp_path / "angry.glb")
    content = view_bytes(document, binary, document["images"][0]["bufferView"])
    assert share_missed(imagecodecs.png_decode(content), angry_map, head.picture) < 0.12


def test_a_material_colour_multiplies_the_map(
    head: MadeHead,
    head_files: Path,
    angry_map: np.ndarray,
    write_head_glb: Callable[..., None],
    tmp_path: Path,
    run: Callable[..., TextureResult],
) -> None:
    """A map at half its light under a factor of two shows the same face."""
    from ..glb_files import glb_bytes

    dark = srgb_from_linear(linear_from_srgb(head.picture.astype(np.float32) / 255) / 2)
    deep = np.rint(dark * 65535).astype(np.uint16)
    mesh = tmp_path / "head.glb"
    write_head_glb(mesh, head, image=imagecodecs.png_encode(deep))
    document, binary = parsed(mesh)
    document["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] = [2.0, 2.0, 2.0, 1.0]
    mesh.write_bytes(glb_bytes(document, binary))
    (path,) = run(mesh, None).written
    result = imagecodecs.png_decode(path.read_bytes()).astype(np.float32) / 65535
    shown = srgb_from_linear(linear_from_srgb(result) * 2) * 255
    assert share_missed(shown, angry_map, head.picture) < 0.12


def test_a_flat_map_is_changed_where_its_face_is(
    face_picture: np.ndarray, tmp_path: Path, run: Callable[..., TextureResult]
) -> None:
    picture = np.full((400, 700, 3), 120, np.uint8)
    picture[40:360, 200:520] = np.rint(face_picture * 255)
    Image.fromarray(picture).save(tmp_path / "unfolded.png")
    (path,) = run(None, tmp_path / "unfolded.png").written
    difference = (np.asarray(Image.open(path)) != picture).any(axis=2)
    assert difference[40:360, 200:520].mean() > 0.1
    assert not difference[:, :200].any()
    assert not difference[:, 520:].any()


def test_existing_outputs_are_refused_kept_or_replaced(
    head_files: Path, angry_map: np.ndarray, run: Callable[..., TextureResult], tmp_path: Path
) -> None:
    arguments = head_files / "head.obj", head_files / "base_color.png"
    out = tmp_path / "out.png"
    out.write_bytes(b"old")
    with pytest.raises(OutputExistsError, match="nothing is replaced"):
        run(*arguments, out=out)
    with pytest.raises(OutputExistsError, match=r"no record of reggan-plugin's"):
        run(*arguments, out=out, existing=Existing.RESUME)
    assert out.read_bytes() == b"old"
    run(*arguments, out=out, existing=Existing.OVERWRITE)
    assert np.abs(np.asarray(Image.open(out)).astype(int) - angry_map).max() == 0


def test_an_open_mouth_is_said_to_be_painted(
    head_files: Path, run: Callable[..., TextureResult], tmp_path: Path
) -> None:
    arguments = head_files / "head.obj", head_files / "base_color.png"
    mixes = {"afraid": ExpressionMix({"afraid": 1.0})}
    result = run(*arguments, mixes=mixes, out=tmp_path / "afraid.png")
    assert any("afraid opens the mouth" in notice for notice in result.notices)
    assert not any(
        "mouth" in n for n in run(*arguments, mixes=CLOSED, out=tmp_path / "sad.png").notices
    )


def test_a_map_that_only_the_mesh_names_is_never_lost(
    head: MadeHead, run: Callable[..., TextureResult], tmp_path: Path
) -> None:
    """Its ending is known when the mesh was looked at, which is before anything is made."""
    mesh, made = tmp_path / "h.obj", tmp_path / "h_angry.jpeg"
    write_obj(mesh, head)
    mesh.write_text(f"mtllib h.mtl\nusemtl skin\n{mesh.read_text()}")
    Image.fromarray(head.picture).save(tmp_path / "base.jpeg")
    (tmp_path / "h.mtl").write_text("newmtl skin\nmap_Kd base.jpeg\n")
    made.write_bytes(b"somebody's")
    with pytest.raises(OutputExistsError, match=r"h_angry\.jpeg exists"):
        run(mesh, None)
    with pytest.raises(OutputExistsError, match="no record"):
        run(mesh, None, existing=Existing.RESUME)
    assert made.read_bytes() == b"somebody's"
    made.write_bytes((tmp_path / "base.jpeg").read_bytes())
    (tmp_path / "h.mtl").write_text("newmtl skin\nmap_Kd h_angry.jpeg\n")
    with pytest.raises(UsageError, match=r"h_angry\.jpeg is an input"):
        run(mesh, None, existing=Existing.OVERWRITE)
    made.unlink()
    (tmp_path / "h.mtl").write_text("newmtl skin\nmap_Kd base.jpeg\n")
    assert run(mesh, None, existing=Existing.RESUME).written == (made,)
    assert run(mesh, None, existing=Existing.RESUME).skipped == (made,)
