"""Mattes: pictures that say how much of a change each pixel of a frame takes."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.errors import SourceError, UsageError, counted
from reggan_plugin.files.frame import (
    Frame,
    PlacedPicture,
    may_have_layers,
    read_content,
    read_frame,
)
from reggan_plugin.files.image_format import EXR_SIGNATURE
from reggan_plugin.files.sequence import SourceFrame, find_sequence
from reggan_plugin.frozen import frozen

_EXR_CHANNELS = ("A", "Y", "R")
"""The channel of a matte in EXR, if none is named: the first of these that it has."""


@frozen
class Matte:
    """The mattes of a shot. Stored values count as they are, clipped to [0, 1].

    Attributes:
        source: one file for every frame, or a folder or pattern with the frames' numbers; None
            is the frames themselves. Of a picture with alpha the alpha counts, else red.
        channel: of an EXR, by its full name or as `part:channel`.
    """

    source: str | None = None
    channel: str | None = None

    def __post_init__(self) -> None:
        if self.source is None and self.channel is None:
            raise UsageError("A matte needs a file, a pattern or the name of an EXR channel.")

    def files(self) -> list[Path]:
        """Every file of the matte; none where the frames themselves hold it.

        Raises:
            SourceError: there is none.
        """
        if self.source is None:
            return []
        only, numbered = self._files
        return list(numbered.values()) if only is None else [only]

    @cached_property
    def _files(self) -> tuple[Path | None, Mapping[int, Path]]:
        """The one file for all frames, or the files by number; listed once for a job's matte."""
        assert self.source is not None, "the frames themselves are not listed"
        frames = find_sequence(self.source).frames
        numbered = {frame.number: frame.path for frame in frames if frame.number is not None}
        one_for_all = Path(self.source).is_file() or not numbered
        return (frames[0].path if one_for_all else None), numbered

    def refuse_impossible(self, frames: Sequence[SourceFrame]) -> None:
        """Fail early if there is no matte, or none of its files can have the channel.

        Raises:
            SourceError: it is so.
        """
        paths = self.files() or [frame.path for frame in frames]
        if self.channel is not None and paths and not may_have_layers(paths):
            raise _without_channels(paths[0], self.channel)

    def path_for(self, frame: SourceFrame) -> Path:
        """Return the file that holds the matte of a frame.

        Raises:
            SourceError: there is none of its number.
        """
        if self.source is None:
            return frame.path
        only, numbered = self._files
        if only is not None:
            return only
        if frame.number is None or frame.number not in numbered:
            raise SourceError(
                f"{frame.path} has no matte: {self.source} holds "
                f"{counted(len(numbered), 'frame')}, {min(numbered)} to {max(numbered)}, and no "
                f"{frame.number}. Render it, or leave this frame out.",
                kind="no-matte-of-frame",
                frame=frame.number,
            )
        return numbered[frame.number]


def read_matte(
    matte: Matte, source: SourceFrame, frame: Frame
) -> Float[np.ndarray, "rows columns"]:
    """Return the matte at the pixels of a frame, in [0, 1]; 0 where it does not reach.

    Raises:
        SourceError: there is no such file or channel, or it is of another size than the frame.
    """
    path = matte.path_for(source)
    picture = _read(path, matte.channel)
    if picture.display_px != frame.display_px:
        (height, width), (own_height, own_width) = frame.display_px, picture.display_px
        raise SourceError(
            f"{path} is {own_width}x{own_height}, but the frame {source.path.name} is "
            f"{width}x{height}. Render the matte at the frame's size."
        )
    return _placed(picture, frame)


def _read(path: Path, channel: str | None) -> PlacedPicture:
    content = read_content(path)
    if content.startswith(EXR_SIGNATURE):
        from reggan_plugin.files.exr.stored_exr import read_channel

        return read_channel(content, path, [channel] if channel else _EXR_CHANNELS)
    if channel is not None:
        raise _without_channels(path, channel)
    frame = read_frame(path)
    values = frame.pixels[..., 0] if frame.alpha is None else frame.alpha
    return PlacedPicture(values=values, origin_px=(0, 0), display_px=frame.display_px)


def _without_channels(path: Path, channel: str) -> SourceError:
    return SourceError(
        f"{path} is no EXR, so it has no channel {channel!r}: its alpha counts, or else its red.",
        kind="matte-channel-of-no-exr",
        path=path,
    )


def _placed(picture: PlacedPicture, frame: Frame) -> Float[np.ndarray, "rows columns"]:
    height, width = frame.pixels.shape[:2]
    result = np.zeros((height, width), dtype=np.float32)
    top, left = (picture.origin_px[axis] - frame.origin_px[axis] for axis in (0, 1))
    rows = slice(max(0, top), min(height, top + picture.values.shape[0]))
    columns = slice(max(0, left), min(width, left + picture.values.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        own = picture.values[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]
        result[rows, columns] = np.clip(np.nan_to_num(own, nan=0.0, posinf=1.0, neginf=0.0), 0, 1)
    return result
