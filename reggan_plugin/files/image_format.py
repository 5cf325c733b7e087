"""The description of an image format."""

from collections.abc import Callable
from dataclasses import dataclass

from reggan_plugin.files.frame_data import Frame


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
