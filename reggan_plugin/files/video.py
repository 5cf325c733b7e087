"""A video as frames that are read when they are asked for, each as the bytes of a PNG.

So all that works on frames works on videos, and no more than a few of their frames are in memory.
FFmpeg takes videos apart in a child process (`reggan_plugin.child_process`): what follows
`VideoFile` in this file runs there.
"""

import os
import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reggan_plugin.array_types import Float
from reggan_plugin.child_process import allow_bytes, talk_apart
from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError, UsageError
from reggan_plugin.frozen import frozen
from reggan_plugin.limits import (
    MOST_VIDEO_FRAMES,
    MOST_VIDEO_PACKETS,
    refuse_beyond,
    refuse_oversize,
)
from reggan_plugin.missing_package import needs_extra

if TYPE_CHECKING:
    from av import VideoFrame


@frozen
class VideoCodec:
    """A codec as users name it.

    Attributes:
        encoder: what FFmpeg calls the encoder.
        sources: what FFmpeg calls the codecs of sources that are written in it unless told.
        options: of the encoder.
        most_crf: the worst quality that may be asked for; None where there is no choice, of
            quality or of bits.
    """

    encoder: str
    sources: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    most_crf: int | None = None


@frozen
class Coding:
    """How a video is encoded; None is our choice.

    Attributes:
        codec: a key of `VIDEO_CODECS`; without, the source's, where the result can hold it.
        quality: the codec's constant rate factor: 0 is best, and largest.
        bitrate: bits a second in place of a quality.
    """

    codec: str | None = None
    quality: int | None = None
    bitrate: int | None = None

    def options_for(self, name: str) -> dict[str, str]:
        """Return the options of an encoder.

        Args:
            name: a key of `VIDEO_CODECS`.

        Raises:
            UsageError: it cannot be asked for this quality.
        """
        codec, chosen = VIDEO_CODECS[name], self.bitrate if self.quality is None else self.quality
        options = dict(codec.options)
        if chosen is None:
            return options
        if codec.most_crf is None:
            raise UsageError(
                f"{name} takes no quality and no bitrate; {', '.join(_WITH_CRF)} do.",
                kind="codec-without-quality",
            )
        if self.quality is None:
            options.pop("crf")
            return {**options, "b": str(chosen)}
        if chosen > codec.most_crf:
            raise UsageError(f"The quality of {name} goes from 0, the best, to {codec.most_crf}.")
        return {**options, "crf": str(chosen)}


VIDEO_CODECS: Mapping[str, VideoCodec] = {
    "h264": VideoCodec(encoder="libx264", sources=("h264",), options={"crf": "14"}, most_crf=51),
    "h265": VideoCodec(
        encoder="libx265",
        sources=("hevc",),
        options={"crf": "16", "x265-params": "log-level=error"},
        most_crf=51,
    ),
    "prores": VideoCodec(encoder="prores_ks", sources=("prores",)),
    "vp9": VideoCodec(
        encoder="libvpx-vp9",
        sources=("vp9", "vp8"),
        options={"crf": "18", "b": "0", "row-mt": "1", "cpu-used": "4"},
        most_crf=63,
    ),
    "ffv1": VideoCodec(encoder="ffv1", sources=("ffv1",), options={"level": "3"}),
    "gif": VideoCodec(
        encoder="gif", sources=("gif",), options={"gifflags": "-offsetting-transdiff"}
    ),
}
_WITH_CRF = [name for name, codec in VIDEO_CODECS.items() if codec.most_crf is not None]
CONTAINERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    ".mp4": ("mp4", ("h264", "h265")),
    ".m4v": ("mp4", ("h264", "h265")),
    ".mov": ("mov", ("h264", "h265", "prores")),
    ".mkv": ("matroska", ("h264", "h265", "prores", "vp9", "ffv1")),
    ".webm": ("webm", ("vp9",)),
    ".gif": ("gif", ("gif",)),
}
"""Suffix → FFmpeg's name of the container, and the codecs that it holds, the usual one first."""


_HEADS = (
    (0, b"\x1a\x45\xdf\xa3", ".mkv"),
    (4, b"ftypqt", ".mov"),
    (4, b"ftyp", ".mp4"),
    (0, b"GIF8", ".gif"),
)
"""Offset and bytes that tell a container; WebM is read as Matroska."""


def video_suffix_of(head: bytes) -> str | None:
    """Return ending for the name of a video that begins like this; None for what is no video."""
    found = (suffix for start, mark, suffix in _HEADS if head[start:].startswith(mark))
    return next(found, None)


def codec_for(out: Path, source_codec: str, coding: Coding) -> str:
    """Return the codec of an output: the asked one, the source's, or the usual one of the
    container.

    Args:
        out: its suffix names the container.
        source_codec: FFmpeg's name of the codec of the source.
        coding: names a codec, or none.

    Raises:
        UsageError: the container does not hold the asked codec.
    """
    _, held = CONTAINERS[out.suffix.lower()]
    asked = coding.codec
    if asked is not None:
        if asked in held:
            return asked
        raise UsageError(
            f"{out.name} cannot hold {asked}; {out.suffix} holds {', '.join(held)}. Name one of "
            "them, or another output.",
            kind="codec-of-other-container",
        )
    same = [name for name in held if source_codec in VIDEO_CODECS[name].sources]
    return same[0] if same else held[0]


def pixel_format_for(codec: str, source: str, known: list[str]) -> str:
    """Return the pixel format that an encoder knows and that keeps most of the source's.

    Args:
        codec: a key of `VIDEO_CODECS`.
        source: the pixel format of the source.
        known: those of the encoder; empty if it takes all.
    """
    if not known or source in known:
        return source
    if codec == "prores":
        av = load_av()
        has_alpha = any(one.is_alpha for one in av.VideoFormat(source).components)
        best, _ = av.codec.find_best_pix_fmt_of_list(known, source, has_alpha)
        return str(best.name)
    return "yuv420p"


_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""Matrix as ITU-T H.273 numbers it, to that of swscale: BT.709, FCC, BT.601, 240M, BT.2020."""
_BT709, _BT601 = 1, 5
_HD_LINES = 720
_HDR = {16: "PQ", 18: "HLG"}
"""Transfer characteristics by ITU-T H.273."""
_DEMUXERS = {".mkv": "matroska", ".webm": "matroska", ".gif": "gif"}
"""Others are of the family of MP4 and MOV."""
_RIGHT_ANGLES = ([True, False, False, True], [False, True, True, False])
"""Which of a, b, c and d of a display matrix are not 0."""
_HEAD_BYTES = 64
_HIDES_FRAMES = "vp8"
"""A codec whose packets do not all give a frame."""
_ERROR = 16
"""Level of FFmpeg's errors; lower ones are worse."""
_LOG_LOCK = threading.RLock()
_OTHERS_OF_GIF = {b"ICCRGBG1012": "its colour profile", b"XMP DataXMP": "XMP"}
_MOST_COMMENTS, _MOST_COMMENT_BYTES = 100, 65_536
"""Of a GIF that are kept."""
_SLACK_S = 0.1
"""By which a container's own duration may be wrong."""
_DECODED_AHEAD = 48
"""So many frames are decoded in vain rather than looking for a key frame."""
_PACKETS_AT_ONCE = 64
"""So many are read within the time of one answer."""
_BYTES_A_PIXEL = 128
"""Of memory, to decode frames of 8K and more."""
_MOST_THREADS, _PIXELS_OF_THREADS = 16, 2**29
"""Of a decoder: each holds a frame."""


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


_BOXES = (
    *(b"ftyp", b"styp", b"moov", b"moof", b"mfra", b"mdat", b"free", b"skip", b"wide", b"sidx"),
    *(b"meta", b"uuid"),
)
"""Outermost boxes of MP4 and MOV."""


@contextmanager
def decoder_errors() -> Iterator[list[str]]:
    """Collect what FFmpeg says of damage that it hides; the list grows meanwhile."""
    av = load_av()
    found: list[str] = []
    with _LOG_LOCK:
        level, skips = av.logging.get_level(), av.logging.get_skip_repeated()
        av.logging.set_level(av.logging.ERROR)
        av.logging.set_skip_repeated(False)
        try:
            with av.logging.Capture(local=False) as said:
                yield found
                found += [
                    text.strip(" .\n") for level_of_one, _, text in said if level_of_one <= _ERROR
                ]
        finally:
            av.logging.set_level(level)
            av.logging.set_skip_repeated(skips)


def set_strict(stream: Any, bytes_a_pixel: int = _BYTES_A_PIXEL) -> None:
    """Let a decoder raise over damage, as far as it knows how; and take what frames need.

    Raises:
        UnsupportedFormatError: they are larger than is worked on.
    """
    height, width = stream.height, stream.width
    refuse_oversize(height, width, 4)
    allow_bytes(height * width * bytes_a_pixel)
    most_threads = max(1, _PIXELS_OF_THREADS // max(1, height * width))
    stream.thread_count = min(most_threads, _MOST_THREADS, os.cpu_count() or 1)
    stream.thread_type = "SLICE"  # of frames, some would be damaged while nobody listens
    stream.codec_context.options = {"err_detect": "explode"}


class VideoFile:
    """The frames of a video by number, from 1; in whatever thread, one at a time."""

    def __init__(self, path: Path) -> None:
        """Look through the file for its frames; the first one is decoded.

        Raises:
            MissingExtraError: PyAV is not installed.
            UnreadableFrameError: it is no video, or it is damaged.
            UnsupportedFormatError: it is shown turned, by no right angle.
            SourceError: it takes too long, or too much memory.
        """
        self.path = path
        self._lock = threading.Lock()
        self._decoder: Generator[Any, Any, None] | None = None
        with closing(self._talk("video_facts")) as looking:
            facts = next(filter(None, looking))
        self.codec: str = facts["codec"]
        """As FFmpeg calls it."""
        self.transfer = int(facts["transfer"])
        self._times: list[int] = facts["times"].tolist()
        self.times_s: Float[np.ndarray, " frames"] = facts["times"] * facts["tick_s"]
        """When each frame is shown; the steps between them may differ."""
        self.is_turned: bool = facts["is_turned"]
        """Whether players turn or mirror what is stored, as they do with a phone's upright clip."""

    def __len__(self) -> int:
        return len(self._times)

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices on how the video is read."""
        hdr = _HDR.get(self.transfer)
        return () if hdr is None else (f"{self.path.name} is {hdr} and is read as if it were sRGB",)

    def content(self, name: str) -> bytes:
        """Return the PNG of a frame, `00000001.png`.

        Raises:
            UnreadableFrameError: it cannot be decoded.
            SourceError: it takes too long, or too much memory.
        """
        asked = int(Path(name).stem)
        with self._lock:
            if self._decoder is None:
                self._decoder = self._talk("video_frames", self._times)
                next(self._decoder)
            try:
                while (png := self._decoder.send(asked)) is None:
                    pass  # it is on its way
            except BaseException:
                self._decoder.close()
                self._decoder = None
                raise
        return bytes(png)

    def close(self) -> None:
        """Let go of the file, until the next frame is asked for."""
        with self._lock:
            if self._decoder is not None:
                self._decoder.close()
                self._decoder = None

    def _talk(self, function: str, *arguments: Any) -> Generator[Any, Any, None]:
        return talk_apart(f"{__name__}:{function}", str(self.path), *arguments, file=self.path)


def video_facts(name: str) -> Iterator[dict[str, Any] | None]:
    """Look through a video, and yield None now and then; at last what `VideoFile` says of it."""
    path = Path(name)
    with _faults(path), decoder_errors() as faults, open_video(path) as container:
        if not container.streams.video:
            raise UnreadableFrameError(f"{path} holds no video. Name a file that does.")
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise _damaged(path, "it is in no code that is known here")
        refuse_oversize(stream.height, stream.width, 4)
        found = yield from _times(path, container, stream)
        context = stream.codec_context
        facts = {
            "codec": context.name,
            "transfer": int(context.color_trc or 0),
            "tick_s": float(stream.time_base),
        }
    if faults:
        raise _damaged(path, faults[0])
    times = sorted(found)
    if not times:
        raise UnreadableFrameError(f"{path} holds no frames. Render or copy it again.")
    with _faults(path), open_video(path) as container:
        matrix = display_matrix(next(_FrameDecoder(path, container, times).frame(0)))
    if matrix is not None and [bool(matrix[at]) for at in (0, 1, 3, 4)] not in _RIGHT_ANGLES:
        raise UnsupportedFormatError(
            f"{path} is shown turned, by no right angle. Store it upright: "
            f"ffmpeg -i {path.name} upright{path.suffix}"
        )
    yield {**facts, "times": np.array(times, np.int64), "is_turned": matrix is not None}


def video_frames(name: str, times: list[int]) -> Generator[Any, int, None]:
    """Yield the PNG of the frame whose number is sent, and None while it is looked for."""
    import imagecodecs

    path = Path(name)
    number = yield None
    with _faults(path), open_video(path) as container:
        decoder = _FrameDecoder(path, container, times)
        while True:
            with decoder_errors() as faults:
                for frame in decoder.frame(number - 1):
                    if frame is None:
                        yield None
                samples = upright(samples_of(frame), display_matrix(frame))
            if faults and decoder.is_from_start:  # after a search, decoders miss what lies before
                raise _damaged(path, f"at frame {number}, {faults[0]}")
            png = imagecodecs.png_encode(np.ascontiguousarray(samples), level=1)
            number = yield np.frombuffer(png, np.uint8)


def _times(path: Path, container: Any, stream: Any) -> Generator[None, None, set[int]]:
    """Of the frames; what the container promises beside them must be there.

    Raises:
        UnreadableFrameError: the file ends too early.
    """
    times: set[int] = set()
    last_dts: int | None = None
    count, last_s = 0, 0.0
    for number, packet in enumerate(container.demux()):
        if number % _PACKETS_AT_ONCE == 0:
            refuse_beyond(number, MOST_VIDEO_PACKETS, "packets")
            yield
        if not packet.size:
            continue
        if packet.pts is not None:
            of_packet = (packet.pts + (packet.duration or 0)) * packet.time_base
            last_s = max(last_s, float(of_packet))
        if packet.stream is stream:
            count += 1
            if packet.dts is not None and last_dts is not None and packet.dts < last_dts:
                raise _damaged(path, f"its times begin again at frame {count}")
            last_dts = last_dts if packet.dts is None else packet.dts
            if packet.pts is not None and not packet.is_discard:
                times.add(packet.pts)
    refuse_beyond(count, MOST_VIDEO_FRAMES, "frames")
    kind, rate = container.format.name, float(stream.average_rate or 24)
    if kind == "gif":
        facts = gif_facts(path)
        if not facts.is_whole:
            raise _damaged(path, f"it breaks off after {count} frames")
        times = set(sorted(times)[: facts.pictures])
    if kind.startswith("mov") and not _has_whole_boxes(path):
        raise _damaged(path, "it breaks off within a box")
    if kind != "gif" and count < stream.frames:
        raise _damaged(path, f"it holds {count} of {stream.frames} frames")
    promised_s = (container.duration or 0) / 1e6 if kind.startswith("matroska") else 0.0
    if promised_s - last_s > 2 / rate + _SLACK_S:
        raise _damaged(path, f"it ends after {last_s:.2f} s of {promised_s:.2f} s")
    return times


def _has_whole_boxes(path: Path) -> bool:
    """Tell whether the boxes of an MP4 or MOV end within it; other bytes behind them do not count.

    A table of samples that is cut off takes its sound along, and FFmpeg says nothing of it.
    Source: ISO/IEC 14496-12, 4.2.
    """
    size, place = path.stat().st_size, 0
    with path.open("rb") as file:
        while place < size:
            file.seek(place)
            head = file.read(16)
            if head[4:8] not in _BOXES:
                return True
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:], "big")
            if length < 8:  # 0: to the end of the file
                return length == 0
            place += length
    return place == size


def _damaged(path: Path, fault: str) -> UnreadableFrameError:
    return UnreadableFrameError(f"{path} is damaged or cut off: {fault}. Render or copy it again.")


class _FrameDecoder:
    """Decodes frames in whatever order; fastest in theirs."""

    def __init__(self, path: Path, container: Any, times: list[int]) -> None:
        self._path, self._container, self._times = path, container, times
        self._stream = container.streams.video[0]
        set_strict(self._stream)
        self._frames: Iterator[VideoFrame] | None = None
        self._next = 0
        self.is_from_start = True

    def frame(self, index: int) -> "Iterator[VideoFrame | None]":
        """Yield None while frames before it are decoded, and at last the frame."""
        times, codec = self._times, self._stream.codec_context.name
        if self._frames is None or not self._next <= index < self._next + _DECODED_AHEAD:
            if index > 0 or self._frames is not None:  # some cannot be searched, but be read
                self._container.seek(times[index], stream=self._stream, backward=True)
            self.is_from_start = index == 0
            self._frames = self._container.decode(self._stream)
        for frame in self._frames:
            place = bisect_left(times, frame.pts)
            self._next = place + 1
            if place < index:
                yield None
                continue
            is_gap = place > index and codec != _HIDES_FRAMES
            if is_gap or frame.is_corrupt:
                raise _damaged(self._path, f"its frame {index + 1} cannot be decoded")
            yield frame
            return
        self._frames = None
        raise _damaged(self._path, f"it ends before its frame {index + 1}")


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    av = load_av()
    try:
        yield
    except av.error.FFmpegError as error:
        raise UnreadableFrameError(
            f"{path} cannot be read as a video: {error.strerror or error}. Check that it "
            "plays, or render it again."
        ) from error
    except (OSError, ValueError) as error:
        raise UnreadableFrameError(
            f"{path} cannot be read as a video: {error}. Check the path."
        ) from error


@frozen
class GifFacts:
    """What FFmpeg does not tell of a GIF.

    Attributes:
        pictures: how many; FFmpeg takes a comment right before the end for one more.
        is_whole: whether its blocks lead to its end; readers stop silently where they do not.
        loops: how often it is repeated, 0 for ever; None where it is shown once, and of no GIF.
        comments: in order.
        others: names of what else programs put beside its pictures, such as a colour profile.
    """

    pictures: int = 0
    is_whole: bool = False
    loops: int | None = None
    comments: tuple[bytes, ...] = ()
    others: tuple[str, ...] = ()


def gif_facts(path: Path) -> GifFacts:
    """Walk through the blocks of a GIF; of another file nothing is told.

    Source: CompuServe, GIF89a specification, sections 17 to 27; the loops: Netscape 2.0.
    """
    loops: int | None = None
    pictures, is_whole = 0, False
    comments: list[bytes] = []
    others: dict[str, None] = {}
    with path.open("rb") as file, suppress(IndexError):  # it ends within a block
        head = file.read(13)
        if head[:4] != b"GIF8":
            return GifFacts()

        def skip_colours(flags: int) -> None:
            file.seek(3 << ((flags & 7) + 1) if flags & 0x80 else 0, 1)

        def blocks() -> Iterator[bytes]:
            while size := file.read(1)[0]:
                yield file.read(size)

        skip_colours(head[10])
        while (kind := file.read(1)) in (b"!", b","):
            if kind == b"!":
                label, content = file.read(1), list(blocks())
                if label == b"\xfe" and len(comments) < _MOST_COMMENTS:
                    comments.append(b"".join(content)[:_MOST_COMMENT_BYTES])
                elif content[:1] == [b"NETSCAPE2.0"]:
                    if content[1:] and content[1][:1] == b"\1":
                        loops = int.from_bytes(content[1][1:3], "little")
                elif label == b"\xff" and content:
                    others[_OTHERS_OF_GIF.get(content[0], ascii(content[0])[2:-1])] = None
            else:
                skip_colours(file.read(9)[8])
                file.read(1)
                deque(blocks(), maxlen=0)
                pictures += 1
        is_whole = kind == b";"
    return GifFacts(
        pictures=pictures,
        is_whole=is_whole,
        loops=loops,
        comments=tuple(comments),
        others=tuple(others)[:_MOST_COMMENTS],
    )


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


def display_matrix(frame: "VideoFrame | None") -> tuple[int, ...] | None:
    """Return the nine numbers by which players turn or mirror a frame; None if they do not.

    Phones store what their sensor sees, and say so how it was held.
    """
    found = None if frame is None else frame.side_data.get("DISPLAYMATRIX")
    return None if found is None else tuple(np.frombuffer(found, np.int32).tolist())


def upright(samples: npt.NDArray[Any], matrix: tuple[int, ...] | None) -> npt.NDArray[Any]:
    """Return samples as players show them.

    Source: FFmpeg, libavutil/display.h: a point (x, y) goes to (a x + c y, b x + d y), where
    the matrix begins with a, b, u, c, d.
    """
    if matrix is None:
        return samples
    return _mirrored(samples if matrix[0] else samples.swapaxes(0, 1), matrix)


def as_stored(samples: npt.NDArray[Any], matrix: tuple[int, ...] | None) -> npt.NDArray[Any]:
    """Return samples as the file has them: what `upright` did is undone."""
    if matrix is None:
        return samples
    mirrored = _mirrored(samples, matrix)
    return mirrored if matrix[0] else mirrored.swapaxes(0, 1)


def _mirrored(samples: npt.NDArray[Any], matrix: tuple[int, ...]) -> npt.NDArray[Any]:
    across, down = matrix[0] or matrix[3], matrix[1] or matrix[4]
    return samples[:: 1 if down > 0 else -1, :: 1 if across > 0 else -1]


def is_rgb(picture: Any) -> bool:
    """Tell whether a frame's, or an encoder's, samples are RGB or a palette of it."""
    return picture.format.is_rgb or picture.format.name == "pal8"


def matrix_of(frame: "VideoFrame") -> int | None:
    """Return the matrix between its YCbCr and RGB, as swscale numbers it; None for RGB.

    A file that does not say it is taken for BT.709 from 720 lines on, as players do.
    """
    if is_rgb(frame):
        return None
    untagged = _BT709 if frame.height >= _HD_LINES else _BT601
    return _MATRICES.get(int(frame.colorspace), untagged)
