"""A picture on disk as float pixels, and back into the same kind of file."""

import importlib
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import numpy as np
from jaxtyping import Float

from reggan_plugin.atomic import write_atomically
from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError
from reggan_plugin.files.size_limit import MOST_FILE_BYTES
from reggan_plugin.imaging.colour import ColourSpace
from reggan_plugin.regular_file import read_regular

FRAME_SUFFIXES = (".exr", ".jpeg", ".jpg", ".png", ".tif", ".tiff")
"""What a frame's name may end in, in lower case. What it holds is decided by its first bytes."""

EXR_SIGNATURE = b"\x76\x2f\x31\x01"
_FORMATS = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    EXR_SIGNATURE: "exr.exr_file",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
}
"""First bytes → module of this package, imported only when such a file comes up."""

_DAMAGE = (
    ArithmeticError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)
"""What the libraries raise over broken files, each in its own way; -v shows the traceback."""


class Encoding(Enum):
    """What the numbers of a frame mean."""

    SRGB = "srgb"
    """Display values, sRGB-encoded: integer files."""
    SCENE_LINEAR = "scene-linear"
    """Proportional to light: EXR and, by convention, float TIFF; or a declared space that is."""


@runtime_checkable
class StoredImage(Protocol):
    """A decoded file with all that is needed to write it again."""

    @property
    def is_lossless(self) -> bool:
        """Whether the file's compression keeps what it is given."""

    def encode(
        self,
        before: Float[np.ndarray, "height width 3"],
        after: Float[np.ndarray, "height width 3"],
    ) -> bytes:
        """The file with the samples that differ between `before` and `after` replaced."""


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
    """What the pixels are declared to be; None is what `encoding` says, in Rec. 709."""
    matte: Float[np.ndarray, "height width"] | None = None
    """float32, [0, 1]: how much of a change each pixel takes; None is all of it."""
    notices: tuple[str, ...] = ()
    """What the user should know about how this file is read or will be written."""
    origin_px: tuple[int, int] = (0, 0)
    """(row, column) of the first pixel in the picture as displayed: an EXR's data window."""
    displayed_px: tuple[int, int] | None = None
    """(height, width) of the picture as displayed, where that is not the size of `pixels`."""
    original: StoredImage

    def __post_init__(self) -> None:
        self.pixels.flags.writeable = False
        if self.alpha is not None:
            self.alpha.flags.writeable = False

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


def can_read(path: Path) -> bool:
    """Whether the name ends like that of a frame."""
    return path.suffix.lower() in FRAME_SUFFIXES


def read_frame(path: Path) -> Frame:
    """Read a picture.

    Raises:
        UnreadableFrameError: no such file, not an image, or a damaged one.
        UnsupportedFormatError: an image that could not be written back faithfully.
        MissingChannelsError: an EXR in which no layer holds the picture.
    """
    return decode_frame(read_content(path), path)


def read_content(path: Path) -> bytes:
    """The bytes of a frame's file.

    Raises:
        UnreadableFrameError: there is no such file, or it cannot be read.
    """
    try:
        return read_regular(path, MOST_FILE_BYTES)
    except OSError as error:
        raise UnreadableFrameError(
            f"{path} cannot be read: {error.strerror}. Check the path and your rights to it."
        ) from error


def decode_frame(
    content: bytes,
    path: Path,
    *,
    exr_picture: str | None = None,
    colours_are_declared: bool = False,
) -> Frame:
    """What `read_frame` gives for the file at `path` if `content` is what it holds.

    Args:
        content: the file.
        path: what errors call it.
        exr_picture: the layer, part or view of an EXR that holds the picture; None finds it.
        colours_are_declared: whether the user says what the colours are.
    """
    with faults_named(path):
        decode = _decoder_of(path, content)
        if content.startswith(EXR_SIGNATURE):
            return decode(content, exr_picture, colours_are_declared=colours_are_declared)
        if exr_picture is not None:
            raise UnsupportedFormatError(
                "is no EXR, so it has no layers of which one could be the picture.",
                kind="exr-picture-of-no-exr",
            )
        return decode(content)


@contextmanager
def faults_named(path: Path) -> Iterator[None]:
    """Let what is wrong with the content of a file begin with its path.

    Raises:
        UnreadableFrameError: in place of what decoders and their libraries raise.
    """
    try:
        yield
    except UnreadableFrameError as error:
        raise error.after(f"{path} ") from error
    except MemoryError as error:
        raise UnreadableFrameError(
            f"{path} does not fit into the memory that is free. Close other programs, or divide it "
            "into tiles.",
            kind="picture-larger-than-memory",
        ) from error
    except _DAMAGE as error:
        cause = str(error).strip() or type(error).__name__
        raise UnreadableFrameError(
            f"{path} is damaged: {cause}. Render or copy it again."
        ) from error


def write_frame(frame: Frame, pixels: Float[np.ndarray, "height width 3"], path: Path) -> None:
    """Write `frame` to `path` with other pixels and everything else as it was read.

    Format, bit depth, compression, alpha, further channels and metadata stay. A sample whose
    value in `pixels` has the same bits as in `frame.pixels` keeps its stored value; the others
    are clipped to what the file can hold and rounded half to even. The file appears at once.

    Raises:
        OutputError: `path` cannot be written.
        ValueError: `pixels` has another shape or type, or NaN where an integer is stored.
    """
    write_atomically(path, encode_frame(frame, pixels))


def encode_frame(frame: Frame, pixels: Float[np.ndarray, "height width 3"]) -> bytes:
    """The bytes of the file that `write_frame` writes."""
    if pixels.shape != frame.pixels.shape or pixels.dtype != np.float32:
        raise ValueError(
            f"pixels are {pixels.dtype} {pixels.shape}; the frame takes float32 "
            f"{frame.pixels.shape}"
        )
    return frame.original.encode(frame.pixels, np.ascontiguousarray(pixels))


def copy_frame(source: Path, target: Path) -> None:
    """Copy a file byte for byte; `target` appears at once.

    Raises:
        UnreadableFrameError: `source` cannot be read.
        OutputError: `target` cannot be written.
    """
    write_atomically(target, read_content(source))


def is_lossless(frame: Frame) -> bool:
    """Whether writing this frame again keeps every pixel that is not changed."""
    return frame.original.is_lossless


def _decoder_of(path: Path, content: bytes) -> Callable[..., Frame]:
    """The `decode` of the module that reads such a file."""
    for signature, module in _FORMATS.items():
        if content.startswith(signature):
            decoder = importlib.import_module(f"reggan_plugin.files.{module}").decode
            return cast(Callable[..., Frame], decoder)
    if not can_read(path):
        raise UnsupportedFormatError(
            f"is of a kind that is not read. Give it as one of {', '.join(FRAME_SUFFIXES)}."
        )
    if not content:
        raise UnreadableFrameError("is empty (0 bytes). Render it again.")
    raise UnreadableFrameError(
        f"is not an image: it begins with {content[:8]!r}, which no PNG, JPEG, TIFF or EXR does."
    )
