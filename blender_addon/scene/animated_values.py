"""Animated settings of the scene at every frame, from F-curves, drivers or strips."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import bpy


def values_by_frame(
    scene: bpy.types.Scene, limits: Mapping[str, tuple[float, float]], frames: Sequence[int]
) -> dict[str, dict[int, float]]:
    """Return the values of those settings that are animated, by path and frame; the others are left
    out.

    An F-curve is read without moving the scene. Where drivers or strips have a say the scene goes
    to every frame and back.

    Args:
        scene: stays at its frame.
        limits: least and most, by path from the scene: `reggan.intensity`, or with a place where
            that is one of several values.
        frames: that are wanted.
    """
    animation = scene.animation_data
    if animation is None or not frames:
        return {}
    evaluated = _paths_to_evaluate(animation, limits) & set(limits)
    values: dict[str, dict[int, float]] = {path: {} for path in evaluated}
    if evaluated:
        for number in visited(scene, frames):
            for path, by_frame in values.items():
                by_frame[number] = scene.path_resolve(path)
    # time remapping, as Blender applies it to the frame that it renders
    stretch = scene.render.frame_map_old / scene.render.frame_map_new
    for curve in fcurves_of(animation):
        path = _path_of(curve, limits)
        if path in limits and path not in values and not curve.mute:
            least, most = limits[path]
            values[path] = {
                frame: min(max(curve.evaluate(frame * stretch), least), most) for frame in frames
            }
    return values


def _path_of(curve: Any, limits: Mapping[str, Any]) -> str:
    """Return a curve's path, with its place where one of several values is meant."""
    one = f"{curve.data_path}[{curve.array_index}]"
    return one if one in limits else str(curve.data_path)


def _paths_to_evaluate(animation: Any, limits: Mapping[str, Any]) -> set[str]:
    """Paths that more than one F-curve decides: by drivers, or by strips that may hold them."""
    driven = {_path_of(driver, limits) for driver in animation.drivers if not driver.mute}
    if not animation.use_nla:
        return driven
    strips = (strip for track in animation.nla_tracks for strip in track.strips)
    return driven | {
        _path_of(curve, limits) for strip in strips if strip.action for curve in fcurves_of(strip)
    }


def fcurves_of(user: Any) -> list[Any]:
    """Return the F-curves of the action that animation data or a strip uses."""
    return [curve for curves in _collections(user) for curve in curves]


def _collections(user: Any) -> list[Any]:
    """Return the collections of F-curves of an action; it has layers since Blender 4.4."""
    action = user.action
    if action is None:
        return []
    if not hasattr(user, "action_slot"):
        return [action.fcurves]
    slot = user.action_slot
    if slot is None:
        return []
    bags = (strip.channelbag(slot) for layer in action.layers for strip in layer.strips)
    return [bag.fcurves for bag in bags if bag is not None]


def remove_fcurve(user: Any, curve: Any) -> None:
    """Take an F-curve out of the action that animation data uses."""
    for curves in _collections(user):
        if curve in list(curves):
            curves.remove(curve)
            return


def visited(scene: bpy.types.Scene, frames: Sequence[int]) -> Iterator[int]:
    """Yield frames while the scene is at each of them; then it is at its own again."""
    frame, subframe = scene.frame_current, scene.frame_subframe
    try:
        for number in frames:
            scene.frame_set(number)
            yield number
    finally:
        scene.frame_set(frame, subframe=subframe)
