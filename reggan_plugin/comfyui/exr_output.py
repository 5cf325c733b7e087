"""A picture of a batch as an EXR file with the layers of its change."""

from collections.abc import Mapping

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.comfyui.pictures import ImageEncoding
from reggan_plugin.files.exr.block_codec import exr_from_planes
from reggan_plugin.files.exr.writing_settings import MASK
from reggan_plugin.imaging.colour import linear_from_srgb

_CHANNELS = {
    "mask": (MASK,),
    "stmap": ("reggan_stmap.u", "reggan_stmap.v"),
    "gain": tuple(f"reggan_gain.{channel}" for channel in "RGB"),
    "paint": tuple(f"reggan_paint.{channel}" for channel in "RGBA"),
}
"""As `render --exr-layers` names them."""


def exr_of(
    picture: Float[np.ndarray, "height width channels"],
    encoding: ImageEncoding,
    layers: Mapping[str, Float[np.ndarray, "height width *some"]],
) -> bytes:
    """Return a file of 32-bit floats: linear Rec. 709 with premultiplied alpha, and the layers."""
    light = picture[..., :3]
    if encoding == "sRGB":
        light = linear_from_srgb(light)
        if picture.shape[2] == 4:
            light = light * picture[..., 3:]
    planes = {channel: light[..., place] for place, channel in enumerate("RGB")}
    if picture.shape[2] == 4:
        planes["A"] = picture[..., 3]
    for name, layer in layers.items():
        stacked = layer[..., None] if layer.ndim == 2 else layer
        planes |= {channel: stacked[..., place] for place, channel in enumerate(_CHANNELS[name])}
    return exr_from_planes(planes, (0, 0), picture.shape[:2])
