"""Image formats: what one is, which there are and which one a file has; a frame as it is read from
a file, and what a damaged file raises.

Other packages add image formats by an entry point of the group `reggan_plugin.image_formats`.

Only calls into libraries and the reading of bytes stand under `library_faults` and `byte_faults`;
anything else that fails is a mistake of ours, and comes out as what it is.
"""

import importlib
import pkgutil
import re
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from functools import cache
from pathlib import Path, PurePath
from typing import Any, Protocol, runtime_checkable

import numpy as np

from reggan_plugin.array_types import Bool, Float, Pixels, Plane, Shaped
from reggan_plugin.entry_points import attached, attached_faults, expect_type, load_attached
from reggan_plugin.errors import RegganError, UnreadableFrameError, UsageError, counted
from reggan_plugin.files import formats
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import ColourSpace

_at_work = threading.local()
_OF_LIBRARIES = (
    ArithmeticError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)
"""Errors of imaging libraries, each of its own kind; -v shows the traceback."""
_OF_PYTHON = (LookupError, TypeError, UnicodeError, ZeroDivisionError, struct.error)
"""Errors whose words are Python's."""
_SAYS_NOTHING = re.compile(r"\w_\w|self\.|\w\(|\(\d+,")
"""Words that say nothing without the library's source: names in it, calls, shapes of arrays."""
_OF_BYTES = (ArithmeticError, LookupError, ValueError, struct.error)
"""Errors of finding other bytes than a format has."""


@contextmanager
def library_faults() -> Iterator[None]:
    """Let what a library raises over a file's content be a fault of that file.

    Raises:
        UnreadableFrameError: in its place; the sentence goes on behind the file's name.
    """
    try:
        yield
    except _OF_LIBRARIES as error:
        raise _damaged(error) from error


@contextmanager
def byte_faults() -> Iterator[None]:
    """Let bytes that are not what the format says they are be a fault of the file.

    Raises:
        UnreadableFrameError: as for `library_faults`.
    """
    try:
        yield
    except _OF_BYTES as error:
        raise _damaged(error) from error


@contextmanager
def faults_named(path: Path) -> Iterator[None]:
    """Let what is wrong with the content of a file begin with its path.

    Raises:
        UnreadableFrameError: the same, with the path; or the memory does not suffice.
    """
    outer = getattr(_at_work, "path", None)
    _at_work.path = path
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
    finally:
        _at_work.path = outer


def file_at_work() -> Path | None:
    """Return the file that this thread reads or writes: what a library warns of is about it."""
    path: Path | None = getattr(_at_work, "path", None)
    return path


def _damaged(error: BaseException) -> UnreadableFrameError:
    cause = str(error).strip()
    is_of_python = any(isinstance(one, _OF_PYTHON) for one in (error, error.__cause__))
    if " " not in cause or is_of_python or _SAYS_NOTHING.search(cause):
        cause = "its decoder can make no sense of it"  # -v shows the traceback
    return UnreadableFrameError(f"is damaged: {cause}. Render or copy it again.")


Samples = Shaped[np.ndarray, "height width channels"]
"""As stored: uint8, uint16, uint32, float16, float32 or float64; 1 channel (grey) or 3."""

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of red, green and blue. Source: ITU-R BT.709."""

_AT_ONCE = 1 << 16
"""Values compared at a time."""


def pixels_from_samples(samples: Samples) -> Pixels:
    """Integers scaled to [0, 1], floats as they are; grey repeated in three channels."""
    values = floats_from_samples(samples)
    return values if values.shape[2] == 3 else np.repeat(values, 3, axis=2)


def floats_from_samples(samples: Shaped[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return a new float32 array; integers scaled to [0, 1], floats as they are."""
    if samples.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            return samples.astype(np.float32)
    scale = np.iinfo(samples.dtype).max
    if samples.dtype.itemsize > 2:
        return (samples / np.float64(scale)).astype(np.float32)
    values = samples.astype(np.float32)
    values /= np.float32(scale)
    return values


def changed_pixels(
    before: Float[np.ndarray, "height width channels"],
    after: Float[np.ndarray, "height width channels"],
) -> Bool[np.ndarray, "height width"]:
    """Pixels in which two images of one kind of floats differ in any bit; NaN equals itself."""
    result = np.empty(before.shape[:2], bool)
    for rows in _strips(before):
        changed, own = _differ(before[rows], after[rows]), result[rows]
        own[:] = changed[..., 0]
        for channel in range(1, changed.shape[2]):  # ten times as fast as any() over a short axis
            own |= changed[..., channel]
    return result


def is_changed(
    before: Float[np.ndarray, "height width channels"],
    after: Float[np.ndarray, "height width channels"],
) -> bool:
    """Tell whether `changed_pixels` has any."""
    return any(_differ(before[rows], after[rows]).any() for rows in _strips(before))


def _strips(image: Float[np.ndarray, "height width channels"]) -> Iterator[slice]:
    """Yield a few rows at a time: a plane of a large picture is not made for a look at it."""
    rows = max(1, _AT_ONCE // max(1, image.shape[1] * image.shape[2]))
    for top in range(0, len(image), rows):
        yield slice(top, top + rows)


def change_samples(
    samples: Samples,
    before: Float[np.ndarray, "height width colours"],
    after: Float[np.ndarray, "height width colours"],
) -> None:
    """Put `after` into `samples`, in place, where it differs from `before`.

    One channel of samples takes the luma of a pixel of three in which any differs.

    Raises:
        UsageError: a changed pixel is NaN and the samples are integers.
    """
    for rows in _strips(before):
        changed, values = _differ(before[rows], after[rows]), after[rows]
        if not changed.any():
            continue
        if samples.shape[2] < after.shape[2]:
            changed = np.logical_or.reduce(changed, axis=2, keepdims=True)
            with np.errstate(invalid="ignore"):  # an EXR may hold infinities and NaN
                values = (values @ _LUMA)[..., None]
        np.copyto(samples[rows], _samples_from_floats(values, samples.dtype), where=changed)


def _differ(
    before: Float[np.ndarray, "height width channels"],
    after: Float[np.ndarray, "height width channels"],
) -> Bool[np.ndarray, "height width channels"]:
    bits = np.dtype(f"u{before.dtype.itemsize}")
    return np.asarray(before.view(bits) != after.view(bits))


def _samples_from_floats(
    values: Float[np.ndarray, "height width channels"], dtype: np.dtype[Any]
) -> Samples:
    """Clipped to what `dtype` holds; integers rounded half to even."""
    if dtype.kind == "f":
        limit = np.finfo(dtype).max
        clipped = np.clip(values, -limit, limit) if dtype.itemsize < 4 else values.copy()
        np.copyto(clipped, values, where=np.isinf(values))
        return clipped.astype(dtype)
    if np.isnan(values).any():
        raise UsageError(
            "A changed pixel is NaN, which a file of integers cannot hold. Leave it as it was."
        )
    scaled = np.clip(values, 0, 1, dtype=np.float64 if dtype.itemsize > 2 else np.float32)
    scaled *= np.iinfo(dtype).max
    return np.rint(scaled, out=scaled).astype(dtype)


class Encoding(Enum):
    """Meaning of the numbers of a frame."""

    SRGB = "srgb"
    """Display values, sRGB-encoded: integer files."""
    SCENE_LINEAR = "scene-linear"
    """Proportional to light: EXR and, by convention, float TIFF; or a declared space that is."""


@runtime_checkable
class StoredImage(Protocol):
    """A decoded file with all that is needed to write it again."""

    def encode(self, before: Pixels, after: Pixels) -> bytes:
        """Return the file with the samples that differ between `before` and `after` replaced."""


@runtime_checkable
class WritesPart(Protocol):
    """A stored image that need not see what did not change."""

    def encode_part(
        self,
        before: Float[np.ndarray, "rows columns 3"],
        after: Float[np.ndarray, "rows columns 3"],
        box: tuple[slice, slice],
    ) -> bytes:
        """Return the file with the samples replaced that differ in a box of the frame."""


@runtime_checkable
class WritesAlpha(Protocol):
    """A stored image whose alpha is a channel of its own, which can be written anew."""

    def encode_alpha(self, before: Plane, after: Plane) -> bytes:
        """Return the file with the samples of alpha that differ replaced."""


@frozen(eq=False)
class Frame:
    """A picture, and the file that it came from in `original`."""

    pixels: Pixels
    """float32, read-only. Integers are scaled to [0, 1]; floats are as stored, so they may be
    negative, above 1 or not finite. A grey picture is repeated in all three."""
    alpha: Plane | None = None
    """float32, read-only."""
    alpha_is_premultiplied: bool = False
    encoding: Encoding = Encoding.SRGB
    colour_space: ColourSpace | None = None
    """Declared colour space of the pixels; None is what `encoding` says, in Rec. 709."""
    matte: Plane | None = None
    """float32, [0, 1]: how much of a change each pixel takes; None is all of it."""
    notices: tuple[str, ...] = ()
    """Notices for the user about how this file is read or will be written."""
    origin_px: tuple[int, int] = (0, 0)
    """(row, column) of the first pixel in the picture as displayed: an EXR's data window."""
    displayed_px: tuple[int, int] | None = None
    """(height, width) of the picture as displayed, where that is not the size of `pixels`."""
    display_corner_px: tuple[int, int] = (0, 0)
    """(row, column) that the file calls the first pixel that is displayed, in an EXR."""
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


@frozen(eq=False)
class PlacedPicture:
    """One channel of a picture, and where it lies.

    Attributes:
        values: float32, as stored.
        origin_px: (row, column) of the first pixel in the picture as displayed.
        display_px: (height, width) of the picture as displayed.
    """

    values: Plane
    origin_px: tuple[int, int]
    display_px: tuple[int, int]


def _read_only(values: Float[np.ndarray, "*size"]) -> Float[np.ndarray, "*size"]:
    """Return a view of an array, which stays as writable as its owner has it."""
    view = values.view()
    view.flags.writeable = False
    return view


@frozen
class Wanted:
    """Requests to a file beside its picture.

    Attributes:
        picture: the layer, part or view that holds the picture; None finds it.
        colours_are_declared: whether the user says what the colours are.
    """

    picture: str | None = None
    colours_are_declared: bool = False


@frozen
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


@cache
def image_formats() -> tuple[ImageFormat, ...]:
    """Return this package's formats, by the name of their module."""
    modules = sorted(module.name for module in pkgutil.iter_modules(formats.__path__))
    return tuple(importlib.import_module(f"{formats.__name__}.{one}").FORMAT for one in modules)


def format_of(content: bytes) -> ImageFormat | None:
    """Return the format that a file's first bytes say it has; None for others."""
    head = content[:HEAD_BYTES]
    own = next((one for one in image_formats() if one.recognises(head)), None)
    if own is not None:
        return own
    faults = []
    for name in attached("image_formats"):
        try:
            found = _attached_format(name)
            if found.recognises(head):
                return found
        except RegganError as fault:  # of one package; the file may be another's
            faults.append(fault)
    if faults:
        raise faults[0]
    return None


def format_named(name: str) -> ImageFormat | None:
    """Return the format that a file's name says it has; None for others."""
    suffix = PurePath(name).suffix.lower()
    own = next((one for one in image_formats() if suffix in one.suffixes), None)
    is_attached = own is None and suffix[1:] in attached("image_formats")
    return _attached_format(suffix[1:]) if is_attached else own


VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".gif")


def is_video(path: Path) -> bool:
    """Tell whether the name ends like that of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def can_read(path: PurePath) -> bool:
    """Tell whether the name ends like that of a frame."""
    suffix = path.suffix.lower()
    return suffix in _own_suffixes() or suffix[1:] in attached("image_formats")


def frame_suffixes() -> tuple[str, ...]:
    """Return the suffixes of a frame's name, in lower case."""
    return tuple(sorted({*_own_suffixes(), *(f".{name}" for name in attached("image_formats"))}))


@cache
def _own_suffixes() -> frozenset[str]:
    return frozenset(suffix for one in image_formats() for suffix in one.suffixes)


@cache
def _attached_format(name: str) -> ImageFormat:
    """Return the format of another package, whose answers are checked."""
    with attached_faults("image_formats", name):
        found = expect_type(load_attached("image_formats", name), ImageFormat)
        expect_type(found.name, str)
        for suffix in expect_type(found.suffixes, tuple):
            expect_type(suffix, str)

    def recognises(head: bytes) -> bool:
        with attached_faults("image_formats", name):
            return bool(found.recognises(head))

    def decode(content: bytes, wanted: Wanted) -> Frame:
        with attached_faults(
            "image_formats", name, unread="is not read: ", error_type=UnreadableFrameError
        ):
            return _checked(found.decode(content, wanted), name)

    def stamp(content: bytes, text: str) -> bytes:
        with attached_faults("image_formats", name):
            stamped = expect_type(found.stamp(content, text), bytes)
            if not found.recognises(stamped[:HEAD_BYTES]):
                raise ValueError(f"its stamp leaves {stamped[:8]!r}, which it does not recognise")
            return stamped

    return replace(found, recognises=recognises, decode=decode, stamp=stamp)


def _checked(answer: object, name: str) -> Frame:
    """Return the frame that another package's format decoded, if it is one."""
    frame = expect_type(answer, Frame)
    pixels = expect_type(frame.pixels, np.ndarray)
    if pixels.dtype != np.float32 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(f"its pixels are {pixels.dtype} {pixels.shape}, not float32 of 3 channels")
    if frame.alpha is not None:
        alpha = expect_type(frame.alpha, np.ndarray)
        if alpha.dtype != np.float32 or alpha.shape != pixels.shape[:2]:
            raise ValueError(f"its alpha is {alpha.dtype} {alpha.shape}, not float32 of its size")
    stored: object = frame.original
    if not isinstance(stored, StoredImage):
        raise TypeError("the original of its frame has no encode()")
    if type(stored).__module__.startswith("reggan_plugin."):
        return frame
    kind = _AttachedAlpha if isinstance(stored, WritesAlpha) else _AttachedImage
    return replace(frame, original=kind(stored, name))


class _AttachedImage:
    """A stored image of another package."""

    def __init__(self, stored: Any, name: str) -> None:
        self._stored, self._name = stored, name

    def encode(self, before: Pixels, after: Pixels) -> bytes:
        """Return the file with other pixels, as its package makes it."""
        with attached_faults("image_formats", self._name):
            return expect_type(self._stored.encode(before, after), bytes)


class _AttachedAlpha(_AttachedImage):
    """One that writes alpha anew, too."""

    def encode_alpha(self, before: Plane, after: Plane) -> bytes:
        """Return the file with another alpha, as its package makes it."""
        with attached_faults("image_formats", self._name):
            return expect_type(self._stored.encode_alpha(before, after), bytes)


_LIGHT_SUFFIXES = (".hdr", ".rgbe", ".pfm")
"""Of scene-linear pictures that are not read: a PNG would cut their highlights off."""


_OTHER_PICTURES = (
    *_LIGHT_SUFFIXES,
    *(".apng", ".arw", ".avif", ".cin", ".cr2", ".cr3", ".dds", ".dng", ".dpx", ".heic", ".heif"),
    *(".j2k", ".jfif", ".jp2", ".jpe", ".jxl", ".nef", ".pcx", ".pic", ".psb", ".psd", ".raw"),
    *(".sgi", ".xcf"),
)
_OTHER_VIDEOS = (".3gp", ".avi", ".flv", ".m2ts", ".mts", ".mxf", ".ogv", ".wmv")
"""Those that Python's own table of kinds may not have."""


def converting(path: Path) -> str:
    """Return what makes a picture or a video of another kind one that is read, as a sentence.

    It is empty for what is neither.
    """
    import mimetypes  # few are of another kind

    kind = (mimetypes.guess_type(path.name)[0] or "").partition("/")[0]
    suffix = path.suffix.lower()
    if kind == "video" or suffix in _OTHER_VIDEOS:
        return f" Convert it: ffmpeg -i {path} {path.with_suffix('.mp4')}"
    if kind != "image" and suffix not in _OTHER_PICTURES:
        return ""
    kept = ".exr" if path.suffix.lower() in _LIGHT_SUFFIXES else ".png"
    return f" Convert it: magick {path} {path.with_suffix(kept)}"


STAMP_KEY = "reggan-plugin"
"""Names of a stamp in files, see `ImageFormat.stamp`. This one is the keyword of the PNG chunk, and
the first word of the JPEG comment."""
EXR_ATTRIBUTE = "regganPlugin"
TIFF_TAG = 65117
"""Of the numbers that TIFF leaves to private use without registration (65000 to 65535)."""
EXR_SIGNATURE = b"\x76\x2f\x31\x01"
"""The first bytes of an OpenEXR file."""


def bytes_left_out(count: int) -> str:
    """Say of bytes behind the end of a picture, such as a phone's clip, that they are not kept."""
    return f"{counted(count, 'byte')} behind the end of the picture left out of a changed one"


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


THUMBNAIL_LEFT_OUT = "its Exif thumbnail is left out: it would show the face as it was"
"""Notice for a picture that has one."""


PREVIEW_STAYS = "its preview picture stays, and shows the face as it was"
"""Notice for a picture that has one beside Exif's."""
_PREVIEWS = (b"8BIM\x04\x0c", b"8BIM\x04\x09", b"xmpGImg:image", b"JFXX\0")
"""Marks of previews in the metadata of a JPEG, TIFF, PNG or WebP: Photoshop's, XMP's, JFIF's.
Source: Adobe, Photoshop File Formats, image resources 1036 and 1033; XMP, part 1, 8.2.2.1."""


def notices_of_previews(*metadata: bytes) -> tuple[str, ...]:
    """Return the notice of a preview if one stands in any of these blocks of metadata."""
    found = any(mark in block for block in metadata for mark in _PREVIEWS)
    return (PREVIEW_STAYS,) if found else ()


_ORIENTATION = 274
"""Tag of Exif."""


def without_thumbnail(exif: bytes) -> bytes:
    """Return Exif, from its TIFF header on, of the same length; it names no second picture.

    Source: Exif 2.32, 4.5.1: the second directory is that of the thumbnail.
    """
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return exif
    try:
        (first,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, first)
        place = first + 2 + 12 * entries
        struct.unpack_from("I", exif, place)
    except struct.error:  # damaged Exif is kept as it is
        return exif
    return exif[:place] + bytes(4) + exif[place + 4 :]


def turn_passed_over(exif: bytes) -> tuple[str, ...]:
    """Return a notice if Exif says that a picture is to be shown turned or mirrored.

    In PNG and WebP few programs heed it, and those that lay textures by UVs must not.
    """
    from PIL import Image  # few such pictures have Exif

    found = Image.Exif()
    try:
        found.load(exif)
        turn = found.get(_ORIENTATION, 1)
    except (SyntaxError, TypeError, ValueError, struct.error):  # damaged Exif is kept as it is
        return ()
    if turn not in range(2, 9):
        return ()
    return (
        f"its Exif says that it lies turned (orientation {turn}): its pixels count as they lie",
    )


def unlinked(xmp: bytes) -> bytes:
    """XMP of the same length with spaces in place of its link to a manifest."""
    return LINK.sub(lambda found: b" " * len(found[0]), xmp)
