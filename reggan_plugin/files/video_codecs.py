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
    """

    encoder: str
    sources: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)


VIDEO_CODECS: Mapping[str, VideoCodec] = {
    "h264": VideoCodec(encoder="libx264", sources=("h264",), options={"crf": "14"}),
    "h265": VideoCodec(
        encoder="libx265",
        sources=("hevc",),
        options={"crf": "16", "x265-params": "log-level=error"},
    ),
    "prores": VideoCodec(encoder="prores_ks", sources=("prores",)),
    "vp9": VideoCodec(
        encoder="libvpx-vp9",
        sources=("vp9", "vp8"),
        options={"crf": "18", "b": "0", "row-mt": "1", "cpu-used": "4"},
    ),
    "ffv1": VideoCodec(encoder="ffv1", sources=("ffv1",), options={"level": "3"}),
    "gif": VideoCodec(
        encoder="gif", sources=("gif",), options={"gifflags": "-offsetting-transdiff"}
    ),
}
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


def codec_for(out: Path, source_codec: str, asked: str | None) -> str:
    """Return the codec of an output: the asked one, the source's, or the usual one of the
    container.

    Args:
        out: its suffix names the container.
        source_codec: FFmpeg's name of the codec of the source.
        asked: a key of `VIDEO_CODECS`, or None.

    Raises:
        UsageError: the container does not hold the asked codec.
    """
    _, held = CONTAINERS[out.suffix.lower()]
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
