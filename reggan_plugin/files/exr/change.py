"""The change of an EXR as channels of the same file: `reggan.mask` and `reggan.delta`."""

import numpy as np
import OpenEXR
from jaxtyping import Float, Shaped

OWN_PREFIX = "reggan."
MASK = "reggan.mask"
DELTA = "reggan.delta"

Samples = Shaped[np.ndarray, "height width channels"]


def settle(old: Samples, new: Samples) -> Float[np.ndarray, "height width channels"]:
    """Make `new` what `old` plus a float32 delta gives, and return that delta.

    In place, by less than a float32 can tell of the larger of the two: where a sample falls to a
    small part of what it was, `new - old` is no float32. Values that are not finite stay.
    """
    before = old.astype(np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        delta = np.asarray(new.astype(np.float32) - before, dtype=np.float32)
        rebuilt = (before + delta).astype(new.dtype)
    np.copyto(new, rebuilt, where=np.isfinite(rebuilt) & (delta != 0))
    return delta


def set_layers(
    blocks: OpenEXR.File,
    mask: Float[np.ndarray, "height width"] | None,
    delta: dict[str, Float[np.ndarray, "height width"]],
) -> None:
    """Put the layers among the channels of decoded blocks, in place of those of an earlier change.

    `delta` goes by the last part of the changed channels' names: R, G, B or Y.
    """
    channels = blocks.parts[0].channels
    for name in [name for name in channels if name.startswith(OWN_PREFIX)]:
        del channels[name]
    layers = {f"{DELTA}.{colour}": values for colour, values in delta.items()}
    if mask is not None:
        layers[MASK] = mask
    for name, values in layers.items():
        channels[name] = OpenEXR.Channel(name, np.ascontiguousarray(values))
