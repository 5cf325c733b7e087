"""The passes of one rendering, and the way from linear light to a picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from jaxtyping import Bool, Float, Int

from reggan_training.avatars.surfaces import FACE_SURFACES, SURFACES

_SHOULDER = 0.75
"""Linear light above it is compressed, so that highlights keep some shape."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RenderPasses:
    """Pixels of one rendering, first row at the top.

    `colour` is linear light; `surface` is the number of the material that a pixel shows (0: the
    background).
    """

    colour: Float[np.ndarray, "height width 3"]
    surface: Int[np.ndarray, "height width"]


def passes_from_exr(path: Path) -> RenderPasses:
    """Read the passes that Blender wrote into a multi-layer EXR file."""
    with OpenEXR.File(str(path), separate_channels=True) as file:
        channels: dict[str, Any] = {
            name.rpartition("ViewLayer.")[2]: channel.pixels
            for part in file.parts
            for name, channel in part.channels.items()
        }
    names = ("Material Index.X", "IndexMA.X", "Material Index.V")
    surface = next(channels[name] for name in names if name in channels)
    return RenderPasses(
        colour=np.stack([channels[f"Combined.{c}"] for c in "RGB"], axis=2).astype(np.float64),
        surface=np.rint(surface).astype(np.int64),
    )


def face_mask(passes: RenderPasses) -> Bool[np.ndarray, "height width"]:
    """Pixels that show skin of the face, its features, brows, lashes or beard."""
    return np.isin(passes.surface, [SURFACES.index(surface) for surface in FACE_SURFACES])


def picture_from_light(
    light: Float[np.ndarray, "height width 3"],
) -> Float[np.ndarray, "height width 3"]:
    """sRGB-encoded picture of linear light, highlights above 0.75 rolled off below 1.

    Source: IEC 61966-2-1 for the encoding.
    """
    room = 1.0 - _SHOULDER
    over = np.maximum(light - _SHOULDER, 0.0)
    rolled = np.where(light > _SHOULDER, _SHOULDER + room * (1 - np.exp(-over / room)), light)
    rolled = rolled.clip(0.0, 1.0)
    return np.where(rolled <= 0.0031308, 12.92 * rolled, 1.055 * rolled ** (1 / 2.4) - 0.055)


def light_from_srgb(picture: np.ndarray) -> np.ndarray:
    """Linear light of sRGB-encoded values. Source: IEC 61966-2-1."""
    return np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4)
