"""A backdrop for pictures with alpha, so that a model sees no edge where there is none."""

import numpy as np
from jaxtyping import Float
from PIL import Image

from reggan_plugin.imaging.crop import reduce_by


def continue_under_alpha(
    image: Float[np.ndarray, "side side 3"], alpha: Float[np.ndarray, "side side"]
) -> Float[np.ndarray, "side side 3"]:
    """Let the colours of the visible pixels run on beneath the transparent ones.

    What a renderer leaves under alpha 0 is mostly black. A model that lowers a jaw would drag
    that black into the face; with this it drags skin.

    Args:
        image: straight RGB.
        alpha: coverage in [0, 1]; where it is 1 the image comes back as it is.

    Source: Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4 (push-pull).
    """
    weight = np.clip(alpha, 0.0, 1.0)[..., None].astype(np.float32)
    if weight.min() == 1.0:
        return image
    return _fill(image * weight, weight)


def _fill(
    colour: Float[np.ndarray, "height width 3"], weight: Float[np.ndarray, "height width 1"]
) -> Float[np.ndarray, "height width 3"]:
    """`colour` is premultiplied by `weight`; what is missing comes from half the resolution."""
    height, width = weight.shape[:2]
    if max(height, width) == 1:
        return colour / np.maximum(weight, np.float32(1e-6))
    low_weight = reduce_by(weight, 2)
    sureness = np.minimum(4.0 * low_weight, 1.0).astype(np.float32)
    low_colour = reduce_by(colour, 2) / np.maximum(low_weight, np.float32(1e-6)) * sureness
    below = _fill(low_colour, sureness)
    planes = [
        Image.fromarray(np.ascontiguousarray(plane)).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        for plane in np.moveaxis(below, 2, 0)
    ]
    return colour + (1.0 - weight) * np.stack([np.asarray(plane) for plane in planes], axis=2)
