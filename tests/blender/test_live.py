"""The changed face is shown while sliders move; in real Blender, without a model."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

FRAME = Path(__file__).parents[2] / "reggan_plugin/samples/avatar_png/avatar.1001.png"


@pytest.fixture
def space() -> Any:
    """An Image Editor that shows a picture."""
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.type = "IMAGE_EDITOR"
    area.spaces.active.image = bpy.data.images.load(str(FRAME))
    return area.spaces.active


def toggle() -> None:
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window, area=window.screen.areas[0]):
        assert bpy.ops.reggan.live() == {"FINISHED"}


def is_live(kind: str) -> bool:
    from blender_addon.operators import live

    return live.is_shown(getattr(live, kind))


def settle() -> float:
    """Tick as the timer does until the picture is the one that is asked for; longest tick, s."""
    from blender_addon.operators import live

    end, longest = time.monotonic() + 60, 0.0
    while time.monotonic() < end:
        began = time.process_time()
        live.tick()
        longest = max(longest, time.process_time() - began)
        if live.is_settled():
            live.tick()
            return longest
        time.sleep(0.01)
    pytest.fail("no answer")


def asked(pretended: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in pretended.read_text(encoding="utf-8").splitlines()]


def brightness(space: Any) -> float:
    return round(space.image.pixels[0], 2)


def test_the_picture_follows_the_sliders(space: Any, pretended: Path) -> None:
    source, sliders = space.image, bpy.context.scene.reggan_shapes
    toggle()
    assert is_live("LiveImage")
    settle()
    assert space.image.name == "RegGAN live"
    for value in (0.2, 0.6, 0.0):
        sliders.jawOpen = value
        settle()
        assert brightness(space) == pytest.approx(value, abs=0.01)
    requests = asked(pretended)
    assert requests[0]["frame"] == str(FRAME)
    assert requests[0]["change"] == {"weights": {"happy": 1.0}, "intensity": 1.0, "adds": False}
    assert len(requests) == 4  # nothing is asked for while nothing changes
    settle()
    assert len(asked(pretended)) == 4
    toggle()
    assert space.image == source
    assert "RegGAN live" not in bpy.data.images
    assert not is_live("LiveImage")


def test_one_process_stays_warm_and_ends_with_the_add_on(
    space: Any, pretended: Path, registered: Any
) -> None:
    from blender_addon.operators import live

    toggle()
    settle()
    (worker,) = live._warm
    toggle()
    toggle()
    settle()
    assert live._warm == [worker]
    process = worker._process
    registered.unregister()
    registered.register()
    assert process.poll() is not None
    assert live._warm == []


def test_jobs_begin_with_the_source_of_a_live_picture(space: Any, pretended: Path) -> None:
    from blender_addon.scene.image_origins import source_of

    source = space.image
    toggle()
    settle()
    assert source_of(space.image) == source
    bpy.ops.wm.read_homefile(use_empty=False, use_factory_startup=False)
    assert not is_live("LiveImage")


def test_what_cannot_be_shown_is_said_and_ends_it(space: Any, pretended: Path) -> None:
    toggle()
    settle()
    bpy.context.scene.reggan.blend = "hapy"
    settle()
    manager = bpy.context.window_manager
    assert "hapy" in manager.reggan_last_words
    assert not is_live("LiveImage")


def test_what_goes_wrong_beside_blender_is_said_without_work_paths(
    space: Any, pretended: Path
) -> None:
    toggle()
    bpy.context.scene.reggan_shapes.jawOpen = 1.5
    settle()
    said = bpy.context.window_manager.reggan_last_words
    assert said == f"{FRAME} shows no face: live.raw."
    assert not is_live("LiveImage")


def test_a_moved_slider_is_asked_for_before_the_timer_looks(space: Any, pretended: Path) -> None:
    toggle()
    settle()
    bpy.context.scene.reggan_shapes.jawOpen = 0.5
    bpy.context.scene.update_tag()  # as a mouse does
    bpy.context.view_layer.update()
    end = time.monotonic() + 10
    while len(asked(pretended)) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    assert [one["change"]["weights"].get("jawOpen") for one in asked(pretended)] == [None, 0.5]
    settle()
    assert brightness(space) == pytest.approx(0.5, abs=0.01)


def test_answers_to_what_was_live_before_are_not_shown(space: Any, pretended: Path) -> None:
    toggle()
    settle()
    bpy.context.scene.reggan_shapes.jawOpen = 1.5  # which is answered by an error
    bpy.context.scene.update_tag()
    bpy.context.view_layer.update()
    toggle()
    bpy.context.scene.reggan_shapes.jawOpen = 0.5
    toggle()
    settle()
    assert is_live("LiveImage")
    assert brightness(space) == pytest.approx(0.5, abs=0.01)


def test_pictures_are_deleted_once_they_are_shown(space: Any, pretended: Path) -> None:
    from blender_addon.operators import live

    toggle()
    settle()
    (shown,) = live._shown
    assert not list(shown.folder.glob("*.raw"))
    toggle()


def test_a_tick_takes_few_milliseconds(space: Any, pretended: Path) -> None:
    toggle()
    settle()
    bpy.context.scene.reggan_shapes.jawOpen = 0.5
    assert settle() < 0.02
    toggle()


def test_it_goes_on_after_a_save_of_the_file_without_it(
    space: Any, pretended: Path, tmp_path: Path
) -> None:
    bpy.context.scene.reggan_shapes.jawOpen = 0.5
    toggle()
    settle()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"), compress=False)
    assert b"RegGAN live" not in (tmp_path / "file.blend").read_bytes()
    settle()
    assert is_live("LiveImage")
    assert space.image.name == "RegGAN live"
    assert brightness(space) == pytest.approx(0.5, abs=0.01)
    toggle()


def test_it_ends_where_its_editor_shows_another_image(space: Any, pretended: Path) -> None:
    toggle()
    settle()
    space.image = bpy.data.images.new("another", 4, 4)
    settle()
    assert not is_live("LiveImage")
    assert space.image.name == "another"


def test_it_ends_where_another_image_is_shown_before_the_first_answer(
    space: Any, pretended: Path
) -> None:
    """The button does not stay blue, and the editor is not taken over later."""
    from blender_addon.operators import live

    toggle()
    space.image = bpy.data.images.new("another", 4, 4)
    live.tick()
    assert not is_live("LiveImage")
    settle()
    assert space.image.name == "another"
