"""How strongly a model is asked for each face shape, so that faces go nearly as far as rigs do."""

from collections.abc import Sequence

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.vocabulary.face_shapes import MAX_WEIGHT

_STRENGTHS = {
    "cheekPuff": 1.1,
    "cheekSquint": 1.1,
    "eyeLookIn": 1.45,
    "eyeLookOut": 1.4,
    "eyeLookUp": 1.35,
    "eyeSquint": 1.15,
    "mouthClose": 0.8,
    "mouthDimple": 1.15,
    "mouthFrown": 1.05,
    "mouthFunnel": 1.15,
    "mouthLowerDown": 1.25,
    "mouthPucker": 1.1,
    "mouthRollLower": 1.15,
    "mouthRollUpper": 1.1,
    "mouthShrugUpper": 1.25,
    "mouthSmile": 1.05,
    "mouthStretch": 1.1,
    "mouthUpperUp": 1.1,
}
"""By shape, of either side. Networks that learn from errors go less than the whole way where they
are not sure. Each is at most the factor with which the default model explains most of the rigs'
motion, on ten held-out heads; shapes that gain less than 0.04 of it are left. Models of other
trainings, which learn from the same losses, are asked alike (docs/expressions_measured.md)."""


def asked_strength(control: str) -> float:
    """What the weight of a control is multiplied by before a model is asked."""
    return _STRENGTHS.get(control.removesuffix("Left").removesuffix("Right"), 1.0)


def asked_of_model(
    controls: Sequence[str], weights: Float[np.ndarray, "*requests controls"]
) -> Float[np.ndarray, "*requests controls"]:
    """Weights as a model is asked for them: to go the whole way, and never beyond `MAX_WEIGHT`.

    Args:
        controls: names, in the model's order.
        weights: of each of them, 0 to `MAX_WEIGHT`.
    """
    strengths = np.array([asked_strength(control) for control in controls], np.float32)
    return np.minimum(weights * strengths, np.float32(MAX_WEIGHT))
