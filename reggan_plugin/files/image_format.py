"""What an image format is to this package."""

from collections.abc import Callable
from dataclasses import dataclass

from reggan_plugin.files.frame_data import Frame


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked of a file beside its picture.

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
        signatures: first bytes, of which a file has one.
        decode: the frame in a file's bytes.
        stamp: the file with a line of ASCII text added to its metadata, in place of an older one;
            everything else keeps its bytes.
        has_layers: whether a file may hold several pictures, of which one can be named.
    """

    name: str
    suffixes: tuple[str, ...]
    signatures: tuple[bytes, ...]
    decode: Callable[[bytes, Wanted], Frame]
    stamp: Callable[[bytes, str], bytes]
    has_layers: bool = False
