"""PNG: only the picture's own chunks are written anew; all others keep their bytes and order."""

import struct
from dataclasses import dataclass

import imagecodecs
import numpy as np
from jaxtyping import Bool, Float, Shaped

from reggan_plugin.errors import UnsupportedFormatError
from reggan_plugin.files.frame import Frame
from reggan_plugin.files.png_chunks import (
    Chunk,
    bytes_from_chunks,
    make_chunk,
    read_chunks,
)
from reggan_plugin.files.samples import change_samples, floats_from_samples, pixels_from_samples
from reggan_plugin.files.size_limit import refuse_oversize

_GREY, _PALETTE = 0, 3
_MOST_CHANNELS = 4
_TIED_TO_PALETTE = {b"PLTE", b"tRNS", b"hIST", b"bKGD", b"sBIT"}
_LEVEL, _FILTER_UP = 3, 32
"""A 4K frame of 16 bits in 0.35 s; level 6 with adaptive filters: 7 % smaller in 1.0 s."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredPng:
    """The chunks to keep, and the samples as stored."""

    chunks: list[Chunk]
    samples: Shaped[np.ndarray, "height width channels"]
    """uint8 or uint16; grey or RGB, and alpha if it is written as a channel."""
    transparent: Bool[np.ndarray, "height width"] | None
    """Where a tRNS chunk makes one colour of an image without alpha channel transparent."""

    is_lossless = True

    def encode(
        self,
        before: Float[np.ndarray, "height width 3"],
        after: Float[np.ndarray, "height width 3"],
    ) -> bytes:
        """The file with changed samples replaced; see `StoredImage`."""
        samples = self.samples.copy()
        colours = samples.shape[2] - (samples.shape[2] in (2, 4))
        change_samples(samples[..., :colours], before, after)
        if self.transparent is not None:
            _keep_transparency(samples, self.samples, self.transparent)
        written = imagecodecs.png_encode(samples, level=_LEVEL, filter=_FILTER_UP)
        anew = [chunk for chunk in read_chunks(bytes(written)) if chunk.name in (b"IHDR", b"IDAT")]
        place = next(i for i, chunk in enumerate(self.chunks) if chunk.name == b"IDAT")
        kept_before = [chunk for chunk in self.chunks[1:place] if chunk.name != b"IDAT"]
        kept_after = [chunk for chunk in self.chunks[place:] if chunk.name != b"IDAT"]
        return bytes_from_chunks([anew[0], *kept_before, *anew[1:], *kept_after])


def decode(content: bytes) -> Frame:
    """Read a PNG of any colour type and depth."""
    chunks = read_chunks(content)
    names = {chunk.name for chunk in chunks}
    if b"acTL" in names:
        raise UnsupportedFormatError(
            "is an animated PNG, of which a frame cannot be replaced. Save its frames as files."
        )
    width, height = struct.unpack(">II", chunks[0].data[:8])
    refuse_oversize(height, width, _MOST_CHANNELS)
    samples = imagecodecs.png_decode(content)
    samples = samples if samples.ndim == 3 else samples[..., None]
    depth, colour_type = chunks[0].data[8:10]
    has_alpha = samples.shape[2] in (2, 4)
    transparent = None
    if has_alpha and b"tRNS" in names and colour_type != _PALETTE:
        transparent = samples[..., -1] == 0
    kept, notices = _promoted_chunks(chunks, depth, colour_type)
    colours = samples.shape[2] - has_alpha
    return Frame(
        pixels=pixels_from_samples(samples[..., :colours]),
        alpha=floats_from_samples(samples[..., -1]) if has_alpha else None,
        notices=notices,
        original=StoredPng(
            chunks=kept,
            samples=samples if transparent is None else samples[..., :colours],
            transparent=transparent,
        ),
    )


def _promoted_chunks(
    chunks: list[Chunk], depth: int, colour_type: int
) -> tuple[list[Chunk], tuple[str, ...]]:
    """The chunks as they fit 8 or 16 bits without palette, and what to say about it."""
    if colour_type == _PALETTE:
        kept = [chunk for chunk in chunks if chunk.name not in _TIED_TO_PALETTE]
        return kept, ("a palette PNG is written as 8-bit RGB or RGBA",)
    if depth >= 8:
        return chunks, ()
    scale = 255 // (2**depth - 1)
    kept = [_scaled_grey(chunk, scale) for chunk in chunks]
    return kept, (f"a {depth}-bit grey PNG is written with 8 bits",)


def _scaled_grey(chunk: Chunk, scale: int) -> Chunk:
    """A chunk that names a grey level, which is now `scale` times as high."""
    if chunk.name not in (b"tRNS", b"bKGD"):
        return chunk
    level = int.from_bytes(chunk.data, "big") * scale
    return make_chunk(chunk.name, level.to_bytes(2, "big"))


def _keep_transparency(
    samples: Shaped[np.ndarray, "height width channels"],
    stored: Shaped[np.ndarray, "height width channels"],
    transparent: Bool[np.ndarray, "height width"],
) -> None:
    """Undo, in place, changes after which a transparent colour would hide other pixels."""
    if not transparent.any():
        return
    samples[transparent] = stored[transparent]
    hidden = (samples == samples[transparent][0]).all(axis=2) & ~transparent
    samples[hidden, -1] ^= 1
