"""An object whose shape keys drive the face: a rig's own animation, for its old renders."""

from collections.abc import Sequence
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.expression_blend import MAX_INTENSITY
from ..bridge.face_shapes import SIDED_SHAPES
from ..bridge.shape_keys import arkit_shape
from ..bridge.vocabulary import SHAPE_NAMES

_KNOWN = frozenset((*SHAPE_NAMES, *SIDED_SHAPES))


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
