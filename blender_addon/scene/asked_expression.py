"""The expression that the panels ask for: by name and shapes, by a rig's shape keys, by a take."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.expression_blend import MAX_INTENSITY, shares_from_blend, write_curve
from ..bridge.expression_options import PanelRequest, RecordedTake
from ..bridge.shape_keys import arkit_shape
from ..bridge.vocabulary import SHAPE_NAMES, SIDED_SHAPES, name_from_identifier
from .animated_values import values_by_frame
from .settings import absolute_path, presets_file

_KNOWN = frozenset((*SHAPE_NAMES, *SIDED_SHAPES))

NO_EXPRESSION = "NONE"
_INTENSITY = "reggan.intensity"


def driving_object(scene: bpy.types.Scene) -> Any:
    """Return the object whose shape keys count.

    Raises:
        BridgeError: there is none, or none of its keys is a face shape.
    """
    found = scene.reggan.driving_object
    if found is None or found.data.shape_keys is None:
        raise BridgeError("No object drives the face. Choose a mesh with shape keys as Object.")
    if not any(arkit_shape(block.name) in _KNOWN for block in found.data.shape_keys.key_blocks):
        raise BridgeError(
            f"No shape key of {found.name} has a name of ARKit's, such as jawOpen. Choose another "
            "object, or rename its keys."
        )
    return found


def weights_of_keys(driving: Any) -> dict[str, float]:
    """Weights of face shapes, 0 to 1.5, by the shape keys of an object as they stand."""
    weights: dict[str, float] = {}
    for block in driving.data.shape_keys.key_blocks:
        shape = arkit_shape(block.name)
        if shape in _KNOWN and not block.mute:
            sides = (f"{shape}Left", f"{shape}Right") if shape in SIDED_SHAPES else (shape,)
            value = min(max(block.value, 0.0), MAX_INTENSITY)
            weights |= {side: max(value, weights.get(side, 0.0)) for side in sides}
    return weights


def weights_of_keys_over_time(
    scene: bpy.types.Scene, frames: Sequence[int]
) -> dict[int, dict[str, float]]:
    """Return the same at every frame, times the intensity there; the scene goes there and back."""
    driving, weights = driving_object(scene), {}
    frame, subframe = scene.frame_current, scene.frame_subframe
    try:
        for number in frames:
            scene.frame_set(number)
            intensity = scene.reggan.intensity
            keys = weights_of_keys(driving)
            weights[number] = {name: intensity * weight for name, weight in keys.items()}
    finally:
        scene.frame_set(frame, subframe=subframe)
    return weights


def still_expression(context: bpy.types.Context) -> PanelRequest:
    """Expression of a single picture or a map: the values of the scene's current frame.

    Raises:
        BridgeError: nothing is asked for, or a blend or a file cannot be read.
    """
    scene = context.scene
    if scene.reggan.driven_by == "TAKE":
        raise BridgeError(
            "A take drives frames, not a single picture. Choose Panel under Driven By, or Change "
            "Frames."
        )
    if scene.reggan.driven_by == "OBJECT":
        weights = weights_of_keys(driving_object(scene))
        return PanelRequest(shapes=weights, intensity=scene.reggan.intensity)
    return _of_panel(scene)


def expression_over_time(
    context: bpy.types.Context, frames: Sequence[int], folder: Path
) -> PanelRequest:
    """Expression of frames; a curve is written where any of it is animated.

    Args:
        context: of the button.
        frames: their numbers; none of a picture without one.
        folder: for the curve.

    Raises:
        BridgeError: as `still_expression`; or more than 1.5 of something is asked for.
    """
    scene = context.scene
    if scene.reggan.driven_by == "TAKE":
        return _of_take(scene)
    if not frames:
        return still_expression(context)
    if scene.reggan.driven_by == "OBJECT":
        weights = weights_of_keys_over_time(scene, frames)
        return _with_curve(PanelRequest(), weights, folder)
    asked = _of_panel(scene)
    animated = _animated(scene, frames)
    if not animated:
        return asked
    return _with_curve(asked, _weights_of_panel(asked, animated, frames), folder)


def _animated(scene: bpy.types.Scene, frames: Sequence[int]) -> dict[str, dict[int, float]]:
    paths = (_INTENSITY, *(f"reggan_shapes.{name}" for name in SHAPE_NAMES))
    return values_by_frame(scene, dict.fromkeys(paths, (0.0, MAX_INTENSITY)), frames)


def _of_panel(scene: bpy.types.Scene) -> PanelRequest:
    settings = scene.reggan
    blend = settings.blend.strip()
    if not blend and settings.expression != NO_EXPRESSION:
        blend = name_from_identifier(settings.expression)
    presets = presets_file(scene)
    if blend:
        shares_from_blend(blend, has_presets=presets is not None)
    weights = {name: getattr(scene.reggan_shapes, name) for name in SHAPE_NAMES}
    shapes = {name: weight for name, weight in weights.items() if weight}
    if not blend and not shapes and not _animated(scene, [scene.frame_current]):
        raise BridgeError(
            "Nothing is asked of the face: Expression is None, and all shapes are 0. Choose an "
            "expression, or move a slider."
        )
    return PanelRequest(
        blend=blend,
        shapes=shapes,
        intensity=settings.intensity,
        adds=settings.adds,
        presets=presets,
    )


def _weights_of_panel(
    asked: PanelRequest, animated: Mapping[str, Mapping[int, float]], frames: Sequence[int]
) -> dict[int, dict[str, float]]:
    has_presets = asked.presets is not None
    shares = shares_from_blend(asked.blend, has_presets=has_presets) if asked.blend else {}
    moved = [name for name in SHAPE_NAMES if f"reggan_shapes.{name}" in animated]
    weights = {}
    for frame in frames:
        intensity = animated.get(_INTENSITY, {}).get(frame, asked.intensity)
        shapes = dict(asked.shapes)
        shapes |= {name: animated[f"reggan_shapes.{name}"][frame] for name in moved}
        weights[frame] = {name: w * intensity for name, w in {**shares, **shapes}.items()}
    return weights


def _with_curve(
    asked: PanelRequest, weights: Mapping[int, Mapping[str, float]], folder: Path
) -> PanelRequest:
    curve = folder / "expression.csv"
    write_curve(curve, weights)
    return replace(asked, curve=curve)


def _of_take(scene: bpy.types.Scene) -> PanelRequest:
    settings = scene.reggan
    if not settings.take:
        raise BridgeError("No take is chosen. Choose a recorded performance as Take.")
    path = absolute_path(settings.take, "Take")
    if not path.is_file():
        raise BridgeError(f"There is no take at {path}. Choose the file again as Take.")
    fps = scene.render.fps / scene.render.fps_base
    take = RecordedTake(path=path, fps=fps, offset=settings.take_offset.strip())
    return PanelRequest(take=take, intensity=settings.intensity)
