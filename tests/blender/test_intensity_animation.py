"""The intensity that a job is given is the one that Blender itself sets at that frame."""

from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

FRAMES = range(1, 25)


@pytest.fixture
def scene() -> Any:
    return bpy.context.scene


def job_s_intensities(scene: Any) -> Any:
    from blender_addon.scene.animated_values import values_by_frame

    return values_by_frame(scene, {"reggan.intensity": (0.0, 1.5)}, FRAMES).get("reggan.intensity")


def blender_s_intensities(scene: Any) -> dict[int, float]:
    values = {}
    for frame in FRAMES:
        scene.frame_set(frame)
        values[frame] = scene.reggan.intensity
    return values


def keyed(scene: Any) -> None:
    """An ease that overshoots: the property's own limits hold it back."""
    for frame, value in ((1, 0.2), (10, 1.5), (24, 0.0)):
        scene.reggan.intensity = value
        scene.reggan.keyframe_insert("intensity", frame=frame)


def keyed_and_remapped(scene: Any) -> None:
    keyed(scene)
    scene.render.frame_map_old, scene.render.frame_map_new = 100, 200


def driven(scene: Any) -> None:
    driver = scene.reggan.driver_add("intensity").driver
    driver.expression = "frame / 20"


def in_a_strip(scene: Any) -> None:
    keyed(scene)
    animation = scene.animation_data
    action, slot = animation.action, getattr(animation, "action_slot", None)
    strip = animation.nla_tracks.new().strips.new("held", 5, action)
    if slot is not None:
        strip.action_slot = slot
    animation.action = None


@pytest.mark.parametrize("animate", [keyed, keyed_and_remapped, driven, in_a_strip])
def test_every_frame_has_blender_s_own_value(scene: Any, animate: Any) -> None:
    animate(scene)
    scene.frame_set(7)
    values = job_s_intensities(scene)
    assert scene.frame_current == 7
    assert values == pytest.approx(blender_s_intensities(scene), abs=1e-6)
    assert len(set(values.values())) > 10


def test_what_is_not_animated_is_none(scene: Any) -> None:
    assert job_s_intensities(scene) is None
    scene.keyframe_insert("gravity", frame=1)
    assert job_s_intensities(scene) is None
