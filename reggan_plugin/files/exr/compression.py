"""Names of OpenEXR's compressions, and the loss that is said of one; loads no library."""

from dataclasses import dataclass
from typing import Literal

LosslessCompression = Literal["none", "rle", "zips", "zip", "piz"]
LOSSLESS_COMPRESSIONS: dict[LosslessCompression, int] = {
    "none": 0,
    "rle": 1,
    "zips": 2,
    "zip": 3,
    "piz": 4,
}
"""Those that a part can be rewritten in: every program reads them."""


@dataclass(frozen=True, kw_only=True)
class GenerationLoss:
    """Loss in unchanged samples whose blocks were compressed again.

    Attributes:
        compression: its name.
        largest: the largest difference, in the file's own values.
        rms: the root of their mean square.
    """

    compression: str
    largest: float
    rms: float
