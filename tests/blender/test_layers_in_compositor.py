"""A result put together from its layers by the nodes of real Blender: whole, half, and masked."""

from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
pytest.importorskip("onnxruntime")

from PIL import Image  # noqa: E402

from reggan_plugin.cli import main  # noqa: E402
from reggan_plugin.files.frame import read_frame  # noqa: E402
from reggan_plugin.imaging.colour import linear_from_srgb, srgb_from_linear  # noqa: E402

from ..layered_shots import planes, render, smile  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

SAMPLES = Path(__file__).parents[2] / "reggan_plugin/samples"
FACE = ("--face-box", "40,40,200,200", "--exposure", "0")
AROUND_FACE = (500, 140, 780, 420)
SIZE = 280


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """Two frames around the sample's face."""
    (tmp_path / "shot").mkdir()
    for number in (1001, 1002):
        name = f"avatar.{number}.png"
        with Image.open(SAMPLES / "avatar_png" / name) as frame:
            frame.crop(AROUND_FACE).save(tmp_path / "shot" / name)
    return tmp_path / "shot"


def changed(shot: Path, out: str, *more: str) -> np.ndarray:
    """The second frame of a job, in linear light."""
    render(shot, shot.parent / "smile.onnx", *FACE, *more, out=out)
    return linear_from_srgb(read_frame(shot.parent / out / "avatar.1002.png").pixels)


@pytest.fixture
def group(shot: Path) -> Any:
    """The node of the group, in a compositor that renders 32-bit EXR files of frame 1002."""
    script = shot.parent / "comp.py"
    words = ["comp", "--for", "blender", "--frames", shot, "--layers", shot.parent / "layers"]
    smile(shot.parent / "smile.onnx")
    changed(shot, "full", "--layers-out", str(shot.parent / "layers"))
    assert main([*map(str, words), "--out", str(script)]) == 0
    scene = bpy.context.scene
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.render.resolution_percentage = 100
    image = scene.render.image_settings
    if hasattr(image, "media_type"):
        image.media_type = "IMAGE"
    image.file_format, image.color_depth, image.color_mode = "OPEN_EXR", "32", "RGBA"
    exec(compile(script.read_text("utf-8"), "comp.py", "exec"), {"__name__": "__main__"})
    tree = getattr(scene, "compositing_node_group", None) or scene.node_tree
    node = next(n for n in tree.nodes if n.label == "RegGAN layers")
    for other in [n for n in tree.nodes if n.bl_idname == "CompositorNodeRLayers"]:
        tree.nodes.remove(other)
    is_5 = bpy.app.version >= (5, 0, 0)
    end = "NodeGroupOutput" if is_5 else "CompositorNodeComposite"
    output = next((n for n in tree.nodes if n.bl_idname == end), None) or tree.nodes.new(end)
    tree.links.new(node.outputs[0], output.inputs[0])
    scene.frame_set(1002)
    return node


def composed(tmp_path: Path) -> np.ndarray:
    """The picture that Blender renders, from the top."""
    path = tmp_path / "composed.exr"
    bpy.context.scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    flat = array("f", bytes(16 * SIZE * SIZE))
    image.pixels.foreach_get(flat)
    bpy.data.images.remove(image)
    return np.frombuffer(flat, np.float32).reshape(SIZE, SIZE, 4)[::-1, :, :3]


def levels_apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Differences of display-encoded values; half a level is the rounding of the files."""
    difference = 255 * np.abs(srgb_from_linear(one) - srgb_from_linear(other)).max(axis=2)
    return np.maximum(difference - 0.5, 0)


def test_blender_puts_the_result_together(shot: Path, group: Any, tmp_path: Path) -> None:
    before = linear_from_srgb(read_frame(shot / "avatar.1002.png").pixels)
    full = linear_from_srgb(read_frame(tmp_path / "full" / "avatar.1002.png").pixels)
    half = changed(shot, "half", "--intensity", "0.5")
    moved = np.abs(full - before).max(axis=2) > 0
    bare = planes(tmp_path / "layers/paint/avatar.1002.exr")[..., 3] == 0
    figures = {}
    for name, intensity, wanted in (("full", 1.0, full), ("half", 0.5, half), ("none", 0, before)):
        group.inputs["Intensity"].default_value = intensity
        off = figures[name] = levels_apart(wanted, composed(tmp_path))[moved & bare]
        print(f"{name}: {off.mean():.2f} levels, {(off < 0.5).mean():.0%} within half a level")
    assert levels_apart(full, before)[moved].mean() > 2  # there is something to get wrong
    # Map UV has no filter of the runtime's slope: bilinear is softer, anisotropic averages.
    assert figures["full"].mean() < 0.7
    assert (figures["full"] < 0.5).mean() > 0.75
    assert figures["half"].mean() < 0.7
    assert figures["none"].max() == 0


def paint_mask(group: Any, strokes: np.ndarray) -> None:
    """Link a picture of a mask, [SIZE, SIZE] from the top, to the group."""
    mask = bpy.data.images.new("mask", SIZE, SIZE, alpha=True, float_buffer=True, is_data=True)
    pixels = np.ones((SIZE, SIZE, 4), np.float32)
    pixels[..., :3] = strokes[::-1, :, None]
    mask.pixels.foreach_set(pixels.ravel())
    tree = group.id_data
    node = tree.nodes.new("CompositorNodeImage")
    node.image = mask
    tree.links.new(node.outputs["Image"], group.inputs["Mask"])


def test_a_painted_mask_keeps_the_original(shot: Path, group: Any, tmp_path: Path) -> None:
    before = linear_from_srgb(read_frame(shot / "avatar.1002.png").pixels)
    full = composed(tmp_path)
    strokes = np.zeros((SIZE, SIZE))
    strokes[:, : SIZE // 2] = 1
    paint_mask(group, strokes)
    masked = composed(tmp_path)
    assert levels_apart(masked, before)[:, SIZE // 2 :].max() < 0.5
    assert np.abs(masked - full)[:, : SIZE // 2].max() < 1e-4
    assert np.abs(full - before)[:, : SIZE // 2].max() > 0.02


def test_half_intensity_under_a_mask_with_soft_strokes(
    shot: Path, group: Any, tmp_path: Path
) -> None:
    """It is the render at half intensity there, and what was before elsewhere."""
    before = linear_from_srgb(read_frame(shot / "avatar.1002.png").pixels)
    half = changed(shot, "half", "--intensity", "0.5")
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
    left, right = (np.hypot(x - place, y) for place in (-0.1, 0.15))
    strokes = np.clip((0.3 - np.minimum(left, 1.4 * right)) / 0.15, 0, 1)
    paint_mask(group, strokes)
    group.inputs["Intensity"].default_value = 0.5
    made = composed(tmp_path)
    wanted = before + strokes[..., None].astype(np.float32) * (half - before)
    bare = planes(tmp_path / "layers/paint/avatar.1002.exr")[..., 3] == 0
    moved = (np.abs(half - before).max(axis=2) > 0) & bare & (strokes > 0)
    assert 0.2 < (strokes[moved] < 1).mean() < 0.8
    assert levels_apart(wanted, before)[moved].mean() > 1
    assert levels_apart(wanted, made)[moved].mean() < 0.7
    assert levels_apart(before, made)[strokes == 0].max() < 0.5
