"""The scene's intensity at every frame, from F-curves, drivers or strips."""

from collections.abc import Iterable
from typing import Any

import bpy

from ..bridge.expressions import MAX_INTENSITY

_PATH = "reggan.intensity"


def intensities_by_frame(scene: bpy.types.Scene, frames: Iterable[int]) -> dict[int, float] | None:
    """The intensity at each of `frames`; None where it is not animated.

    An F-curve is read without moving the scene. Where drivers or strips have a say the scene goes
    to every frame and back.
    """
    animation = scene.animation_data
    if animation is None:
        return None
    if _needs_evaluation(animation):
        return _evaluated(scene, frames)
    curve = next((c for c in _fcurves(animation) if c.data_path == _PATH and not c.mute), None)
    if curve is None:
        return None
    # time remapping, as Blender applies it to the frame that it renders
    stretch = scene.render.frame_map_old / scene.render.frame_map_new
    values = ((frame, curve.evaluate(frame * stretch)) for frame in frames)
    return {frame: min(max(value, 0.0), MAX_INTENSITY) for frame, value in values}


def _needs_evaluation(animation: Any) -> bool:
    """Whether more than one F-curve decides: a driver, or strips that may hold the intensity."""
    driven = any(driver.data_path == _PATH and not driver.mute for driver in animation.drivers)
    strips = (strip for track in animation.nla_tracks for strip in track.strips)
    return driven or (
        animation.use_nla
        and any(
            curve.data_path == _PATH
            for strip in strips
            if strip.action
            for curve in _fcurves(strip)
        )
    )


def _fcurves(user: Any) -> Iterable[Any]:
    """The F-curves of the action that animation data or a strip uses; layered since Blender 4.4."""
    action = user.action
    if action is None:
        return ()
    if not hasattr(user, "action_slot"):
        return list(action.fcurves)
    slot = user.action_slot
    if slot is None:
        return ()
    bags = (strip.channelbag(slot) for layer in action.layers for strip in layer.strips)
    return [curve for bag in bags if bag is not None for curve in bag.fcurves]


def _evaluated(scene: bpy.types.Scene, frames: Iterable[int]) -> dict[int, float]:
    frame, subframe = scene.frame_current, scene.frame_subframe
    values = {}
    try:
        for number in frames:
            scene.frame_set(number)
            values[number] = scene.reggan.intensity
    finally:
        scene.frame_set(frame, subframe=subframe)
    return values
