"""Before and after in one picture: left of the edge the one, right of it the other, bit for bit."""

import shutil
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from .test_edit_image import pixels_of  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file", "pretended")]

SAMPLES = Path(__file__).parents[2] / "reggan_plugin/samples"
NAME = "RegGAN wipe"


@pytest.fixture
def area() -> Any:
    """An Image Editor."""
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.type = "IMAGE_EDITOR"
    return area


def wipe(area: Any, **values: float) -> set[str]:
    window = bpy.context.window_manager.windows[0]
    image = area.spaces.active.image
    with bpy.context.temp_override(window=window, area=area, edit_image=image):
        return set(bpy.ops.reggan.split_wipe(**values))


def changed(area: Any, source: Path) -> tuple[Any, Any]:
    """An image and its result, which the runtime here only copies; so it is painted on."""
    before = bpy.data.images.load(str(source))
    area.spaces.active.image = before
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window, area=area, edit_image=before):
        assert bpy.ops.reggan.edit_image() == {"FINISHED"}
    after = area.spaces.active.image
    assert after != before
    shift = [1 - v for v in after.pixels]
    after.pixels.foreach_set(shift)
    return before, after


@pytest.mark.parametrize(
    "source", ["avatar_png/avatar.1001.png", "avatar_exr/avatar.1001.exr"], ids=["bytes", "light"]
)
def test_left_of_the_edge_is_before_and_right_of_it_after(
    area: Any, tmp_path: Path, source: str
) -> None:
    path = tmp_path / Path(source).name
    shutil.copy(SAMPLES / source, path)
    before, after = changed(area, path)
    assert wipe(area, share=0.25) == {"FINISHED"}
    shown = area.spaces.active.image
    assert shown.name == NAME
    assert (shown.is_float, tuple(shown.size)) == (after.is_float, tuple(after.size))
    assert shown.colorspace_settings.name == after.colorspace_settings.name
    edge = round(0.25 * shown.size[0])
    both = pixels_of(shown)
    assert (both[:, :edge] == pixels_of(before)[:, :edge]).all()
    assert both[:, edge:] == pytest.approx(pixels_of(after)[:, edge:], abs=1e-6)
    assert wipe(area) == {"FINISHED"}  # again ends it
    assert area.spaces.active.image == after
    assert NAME not in bpy.data.images


def test_a_picture_that_was_not_changed_has_none(area: Any) -> None:
    area.spaces.active.image = bpy.data.images.load(str(SAMPLES / "avatar_png/avatar.1001.png"))
    with pytest.raises(RuntimeError, match=r"Change this image or its frames first|poll"):
        wipe(area)


def test_of_a_sequence_the_frame_of_the_scene_is_wiped(area: Any, tmp_path: Path) -> None:
    scene = bpy.context.scene
    for number in (1001, 1002):
        shutil.copy(SAMPLES / "avatar_png/avatar.1001.png", tmp_path / f"a.{number}.png")
    image = bpy.data.images.load(str(tmp_path / "a.1002.png"))
    image.pixels.foreach_set([0.5] * len(image.pixels))
    image.save()
    bpy.data.images.remove(image)
    scene.reggan.frames_source, scene.reggan.frames_path = "SEQUENCE", str(tmp_path / "a.1001.png")
    scene.frame_start, scene.frame_end = 1001, 1002
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    area.spaces.active.image = scene.reggan.result_image
    scene.frame_set(1002)
    assert wipe(area, share=1.0) == {"FINISHED"}
    assert pixels_of(area.spaces.active.image)[0, 0, 0] == pytest.approx(0.5, abs=0.01)
    wipe(area)
