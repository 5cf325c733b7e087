"""The description of an image format, and a frame as it is read from a file of one."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.imaging.colour import ColourSpace


class Encoding(Enum):
    """Meaning of the numbers of a frame."""

    SRGB = "srgb"
    """Display values, sRGB-encoded: integer files."""
    SCENE_LINEAR = "scene-linear"
    """Proportional to light: EXR and, by convention, float TIFF; or a declared space that is."""


@runtime_checkable
class StoredImage(Protocol):
    """A decoded file with all that is needed to write it again."""

    def encode(
        self,
        before: Float[np.ndarray, "height width 3"],
        after: Float[np.ndarray, "height width 3"],
    ) -> bytes:
        """Return the file with the samples that differ between `before` and `after` replaced."""


@runtime_checkable
class WritesAlpha(Protocol):
    """A stored image whose alpha is a channel of its own, which can be written anew."""

    def encode_alpha(
        self,
        before: Float[np.ndarray, "height width"],
        after: Float[np.ndarray, "height width"],
    ) -> bytes:
        """Return the file with the samples of alpha that differ replaced."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """A picture, and the file that it came from in `original`."""

    pixels: Float[np.ndarray, "height width 3"]
    """float32, read-only. Integers are scaled to [0, 1]; floats are as stored, so they may be
    negative, above 1 or not finite. A grey picture is repeated in all three."""
    alpha: Float[np.ndarray, "height width"] | None = None
    """float32, read-only."""
    alpha_is_premultiplied: bool = False
    encoding: Encoding = Encoding.SRGB
    colour_space: ColourSpace | None = None
    """Declared colour space of the pixels; None is what `encoding` says, in Rec. 709."""
    matte: Float[np.ndarray, "height width"] | None = None
    """float32, [0, 1]: how much of a change each pixel takes; None is all of it."""
    notices: tuple[str, ...] = ()
    """Notices for the user about how this file is read or will be written."""
    origin_px: tuple[int, int] = (0, 0)
    """(row, column) of the first pixel in the picture as displayed: an EXR's data window."""
    displayed_px: tuple[int, int] | None = None
    """(height, width) of the picture as displayed, where that is not the size of `pixels`."""
    original: StoredImage

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", _read_only(self.pixels))
        if self.alpha is not None:
            object.__setattr__(self, "alpha", _read_only(self.alpha))

    def __repr__(self) -> str:
        """Return its size and kind; pixels would fill the screen."""
        height, width = self.pixels.shape[:2]
        return f"<Frame {width}x{height} {self.encoding.value}>"

    @property
    def display_px(self) -> tuple[int, int]:
        """(height, width) of the picture as displayed."""
        height, width = self.pixels.shape[:2]
        return self.displayed_px or (height, width)


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedPicture:
    """One channel of a picture, and where it lies.

    Attributes:
        values: float32, as stored.
        origin_px: (row, column) of the first pixel in the picture as displayed.
        display_px: (height, width) of the picture as displayed.
    """

    values: Float[np.ndarray, "height width"]
    origin_px: tuple[int, int]
    display_px: tuple[int, int]


def _read_only(values: Float[np.ndarray, "*size"]) -> Float[np.ndarray, "*size"]:
    """Return a view of an array, which stays as writable as its owner has it."""
    view = values.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Requests to a file beside its picture.

    Attributes:
        picture: the layer, part or view that holds the picture; None finds it.
        colours_are_declared: whether the user says what the colours are.
    """

    picture: str | None = None
    colours_are_declared: bool = False


@dataclass(frozen=True, kw_only=True)
class ImageFormat:
    """One image format: a module in `files/formats/` holds one as `FORMAT`, and that is all.

    Attributes:
        name: as users write it.
        suffixes: what names of its files may end in, in lower case, the usual one first.
        recognises: whether a file's first `HEAD_BYTES` bytes are those of this format and of no
            other: see `begins_with`.
        media_type: as IANA lists it, or as readers of Content Credentials know it.
        decode: the frame in a file's bytes.
        stamp: the file with a line of ASCII text added to its metadata, in place of an older one;
            everything else keeps its bytes.
        has_layers: whether a file may hold several pictures, of which one can be named.
        holds_credentials: whether a file has a place for Content Credentials; else they go into
            a file beside it.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    media_type: str
    decode: Callable[[bytes, Wanted], Frame]
    stamp: Callable[[bytes, str], bytes]
    has_layers: bool = False
    holds_credentials: bool = True


HEAD_BYTES = 32
"""Length of a file's beginning that tells its format."""


def begins_with(*signatures: bytes) -> Callable[[bytes], bool]:
    """Return a test of a file's first bytes, for formats that begin with one of some signatures."""
    return lambda head: head.startswith(signatures)


STAMP_KEY = "reggan-plugin"
"""Names of a stamp in files, see `ImageFormat.stamp`. This one is the keyword of the PNG chunk, and
the first word of the JPEG comment."""
EXR_ATTRIBUTE = "regganPlugin"
TIFF_TAG = 65117
"""Of the numbers that TIFF leaves to private use without registration (65000 to 65535)."""
EXR_SIGNATURE = b"\x76\x2f\x31\x01"
"""The first bytes of an OpenEXR file."""


LEFT_OUT = (
    "its Content Credentials (C2PA) would be invalid in a changed picture: they are left out of "
    "it, or kept as its parent's where it is signed"
)
"""Notice for a picture that has some."""

LINK = re.compile(
    rb'\sdcterms:provenance\s*=\s*"(?:self#jumbf|https?:)[^"]*"'
    rb"|\sdcterms:provenance\s*=\s*'(?:self#jumbf|https?:)[^']*'"
    rb"|<dcterms:provenance>\s*(?:self#jumbf|https?:)[^<]*</dcterms:provenance>"
)


def unlinked(xmp: bytes) -> bytes:
    """XMP of the same length with spaces in place of its link to a manifest."""
    return LINK.sub(lambda found: b" " * len(found[0]), xmp)
