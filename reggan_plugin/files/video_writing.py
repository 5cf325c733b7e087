"""A video written again with other pixels in some of its frames, all else as it was; or a new one.

Times of frames, sound and its language, chapters, colour tags and metadata are the source's, as far
as the container holds them; what it does not hold is said, and so are further streams of pictures.
In frames that changed, pixels that did not keep the very values that the source's decoder gave, so
that they go through one more generation of the codec and no conversion.
"""

import io
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reggan_plugin.child_process import talk_apart
from reggan_plugin.errors import OutputError, UnreadableFrameError, UsageError, counted
from reggan_plugin.file_safety import appearing
from reggan_plugin.files.video import (
    CONTAINERS,
    VIDEO_CODECS,
    Coding,
    GifFacts,
    as_stored,
    codec_for,
    decoder_errors,
    display_matrix,
    gif_facts,
    is_rgb,
    load_av,
    matrix_of,
    open_video,
    pixel_format_for,
    samples_of,
    set_strict,
    upright,
)

if TYPE_CHECKING:
    from av import VideoFrame

Samples = npt.NDArray[Any]
_OUR_CHOICE = Coding()

_BT709 = 1
_BYTES_A_PIXEL = 400
"""Of memory, to decode and encode: x265 takes 140 at 8K in two threads."""
_BEFORE_SOUND_S = 0.1
"""Of sound that decoders need before its beginning: AAC takes 0.04 s, Opus 0.08 s."""
_MOVED_AT_ONCE = 16_777_216
"""Bytes."""
_MOST_DELAY = 65_535
"""Of a GIF's frame, in hundredths of a second."""
_MOST_NAMED = 8
"""Of what a container does not hold."""
_OF_A_CAMERA = "."
"""In names that QuickTime alone holds, such as com.apple.quicktime.make."""
_LIMITED, _FULL = 1, 2
"""Ranges of YCbCr, as FFmpeg numbers them."""
_OF_CONTAINER = ("major_brand", "minor_version", "compatible_brands", "encoder", "duration")
_ALPHA_MODE = "alpha_mode"
"""What VP9 says beside its pixels, which FFmpeg decodes without alpha."""
_TIMECODE = "timecode"
_GREY_AND_ALPHA = 2
"""Channels."""
_PRORES_PROFILES = ("Proxy", "LT", "Standard", "HQ", "4444", "XQ")
_OF_FRAMES = {
    "MASTERING_DISPLAY_METADATA": "HDR10's mastering display",
    "CONTENT_LIGHT_LEVEL": "HDR10's light levels",
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "DOVI_METADATA": "Dolby Vision",
    "A53_CC": "closed captions",
    "ICC_PROFILE": "the colour profile",
    "SPHERICAL": "the spherical projection",
    "STEREO3D": "stereo 3D",
    "S12M_TIMECODE": "timecodes of frames",
}
"""By the name of FFmpeg's side data, what an encoder may not take along."""
_COLOUR_TAGS = {"color_primaries": 2, "color_trc": 2, "colorspace": 2, "color_range": 0}
"""What a stream and its frames say of their colours, and what stands there if it is not named."""


def write_video(
    source: Path,
    out: Path,
    changed: Mapping[int, Path],
    *,
    coding: Coding = _OUR_CHOICE,
    comment: str | None = None,
    done: Callable[[int], None] = lambda _: None,
    made: Callable[[Path], None] = lambda _: None,
    is_new: bool = False,
) -> list[str]:
    """Write a video; returns what of the source is left out. It appears at once.

    Args:
        source: the video.
        out: the result; its suffix names the container.
        changed: number of a frame, from 1 → the PNG that it becomes; all others stay.
        coding: codec and quality.
        comment: for the metadata.
        done: told the number of each frame that is written.
        made: told the whole file, before it takes its name.
        is_new: whether nothing may be replaced, not even what appears meanwhile.

    Raises:
        UsageError: `out` cannot hold the codec, or this has no such quality.
        OutputError: it cannot be written.
        UnreadableFrameError: the source cannot be decoded.
        SourceError: it takes too long, or too much memory.
    """
    pictures = {str(number): str(path) for number, path in changed.items()}
    notices: list[str] = []
    with appearing(out, is_new=is_new) as temporary:
        words = (str(source), str(temporary), str(out), pictures, asdict(coding), comment)
        writing = talk_apart(f"{__name__}:written_frames", *words, file=source, is_writer=True)
        with closing(writing):
            for said in writing:
                if isinstance(said, int):
                    done(said)
                elif said is not None:
                    notices = said
        made(temporary)
    return notices


def write_new_video(
    pictures: Sequence[Callable[[], Samples]],
    out: Path,
    *,
    coding: Coding,
    fps: Fraction,
    comment: str | None = None,
    done: Callable[[int], None] = lambda _: None,
    made: Callable[[Path], None] = lambda _: None,
    is_new: bool = False,
) -> None:
    """Write a video of pictures of one size; it appears at once.

    Args:
        pictures: each gives its samples, uint8 RGB, when its turn comes.
        out: the result; its suffix names the container.
        coding: codec and quality.
        fps: frames a second.
        comment: for the metadata.
        done: told the number of each frame that is written.
        made: told the whole file, before it takes its name.
        is_new: whether nothing may be replaced, not even what appears meanwhile.

    Raises:
        UsageError: as `write_video`, or a picture is of another size.
        OutputError: it cannot be written.
    """
    av, name = load_av(), codec_for(out, "", coding)
    options = coding.options_for(name)
    container, _ = CONTAINERS[out.suffix.lower()]
    with appearing(out, is_new=is_new) as temporary, _faults(str(out), str(out)):
        with av.open(str(temporary), "w", format=container) as writing:
            if comment is not None:
                writing.metadata["comment"] = comment
            encoder, size = None, None
            for place, picture in enumerate(pictures):
                frame = _frame_of(av, picture(), is_rgb=name == "gif")
                size = size or (frame.width, frame.height)
                if size != (frame.width, frame.height):
                    raise UsageError(
                        f"Picture {place + 1} is {frame.width}x{frame.height}, but the first "
                        f"is {size[0]}x{size[1]}; a video has one size. Leave it out, or name a "
                        "folder."
                    )
                frame.pts, frame.time_base, frame.duration = place, 1 / fps, 1
                encoder = encoder or _Encoder(
                    av, writing, _stream_like(frame, fps), frame, name, options
                )
                deque(encoder.write(frame, None), maxlen=0)
                done(place + 1)
            if encoder is not None:
                deque(encoder.end(), maxlen=0)
        if container == "gif" and comment is not None:
            _add_comments(temporary, [comment.encode()])
        made(temporary)


def _frame_of(av: Any, samples: Samples, *, is_rgb: bool) -> "VideoFrame":
    """Return a picture as BT.709, as players take files from 720 lines on, and tagged so.

    Sides are made even, as most players ask, by the pixels at the edge.
    """
    if not is_rgb:
        odd = [(0, side % 2) for side in samples.shape[:2]]
        samples = np.pad(samples, (*odd, (0, 0)), mode="edge")
    picture: VideoFrame = av.VideoFrame.from_ndarray(np.ascontiguousarray(samples), format="rgb24")
    if is_rgb:
        return picture
    made = picture.reformat(format="yuv444p", dst_colorspace=_BT709, dst_color_range=_LIMITED)
    made.colorspace = made.color_primaries = made.color_trc = _BT709
    made.color_range = _LIMITED
    return made


def _stream_like(frame: "VideoFrame", fps: Fraction) -> Any:
    """Return what `_Encoder` asks of the stream of a source, for one that never was."""
    context = SimpleNamespace(pix_fmt="yuv420p", name="", profile=None)
    return SimpleNamespace(
        average_rate=fps,
        width=frame.width,
        height=frame.height,
        codec_context=context,
        time_base=1 / fps,
        sample_aspect_ratio=None,
        metadata={},
    )


def written_frames(
    source: str,
    temporary: str,
    out: str,
    pictures: Mapping[str, str],
    coding: Mapping[str, Any],
    comment: str | None,
) -> Iterator[int | list[str] | None]:
    """Write a video as `write_video` says, in a child.

    Yields the number of each frame, None for what the encoder does beside, and at last notices.
    """
    av = load_av()
    suffix = Path(out).suffix.lower()
    container, _ = CONTAINERS[suffix]
    asked = Coding(**coding)
    options = {"movflags": "+faststart"} if container in ("mp4", "mov") else {}
    facts = gif_facts(Path(source))
    if container == "gif":
        with _faults(source, out):
            options = _gif_options(Path(source), facts)
    with _faults(source, out), open_video(Path(source)) as looking:
        if container == "mov" and any(_OF_A_CAMERA in key for key in looking.metadata):
            options["movflags"] += "+use_metadata_tags"
        if "movflags" in options:  # else a first frame after 0 s moves to a whole millisecond
            options["movie_timescale"] = str(looking.streams.video[0].time_base.denominator)
    with (
        _faults(source, out),
        open_video(Path(source)) as reading,
        av.open(temporary, "w", format=container, container_options=options) as writing,
    ):
        video = reading.streams.video[0]
        set_strict(video, _BYTES_A_PIXEL)
        source_codec = video.codec_context.name
        name = codec_for(Path(out), source_codec, asked)
        own = {k: v for k, v in reading.metadata.items() if k.lower() not in _OF_CONTAINER}
        writing.metadata.update(own)
        if comment is not None:
            before = [writing.metadata.pop(key) for key in own if key.lower() == "comment"]
            is_there = any(comment in text for text in before)
            writing.metadata["comment"] = "\n".join([*before, *([] if is_there else [comment])])
        with open_video(Path(source)) as looking:  # sound may come, and end the head, before it
            first = next(looking.decode(video=0), None)
        encoder = _Encoder(av, writing, video, first, name, asked.options_for(name))
        sound, notices = _copied_streams(av, Path(source), reading, writing)
        chapters = reading.chapters()
        writing.set_chapters(chapters)
        had_alpha = _holds_alpha(av, video) or video.metadata.get(_ALPHA_MODE) == "1"
        number = 0
        for packet in reading.demux(video, *sound):
            if packet.stream is not video:
                if packet.dts is not None and ("movflags" in options or not _is_cut(packet)):
                    packet.stream = sound[packet.stream]
                    writing.mux(packet)
                continue
            with decoder_errors() as faults:
                frames = packet.decode()
            if faults or any(frame.is_corrupt for frame in frames):
                fault = faults[0] if faults else "it cannot be decoded"
                raise UnreadableFrameError(
                    f"{source} is damaged near frame {number + 1}: {fault}. Render or "
                    "copy it again."
                )
            for frame in frames:
                number += 1
                picture = pictures.get(str(number))
                yield from encoder.write(frame, None if picture is None else _samples(picture))
                yield number
        yield from encoder.end()
        width_of_pixels = video.sample_aspect_ratio or Fraction(1)
        timecode = _timecode(reading)
    spoken = [stream.language for stream in sound]
    with _faults(source, out), open_video(Path(temporary)) as written:
        notices += _lost(out, len(chapters), spoken, width_of_pixels, written)
        if timecode not in (None, _timecode(written)):
            notices.append(f"the timecode {timecode} is left out of the new video")
        if container != "gif" and facts.loops is not None:
            notices.append(f"the number of loops is left out of the new video: {suffix} has none")
        if facts.others:
            notices.append(f"{', '.join(facts.others)} left out of the new video")
        kept = {key.lower() for key in written.metadata} | {"comment"}
        if lost := sorted(key for key in own if key.lower() not in kept):
            named = ", ".join(lost[:_MOST_NAMED]) + (", ..." if len(lost) > _MOST_NAMED else "")
            notices.append(f"{named} left out of the new video: {suffix} holds none")
        now = _said_by(next(written.decode(video=0), None))
        if gone := ", ".join(one for one in _said_by(first) if one not in now):
            notices.append(f"{gone} left out of the new video")
        if had_alpha and not _holds_alpha(av, written.streams.video[0]):
            notices.append(f"alpha is left out of the new video: it is written in {name}")
    if container != "gif":  # whose few colours everybody knows
        if asked.codec is None and source_codec != VIDEO_CODECS[name].sources[0]:
            coded = video.codec_context.codec.canonical_name
            notices.append(f"{coded} is not written to {suffix}: the new video is in {name}")
        notices += _coarser(av, encoder.source_format, encoder.stream.pix_fmt)
    if container == "gif":
        texts = facts.comments or [own[key].encode() for key in own if key.lower() == "comment"]
        said = [] if comment is None else [comment.encode()]
        _add_comments(Path(temporary), [*(text for text in texts if text not in said), *said])
    yield notices


def _gif_options(source: Path, facts: GifFacts) -> dict[str, str]:
    """Return how often a new GIF is repeated, and how long its last frame stays.

    A GIF's own loops are kept; other videos are repeated for ever, as is usual.
    """
    loops = facts.loops
    with open_video(source) as container:
        video = container.streams.video[0]
        if loops is None:
            loops = -1 if container.format.name == "gif" else 0
        packets = (one for one in container.demux(video) if one.pts is not None)
        last = max(packets, key=lambda one: one.pts, default=None)
        options = {"loop": str(loops)}
        if last is not None and last.duration:
            delay = round(100 * last.duration * video.time_base)
            options["final_delay"] = str(min(max(delay, 1), _MOST_DELAY))
    return options


def _add_comments(path: Path, comments: Sequence[bytes]) -> None:
    """Write comments behind the head of a GIF, where FFmpeg writes none.

    Before the end it would take them for one more frame.
    """
    added = b""
    for text in comments:
        parts = [text[at : at + 255] for at in range(0, len(text), 255)]
        added += b"!\xfe" + b"".join(bytes([len(one)]) + one for one in parts) + b"\0"
    with path.open("r+b") as file:
        flags = file.read(11)[10]
        begin, end = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0), file.seek(0, 2)
        while end > begin:  # the rest moves, its end first
            at = max(begin, end - _MOVED_AT_ONCE)
            file.seek(at)
            part = file.read(end - at)
            file.seek(at + len(added))
            file.write(part)
            end = at
        file.seek(begin)
        file.write(added)


def _holds_alpha(av: Any, video: Any) -> bool:
    return any(one.is_alpha for one in av.VideoFormat(video.codec_context.pix_fmt).components)


def _coarser(av: Any, source: str, made: str) -> list[str]:
    """Say what another pixel format does not hold, alpha aside."""
    old, new = (av.VideoFormat(name).components for name in (source, made))
    was, now = (max(one.bits for one in components) for components in (old, new))
    _, lost = av.codec.find_best_pix_fmt_of_list([made], source)
    notices = []
    if now < was:
        notices.append(f"the new video has {now} bits a channel in place of {was}")
    if lost & av.codec.PixFmtLoss.RESOLUTION and len(old) > _GREY_AND_ALPHA:
        notices.append("the new video stores colours in fewer pixels than its source")
    return notices


def _samples(path: str) -> Samples:
    import imagecodecs

    return np.asarray(imagecodecs.png_decode(Path(path).read_bytes()))


def _is_cut(packet: Any) -> bool:
    """Tell whether a packet of sound lies before what an MP4 or MOV shows, as a phone cuts clips.

    Decoders begin a little before; other containers have no place that says what is not heard.
    """
    end_s = float((packet.pts + (packet.duration or 0)) * packet.time_base)
    return packet.is_discard and end_s < -_BEFORE_SOUND_S


def _is_held(av: Any, source: Path, number: int, container: str) -> bool:
    """Tell whether a container takes a sound: some refuse codecs that FFmpeg says they support, and
    of those only at the end.
    """
    with (
        suppress(av.error.FFmpegError),
        open_video(source) as looking,
        av.open(io.BytesIO(), "w", format=container) as trial,
    ):
        stream = looking.streams[number]
        made = trial.add_stream_from_template(stream)
        for packet in islice(looking.demux(stream), 1):
            if packet.dts is not None:
                packet.stream = made
                trial.mux(packet)
        return True
    return False


def _copied_streams(
    av: Any, source: Path, reading: Any, writing: Any
) -> tuple[dict[Any, Any], list[str]]:
    """Output stream of each sound of the source, and what is not copied."""
    sound, left_out = {}, []
    holds_chapters = bool(reading.chapters())
    for stream in reading.streams:
        codec = None if stream.codec_context is None else stream.codec_context.name
        is_known = stream.type == "audio" and codec in writing.supported_codecs
        if is_known and _is_held(av, source, stream.index, writing.format.name):
            sound[stream] = made = writing.add_stream_from_template(stream)
            title = stream.metadata.get("title", stream.metadata.get("name"))  # as MP4 calls it
            kept = {"language": stream.language, "title": title}
            made.metadata.update({key: text for key, text in kept.items() if text})
            made.disposition = stream.disposition
        elif stream.type == "audio":
            left_out.append(f"sound in {codec or 'a code that is not known here'}")
        elif stream.type == "data" and _TIMECODE in stream.metadata:
            pass  # written by what the pictures say
        elif stream.type == "data" and holds_chapters:
            holds_chapters = False  # of MP4, which has them in a stream, too
        elif stream.type != "video":
            left_out.append(f"a stream of {stream.type}")
        elif stream is not reading.streams.video[0]:
            left_out.append(f"another stream of pictures, number {stream.index},")
    return sound, [f"{what} is left out of the new video" for what in left_out]


def _timecode(container: Any) -> str | None:
    """Return the timecode of the first frame, which other containers call by capitals."""
    said = (stream.metadata.items() for stream in container.streams)
    return next((text for key, text in chain(*said) if key.lower() == _TIMECODE), None)


def _lost(
    out: str, chapters: int, spoken: Sequence[str | None], width_of_pixels: Fraction, written: Any
) -> list[str]:
    """Say what a container did not take.

    Args:
        out: name of the new video.
        chapters: how many the source has.
        spoken: languages of its sound.
        width_of_pixels: of its pictures, over their height.
        written: the new video.
    """
    suffix, lost = Path(out).suffix, []
    pictures = written.streams.video[0]
    if (pictures.sample_aspect_ratio or 1) != width_of_pixels:  # which PyAV gives to codecs alone
        lost.append(
            f"pixels {float(width_of_pixels):g} times as wide as high: the new video does not say "
            f"so, with {pictures.codec_context.name} in {suffix}. Players show it with square "
            "ones. Name a result that ends in .mp4, or stretch this one"
        )
    if len(written.chapters()) != chapters:
        lost.append(
            f"{counted(chapters, 'chapter')} left out of the new video: {suffix} holds none"
        )
    for number, (was, stream) in enumerate(zip(spoken, written.streams.audio, strict=False)):
        if was not in (None, "und", stream.language):
            lost.append(f"the language {was} of sound {number} is lost: {suffix} does not name it")
    return lost


def _said_by(frame: Any) -> list[str]:
    """Name what a frame says of itself beside its pixels, of `_OF_FRAMES`; nothing of None."""
    if frame is None:
        return []
    kinds = {one.type.name for one in frame.side_data}
    return [
        *(text for kind, text in _OF_FRAMES.items() if kind in kinds),
        *(["interlacing"] if frame.interlaced_frame else []),
    ]


class _Encoder:
    """Encodes frames at the times of the source."""

    def __init__(
        self,
        av: Any,
        writing: Any,
        video: Any,
        first: "VideoFrame | None",
        name: str,
        options: Mapping[str, str],
    ) -> None:
        self._av, self._writing, self._is_gif = av, writing, name == "gif"
        self._matrix = matrix = display_matrix(first)
        """By which players turn the video; a GIF is stored upright."""
        self._durations: dict[int | None, int] = {}
        """Of frames that are in the encoder, by their time; most encoders forget them."""
        codec = VIDEO_CODECS[name]
        self.stream = writing.add_stream(
            codec.encoder,
            rate=video.average_rate or video.guessed_rate,
            options={**options, **_profile(video, name)},
        )
        context = self.stream.codec_context
        sides = video.width, video.height
        is_turned = self._is_gif and matrix is not None and not matrix[0]
        self.stream.width, self.stream.height = sides[::-1] if is_turned else sides
        if not self._is_gif:
            self.stream.set_display_matrix(matrix)
        known = [one.name for one in self._av.Codec(codec.encoder, "w").video_formats or ()]
        self.source_format = video.codec_context.pix_fmt
        self._format = pixel_format_for(name, self.source_format, known)
        self.stream.pix_fmt = "pal8" if self._is_gif else self._format
        context.time_base = video.time_base
        if video.sample_aspect_ratio:
            context.sample_aspect_ratio = video.sample_aspect_ratio
        self._is_limited = name == "prores"  # players take it for limited, whatever it says
        self._tags = {}
        if not self._is_gif:
            self._tags = _colour_tags(
                video.codec_context,
                first,
                is_from_rgb=first is not None and is_rgb(first) and not is_rgb(context),
                is_limited=self._is_limited,
            )
        self._tag(context)
        kept = {key: text for key, text in video.metadata.items() if key.lower() != _ALPHA_MODE}
        self.stream.metadata.update(kept)
        # A GIF's own colours are few enough to be kept; dither would move them.
        self._dither = "none" if video.codec_context.name == "gif" else "sierra2_4a"

    def write(self, frame: "VideoFrame", samples: Samples | None) -> Iterator[None]:
        """Encode a frame, with other samples or as it is; pause behind each packet."""
        result = frame if samples is None else self._changed(frame, samples)
        if self._is_gif:
            result = self._with_palette(frame, samples)
        elif self._is_other(result):
            result = self._converted(result, frame)
        result.pts, result.time_base = frame.pts, frame.time_base
        result.duration = self._durations[frame.pts] = frame.duration
        result.pict_type = 0  # the encoder chooses
        yield from self._encode(result)

    def end(self) -> Iterator[None]:
        """Encode what the encoder holds back."""
        yield from self._encode(None)

    def _encode(self, frame: "VideoFrame | None") -> Iterator[None]:
        for packet in self.stream.codec_context.encode_lazy(frame):
            packet.stream = self.stream
            packet.duration = self._durations.pop(packet.pts, None) or packet.duration
            self._writing.mux(packet)
            yield

    def _changed(self, frame: "VideoFrame", samples: Samples) -> "VideoFrame":
        """Return the new frame where it differs, and the source's own numbers elsewhere."""
        before, samples = samples_of(frame), as_stored(samples, self._matrix)
        mask = (before[..., :3] != samples[..., :3]).any(axis=2)
        new = self._picture(samples)
        base = frame
        if self._is_other(frame):
            base = self._converted(frame, frame)
        made = self._converted(new, frame)
        made.make_writable()
        for index, plane in enumerate(made.planes):
            _keep_unchanged(
                plane, base.planes[index], mask, _sample_bytes(made, index), is_alpha=index == 3
            )
        return made

    def _is_other(self, frame: "VideoFrame") -> bool:
        """Tell whether a frame has another format or range than the encoder takes."""
        is_full = int(frame.color_range) == _FULL
        return frame.format.name != self._format or (self._is_limited and is_full)

    def _converted(self, frame: "VideoFrame", source: "VideoFrame") -> "VideoFrame":
        """Return a frame as the encoder takes it, by the source's matrix; of RGB by BT.709's."""
        is_from_rgb = is_rgb(source)
        is_full = int(source.color_range) == _FULL and not is_from_rgb and not self._is_limited
        made = frame.reformat(
            format=self._format,
            src_colorspace=matrix_of(frame),
            dst_colorspace=_BT709 if is_from_rgb else matrix_of(source),
            dst_color_range=_FULL if is_full else _LIMITED,
        )
        self._tag(made)
        return made

    def _tag(self, made: Any) -> None:
        """Say what the colours of a frame, or of the encoder's frames, are."""
        for tag, value in self._tags.items():
            setattr(made, tag, value)

    def _picture(self, samples: Samples) -> "VideoFrame":
        kinds = {(1, 3): "rgb24", (1, 4): "rgba", (2, 3): "rgb48le", (2, 4): "rgba64le"}
        kind = kinds[samples.itemsize, samples.shape[2]]
        picture: VideoFrame = self._av.VideoFrame.from_ndarray(
            np.ascontiguousarray(samples), format=kind
        )
        return picture

    def _with_palette(self, frame: "VideoFrame", samples: Samples | None) -> "VideoFrame":
        """Return a picture of 256 colours, its own in every frame."""
        own = upright(samples_of(frame), self._matrix) if samples is None else samples
        picture = self._picture(own)
        picture = picture.reformat(format="rgba")
        picture.pts, picture.time_base = frame.pts, frame.time_base
        graph = self._av.filter.Graph()
        begin = graph.add_buffer(
            width=picture.width, height=picture.height, format="rgba", time_base=frame.time_base
        )
        split = graph.add("split")
        palette = graph.add("palettegen", "stats_mode=single")
        use = graph.add("paletteuse", f"new=1:dither={self._dither}")
        end = graph.add("buffersink")
        begin.link_to(split)
        split.link_to(palette, 0, 0)
        split.link_to(use, 1, 0)
        palette.link_to(use, 0, 1)
        use.link_to(end)
        graph.configure()
        graph.push(picture)
        graph.push(None)
        result: VideoFrame = graph.pull()
        return result


def _profile(video: Any, codec: str) -> dict[str, str]:
    """Return the kind of ProRes that the source is; the encoder's choice of all others."""
    profile = video.codec_context.profile
    if codec != "prores" or profile not in _PRORES_PROFILES:
        return {}
    return {"profile": str(_PRORES_PROFILES.index(profile))}


def _colour_tags(
    context: Any, first: "VideoFrame | None", *, is_from_rgb: bool, is_limited: bool
) -> dict[str, int]:
    """Return what a new stream says of its colours: as the source's does, or else its first frame.

    YCbCr that is made from RGB is BT.709 in limited range, as players take what says nothing;
    primaries and transfer stay if they are named.
    """
    tags = {}
    for tag, unnamed in _COLOUR_TAGS.items():
        own = int(getattr(context, tag, unnamed))
        tags[tag] = int(getattr(first, tag, unnamed)) if own == unnamed else own
    if is_from_rgb:
        tags["colorspace"] = _BT709
        for tag in ("color_primaries", "color_trc"):
            tags[tag] = _BT709 if tags[tag] in (0, _COLOUR_TAGS[tag]) else tags[tag]
    if is_from_rgb or is_limited:
        tags["color_range"] = _LIMITED
    return tags


def _keep_unchanged(
    plane: Any, source: Any, mask: Samples, sample_bytes: int, *, is_alpha: bool
) -> None:
    """Put the source's values, in place, where no pixel under a sample changed."""
    height, width = plane.height, plane.width
    rows, columns = (-(-side // own) for side, own in zip(mask.shape, (height, width), strict=True))
    padded = np.zeros((height * rows, width * columns), bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    touched = padded.reshape(height, rows, width, columns).any(axis=(1, 3))
    if is_alpha:
        touched = np.zeros_like(touched)
    own, old = (np.frombuffer(one, np.uint8).reshape(height, -1) for one in (plane, source))
    used = width * sample_bytes
    merged = own.copy()
    kept = np.repeat(touched, sample_bytes, axis=1)
    merged[:, :used] = np.where(kept, own[:, :used], old[:, :used])
    plane.update(merged.tobytes())


def _sample_bytes(frame: "VideoFrame", plane: int) -> int:
    """Bytes of all samples of a plane that belong to one of its pixels."""
    own = [one for one in frame.format.components if one.plane == plane]
    return sum(2 if one.bits > 8 else 1 for one in own)


@contextmanager
def _faults(source: str, out: str) -> Iterator[None]:
    av = load_av()
    try:
        yield
    except av.error.InvalidDataError as error:
        raise UnreadableFrameError(
            f"{source} cannot be read as a video: {error.strerror}. Check that it plays."
        ) from error
    except (av.error.FFmpegError, OSError) as error:
        raise OutputError(
            f"{out} cannot be written: {error.strerror}. Name another output or codec."
        ) from error
