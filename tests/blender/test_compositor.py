"""The node group in the scene's compositor, judged by the pixels that Blender renders."""

import shutil
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

SAMPLES = Path(__file__).parents[2] / "reggan_plugin/samples"
SIZE = (48, 32)
"""Width, height."""


@pytest.fixture
def scene() -> Any:
    """Renders 32-bit EXR frames of the tests' size."""
    scene = bpy.context.scene
    render = scene.render
    render.resolution_x, render.resolution_y = SIZE
    render.engine, scene.cycles.samples = "CYCLES", 1
    image = render.image_settings
    if hasattr(image, "media_type"):
        image.media_type = "IMAGE"
    image.file_format, image.color_depth, image.color_mode = "OPEN_EXR", "32", "RGBA"
    return scene


def colour_frame(path: Path, colour: tuple[float, ...]) -> Path:
    """A float EXR of one colour."""
    image = bpy.data.images.new(path.stem, *SIZE, alpha=True, float_buffer=True, is_data=True)
    image.pixels.foreach_set(array("f", colour * (SIZE[0] * SIZE[1])))
    image.filepath_raw, image.file_format = str(path), "OPEN_EXR"
    image.save()
    bpy.data.images.remove(image)
    return path


def set_sequences(scene: Any, original: Sequence[Path], result: Sequence[Path]) -> None:
    """What a run of Change Frames leaves behind."""
    from blender_addon.scene.sequence_images import load_frames

    scene.reggan.original_image = load_frames(original[0], original[-1])
    scene.reggan.result_image = load_frames(result[0], result[-1])


def mixed(scene: Any) -> Any:
    """The scene that a press of the button makes or finds."""
    assert bpy.ops.reggan.add_compositor_group() == {"FINISHED"}
    (own,) = [one for one in bpy.data.scenes if one.get("reggan_mix_of") == scene]
    return own


def rendered(scene: Any, path: Path, frame: int) -> list[float]:
    """The pixels of a frame as Blender renders it, from file."""
    scene.frame_set(frame)
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True, scene=scene.name)
    image = bpy.data.images.load(str(path.with_suffix(".exr")))
    assert len(image.pixels) == 4 * scene.render.resolution_x * scene.render.resolution_y
    return list(image.pixels)


def tree_of(scene: Any) -> Any:
    is_5 = bpy.app.version >= (5, 0, 0)
    return scene.compositing_node_group if is_5 else scene.node_tree


def mix_in(tree: Any) -> Any:
    return next(node for node in tree.nodes if node.label == "RegGAN mix")


def test_each_frame_is_mixed_with_its_own_result(scene: Any, tmp_path: Path) -> None:
    befores, afters = tmp_path / "vor her", tmp_path / "nach her"
    befores.mkdir()
    afters.mkdir()
    files = [
        (
            colour_frame(befores / f"a.{number}.exr", (0.2, 0.4, 0.1 * (number - 1000), 1.0)),
            colour_frame(afters / f"a.{number}.exr", (0.6, 0.4, 2.0 * (number - 1000), 1.0)),
        )
        for number in (1001, 1002)
    ]
    set_sequences(scene, *zip(*files, strict=True))
    scene = mixed(scene)
    assert scene.view_layers[0].objects.keys() == []

    mix = mix_in(tree_of(scene))
    assert rendered(scene, tmp_path / "whole", 1001)[:4] == pytest.approx([0.6, 0.4, 2.0, 1.0])
    assert rendered(scene, tmp_path / "next", 1002)[:4] == pytest.approx([0.6, 0.4, 4.0, 1.0])
    mix.inputs["Amount"].default_value = 0.5
    mix.inputs["Mask"].default_value = 0.5
    assert rendered(scene, tmp_path / "part", 1002)[:4] == pytest.approx([0.3, 0.4, 1.15, 1.0])
    mix.inputs["Mask"].default_value = 0.0
    assert rendered(scene, tmp_path / "none", 1002)[:4] == pytest.approx([0.2, 0.4, 0.2, 1.0])


def test_the_mask_layer_of_the_runtime_s_frames_is_the_mask(scene: Any, tmp_path: Path) -> None:
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in (1001, 1002):
        shutil.copy(SAMPLES / f"avatar_exr/avatar.{number}.exr", folder)
    settings = scene.reggan
    settings.frames_source, settings.frames_path = "SEQUENCE", str(folder)
    settings.with_mask = True
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    scene = mixed(scene)
    mix = mix_in(tree_of(scene))
    assert mix.inputs["Mask"].is_linked

    original = bpy.data.images.load(str(folder / "avatar.1002.exr"))
    scene.render.resolution_x, scene.render.resolution_y = original.size
    changed = rendered(scene, tmp_path / "changed", 1002)
    differs = [abs(a - b) for a, b in zip(changed, original.pixels, strict=True)]
    assert max(differs) > 0.05  # where the face is
    assert sum(d == 0.0 for d in differs) > 0.5 * len(differs)  # the original's own values
    mix.inputs["Amount"].default_value = 0.0
    assert rendered(scene, tmp_path / "kept", 1002) == list(original.pixels)


def test_multi_layer_frames_are_mixed_by_their_pictures(scene: Any, tmp_path: Path) -> None:
    multilayer = tmp_path / "a.0001.exr"
    shutil.copy(Path(__file__).parents[1] / "files/blender/multilayer.exr", multilayer)
    set_sequences(scene, [multilayer], [multilayer])
    mix = mix_in(tree_of(mixed(scene)))
    sockets = [mix.inputs[name].links[0].from_socket.name for name in ("Original", "Result")]
    assert sockets == ["Combined", "Combined"]
    assert not mix.inputs["Mask"].is_linked  # it is 1: the result


def test_an_animation_of_the_mix_leaves_the_originals_as_they_are(
    scene: Any, tmp_path: Path
) -> None:
    """The output path of the scene is where they lie."""
    befores, afters = tmp_path / "shot", tmp_path / "shot_happy"
    befores.mkdir()
    afters.mkdir()
    colours = {1001: (0.2, 0.4, 0.1, 1.0), 1002: (0.2, 0.4, 0.3, 1.0)}
    files = [
        (
            colour_frame(befores / f"a.{number}.exr", colour),
            colour_frame(afters / f"a.{number}.exr", (0.9, 0.4, 0.1, 1.0)),
        )
        for number, colour in colours.items()
    ]
    scene.render.filepath = str(befores / "a.")
    set_sequences(scene, *zip(*files, strict=True))
    contents = {path: path.read_bytes() for pair in files for path in pair}
    trees, path = tree_of(scene), scene.render.filepath
    mix = mixed(scene)
    mix_in(tree_of(mix)).inputs["Amount"].default_value = 0.5
    assert bpy.context.window_manager.windows[0].scene == mix
    bpy.ops.render.render(animation=True, scene=mix.name)
    assert contents == {path: path.read_bytes() for path in contents}
    made = sorted(one.name for one in (tmp_path / "shot_happy_mix").iterdir())
    assert made == ["a.1001.exr", "a.1002.exr"]
    assert (tree_of(scene), scene.render.filepath) == (trees, path)  # the artist's, untouched
    bpy.context.window_manager.windows[0].scene = scene
    assert mixed(scene) == mix  # again: the same scene, with what was set there
    assert len([node for node in tree_of(mix).nodes if node.label == "RegGAN mix"]) == 1
    assert mix_in(tree_of(mix)).inputs["Amount"].default_value == 0.5
    assert mix.render.filepath.endswith("shot_happy_mix/a.####")


def test_the_button_says_why_it_is_grey() -> None:
    with pytest.raises(RuntimeError, match="Change some frames first"):
        bpy.ops.reggan.add_compositor_group()
