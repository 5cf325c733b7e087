"""A video as frames that are read when they are asked for, each as the bytes of a PNG.

So all that works on frames works on videos, and no more than a few of their frames are in memory.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError
from reggan_plugin.files.video_codecs import video_suffix_of
from reggan_plugin.limits import MOST_VIDEO_FRAMES, refuse_beyond, refuse_oversize
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
_DEMUXERS = {".mkv": "matroska", ".webm": "matroska", ".gif": "gif"}
"""Others are of the family of MP4 and MOV."""
_HEAD_BYTES = 64
_HIDES_FRAMES = "vp8"
"""A codec whose packets do not all give a frame."""
_ERROR = 16
"""Level of FFmpeg's errors; lower ones are worse."""
_LOG_LOCK = threading.RLock()
_SLACK_S = 0.1
"""By which a container's own duration may be wrong."""
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


def open_video(path: Path) -> Any:
    """Return the open container of a video, of a kind that we name.

    FFmpeg would take a text that is called .mp4 for a list of other files, and read these.

    Raises:
        MissingExtraError: PyAV is not installed.
    """
    av = load_av()
    with path.open("rb") as file:
        suffix = video_suffix_of(file.read(_HEAD_BYTES)) or path.suffix.lower()
    demuxer = _DEMUXERS.get(suffix, "mov")
    return av.open(str(path), format=demuxer, options={"protocol_whitelist": "file"})


@contextmanager
def decoder_errors() -> Iterator[list[str]]:
    """Collect what FFmpeg says of damage that it hides; the list grows meanwhile."""
    av = load_av()
    found: list[str] = []
    with _LOG_LOCK:
        level = av.logging.get_level()
        av.logging.set_level(av.logging.ERROR)
        try:
            with av.logging.Capture(local=False) as said:
                yield found
                found += [
                    text.strip(" .\n") for level_of_one, _, text in said if level_of_one <= _ERROR
                ]
        finally:
            av.logging.set_level(level)


def set_strict(stream: Any) -> None:
    """Let a decoder raise over damage, as far as it knows how."""
    stream.thread_type = "AUTO"
    stream.codec_context.options = {"err_detect": "explode"}


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
        self._is_from_start = True
        with self._faults(), decoder_errors() as faults, open_video(path) as container:
            if not container.streams.video:
                raise UnreadableFrameError(f"{path} holds no video. Name a file that does.")
            stream = container.streams.video[0]
            height, width = stream.height, stream.width
            refuse_oversize(height, width, 4)
            times = self._times(container, stream)
            self.transfer = int(stream.codec_context.color_trc or 0)
            self.codec: str = stream.codec_context.name
            """As FFmpeg calls it."""
        if faults:
            raise self._damaged(faults[0])
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

    def _times(self, container: Any, stream: Any) -> set[int]:
        """Of the frames; what the container promises beside them must be there.

        Raises:
            UnreadableFrameError: the file ends too early.
        """
        times: set[int] = set()
        count, last_s = 0, 0.0
        for packet in container.demux():
            if not packet.size:
                continue
            if packet.pts is not None:
                of_packet = (packet.pts + (packet.duration or 0)) * packet.time_base
                last_s = max(last_s, float(of_packet))
            if packet.stream is stream:
                count += 1
                if packet.pts is not None and not packet.is_discard:
                    times.add(packet.pts)
        refuse_beyond(count, MOST_VIDEO_FRAMES, "frames")
        kind, rate = container.format.name, float(stream.average_rate or 24)
        if kind == "gif" and not _is_whole_gif(self.path.read_bytes()):
            raise self._damaged(f"it breaks off after {count} frames")
        if kind != "gif" and count < stream.frames:
            raise self._damaged(f"it holds {count} of {stream.frames} frames")
        promised_s = (container.duration or 0) / 1e6 if kind.startswith("matroska") else 0.0
        if promised_s - last_s > 2 / rate + _SLACK_S:
            raise self._damaged(f"it ends after {last_s:.2f} s of {promised_s:.2f} s")
        return times

    def _damaged(self, fault: str) -> UnreadableFrameError:
        return UnreadableFrameError(
            f"{self.path} is damaged or cut off: {fault}. Render or copy it again."
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
        with self._lock, self._faults(), decoder_errors() as faults:
            samples = samples_of(self._frame(number - 1))
        if faults and self._is_from_start:  # after a search, decoders miss what lies before
            raise self._damaged(f"at frame {number}, {faults[0]}")
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
                is_gap = place > index and self.codec != _HIDES_FRAMES
                if is_gap or frame.is_corrupt:
                    raise self._damaged(f"its frame {index + 1} cannot be decoded")
                return frame
        self._decoder = None
        raise self._damaged(f"it ends before its frame {index + 1}")

    def _seek(self, index: int) -> None:
        is_new = self._container is None
        if is_new:
            self._is_from_start = True
            self._container = open_video(self.path)
            set_strict(self._container.streams.video[0])
        stream = self._container.streams.video[0]
        if index > 0 or not is_new:  # some files cannot be searched, but they can be read
            self._is_from_start = False
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
        except (OSError, ValueError) as error:
            raise UnreadableFrameError(
                f"{self.path} cannot be read as a video: {error}. Check the path."
            ) from error


def _is_whole_gif(content: bytes) -> bool:
    """Tell whether its blocks lead to its end; a reader stops silently where they do not.

    Source: CompuServe, Graphics Interchange Format, version 89a, sections 17 to 27.
    """

    def behind_colours(at: int, flags: int) -> int:
        return at + (3 << (flags & 7) + 1 if flags & 0x80 else 0)

    with suppress(IndexError):
        at = behind_colours(13, content[10])
        while content[at] != 0x3B:
            if content[at] == 0x2C:
                at = behind_colours(at + 10, content[at + 9]) + 1
            elif content[at] == 0x21:
                at += 2
            else:
                return False
            while content[at]:
                at += content[at] + 1
            at += 1
        return True
    return False


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
