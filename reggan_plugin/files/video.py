"""A video as frames that are read when they are asked for, each as the bytes of a PNG.

So all that works on frames works on videos, and no more than a few of their frames are in memory.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError
from reggan_plugin.files.size_limit import refuse_oversize
from reggan_plugin.missing_package import needs_extra

if TYPE_CHECKING:
    from av import VideoFrame

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".gif")
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""Matrix as ITU-T H.273 numbers it, to that of swscale: BT.709, FCC, BT.601, 240M, BT.2020."""
_BT709, _BT601 = 1, 5
_HD_LINES = 720
_HDR = {16: "PQ", 18: "HLG"}
"""Transfer characteristics by ITU-T H.273."""
_DECODED_AHEAD = 48
"""So many frames are decoded in vain rather than looking for a key frame."""


def is_video(path: Path) -> bool:
    """Tell whether the name ends like that of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def load_av() -> Any:
    """Return the library that reads and writes videos.

    Raises:
        MissingExtraError: it is not installed.
    """
    with needs_extra("A video", "video"):
        import av
    return av


class VideoFile:
    """The frames of a video by number, from 1; in whatever thread, one at a time."""

    def __init__(self, path: Path) -> None:
        """Look through the file for its frames; none is decoded.

        Raises:
            MissingExtraError: PyAV is not installed.
            UnreadableFrameError: it is no video, or it is damaged.
            UnsupportedFormatError: it is shown turned.
        """
        self.path, self._av = path, load_av()
        self._lock = threading.Lock()
        self._container: Any = None
        self._decoder: Iterator[VideoFrame] | None = None
        self._next = 0
        with self._faults(), self._av.open(str(path)) as container:
            if not container.streams.video:
                raise UnreadableFrameError(f"{path} holds no video. Name a file that does.")
            stream = container.streams.video[0]
            height, width = stream.height, stream.width
            times = {
                packet.pts
                for packet in container.demux(stream)
                if packet.pts is not None and not packet.is_discard
            }
            self.transfer = int(stream.codec_context.color_trc or 0)
            self.codec: str = stream.codec_context.name
            """As FFmpeg calls it."""
        refuse_oversize(height, width, 4)
        self.times = sorted(times)
        """Of the frames, in units of the stream."""
        if not self.times:
            raise UnreadableFrameError(f"{path} holds no frames. Render or copy it again.")
        with self._faults():
            turn_deg = int(self._frame(0).rotation)
        self.close()
        if turn_deg:
            raise UnsupportedFormatError(
                f"{path} is shown turned by {turn_deg} degrees. Store it upright: "
                f"ffmpeg -i {path.name} upright{path.suffix}"
            )

    def __len__(self) -> int:
        return len(self.times)

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices on how the video is read."""
        hdr = _HDR.get(self.transfer)
        return () if hdr is None else (f"{self.path.name} is {hdr} and is read as if it were sRGB",)

    def content(self, name: str) -> bytes:
        """Return the PNG of a frame, `00000001.png`.

        Raises:
            UnreadableFrameError: it cannot be decoded.
        """
        import imagecodecs

        number = int(Path(name).stem)
        with self._lock, self._faults():
            samples = samples_of(self._frame(number - 1))
        return bytes(imagecodecs.png_encode(np.ascontiguousarray(samples), level=1))

    def close(self) -> None:
        """Let go of the file, until the next frame is asked for."""
        with self._lock:
            self._decoder = None
            if self._container is not None:
                self._container.close()
                self._container, self._next = None, 0

    def _frame(self, index: int) -> "VideoFrame":
        if self._decoder is None or not self._next <= index < self._next + _DECODED_AHEAD:
            self._seek(index)
        assert self._decoder is not None, "it was sought"
        for frame in self._decoder:
            place = bisect_left(self.times, frame.pts)
            self._next = place + 1
            if place >= index:
                return frame
        self._decoder = None
        raise UnreadableFrameError(
            f"{self.path} ends before its frame {index + 1}. Render or copy it again."
        )

    def _seek(self, index: int) -> None:
        is_new = self._container is None
        if is_new:
            self._container = self._av.open(str(self.path))
            self._container.streams.video[0].thread_type = "AUTO"
        stream = self._container.streams.video[0]
        if index > 0 or not is_new:  # some files cannot be searched, but they can be read
            self._container.seek(self.times[index], stream=stream, backward=True)
        self._decoder = self._container.decode(stream)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except self._av.error.FFmpegError as error:
            raise UnreadableFrameError(
                f"{self.path} cannot be read as a video: {error.strerror or error}. Check that it "
                "plays, or render it again."
            ) from error


def samples_of(frame: "VideoFrame") -> npt.NDArray[Any]:
    """RGB of a decoded frame, and alpha if it has some: uint8, or uint16 of deeper files."""
    components = frame.format.components
    is_deep = max(component.bits for component in components) > 8
    has_alpha = any(component.is_alpha for component in components) or frame.format.name == "pal8"
    kinds = {
        (False, False): "rgb24",
        (False, True): "rgba",
        (True, False): "rgb48le",
        (True, True): "rgba64le",
    }
    picture = frame.reformat(format=kinds[is_deep, has_alpha], src_colorspace=matrix_of(frame))
    return np.asarray(picture.to_ndarray())


def matrix_of(frame: "VideoFrame") -> int | None:
    """Return the matrix between its YCbCr and RGB, as swscale numbers it; None for RGB.

    A file that does not say it is taken for BT.709 from 720 lines on, as players do.
    """
    if frame.format.is_rgb:
        return None
    untagged = _BT709 if frame.height >= _HD_LINES else _BT601
    return _MATRICES.get(int(frame.colorspace), untagged)
