"""What OpenEXR's compressions lose, of a second generation too."""

from collections.abc import Iterable

import numpy as np

from reggan_plugin.array_types import Bool, Shaped
from reggan_plugin.files.exr.compression import GenerationLoss
from reggan_plugin.files.exr.container import Channel

_LOSSY = {
    5: ("PXR24", ("float",)),
    6: ("B44", ("half",)),
    7: ("B44A", ("half",)),
    8: ("DWAA", ("half", "float")),
    9: ("DWAB", ("half", "float")),
    12: ("lossy JPEG 2000", ("half", "float", "uint")),
}
"""Compression → its name and the types of channels that it does not keep."""


def lossy_name(compression: int, channels: Iterable[Channel]) -> str | None:
    """Return the name of the compression if it does not keep all of these channels."""
    return _LOSSY[compression][0] if lossy_channels(compression, channels) else None


def lossy_channels(compression: int, channels: Iterable[Channel]) -> list[str]:
    """Names of the channels that a compression does not keep."""
    _, types = _LOSSY.get(compression, ("", ()))
    return [channel.name for channel in channels if channel.pixel_type in types]


def measure_loss(
    compression: str,
    pairs: Iterable[tuple[Shaped[np.ndarray, "height width"], Shaped[np.ndarray, "height width"]]],
    kept: Bool[np.ndarray, "height width"],
) -> GenerationLoss:
    """Compare channels as they were and as they are after another generation.

    Args:
        compression: its name.
        pairs: (before, after) of each channel that the compression may change.
        kept: the pixels that were compressed again and should have stayed.
    """
    largest, squares, count = 0.0, 0.0, 0
    for before, after in pairs:
        with np.errstate(invalid="ignore", over="ignore"):
            difference = after[kept].astype(np.float64) - before[kept].astype(np.float64)
        finite = np.abs(difference[np.isfinite(difference)])
        largest = max(largest, float(finite.max(initial=0.0)))
        squares += float(np.square(finite).sum())
        count += finite.size
    rms = (squares / count) ** 0.5 if count else 0.0
    return GenerationLoss(compression=compression, largest=largest, rms=rms)
