"""How EXR files with a change are written, and which passes move along; loads no library."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np

from reggan_plugin.array_types import Float, Plane
from reggan_plugin.errors import MissingChannelsError
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.pass_rules import PassRule

if TYPE_CHECKING:
    from reggan_plugin.files.exr.channel_names import Layer

LosslessCompression = Literal["none", "rle", "zips", "zip", "piz"]
LOSSLESS_COMPRESSIONS: dict[LosslessCompression, int] = {
    "none": 0,
    "rle": 1,
    "zips": 2,
    "zip": 3,
    "piz": 4,
}
"""Those that a part can be rewritten in: every program reads them."""


@frozen
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


@frozen
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


@frozen
class EncodedFrame:
    """A file with its change, and what that did to pixels beside the change."""

    content: bytes
    generation_loss: GenerationLoss | None = None
    """None where nothing was lost, or nothing is measured (JPEG)."""
    notices: tuple[str, ...] = ()
    """Notices for the user about how it was written."""
    sidecar: bytes | None = None
    """Content Credentials for a file beside it, if they are to be and it cannot hold them."""


@runtime_checkable
class WritesExr(Protocol):
    """A stored image that can be written in more ways than `StoredImage` knows."""

    def encode_as(
        self,
        before: Float[np.ndarray, "rows columns 3"],
        after: Float[np.ndarray, "rows columns 3"],
        box: tuple[slice, slice],
        layers: Mapping[str, Plane],
        writing: ExrWriting,
    ) -> EncodedFrame:
        """Return the file with changed samples replaced, as asked for; as it was if nothing
        differs.

        Args:
            before: pixels of a box of the frame.
            after: what they become.
            box: rows and columns of the frame beyond which nothing changes.
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


@frozen
class RenderPass:
    """Channels of one part that belong together.

    Attributes:
        part_index: where they lie.
        path: the layer's full name with that of the view left out; of a part whose channels have
            plain names, the part's.
        channels: their names, in the order x, y, z or red, green, blue.
        alpha: the pass's own alpha, if it has one.
        rule: how it is moved; None if its name says nothing.
    """

    part_index: int
    path: str
    channels: tuple[str, ...]
    alpha: str | None
    rule: PassRule | None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    def is_called(self, pattern: str) -> bool:
        """Tell whether name or path fit a pattern with * and ?, in upper or lower case."""
        names = (self.name.lower(), self.path.lower())
        return any(fnmatchcase(name, pattern.lower()) for name in names)


@frozen
class PassChoice:
    """The passes that move along.

    Attributes:
        patterns: names with * and ?, perhaps with a rule behind them; empty is every pass whose
            name is known.
    """

    patterns: tuple[tuple[str, PassRule | None], ...] = ()

    def rule_of(self, one: RenderPass) -> PassRule | None:
        """Return the rule by which a pass is moved; None if it is not."""
        if not self.patterns:
            return one.rule
        for pattern, rule in self.patterns:
            if one.is_called(pattern):
                return rule or one.rule or "colour"
        return None

    def refuse_unknown(self, passes: Sequence[RenderPass]) -> None:
        """Refuse patterns that name no pass.

        Raises:
            MissingChannelsError: there is none of that name.
        """
        for pattern, _ in self.patterns:
            if not any(one.is_called(pattern) for one in passes):
                found = ", ".join(dict.fromkeys(one.path for one in passes)) or "none"
                raise MissingChannelsError(
                    f"has no pass {pattern!r}; it has {found}.", kind="no-such-pass"
                )
