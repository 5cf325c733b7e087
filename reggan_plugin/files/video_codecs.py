"""Codecs of videos, and settings with which results can hardly be told from the source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reggan_plugin.errors import UsageError


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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

    def __post_init__(self) -> None:
        if self.quality is not None and self.bitrate is not None:
            raise UsageError(
                "A quality and a bitrate were asked for; either one follows from the other.",
                kind="two-qualities",
            )

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
        return "yuva444p10le" if "a" in source and "yuva444p10le" in known else "yuv422p10le"
    return "yuv420p"
