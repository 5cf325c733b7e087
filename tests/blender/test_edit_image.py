"""One image in Blender's Image Editor: whatever it is made of, the result is the command line's."""

import array
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from reggan_plugin.imaging.colour import linear_from_srgb

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

ROOT = Path(__file__).parents[2]
FRAME = ROOT / "reggan_plugin/samples/avatar_png/avatar.1001.png"
MULTILAYER = ROOT / "tests/files/blender/multilayer.exr"


def pixels_of(image: Any) -> np.ndarray:
    """As Blender holds them, from the top; float32 [height, width, 4]."""
    width, height = image.size
    flat = array.array("f", bytes(16 * width * height))
    image.pixels.foreach_get(flat)
    return np.frombuffer(flat, np.float32).reshape(height, width, 4)[::-1]


def state_of(image: Any) -> tuple[object, ...]:
    """Everything of an image that its own job must leave."""
    names = ("name", "filepath", "source", "is_dirty", "file_format", "alpha_mode", "is_float")
    packed = bytes(image.packed_file.data) if image.packed_file else b""
    pixels = hashlib.sha256(pixels_of(image).tobytes()).hexdigest()
    return *(getattr(image, name) for name in names), packed, pixels


def change(image: Any) -> Any:
    """The new image of a press of the button."""
    before, names = state_of(image), set(bpy.data.images.keys())
    with bpy.context.temp_override(edit_image=image):
        assert bpy.ops.reggan.edit_image() == {"FINISHED"}
    assert state_of(image) == before
    (new,) = set(bpy.data.images.keys()) - names
    return bpy.data.images[new]


@pytest.fixture
def saved_file(tmp_path: Path) -> Path:
    folder = tmp_path / "mein Film é"
    folder.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    return folder


@pytest.fixture
def by_hand(reggan_python: Path, tmp_path: Path) -> Callable[..., Path]:
    """`reggan-plugin render` of one file; the file it wrote."""

    def run(frame: Path, *options: str) -> Path:
        out = tmp_path / "by hand"
        shutil.rmtree(out, ignore_errors=True)
        command = [str(reggan_python), "-m", "reggan_plugin", "render", "--frames", str(frame)]
        command += ["--expression", "happy", "--on-missing-face", "fail"]  # a part of the stamp
        command += ["--out", str(out), *options]
        subprocess.run(command, check=True, capture_output=True)
        return out / frame.name

    return run


def test_a_file_becomes_the_command_lines_file(
    saved_file: Path, by_hand: Callable[..., Path]
) -> None:
    image = bpy.data.images.load(str(FRAME))
    bpy.context.scene.reggan.intensity = 0.6
    new = change(image)
    assert new.name == "avatar.1001_happy.png"
    assert new.filepath == "//reggan/avatar.1001_happy.png"
    written = saved_file / "reggan/avatar.1001_happy.png"
    assert written.read_bytes() == by_hand(FRAME, "--intensity", "0.6").read_bytes()
    assert (np.abs(pixels_of(new) - pixels_of(image)) > 0.02).any()


def test_an_unsaved_blend_file_takes_the_result_in(
    by_hand: Callable[..., Path], tmp_path: Path
) -> None:
    new = change(bpy.data.images.load(str(FRAME)))
    assert bytes(new.packed_file.data) == by_hand(FRAME).read_bytes()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "later.blend"), compress=False)
    assert bpy.app.tempdir.encode() not in (tmp_path / "later.blend").read_bytes()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "later.blend"))
    again = bpy.data.images["avatar.1001_happy.png"]  # although nothing uses it yet
    assert again.filepath == "//avatar.1001_happy.png"
    with Image.open(FRAME) as frame:
        assert tuple(again.size) == frame.size


def test_a_packed_image_goes_with_its_own_bytes(by_hand: Callable[..., Path]) -> None:
    image = bpy.data.images.load(str(FRAME))
    image.name = "Kopf ß/1"
    image.pack()
    image.filepath = "//gone/nowhere.tga"  # says nothing of what is packed
    image.alpha_mode = "CHANNEL_PACKED"
    new = change(image)
    assert new.name == "Kopf ß_1_happy.png"
    assert new.alpha_mode == "CHANNEL_PACKED"
    assert bytes(new.packed_file.data) == by_hand(FRAME).read_bytes()


def test_paint_that_is_not_saved_counts(by_hand: Callable[..., Path], tmp_path: Path) -> None:
    shutil.copy(FRAME, tmp_path / "face.jpg.png")
    image = bpy.data.images.load(str(tmp_path / "face.jpg.png"))
    painted = array.array("f", pixels_of(image)[::-1].ravel())
    painted[: 4 * 50 * image.size[0]] = array.array("f", [0.0, 1.0, 0.0, 1.0] * 50 * image.size[0])
    image.pixels.foreach_set(painted)
    image.update()
    assert image.is_dirty
    new = change(image)
    levels = np.rint(pixels_of(image) * 255).astype(np.uint8)
    assert (levels[-50:, :, 1] == 255).all()
    Image.fromarray(levels).save(tmp_path / "painted.png")
    expected = np.asarray(Image.open(by_hand(tmp_path / "painted.png")))
    assert (np.rint(pixels_of(new) * 255) == expected).all()
    assert (tmp_path / "face.jpg.png").read_bytes() == FRAME.read_bytes()


def test_floats_stay_floats_and_light(by_hand: Callable[..., Path], tmp_path: Path) -> None:
    """A float image that has no file; written by other means for the command line."""
    frame = bpy.data.images.load(str(FRAME))
    bright = pixels_of(frame).copy()
    bright[..., :3] = linear_from_srgb(bright[..., :3])  # any light will do
    bright[:4, :4, :3] = 7.5
    image = bpy.data.images.new("gemalt", *frame.size, alpha=True, float_buffer=True)
    image.pixels.foreach_set(array.array("f", bright[::-1].ravel()))
    new = change(image)
    assert new.is_float
    assert new.colorspace_settings.name == "Linear Rec.709"
    assert (pixels_of(new)[:4, :4, :3] == 7.5).all()
    assert (np.abs(pixels_of(new) - bright) > 0.02).any()
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"RGBA": np.ascontiguousarray(bright)}).write(str(tmp_path / "light.exr"))
    made = OpenEXR.File(str(by_hand(tmp_path / "light.exr"))).channels()["RGBA"].pixels
    assert (pixels_of(new) == made).all()


def test_the_render_result_goes_as_light(
    saved_file: Path, by_hand: Callable[..., Path], tmp_path: Path
) -> None:
    scene = bpy.context.scene
    render_sample(scene)
    settings = scene.render.image_settings
    settings.file_format, settings.color_mode = "JPEG", "RGB"
    with bpy.context.temp_override(edit_image=bpy.data.images["Render Result"]):
        assert bpy.ops.reggan.edit_image() == {"FINISHED"}
    assert (settings.file_format, settings.color_mode) == ("JPEG", "RGB")
    new = bpy.data.images["Render_0001_happy.exr"]
    assert new.use_view_as_render  # as Blender shows the Render Result
    assert new.colorspace_settings.name == "Linear Rec.709"
    settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGBA", "32"
    settings.exr_codec = "ZIP"
    bpy.data.images["Render Result"].save_render(str(tmp_path / "render.exr"), scene=scene)
    made = bpy.data.images.load(str(by_hand(tmp_path / "render.exr")))
    assert (pixels_of(new) == pixels_of(made)).all()
    before = bpy.data.images.load(str(tmp_path / "render.exr"))
    assert (np.abs(pixels_of(new) - pixels_of(before)) > 0.02).any()


def render_sample(scene: Any) -> None:
    """Render a sample frame off an emitting plane, as a stand-in for a character."""
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    bpy.ops.mesh.primitive_plane_add(size=2)
    material = bpy.data.materials.new("screen")
    if material.node_tree is None:  # before Blender 5
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    output, light, shown = (
        nodes.new(f"ShaderNode{kind}") for kind in ("OutputMaterial", "Emission", "TexImage")
    )
    shown.image = bpy.data.images.load(str(FRAME))
    links.new(shown.outputs["Color"], light.inputs["Color"])
    links.new(light.outputs[0], output.inputs["Surface"])
    bpy.context.object.data.materials.append(material)
    bpy.ops.object.camera_add(location=(0, 0, 5))
    scene.camera = bpy.context.object
    scene.camera.data.type, scene.camera.data.ortho_scale = "ORTHO", 2.0
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    scene.cycles.use_denoising = False
    scene.render.resolution_x = scene.render.resolution_y = 256
    scene.render.resolution_percentage = 100
    bpy.ops.render.render()


def test_a_multilayer_file_goes_as_it_is(saved_file: Path, by_hand: Callable[..., Path]) -> None:
    """Blender shows no pixels of it to Python. Its cube has no face: nothing is asked of it."""
    image = bpy.data.images.load(str(MULTILAYER))
    bpy.context.scene.reggan.intensity = 0.0
    with bpy.context.temp_override(edit_image=image):
        assert bpy.ops.reggan.edit_image() == {"FINISHED"}
    written = saved_file / "reggan/multilayer_happy.exr"
    assert written.read_bytes() == MULTILAYER.read_bytes()


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    with bpy.context.temp_override(edit_image=bpy.data.images.new("grey", 64, 64)):
        with pytest.raises(
            RuntimeError, match=r"Error: No human-like face in grey; .*take its place from"
        ):
            bpy.ops.reggan.edit_image()
        assert "grey_happy" not in "".join(bpy.data.images.keys())
    image = bpy.data.images.load(str(FRAME))
    image.filepath = str(tmp_path / "gone.png")
    with (
        bpy.context.temp_override(edit_image=image),
        pytest.raises(RuntimeError, match=r"missing: .*gone.png.*Find Missing Files"),
    ):
        bpy.ops.reggan.edit_image()
    tiled = bpy.data.images.new("tiles", 8, 8, tiled=True)
    for shown, reason in ((None, "Open an image"), (tiled, "changed on its head")):
        with bpy.context.temp_override(edit_image=shown), pytest.raises(RuntimeError, match=reason):
            bpy.ops.reggan.edit_image()
