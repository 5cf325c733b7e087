"""PNG: only the picture's own chunks are written anew; all others keep their bytes and order.

Its stamp is a tEXt chunk. Source: PNG specification, 3rd edition, §5.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import takewhile

import numpy as np

from reggan_plugin.array_types import Bool, Float, Pixels, Plane, Shaped, UInt8
from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError
from reggan_plugin.files.image_format import (
    LEFT_OUT,
    STAMP_KEY,
    THUMBNAIL_LEFT_OUT,
    Frame,
    ImageFormat,
    begins_with,
    byte_faults,
    bytes_left_out,
    change_samples,
    floats_from_samples,
    is_changed,
    library_faults,
    notices_of_previews,
    pixels_from_samples,
    turn_passed_over,
    unlinked,
    without_thumbnail,
)
from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.pixel_values import BYTES_BEHIND, filter_png_rows, undo_png_filters
from reggan_plugin.limits import refuse_oversize

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
"""A decoder has to know chunks with a capital letter at their beginning; there are no others."""
_STAY_TRUE = {
    *(b"PLTE", b"bKGD", b"cHRM", b"cICP", b"cLLI", b"gAMA", b"hIST", b"iCCP", b"mDCV", b"pCAL"),
    *(b"sBIT", b"sCAL", b"sPLT", b"sRGB", b"sTER", b"tIME", b"tRNS", b"IHDR", b"IDAT", b"IEND"),
}
"""Chunks whose name ends in a capital letter, which may not be copied beside other pixels by those
who do not know them: Apple's iDOT says where the data of rows begin, dSIG signs them."""
_PALETTE = 3
"""A colour type."""


@frozen
class Chunk:
    """One chunk; `raw` is what stands in the file, with length and checksum."""

    name: bytes
    raw: bytes

    @property
    def data(self) -> bytes:
        """The content, without length, name and checksum."""
        return self.raw[8:-4]


def make_chunk(name: bytes, data: bytes) -> Chunk:
    """Return a chunk with its length and checksum."""
    checksum = zlib.crc32(name + data)
    return Chunk(
        name=name, raw=struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)
    )


def read_chunks(content: bytes) -> list[Chunk]:
    """Return the chunks in order, from IHDR to IEND; what follows IEND is left out.

    Raises:
        UnreadableFrameError: the file ends before IEND, or holds other critical chunks than a
            picture needs.
    """
    chunks: list[Chunk] = []
    position = len(SIGNATURE)
    while not chunks or chunks[-1].name != b"IEND":
        header = content[position : position + 8]
        end = position + 12 + (struct.unpack(">I", header[:4])[0] if len(header) == 8 else 0)
        if end > len(content):
            raise UnreadableFrameError(
                f"is truncated: the PNG ends after {len(content)} bytes, before its IEND chunk. "
                "Render or copy it again."
            )
        chunks.append(Chunk(name=header[4:], raw=content[position:end]))
        position = end
    if chunks[0].name != b"IHDR" or len(chunks[0].data) != 13:
        raise UnreadableFrameError("is not a PNG: its first chunk is not IHDR. Render it again.")
    names = [chunk.name for chunk in chunks]
    for name in names:
        is_known = name in _CRITICAL or (name.isalpha() and name[:1].islower())
        if not is_known or (name == b"IHDR" and names.count(name) > 1):
            raise UnreadableFrameError(
                f"is damaged: its chunk {str(name)[1:]} stands in no such PNG. Render or copy it "
                "again."
            )
    for name in (b"PLTE", b"IDAT") if chunks[0].data[9] == _PALETTE else (b"IDAT",):
        if name not in names:
            raise UnreadableFrameError(
                f"is damaged: it has no chunk {name.decode()}. Render or copy it again."
            )
    return chunks


def bytes_from_chunks(chunks: Iterable[Chunk]) -> bytes:
    """Return the file."""
    return SIGNATURE + b"".join(chunk.raw for chunk in chunks)


_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""By number of channels: grey, grey and alpha, RGB, RGBA."""
_LEVEL, _LEVEL_AT_ONCE = 3, 1
"""Of compression: zlib's and libdeflate's. With a filter for each row its fastest makes renders as
small as its fourth makes them with one filter for all, in 0.6 of the time."""


def header_chunk(samples: Shaped[np.ndarray, "height width channels"]) -> Chunk:
    """IHDR of a picture of uint8 or uint16 that is not interlaced."""
    height, width, channels = samples.shape
    depth = 8 * samples.itemsize
    fields = struct.pack(">IIBBBBB", width, height, depth, _COLOUR_TYPES[channels], 0, 0, 0)
    return make_chunk(b"IHDR", fields)


def image_chunks(bands: Iterable[Shaped[np.ndarray, "rows width channels"]]) -> Iterator[Chunk]:
    """One IDAT for each band that gives the compressor enough to put out."""
    compressor = zlib.compressobj(_LEVEL, strategy=zlib.Z_FILTERED)
    above = None
    for band in bands:
        rows = _stored_rows(band)
        filtered = filter_png_rows(rows, band.shape[2] * band.itemsize, above)
        compressed = compressor.compress(filtered.tobytes())
        above = rows[-1:]
        if compressed:
            yield make_chunk(b"IDAT", compressed)
    yield make_chunk(b"IDAT", compressor.flush())


def _stored_rows(samples: Shaped[np.ndarray, "rows width channels"]) -> UInt8[np.ndarray, "rows _"]:
    stored = samples.astype(samples.dtype.newbyteorder(">"), order="C", copy=False)
    return stored.reshape(len(samples), -1).view(np.uint8)


_MOST_CHANNELS = 4
_TIED_TO_PALETTE = {b"PLTE", b"tRNS", b"hIST", b"bKGD", b"sBIT"}
_BAND_PX = 64
_MOST_AT_ONCE = 1 << 28
"""Bytes of samples that are compressed at once: libdeflate makes smaller files in less than half of
zlib's time, but holds them whole."""


@frozen(eq=False)
class StoredPng:
    """The chunks to keep, and the samples as stored."""

    chunks: list[Chunk]
    """Of the picture's own (IDAT) only the first, empty, for its place."""
    samples: Shaped[np.ndarray, "height width channels"]
    """uint8 or uint16; grey or RGB, and alpha if it is written as a channel."""
    transparent: Bool[np.ndarray, "height width"] | None
    """True where a tRNS chunk makes one colour of an image without alpha transparent."""
    content: bytes | None = None
    """The file, where nothing may change."""

    def encode(self, before: Pixels, after: Pixels) -> bytes:
        """Return the file with changed samples replaced; see `StoredImage`."""
        return self.encode_part(before, after, (slice(None), slice(None)))

    def encode_part(
        self,
        before: Float[np.ndarray, "rows columns 3"],
        after: Float[np.ndarray, "rows columns 3"],
        box: tuple[slice, slice],
    ) -> bytes:
        """Return the file with changed samples replaced, or as it was; see `WritesPart`."""
        if self.content is not None and not is_changed(before, after):
            return self.content
        samples = self.samples.copy()
        change_samples(samples[box][..., : self._colour_count], before, after)
        self._keep_transparency(samples, slice(None))
        return self._with_samples(samples)

    def encode_alpha(self, before: Plane, after: Plane) -> bytes:
        """Return the file with other alpha; see `WritesAlpha`.

        Raises:
            UnsupportedFormatError: one of its colours is transparent, in place of alpha.
        """
        if self._colour_count == self.samples.shape[2]:
            raise UnsupportedFormatError(
                "is a PNG in which one colour is transparent, so its alpha cannot move. Save it "
                "with an alpha channel."
            )
        samples = self.samples.copy()
        change_samples(samples[..., -1:], before[..., None], after[..., None])
        return self._with_samples(samples)

    def _with_samples(self, samples: Shaped[np.ndarray, "height width channels"]) -> bytes:
        if samples.nbytes > _MOST_AT_ONCE:
            tops = range(0, len(samples), _BAND_PX)
            picture = [*image_chunks(samples[top : top + _BAND_PX] for top in tops)]
        else:
            import imagecodecs  # formats are listed without it

            rows = filter_png_rows(_stored_rows(samples), samples.shape[2] * samples.itemsize)
            compressed = imagecodecs.deflate_encode(rows, level=_LEVEL_AT_ONCE)  # type: ignore[arg-type]
            picture = [make_chunk(b"IDAT", bytes(compressed))]
        kept_before, kept_after = self._kept_chunks()
        return bytes_from_chunks([header_chunk(samples), *kept_before, *picture, *kept_after])

    def encode_colours(
        self, colours: Shaped[np.ndarray, "height width colours"]
    ) -> Iterator[bytes]:
        """Yield the file with other colours, piece by piece: no second copy of a large picture is
        made.

        `colours` are samples as stored; alpha and all other chunks stay.
        """
        kept_before, kept_after = self._kept_chunks()
        yield SIGNATURE + header_chunk(self.samples).raw
        yield b"".join(chunk.raw for chunk in kept_before)
        yield from (chunk.raw for chunk in image_chunks(self._bands(colours)))
        yield b"".join(chunk.raw for chunk in kept_after)

    @property
    def _colour_count(self) -> int:
        return self.samples.shape[2] - (self.samples.shape[2] in (2, 4))

    def _kept_chunks(self) -> tuple[list[Chunk], list[Chunk]]:
        """Those before the picture's own, without the header, and those after."""
        place = next(i for i, chunk in enumerate(self.chunks) if chunk.name == b"IDAT")
        return self.chunks[1:place], self.chunks[place + 1 :]

    def _bands(
        self, colours: Shaped[np.ndarray, "height width colours"]
    ) -> Iterator[Shaped[np.ndarray, "rows width channels"]]:
        for top in range(0, len(colours), _BAND_PX):
            rows = slice(top, top + _BAND_PX)
            samples = self.samples[rows].copy()
            samples[..., : self._colour_count] = colours[rows]
            self._keep_transparency(samples, rows)
            yield samples

    def _keep_transparency(
        self, samples: Shaped[np.ndarray, "rows width channels"], rows: slice
    ) -> None:
        """Undo, in place, changes after which a transparent colour would hide other pixels."""
        if self.transparent is None:
            return
        named = next(chunk for chunk in self.chunks if chunk.name == b"tRNS")
        colour = np.frombuffer(named.data, ">u2") & np.iinfo(samples.dtype).max
        transparent = self.transparent[rows]
        samples[transparent] = colour
        hidden = (samples == colour).all(axis=2) & ~transparent
        samples[hidden, -1] ^= 1


@frozen(eq=False)
class DecodedPng:
    """The file, and its samples by what they mean."""

    original: StoredPng
    colours: Shaped[np.ndarray, "height width colours"]
    alpha: Shaped[np.ndarray, "height width"] | None
    notices: tuple[str, ...]


def decode(content: bytes) -> Frame:
    """Read a PNG of any colour type and depth."""
    decoded = decode_samples(content)
    alpha = decoded.alpha
    return Frame(
        pixels=pixels_from_samples(decoded.colours),
        alpha=None if alpha is None else floats_from_samples(alpha),
        notices=decoded.notices,
        original=replace(decoded.original, content=content),
    )


def decode_samples(content: bytes) -> DecodedPng:
    """Read a PNG of any colour type and depth as the integers that it stores."""
    chunks = read_chunks(content)
    names = {chunk.name for chunk in chunks}
    if b"acTL" in names:
        raise UnsupportedFormatError(
            "is an animated PNG, of which a frame cannot be replaced. Save its frames as files: "
            "ffmpeg -i IN frame.%04d.png"
        )
    width, height = struct.unpack(">II", chunks[0].data[:8])
    refuse_oversize(height, width, _MOST_CHANNELS)
    behind = len(content) - len(SIGNATURE) - sum(len(chunk.raw) for chunk in chunks)
    place = next(i for i, chunk in enumerate(chunks) if chunk.name == b"IDAT")
    parts = [*takewhile(lambda chunk: chunk.name == b"IDAT", chunks[place:])]
    is_sound = all(
        zlib.crc32(memoryview(one.raw)[4:-4]) == int.from_bytes(one.raw[-4:], "big")
        for one in (chunks[0], *parts)
    )
    compressed = b"".join(memoryview(one.raw)[8:-4] for one in parts) if is_sound else b""
    rest = [chunk for chunk in chunks[place:] if chunk.name != b"IDAT"]
    # the picture's own are held once
    chunks, parts = [*chunks[:place], Chunk(name=b"IDAT", raw=b""), *rest], []
    samples = None if b"tRNS" in names else _usual_samples(chunks[0], compressed)
    if samples is None:
        import imagecodecs  # formats are listed without it

        with library_faults():
            samples = imagecodecs.png_decode(content)
        samples = samples if samples.ndim == 3 else samples[..., None]
    depth, colour_type = chunks[0].data[8:10]
    has_alpha = samples.shape[2] in (2, 4)
    transparent = None
    # beside a channel of alpha the format forbids one: it counts for nothing
    if has_alpha and b"tRNS" in names and colour_type in (_COLOUR_TYPES[1], _COLOUR_TYPES[3]):
        transparent = samples[..., -1] == 0
    with byte_faults():
        kept, notices = _promoted_chunks(chunks, depth, colour_type)
    of_credentials = [_unlinked_chunk(chunk) for chunk in kept if chunk.name != _CREDENTIALS]
    notices += (LEFT_OUT,) if of_credentials != kept else ()
    tied = [c.name for c in of_credentials if c.name[3:].isupper() and c.name not in _STAY_TRUE]
    without = [chunk for chunk in of_credentials if chunk.name not in tied]
    if tied:
        named = ", ".join(name.decode() for name in dict.fromkeys(tied))
        notices += (f"a changed PNG is written without what is tied to its old pixels: {named}",)
    notices += (bytes_left_out(behind),) if behind else ()
    kept = [_without_thumbnail(chunk) for chunk in without]
    notices += (THUMBNAIL_LEFT_OUT,) if kept != without else ()
    notices += notices_of_previews(*(one.data for one in kept if one.name == b"iTXt"))
    notices += next((turn_passed_over(one.data) for one in kept if one.name == b"eXIf"), ())
    colours = samples.shape[2] - has_alpha
    return DecodedPng(
        original=StoredPng(
            chunks=kept,
            samples=samples if transparent is None else samples[..., :colours],
            transparent=transparent,
        ),
        colours=samples[..., :colours],
        alpha=samples[..., -1] if has_alpha else None,
        notices=notices,
    )


def _usual_samples(
    header: Chunk, compressed: bytes
) -> Shaped[np.ndarray, "height width channels"] | None:
    """Return the samples of a sound file of the usual kind, in half of libpng's time; of others
    None: it reads what is rare, and says what is wrong with what is damaged.
    """
    import imagecodecs  # formats are listed without it

    width, height, depth, colour_type, *methods = struct.unpack(">IIBBBBB", header.data)
    channels = {number: count for count, number in _COLOUR_TYPES.items()}.get(colour_type)
    if channels is None or depth not in (8, 16) or methods != [0, 0, 0] or 0 in (width, height):
        return None
    step = channels * depth // 8
    rows = np.empty(height * (width * step + 1) + BYTES_BEHIND, np.uint8)
    room = rows[:-BYTES_BEHIND]
    try:
        stored = imagecodecs.deflate_decode(compressed, out=room)  # type: ignore[arg-type]
    except imagecodecs.DeflateError:
        return None
    samples = undo_png_filters(rows, height, width, step) if len(stored) == len(room) else None
    if samples is None or depth == 8:
        return samples
    return samples.view(np.uint16).byteswap(inplace=True)  # stored the other way round


def _promoted_chunks(
    chunks: list[Chunk], depth: int, colour_type: int
) -> tuple[list[Chunk], tuple[str, ...]]:
    """Return the chunks as they fit 8 or 16 bits without palette, and what to say about it."""
    if colour_type == _PALETTE:
        kept = [chunk for chunk in chunks if chunk.name not in _TIED_TO_PALETTE]
        return kept, ("a palette PNG is written as 8-bit RGB or RGBA",)
    if depth >= 8:
        return chunks, ()
    scale = 255 // (2**depth - 1)
    kept = [_scaled_grey(chunk, scale) for chunk in chunks]
    return kept, (f"a {depth}-bit grey PNG is written with 8 bits",)


def _scaled_grey(chunk: Chunk, scale: int) -> Chunk:
    """Return a chunk that names a grey level, which is now `scale` times as high."""
    if chunk.name not in (b"tRNS", b"bKGD"):
        return chunk
    level = int.from_bytes(chunk.data, "big") * scale
    return make_chunk(chunk.name, level.to_bytes(2, "big"))


_CREDENTIALS = b"caBX"
_PNG_XMP = b"XML:com.adobe.xmp\0"


def _without_thumbnail(chunk: Chunk) -> Chunk:
    data = without_thumbnail(chunk.data) if chunk.name == b"eXIf" else chunk.data
    return chunk if data == chunk.data else make_chunk(chunk.name, data)


def _unlinked_chunk(chunk: Chunk) -> Chunk:
    """Return a chunk without links to credentials that lie elsewhere."""
    if chunk.name != b"iTXt" or not chunk.data.startswith(_PNG_XMP):
        return chunk
    data = unlinked(chunk.data)
    return chunk if data == chunk.data else make_chunk(chunk.name, data)


def _stamped(content: bytes, text: str) -> bytes:
    value = text.encode("ascii")
    keyword = STAMP_KEY.encode() + b"\0"
    chunks = [
        chunk
        for chunk in read_chunks(content)
        if not (chunk.name == b"tEXt" and chunk.data.startswith(keyword))
    ]
    return bytes_from_chunks([chunks[0], make_chunk(b"tEXt", keyword + value), *chunks[1:]])


FORMAT = ImageFormat(
    name="PNG",
    suffixes=(".png",),
    recognises=begins_with(SIGNATURE),
    media_type="image/png",
    decode=lambda content, _: decode(content),
    stamp=_stamped,
)
