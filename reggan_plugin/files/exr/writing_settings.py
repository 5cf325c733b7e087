"""How EXR files with a change are written: settings and results; loads no library."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np

from reggan_plugin.array_types import Float

if TYPE_CHECKING:
    from reggan_plugin.files.exr.picture_layer import Layer


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


ChangeLayer = Literal["stmap", "inverse", "gain", "paint", "mask", "delta"]
CHANGE_LAYERS: tuple[ChangeLayer, ...] = ("stmap", "inverse", "gain", "paint", "mask", "delta")
MASK = "reggan.mask"


@dataclass(frozen=True, kw_only=True)
class ExrWriting:
    """Settings for writing EXR files with a change.

    Attributes:
        compression: the part with the picture is written anew in it,
            so that nothing loses a second generation. None keeps the file's own.
        layers: what of the change becomes channels of the same part, as 32-bit floats: `stmap`,
            `inverse`, `gain` and `paint` (`reggan_stmap.u` and so on, see `change_layers.py`),
            `mask` (`reggan.mask`, the weight that each pixel took), `delta` (`reggan.delta.R`,
            `.G`, `.B`: the file's own samples after less before; the old sample plus its delta,
            rounded to the sample's type, is the new one bit for bit, for which a new sample of 32
            bits may differ in its last bits from what it is without the layer).
    """

    compression: LosslessCompression | None = None
    layers: tuple[ChangeLayer, ...] = ()

    @property
    def rewrites_part(self) -> bool:
        """True if more than the blocks with a change is written anew."""
        return self.compression is not None or bool(self.layers)


@dataclass(frozen=True, kw_only=True)
class EncodedFrame:
    """A file with its change, and what that did to pixels beside the change."""

    content: bytes
    generation_loss: GenerationLoss | None = None
    """None where nothing was lost, or nothing is measured (JPEG)."""
    notices: tuple[str, ...] = ()
    """Notices for the user about how it was written."""


@runtime_checkable
class WritesExr(Protocol):
    """A stored image that can be written in more ways than `StoredImage` knows."""

    def encode_as(
        self,
        before: Float[np.ndarray, "height width 3"],
        after: Float[np.ndarray, "height width 3"],
        layers: Mapping[str, Float[np.ndarray, "height width"]],
        writing: ExrWriting,
    ) -> EncodedFrame:
        """Return the file with changed samples replaced, as asked for; as it was if nothing
        differs.

        Args:
            before: the frame's pixels.
            after: what they become.
            layers: new channels by name, for all layers but `delta`.
            writing: compression, and which layers.
        """
        ...

    @property
    def has_passes(self) -> bool:
        """True if there is more in it than the picture and layers of our own."""
        ...

    @property
    def layer(self) -> "Layer":
        """The channels of its picture."""
        ...

    def refuse_what_cannot_be(self, writing: ExrWriting) -> None:
        """Refuse what this file cannot be written as.

        Raises:
            UnsupportedFormatError: its compression would not keep the layers.
        """
        ...
