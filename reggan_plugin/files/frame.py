"""A picture on disk as float pixels, and back into the same kind of file."""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reggan_plugin.array_types import Pixels
from reggan_plugin.errors import (
    OutputExistsError,
    UnreadableFrameError,
    UnsupportedFormatError,
    UsageError,
)
from reggan_plugin.file_safety import found_at, is_taken, read_regular, write_atomically
from reggan_plugin.files.colour_management import OcioColourSpace
from reggan_plugin.files.image_format import (
    HEAD_BYTES,
    ImageFormat,
    Wanted,
    can_read,
    converting,
    faults_named,
    format_named,
    format_of,
    frame_suffixes,
    image_formats,
    is_video,
)
from reggan_plugin.files.image_format import Encoding as Encoding
from reggan_plugin.files.image_format import Frame as Frame
from reggan_plugin.files.image_format import PlacedPicture as PlacedPicture
from reggan_plugin.files.image_format import StoredImage as StoredImage
from reggan_plugin.frozen import frozen
from reggan_plugin.limits import MOST_FILE_BYTES

if TYPE_CHECKING:
    from reggan_plugin.files.video import VideoFile

# Else Python prints every fault that these log, beside the error that names the file.
for _name in ("tifffile", "imagecodecs"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

_HOLDERS: "dict[Path, VideoFile]" = {}
"""Videos by their path, which is the folder of the frames in them."""


def register_holder(path: Path, holder: "VideoFile") -> None:
    """Let paths such as `clip.mp4/00000001.png` be read."""
    _HOLDERS[path] = holder


@frozen
class Reading:
    """Settings for reading frames.

    Attributes:
        colour_space: what their pixels are; None is linear Rec. 709 for EXR and float TIFF, and
            sRGB for all others.
        exr_picture: layer, part or view of an EXR that holds the picture; None finds it.
    """

    colour_space: OcioColourSpace | None = None
    exr_picture: str | None = None

    def decode(self, content: bytes, path: Path) -> Frame:
        """Return the frame in `content`, the bytes of the file at `path`; errors, which name that,
        are those of `read_frame`.
        """
        space = self.colour_space
        with faults_named(path):
            found = _format_of(path, content)
            if self.exr_picture is not None and not found.has_layers:
                raise UnsupportedFormatError(
                    "is no EXR, so it has no layers of which one could be the picture.",
                    kind="exr-picture-of-no-exr",
                )
            wanted = Wanted(picture=self.exr_picture, colours_are_declared=space is not None)
            frame = found.decode(content, wanted)
        if format_named(path.name) not in (None, found):
            other = f"The file is {found.name}, although its name says otherwise. So is the result."
            frame = replace(frame, notices=(*frame.notices, other))
        if space is None:
            return frame
        encoding = Encoding.SCENE_LINEAR if space.is_scene_referred else Encoding.SRGB
        return replace(frame, colour_space=space, encoding=encoding)


DEFAULT_READING = Reading()


def read_frame(path: str | Path) -> Frame:
    """Read a picture.

    Raises:
        UnreadableFrameError: no such file, not an image, or a damaged one.
        UnsupportedFormatError: an image that could not be written back faithfully.
        MissingChannelsError: an EXR in which no layer holds the picture.
        UsageError: this is no path.
    """
    path = given_path(path)
    return DEFAULT_READING.decode(read_content(path), path)


def given_path(name: str | Path) -> Path:
    """Return what a caller names as a file.

    Raises:
        UsageError: it can be the name of none.
    """
    if not isinstance(name, str | Path):
        raise UsageError(f"A {type(name).__name__} is no file's name; give a path.")
    path = Path(name)
    try:
        encoded = os.fsencode(path)
    except UnicodeEncodeError:
        encoded = b"\0"  # half a character, which no system can write
    if not path.name or b"\0" in encoded:
        raise UsageError(f"{str(name)!r} is no file's name; give a path.")
    return path


def read_content(path: Path) -> bytes:
    """Return the bytes of a frame's file.

    Raises:
        UnreadableFrameError: there is no such file, or it cannot be read.
    """
    holder = _HOLDERS.get(path.parent)
    if holder is not None:
        return holder.content(path.name)
    try:
        return read_regular(path, MOST_FILE_BYTES)
    except OSError as error:
        raise UnreadableFrameError(
            f"{path} cannot be read: {error.strerror}. Check the path and your rights to it."
        ) from error


def write_frame(frame: Frame, pixels: Pixels, path: str | Path, *, overwrite: bool = False) -> None:
    """Write `frame` to `path` with other pixels and everything else as it was read.

    Format, bit depth, compression, alpha, further channels and metadata stay. A sample whose
    value in `pixels` has the same bits as in `frame.pixels` keeps its stored value; the others
    are clipped to what the file can hold and rounded half to even. The file appears at once.

    Args:
        frame: as `read_frame` gave it.
        pixels: of the same shape.
        path: the file; its name ends as that of the frame's format does.
        overwrite: whether a file that exists is replaced.

    Raises:
        OutputExistsError: `path` exists.
        OutputError: `path` cannot be written.
        UsageError: `path` is no file's name, or that of another format, or `pixels` has another
            shape or type, or NaN where an integer is stored.
    """
    path = given_path(path)
    if is_taken(path) and not overwrite:
        raise OutputExistsError(f"{found_at(path)}. Name another file, or pass overwrite=True.")
    content = encode_frame(frame, pixels)
    found, named = format_of(content), format_named(path.name)
    if found is not None and named is not found and path.suffix:
        raise UsageError(
            f"{path}: the frame is {found.name}, and keeps its format. Name it "
            f"{path.with_suffix(found.suffixes[0]).name}.",
            kind="output-of-other-format",
        )
    write_atomically(path, content)


def encode_frame(frame: Frame, pixels: Pixels) -> bytes:
    """Return the bytes of the file that `write_frame` writes."""
    if not isinstance(frame, Frame) or not isinstance(pixels, np.ndarray):
        raise UsageError(
            f"A {type(frame).__name__} and a {type(pixels).__name__} were given; expected a frame "
            "of read_frame and an array of pixels."
        )
    if pixels.shape != frame.pixels.shape or pixels.dtype != np.float32:
        raise UsageError(
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


def refuse_other_files(content: bytes, path: Path) -> None:
    """Refuse a file that is no picture by its first bytes, where nothing else looks at it.

    Frames may be links that came with somebody's shot: a copy of what they lead to is handed on.

    Raises:
        UnreadableFrameError, UnsupportedFormatError: it is none.
    """
    with faults_named(path):
        _format_of(path, content)


def _format_of(path: Path, content: bytes) -> ImageFormat:
    found = format_of(content)
    if found is not None:
        return found
    if is_video(path):
        raise UnsupportedFormatError(
            "is a video, and one picture is read here. Give one of its frames as a picture.",
            kind="video-as-picture",
            video=path,
        )
    if path.suffix and not can_read(path):
        raise UnsupportedFormatError(
            f"is of a kind that is not read. Give one of {', '.join(frame_suffixes())}."
            f"{converting(path)}"
        )
    if not content:
        raise UnreadableFrameError("is empty (0 bytes). Render it again.")
    names = ", ".join(one.name for one in image_formats())
    raise UnreadableFrameError(
        f"is not an image: it begins with {content[:8]!r}, as no file of {names} does."
    )


def may_have_layers(paths: Sequence[Path]) -> bool:
    """Tell by a name, or by the first file's first bytes; true if that cannot be read."""
    layered = [suffix for one in image_formats() if one.has_layers for suffix in one.suffixes]
    if any(path.suffix.lower() in layered for path in paths):
        return True
    try:
        with paths[0].open("rb") as file:
            found = format_of(file.read(HEAD_BYTES))
    except OSError:
        return True
    return found is not None and found.has_layers


def name_of_frame(path: Path) -> str:
    """Return what to call a frame: the name of its file, or the video and its number there."""
    is_in_video = is_video(path.parent) and path.stem.isdecimal()  # or a folder is called so
    return f"{path.parent.name} frame {int(path.stem)}" if is_in_video else path.name
