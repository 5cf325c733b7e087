"""Other passes of a render move along with the face, each by its rule; the rest keeps its bits."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO
import pytest

from reggan_plugin.files.exr.channel_names import find_layer, passes_of
from reggan_plugin.files.exr.container import read_container
from reggan_plugin.imaging.move_passes import PassMotion, move_pass
from reggan_plugin.imaging.moved_part import MovedPart

from .files.exr_files import assert_same_bits, channels
from .layered_shots import render, smile
from .motion_models import write_motion_model

SIZE, SHIFT = 256, 16
MIDDLE, CAME_FROM = (slice(64, 192), slice(64, 192)), (slice(64, 192), slice(80, 208))
WHOLE = ("--whole-image", "--exposure", "0")
BLENDER = Path(__file__).parent / "files" / "blender"


def layers() -> dict[str, Any]:
    random = np.random.default_rng(5)

    def noise(count: int = 1) -> Any:
        values = random.random((SIZE, SIZE, count)).astype(np.float32)
        return values[..., 0] if count == 1 else values

    normals = noise(3) - 0.5
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    ids = random.integers(0, 2**32, (SIZE, SIZE), dtype=np.uint32)
    return {
        "RGB": noise(3),
        "A": np.ones((SIZE, SIZE), np.float32),
        "Z": noise() + 5,
        **{f"albedo.{name}": noise().astype(np.float16) for name in "RGB"},
        **{f"lg_key.{name}": noise() for name in "RGB"},
        **{f"N.{name}": normals[..., index].copy() for index, name in enumerate("XYZ")},
        **{f"motion.{name}": noise() for name in "XY"},
        **{f"crypto_object0{rank}.{name}": noise() for rank in (0, 1) for name in "RGBA"},
        "objectid": ids,
        **{f"artistic.{name}": noise() for name in "RGB"},
    }


def write(path: Path, **attributes: Any) -> Path:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, **attributes}
    OpenEXR.File(header, layers()).write(str(path))
    return path


@pytest.fixture
def shifting(tmp_path: Path) -> Path:
    return write_motion_model(tmp_path / "moving.onnx", motion=(SHIFT / SIZE, 0.0), gain=0.25)


def test_known_passes_move_and_unknown_ones_keep_their_bits(
    shifting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "a.exr")
    before = channels(source)
    after = channels(render(source, shifting, *WHOLE, "--json"))
    assert after.keys() == before.keys()
    moved = [n for n in before if n[:2] in ("Z", "al", "N.", "cr", "ob")]
    assert len(moved) == 1 + 3 + 3 + 8 + 1
    for name in moved:
        assert after[name].dtype == before[name].dtype
        assert_same_bits(after[name][MIDDLE].copy(), before[name][CAME_FROM].copy())
    for name in (f"lg_key.{colour}" for colour in "RGB"):
        expected = before[name][CAME_FROM] * np.exp(np.float32(0.25))
        assert np.allclose(after[name][MIDDLE], expected, rtol=1e-5)
    for name in ("artistic.R", "artistic.G", "artistic.B", "A"):
        assert_same_bits(after[name], before[name])
    said = {n["kind"]: n["message"] for n in json.loads(capsys.readouterr().out)["notices"]}
    assert "crypto_object00, crypto_object01, objectid (nearest pixel" in said["passes-moved"]
    assert "lg_key (filtered, times the gain)" in said["passes-moved"]
    assert said["passes-left"] == "passes left as they are: artistic"


def test_only_named_passes_move(shifting: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "a.exr")
    before = channels(source)
    named = ("--move-layers", "ART*=nearest, albedo")
    after = channels(render(source, shifting, *WHOLE, *named))
    for name in before:
        if name.startswith(("artistic", "albedo")):
            assert_same_bits(after[name][MIDDLE].copy(), before[name][CAME_FROM].copy())
        elif name not in "RGB":
            assert_same_bits(after[name], before[name])
    none = channels(render(source, shifting, *WHOLE, "--move-layers", "none", out="none"))
    assert all(
        none[name].tobytes() == before[name].tobytes() for name in before.keys() - set("RGB")
    )
    assert (none["R"] != before["R"]).any()


@pytest.mark.parametrize(
    ("asked", "said", "status"),
    [
        ("nothing*", "a.exr has no pass 'nothing*'; it has", 1),
        ("N=sideways", "rules are light,", 2),
    ],
)
def test_what_cannot_be_moved_is_said(
    asked: str, said: str, status: int, shifting: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    source = write(tmp_path / "a.exr")
    render(source, shifting, *WHOLE, "--move-layers", asked, status=status)
    assert said in capsys.readouterr().err


def test_a_pass_in_a_part_of_its_own_moves_too(shifting: Path, tmp_path: Path) -> None:
    random, source = np.random.default_rng(6), tmp_path / "a.exr"

    def part(name: str, **planes: Any) -> OpenEXR.Part:
        shown = np.array([0, 0], np.int32), np.array([SIZE - 1, SIZE - 1], np.int32)
        kind = {"type": OpenEXR.scanlineimage, "displayWindow": shown}
        return OpenEXR.Part(kind, planes, name)

    depth = random.random((SIZE, SIZE)).astype(np.float32)
    rgb = random.random((SIZE, SIZE, 3)).astype(np.float32)
    other = random.random((SIZE // 2, SIZE, 3)).astype(np.float32)
    parts = [part("rgba", RGB=rgb), part("depth", Z=depth), part("albedo", RGB=other)]
    OpenEXR.File(parts).write(str(source))
    result = render(source, shifting, *WHOLE)
    assert_same_bits(channels(result, 1)["Z"][MIDDLE].copy(), depth[CAME_FROM].copy())
    assert_same_bits(channels(result, 2)["R"], np.ascontiguousarray(other[..., 0]))


@pytest.mark.parametrize("name", ["multilayer.exr", "multilayer_parts.exr"])
def test_cryptomatte_of_a_cycles_render_stays_valid(name: str, tmp_path: Path) -> None:
    """Read by OpenImageIO: the ids are those of before, and so is the manifest."""
    source = tmp_path / name
    source.write_bytes((BLENDER / name).read_bytes())
    model = write_motion_model(tmp_path / "moving.onnx", motion=(6.4 / 48, -3.3 / 48))
    result = render(source, model, *WHOLE)
    before, after = (read_by_openimageio(path) for path in (source, result))
    crypto = sorted(channel for channel in before if "CryptoObject" in channel)
    assert len(crypto) == 4
    pixels = [
        np.stack([planes[channel] for channel in crypto], axis=2) for planes in (before, after)
    ]
    known = {pixel.tobytes() for pixel in pixels[0].reshape(-1, 4)}
    assert {pixel.tobytes() for pixel in pixels[1].reshape(-1, 4)} <= known
    assert (pixels[0] != pixels[1]).any()
    depth = next(channel for channel in before if "Depth" in channel)
    assert (before[depth] != after[depth]).any()
    for key in ("manifest", "name", "hash"):
        assert attribute(source, key) == attribute(result, key) != ""


def read_by_openimageio(path: Path) -> dict[str, np.ndarray]:
    planes, index = {}, 0
    file = OpenImageIO.ImageInput.open(str(path))
    while file.seek_subimage(index, 0):
        pixels = file.read_image("float")
        names = file.spec().channelnames
        planes |= {name: pixels[..., i].copy() for i, name in enumerate(names)}
        index += 1
    return planes


def attribute(path: Path, key: str) -> str:
    spec = OpenImageIO.ImageInput.open(str(path)).spec()
    return str(spec.getattribute(f"cryptomatte/542cafa/{key}"))


def part_of(displacement: np.ndarray) -> MovedPart:
    rows, columns = displacement.shape[:2]
    zeros = np.zeros((rows, columns), np.float32)
    return MovedPart(
        face=0,
        region=(slice(0, rows), slice(0, columns)),
        displacement=displacement.astype(np.float32),
        log_gain=zeros[..., None],
        cover=zeros,
        paint=np.zeros((rows, columns, 3), np.float32),
        weight=zeros + 1,
        footprint=None,
    )


def moved(planes: np.ndarray, rule: Any, displacement: np.ndarray, alpha: Any = None) -> np.ndarray:
    result = planes.copy()
    motion = PassMotion(
        parts=[part_of(displacement)], alpha=alpha, moves_alpha=False, corner=(0, 0)
    )
    move_pass(result, rule, motion)
    return result


def test_vectors_shrink_where_the_face_stretches_and_turn_where_it_turns() -> None:
    """A point that moves by v in the source moves by the inverse of the Jacobian times v."""
    y, x = np.mgrid[:64, :64] - 31.5
    vectors = np.broadcast_to(np.array([3.0, 1.0], np.float32), (64, 64, 2))
    stretch = np.stack([-0.2 * x, np.zeros_like(y)], axis=2)  # 0.8 of the source in each pixel
    assert np.allclose(moved(vectors, "motion", stretch)[32, 32], (3.0 / 0.8, 1.0), atol=1e-5)
    angle = np.radians(20)  # the picture turns clockwise as seen, y being down
    across, down = np.cos(angle) * x + np.sin(angle) * y, -np.sin(angle) * x + np.cos(angle) * y
    turned = moved(vectors, "motion", np.stack([across - x, down - y], axis=2))[32, 32]
    clockwise = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    assert np.allclose(turned, clockwise @ (3.0, 1.0), atol=1e-4)


def test_depth_has_no_value_between_two_surfaces() -> None:
    x = np.mgrid[:64, :64][1]
    near, far = 5 + 0.01 * x, 90 + 0.01 * x
    depth = np.where(x < 30, near, far)[..., None].astype(np.float32)
    result = moved(depth, "depth", np.full((64, 64, 2), (0.4, 0.3)))
    assert ((result < 6) | (result > 89)).all()
    assert result[20, 10, 0] == pytest.approx(5.104, abs=1e-4)  # and it is filtered within one
    endless = np.where(x[..., None] < 30, depth, np.inf).astype(np.float32)
    result = moved(endless, "depth", np.full((64, 64, 2), (0.4, 0.3)))
    assert ((result < 6) | np.isinf(result)).all()


def test_a_constant_depth_keeps_its_bits() -> None:
    depth = np.full((64, 64, 1), 5.3, np.float32)
    shift = np.random.default_rng(3).random((64, 64, 2))
    assert_same_bits(moved(depth, "depth", shift), depth)


@pytest.mark.parametrize("is_encoded", [False, True])
def test_normals_keep_their_length(is_encoded: bool) -> None:
    y, x = np.mgrid[:64, :64] / 10.0
    normals = np.stack([np.sin(x), np.sin(y), np.full_like(x, 0.7)], axis=2)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    stored = (normals + 1) / 2 if is_encoded else normals
    result = moved(stored.astype(np.float32), "normal", np.full((64, 64, 2), (0.5, 0.5)))
    result = 2 * result - 1 if is_encoded else result
    inside = result[8:56, 8:56]
    assert np.allclose(np.linalg.norm(inside, axis=2), 1, atol=1e-5)
    between = normals[8:56, 8:56] + normals[9:57, 9:57]
    between /= np.linalg.norm(between, axis=2, keepdims=True)
    assert (inside * between).sum(axis=2).min() > 0.999


def test_nothing_comes_from_beyond_the_silhouette() -> None:
    x = np.mgrid[:32, :32][1]
    alpha = (x < 16).astype(np.float32)
    ids = np.where(x < 16, 7.0, 0.0)[..., None].astype(np.float32)
    shift = np.full((32, 32, 2), (4.0, 0.0))
    assert (moved(ids, "nearest", shift, alpha)[:, :16] == 7).all()


def test_every_pass_of_blender_is_known(tmp_path: Path) -> None:
    rules = {}
    for name in ("multilayer.exr", "multilayer_parts.exr", "multiview.exr", "multiview_parts.exr"):
        parts = read_container((BLENDER / name).read_bytes()).parts
        passes = passes_of(parts, find_layer(parts))
        assert len(passes) == 3, name
        rules |= {one.name: one.rule for one in passes}
        assert sorted(len(one.channels) for one in passes) == [1, 3, 4]
    assert rules == {"CryptoObject00": "nearest", "Depth": "depth", "Diffuse Color": "colour"}


@pytest.mark.parametrize(
    ("view", "names"), [("left", {"Z", "albedo", "normals"}), ("right", {"Z", "albedo"})]
)
def test_passes_of_one_part_belong_to_the_view_that_they_name_or_the_first(
    tmp_path: Path, view: str, names: set[str]
) -> None:
    grey = np.zeros((8, 8), np.float32)
    own = [f"{layer}{letter}" for layer in ("", "albedo.left.") for letter in "RGB"]
    own += ["Z", "normals.X", "normals.Y", "normals.Z"]
    other = [f"{layer}right.{letter}" for layer in ("", "albedo.") for letter in "RGB"]
    other += ["right.Z"]
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "multiView": ["left", "right"]}
    path = tmp_path / "a.exr"
    OpenEXR.File(header, dict.fromkeys([*own, *other], grey)).write(str(path))
    parts = read_container(path.read_bytes()).parts
    passes = passes_of(parts, find_layer(parts, view))
    assert {one.name for one in passes} == names
    assert {name for one in passes for name in one.channels} <= set(
        own if view == "left" else other
    )


@pytest.mark.parametrize(
    ("name", "rule"),
    [("Object Index", "nearest"), ("Material Index", "nearest"), ("Ambient Occlusion", "colour")],
)
def test_passes_are_known_by_the_names_of_blender_5(tmp_path: Path, name: str, rule: str) -> None:
    grey = np.zeros((8, 8), np.float32)
    content = {f"ViewLayer.Combined.{letter}": grey for letter in "RGBA"}
    content |= {f"ViewLayer.{name}.X": grey}
    path = tmp_path / "a.exr"
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, content).write(str(path))
    parts = read_container(path.read_bytes()).parts
    assert [one.rule for one in passes_of(parts, find_layer(parts))] == [rule]


def test_a_smile_moves_passes_as_the_picture(tmp_path: Path) -> None:
    """A light pass that is the picture comes out as the picture, where nothing is painted."""
    content = layers()
    for index, name in enumerate("RGB"):
        content[f"lg_key.{name}"] = content["RGB"][..., index].copy()
    source = tmp_path / "a.exr"
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, content).write(str(source))
    after = channels(
        render(source, smile(tmp_path / "smile.onnx"), *WHOLE, "--exr-layers", "paint")
    )
    bare = after["reggan_paint.A"] == 0
    assert 0.5 < bare.mean() < 0.999
    for name in "RGB":
        assert np.allclose(after[f"lg_key.{name}"][bare], after[name][bare], rtol=1e-5, atol=1e-6)
