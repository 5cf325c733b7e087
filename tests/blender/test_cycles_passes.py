"""A multi-layer EXR of a Cycles render comes back with its passes moved; OpenImageIO reads it."""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
pytest.importorskip("onnxruntime")
OpenImageIO = pytest.importorskip("OpenImageIO")

from ..layered_shots import render, smile  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

WIDTH, HEIGHT = 160, 120
PASSES = (
    *("z", "mist", "normal", "position", "vector", "uv", "object_index", "material_index"),
    *("diffuse_color", "diffuse_direct", "glossy_direct", "emit", "ambient_occlusion"),
    *("cryptomatte_object", "cryptomatte_material", "cryptomatte_asset"),
)
KINDS = ("CryptoObject", "CryptoMaterial", "CryptoAsset")
RANKS = 6


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    """A ball for a head with two for eyes before a wall, in all passes."""
    scene = bpy.context.scene
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.data.objects["Camera"].location = (0, -6, 0)
    bpy.data.objects["Camera"].rotation_euler = (np.pi / 2, 0, 0)
    ball("Head", (0, 0, 0), 1.6, 1)
    ball("Eye.L", (0.5, -1.4, 0.5), 0.3, 2)
    ball("Eye.R", (-0.5, -1.4, 0.5), 0.3, 3)
    bpy.ops.mesh.primitive_plane_add(size=30, location=(0, 9, 0), rotation=(np.pi / 2, 0, 0))
    bpy.context.object.name = "Wall"
    settings, cycles = scene.render, scene.cycles
    settings.engine, cycles.samples, cycles.use_denoising = "CYCLES", 4, False
    settings.resolution_x, settings.resolution_y = WIDTH, HEIGHT
    settings.resolution_percentage, settings.use_motion_blur = 100, False
    layer = scene.view_layers[0]
    for name in PASSES:
        setattr(layer, f"use_pass_{name}", True)
    layer.pass_cryptomatte_depth = RANKS
    image = settings.image_settings
    if hasattr(image, "media_type"):
        image.media_type = "MULTI_LAYER_IMAGE"
    image.file_format, image.color_depth, image.exr_codec = "OPEN_EXR_MULTILAYER", "32", "ZIP"
    settings.filepath = str(tmp_path / "head.exr")
    bpy.ops.render.render(write_still=True)
    return tmp_path / "head.exr"


def ball(name: str, place: tuple[float, float, float], radius: float, index: int) -> None:
    bpy.ops.mesh.primitive_uv_sphere_add(radius=radius, location=place)
    thing = bpy.context.object
    thing.name, thing.pass_index = name, index
    material = bpy.data.materials.new(f"{name} material")
    material.pass_index, material.use_nodes = index + 10, True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (0.9 / index, 0.2 * index, 0.3, 1.0)
    thing.data.materials.append(material)


@pytest.fixture
def moved(rendered: Path, capfd: pytest.CaptureFixture[str]) -> tuple[Path, str]:
    """The result, and what the command says; with the map of where every pixel came from."""
    capfd.readouterr()
    model = smile(rendered.parent / "smile.onnx")
    words = ("--whole-image", "--exposure", "0", "--exr-layers", "stmap", "--json")
    result = render(rendered, model, *words)
    return result, capfd.readouterr().out


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Channels of all parts, by name, and the attributes of Cryptomatte."""
    channels: dict[str, np.ndarray] = {}
    attributes: dict[str, str] = {}
    file, part = OpenImageIO.ImageInput.open(str(path)), 0
    while file.seek_subimage(part, 0):
        spec = file.spec()
        pixels = file.read_image("float")
        channels |= {n: pixels[..., i].copy() for i, n in enumerate(spec.channelnames)}
        attributes |= {a.name: a.value for a in spec.extra_attribs if a.name.startswith("crypto")}
        part += 1
    return channels, attributes


def ranks_of(channels: dict[str, np.ndarray], kind: str) -> np.ndarray:
    """Ids and coverage of a Cryptomatte, [height, width, ranks, 2]."""
    planes = []
    for level in range(RANKS // 2):
        for letter in "rgba":
            ending = f"{kind}{level:02}.{letter}".lower()
            (name,) = [name for name in channels if name.lower().endswith(ending)]
            planes.append(channels[name])
    return np.stack(planes, axis=2).reshape(HEIGHT, WIDTH, RANKS, 2)


def came_from(channels: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the pixel that each pixel shows, by the STMap in the file."""
    u, v = channels["reggan_stmap.u"], channels["reggan_stmap.v"]
    columns = np.clip(np.floor(u * WIDTH), 0, WIDTH - 1)
    rows = np.clip(np.floor((1 - v) * HEIGHT), 0, HEIGHT - 1)
    return rows.astype(int), columns.astype(int)


def test_cryptomatte_stays_valid(rendered: Path, moved: tuple[Path, str]) -> None:
    (before, manifests), (after, kept) = read(rendered), read(moved[0])
    assert kept == manifests
    for kind in KINDS:
        one, other = ranks_of(before, kind), ranks_of(after, kind)
        whole = {pixel.tobytes() for pixel in one.reshape(-1, RANKS * 2)}
        assert {pixel.tobytes() for pixel in other.reshape(-1, RANKS * 2)} <= whole
        (key,) = [k for k, v in kept.items() if k.endswith("/name") and v.endswith(kind)]
        manifest = json.loads(kept[key.replace("/name", "/manifest")])
        named = {int(number, 16) for number in manifest.values()}
        ids, coverage = (np.ascontiguousarray(other[..., i]) for i in (0, 1))
        found = set(np.unique(ids.view(np.uint32)[coverage > 0]).tolist())
        assert found <= named
        assert ((coverage >= 0) & (coverage <= 1)).all()
        assert (coverage.sum(axis=2) < 1.001).all()


def test_a_matte_moves_as_the_picture_does(rendered: Path, moved: tuple[Path, str]) -> None:
    (before, kept), (after, _) = read(rendered), read(moved[0])
    names = next(json.loads(v) for k, v in kept.items() if "manifest" in k and "Eye.L" in v)
    rows, columns = came_from(after)
    shifted = (rows != np.arange(HEIGHT)[:, None]) | (columns != np.arange(WIDTH))
    assert shifted.mean() > 0.1
    for thing in ("Head", "Eye.L", "Eye.R", "Wall"):
        one, other = (matte(channels, int(names[thing], 16)) for channels in (before, after))
        assert one.max() > 0.9
        # Half-way between two pixels rounding decides, of a map of 32 bits too.
        assert (one[rows, columns] == other).mean() > 0.995
        assert (one != other).any() or thing == "Wall"


def matte(channels: dict[str, np.ndarray], number: int) -> np.ndarray:
    pixels = ranks_of(channels, "CryptoObject")
    is_it = np.ascontiguousarray(pixels[..., 0]).view(np.uint32) == number
    return np.asarray((pixels[..., 1] * is_it).sum(axis=2))


def test_every_pass_moves_by_its_rule(rendered: Path, moved: tuple[Path, str]) -> None:
    (before, _), (after, _) = read(rendered), read(moved[0])
    assert {name for name in after if not name.startswith("reggan_stmap")} == set(before)
    said = {n["kind"]: n["message"] for n in json.loads(moved[1])["notices"]}["passes-moved"]
    rows, columns = came_from(after)
    changed = {name.split(".", 1)[1] for name in before if (before[name] != after[name]).any()}
    for wanted in ("Depth.Z", "Normal.X", "Position.X", "DiffCol.R", "DiffDir.R", "IndexOB.X"):
        assert wanted in {shortened(name) for name in changed}, f"{wanted} in {changed}; {said}"
    assert_no_depth_between(before, after, rows, columns)
    normals = np.stack([after[name] for name in sorted(before) if "Normal." in name], axis=2)
    seen = np.linalg.norm(
        np.stack([before[n] for n in sorted(before) if "Normal." in n], axis=2), axis=2
    )
    whole = np.abs(seen[rows, columns] - 1) < 1e-4
    length = np.linalg.norm(normals, axis=2)
    assert whole.mean() > 0.5
    assert np.abs(length[whole] - 1).max() < 0.05
    index = next(name for name in before if "IndexOB" in name or "Object Index" in name)
    assert set(np.unique(after[index])) <= set(np.unique(before[index]))


def assert_no_depth_between(
    before: dict[str, np.ndarray],
    after: dict[str, np.ndarray],
    rows: np.ndarray,
    columns: np.ndarray,
) -> None:
    """Where the wall is seen beside the ball, each depth is near that of the one or the other."""
    (depth,) = [name for name in before if name.endswith("Depth.Z")]
    near = np.stack([
        before[depth][np.clip(rows + y, 0, HEIGHT - 1), np.clip(columns + x, 0, WIDTH - 1)]
        for y in (-1, 0, 1) for x in (-1, 0, 1)
    ])  # fmt: skip
    jump = np.diff(np.sort(near, axis=0), axis=0).max(axis=0) > 2
    assert jump.sum() > 100
    assert (np.abs(near - after[depth]).min(axis=0)[jump] < 0.5).all()


def shortened(name: str) -> str:
    """Blender 5 writes in full what older ones wrote in short."""
    long = {"Diffuse Color": "DiffCol", "Diffuse Direct": "DiffDir", "Object Index": "IndexOB"}
    return functools.reduce(lambda text, pair: text.replace(*pair), long.items(), name)


def test_blender_offers_the_moved_passes_to_its_compositor(moved: tuple[Path, str]) -> None:
    tree: Any = bpy.data.node_groups.new("reading", "CompositorNodeTree")
    node = tree.nodes.new("CompositorNodeImage")
    node.image = bpy.data.images.load(str(moved[0]))
    offered = {shortened(socket.name) for socket in node.outputs if socket.enabled}
    assert offered >= {"Depth", "Normal", "DiffCol", "CryptoObject00", "CryptoMaterial02"}
