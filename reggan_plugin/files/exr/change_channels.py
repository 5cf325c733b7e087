"""The change of an EXR as channels of the same file, such as `reggan.mask`, `reggan_stmap.u`."""

from collections.abc import Mapping

import numpy as np
import OpenEXR

from reggan_plugin.array_types import Float, Shaped

OWN_PREFIXES = ("reggan.", "reggan_stmap.", "reggan_inverse.", "reggan_gain.", "reggan_paint.")
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
    layers: Mapping[str, Float[np.ndarray, "height width"]],
    delta: Mapping[str, Float[np.ndarray, "height width"]],
) -> None:
    """Put the layers among the channels of decoded blocks, in place of those of an earlier change.

    `layers` goes by the names of channels, `delta` by the last part of the changed channels'
    names: R, G, B or Y.
    """
    channels = blocks.parts[0].channels
    for name in [name for name in channels if name.startswith(OWN_PREFIXES)]:
        del channels[name]
    deltas = {f"{DELTA}.{colour}": values for colour, values in delta.items()}
    for name, values in (deltas | dict(layers)).items():
        channels[name] = OpenEXR.Channel(name, np.ascontiguousarray(values))
