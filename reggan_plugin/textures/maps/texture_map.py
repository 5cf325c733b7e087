"""A base colour map: one picture, or the tiles of a UDIM set; sampled and written back."""

import math
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

import numpy as np

from reggan_plugin.array_types import Float, Int, Shaped
from reggan_plugin.errors import Remark
from reggan_plugin.files.exr.stored_exr import StoredExr
from reggan_plugin.files.formats.png import SIGNATURE, Chunk, StoredPng, decode_samples
from reggan_plugin.files.frame import (
    DEFAULT_READING,
    Encoding,
    Frame,
    Reading,
    StoredImage,
    read_content,
)
from reggan_plugin.files.image_format import faults_named, floats_from_samples
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import (
    ColourSpace,
    PixelCoding,
    display_from_stored,
    linear_from_srgb,
    srgb_from_linear,
    stored_from_display,
)
from reggan_plugin.kernels.sampling import block_means, four_around

Colours = Float[np.ndarray, "texels 3"]
Places = Float[np.ndarray, "points 2"]

Samples = Shaped[np.ndarray, "height width colours"]
"""As stored: uint8 or uint16 of a PNG, float16 of a half EXR, else float32; grey or RGB."""
Rows = Shaped[np.ndarray, "..."] | slice


@frozen(eq=False)
class MapTile:
    """A whole map, or a tile of a UDIM set, in as much memory as its samples take."""

    colours: Samples
    alpha: Shaped[np.ndarray, "height width"] | None = None
    alpha_is_premultiplied: bool = False
    is_linear: bool = False
    """Whether its numbers are proportional to light, and not sRGB-encoded."""
    colour_space: ColourSpace | None = None
    """Colour space that the user declares."""
    declared_kind: str = ""
    """Colour space that the file declares, if it does: `raw`, `lin_rec709_scene`."""
    notices: tuple[str, ...] = ()
    original: StoredImage

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in texels."""
        height, width = self.colours.shape[:2]
        return height, width

    @property
    def coding(self) -> PixelCoding:
        """The coding by which stored colours become shown ones."""
        return PixelCoding(
            is_linear=self.is_linear,
            is_premultiplied=self.alpha is not None and self.alpha_is_premultiplied,
            colour_space=self.colour_space,
        )

    def texels(
        self, rows: Rows, columns: Rows
    ) -> tuple[Float[np.ndarray, "*texels 3"], Float[np.ndarray, "*texels"] | None]:
        """Colours and alpha of some texels, float32: integers scaled to [0, 1], grey repeated."""
        colours = floats_from_samples(self.colours[rows, columns])
        if colours.shape[-1] == 1:
            colours = np.repeat(colours, 3, axis=-1)
        alpha = None if self.alpha is None else floats_from_samples(self.alpha[rows, columns])
        return colours, alpha

    def window(self, rows: slice, columns: slice) -> Frame:
        """Return a part of it as a frame, for what works on frames."""
        pixels, alpha = self.texels(rows, columns)
        return Frame(
            pixels=pixels,
            alpha=alpha,
            alpha_is_premultiplied=self.alpha_is_premultiplied,
            encoding=Encoding.SCENE_LINEAR if self.is_linear else Encoding.SRGB,
            colour_space=self.colour_space,
            original=self.original,
        )

    def frame(self, colours: Samples | None = None) -> Frame:
        """Return all of it as a frame; with other colours, as stored, if they are given."""
        tile = self if colours is None else replace(self, colours=colours)
        return tile.window(slice(None), slice(None))

    def encode(self, colours: Samples) -> Iterable[bytes]:
        """Return the file with other colours, in pieces; format, depth, alpha and metadata stay."""
        if isinstance(self.original, StoredPng):
            return self.original.encode_colours(colours)
        return (self.original.encode(self.colours, colours),)


def read_tile(
    path: Path, reading: Reading = DEFAULT_READING, *, is_gltf_image: bool = False
) -> MapTile:
    """Read a picture.

    Args:
        path: the file.
        reading: what its colours are, if the user says so.
        is_gltf_image: whether it is an image of a glTF file, which by that format's rule is
            sRGB-encoded whatever the image itself says.

    Raises:
        UnreadableFrameError, UnsupportedFormatError: see `read_frame`.
    """
    content = read_content(path)
    if not content.startswith(SIGNATURE):
        return _tile_of_frame(reading.decode(content, path))
    with faults_named(path):
        decoded = decode_samples(content)
    space = reading.colour_space
    is_linear, notices = False, decoded.notices
    if space is not None:
        is_linear = space.is_scene_referred
    elif not is_gltf_image:
        is_linear, remark = declared_by_png(decoded.original.chunks)
        notices += () if remark is None else (remark.after(f"{path.name}: "),)
    return MapTile(
        colours=decoded.colours,
        alpha=decoded.alpha,
        is_linear=is_linear,
        colour_space=space,
        notices=notices,
        original=decoded.original,
    )


def _tile_of_frame(frame: Frame) -> MapTile:
    original = frame.original
    is_half = isinstance(original, StoredExr) and original.is_half
    return MapTile(
        colours=frame.pixels.astype(np.float16) if is_half else frame.pixels,
        alpha=frame.alpha,
        alpha_is_premultiplied=frame.alpha_is_premultiplied,
        is_linear=frame.encoding is Encoding.SCENE_LINEAR,
        colour_space=frame.colour_space,
        declared_kind=declared_by_exr(original),
        notices=frame.notices,
        original=frame.original,
    )


_LINEAR_GAMMA, _SRGB_GAMMA = 100000, 45455
_GAMMA_TOLERANCE = 500
_MOST_PROFILE_BYTES = 2**22
"""Of a colour profile, which of a megabyte could unpack to a gigabyte; real ones have 4 KB."""
_LINEAR_TRANSFER = 8
"""Source: ITU-T H.273, transfer characteristics, as PNG's cICP chunk has them."""
_EXR_NAMES = ("colorInteropID", "oiio:ColorSpace", "colorSpace")
"""Source: ASWF Color Interop Forum; OpenImageIO writes the second."""


def declared_by_png(chunks: Sequence[Chunk]) -> tuple[bool, Remark | None]:
    """Tell whether a PNG says that it is linear, and what the user should know of what it says.

    Source: PNG specification, 3rd edition, §11.3.2; of several, cICP, iCCP, sRGB, gAMA count in
    this order.
    """
    said = {chunk.name: chunk.data for chunk in chunks if chunk.raw}
    if b"cICP" in said:
        is_linear = said[b"cICP"][1:2] == bytes([_LINEAR_TRANSFER])
        return is_linear, _read_as_linear("cICP") if is_linear else None
    if b"iCCP" in said:
        return False, _of_profile(said[b"iCCP"])
    if b"sRGB" in said or len(said.get(b"gAMA", b"")) != 4:
        return False, None
    (gamma,) = struct.unpack(">I", said[b"gAMA"])
    if abs(gamma - _LINEAR_GAMMA) <= _GAMMA_TOLERANCE:
        return True, _read_as_linear("gAMA")
    if abs(gamma - _SRGB_GAMMA) <= _GAMMA_TOLERANCE:
        return False, None
    return False, Remark(
        f"its gAMA chunk says {gamma / _LINEAR_GAMMA:g}, and it is read as sRGB", "read-as-srgb"
    )


def declared_by_exr(original: StoredImage) -> str:
    """Return the name of the colour space in an EXR's header; empty if there is none, or it is no
    EXR.
    """
    part = getattr(original, "part", None)
    if part is None:
        return ""
    return next((name for key in _EXR_NAMES if (name := part.text(key))), "")


def _read_as_linear(chunk: str) -> Remark:
    said = f"its {chunk} chunk says that it is linear, and it is read so"
    return Remark(said, "read-as-linear")


def _of_profile(data: bytes) -> Remark | None:
    name, _, packed = data.partition(b"\0")
    try:
        profile = zlib.decompressobj().decompress(packed[1:], _MOST_PROFILE_BYTES)
    except zlib.error:
        return None  # a damaged profile says nothing
    if b"sRGB" in name + profile or "sRGB".encode("utf-16-be") in profile:
        return None
    called = name.decode("latin-1")
    said = f"its colour profile ({called}) is not sRGB, as which it is read"
    return Remark(said, "read-as-srgb")


_BLOCK_PX = 256
_SOURCE_ROWS = 512
"""Rows of the tile that become floats at a time."""


class ReducedTile:
    """A coarser tile. Its memory is taken as blocks of it are first asked for."""

    def __init__(self, tile: MapTile, factor: int) -> None:
        """Average over `factor` x `factor` texels; nothing is read yet."""
        height, width = (-(-side // factor) for side in tile.shape)
        self.shape, self.coding = (height, width), tile.coding
        self._tile, self._factor = tile, factor
        self._colour = np.empty((height, width, 3), np.float32)
        self._alpha = None if tile.alpha is None else np.empty((height, width), np.float32)
        self._is_there = np.zeros((-(-height // _BLOCK_PX), -(-width // _BLOCK_PX)), np.bool_)

    def texels(
        self, rows: Int[np.ndarray, " texels"], columns: Int[np.ndarray, " texels"]
    ) -> tuple[Colours, Float[np.ndarray, " texels"] | None]:
        """Colours and alpha, as `MapTile.texels`; colours that are no numbers are 0."""
        wanted = np.zeros_like(self._is_there)
        wanted[rows // _BLOCK_PX, columns // _BLOCK_PX] = True
        for row, column in np.argwhere(wanted & ~self._is_there):
            self._work_out(int(row), int(column))
        alpha = None if self._alpha is None else self._alpha[rows, columns]
        return self._colour[rows, columns], alpha

    def whole(self) -> MapTile:
        """All of it, as a map of its own."""
        for row, column in np.argwhere(~self._is_there):
            self._work_out(int(row), int(column))
        return replace(self._tile, colours=self._colour, alpha=self._alpha)

    def _work_out(self, row: int, column: int) -> None:
        top, left = row * _BLOCK_PX, column * _BLOCK_PX
        bottom, columns = min(top + _BLOCK_PX, self.shape[0]), slice(left, left + _BLOCK_PX)
        strip = max(1, _SOURCE_ROWS // self._factor)
        for first in range(top, bottom, strip):
            self._average((slice(first, min(first + strip, bottom)), columns))
        self._is_there[row, column] = True

    def _average(self, own: tuple[slice, slice]) -> None:
        source = (slice(part.start * self._factor, part.stop * self._factor) for part in own)
        colour, alpha = self._tile.texels(*source)
        self._colour[own] = np.nan_to_num(block_means(colour, self._factor))
        if self._alpha is not None and alpha is not None:
            self._alpha[own] = block_means(alpha[..., None], self._factor)[..., 0]


FIRST_UDIM, OFF_GRID = 1001, 0
_TILES_IN_A_ROW = 10
_POINTS_AT_ONCE = 1 << 19
"""Bounds the memory of looking up."""

Tint = tuple[float, float, float]
NO_TINT: Tint = (1.0, 1.0, 1.0)


@frozen(eq=False)
class TextureMap:
    """Pictures by UDIM number; a map that is one picture repeats without end.

    *Shown* values are straight, sRGB-encoded colours as a viewer shows them without light: the
    map times the material's `tint` (linear).
    """

    tiles: Mapping[int, MapTile]
    is_udim: bool = False
    tint: Tint = NO_TINT
    _reduced: dict[tuple[int, int], ReducedTile] = field(default_factory=dict)

    @property
    def largest_side_px(self) -> int:
        """Of its largest tile."""
        return max(max(tile.shape) for tile in self.tiles.values())

    def tile_of(self, uv: Places) -> np.ndarray:
        """Return the tile that each point lies on: a UDIM number, which need not be in the set.

        It is `OFF_GRID` for points below the first tile, or beside its row of ten.
        """
        if not self.is_udim:
            return np.full(len(uv), FIRST_UDIM)
        across, up = np.floor(uv).astype(int).T
        is_on_grid = (across >= 0) & (across < _TILES_IN_A_ROW) & (up >= 0)
        return np.where(is_on_grid, FIRST_UDIM + across + _TILES_IN_A_ROW * up, OFF_GRID)

    def shown(
        self, uv: Places, reduction: int = 1
    ) -> tuple[Float[np.ndarray, "points 3"], Float[np.ndarray, " points"]]:
        """Shown colour and alpha at points of the map; black where a tile is missing.

        `reduction` averages over blocks of so many texels first, for views that are coarser.
        """
        colour = np.zeros((len(uv), 3), np.float32)
        alpha = np.zeros(len(uv), np.float32)
        for start in range(0, len(uv), _POINTS_AT_ONCE):
            part = slice(start, start + _POINTS_AT_ONCE)
            numbers = self.tile_of(uv[part])
            for number in np.unique(numbers):
                if number in self.tiles:
                    here = start + np.flatnonzero(numbers == number)
                    tile = self._coarse(int(number), reduction)
                    colour[here], alpha[here] = self._sampled(tile, uv[here])
        return colour, alpha

    def shown_from_stored(
        self, coding: PixelCoding, stored: Colours, alpha: Float[np.ndarray, " texels"] | None
    ) -> Colours:
        """Shown colours of texels of a tile with this coding."""
        line = None if alpha is None else alpha[None]
        display = display_from_stored(stored[None], line, coding)[0]
        if self.tint == NO_TINT:
            return display
        return srgb_from_linear(linear_from_srgb(display) * np.array(self.tint, np.float32))

    def stored_from_shown(
        self, coding: PixelCoding, shown: Colours, alpha: Float[np.ndarray, " texels"] | None
    ) -> Colours:
        """Undo `shown_from_stored`, but for channels that the tint makes black."""
        if self.tint != NO_TINT:
            tint = np.maximum(np.array(self.tint, np.float32), np.float32(1e-3))
            shown = srgb_from_linear(linear_from_srgb(shown) / tint)
        line = None if alpha is None else alpha[None]
        return stored_from_display(shown[None], line, coding)[0]

    def _coarse(self, number: int, reduction: int) -> MapTile | ReducedTile:
        if reduction <= 1:
            return self.tiles[number]
        key = number, reduction
        if key not in self._reduced:
            self._reduced[key] = ReducedTile(self.tiles[number], reduction)
        return self._reduced[key]

    def _sampled(
        self, tile: MapTile | ReducedTile, uv: Places
    ) -> tuple[Float[np.ndarray, "points 3"], Float[np.ndarray, " points"]]:
        """Bilinear between the centres of texels, as every renderer does."""
        height, width = tile.shape
        inside = uv - np.floor(uv)
        place = np.stack([inside[:, 0] * width, (1.0 - inside[:, 1]) * height], axis=1) - 0.5
        stored = np.zeros((len(uv), 3), np.float32)
        alpha = np.zeros(len(uv), np.float32)
        for below, right, weight in four_around(place[:, 0], place[:, 1]):
            near = tile.texels(self.within(below, height), self.within(right, width))
            stored += weight[:, None] * near[0]
            alpha += weight if near[1] is None else weight * near[1]
        shown = self.shown_from_stored(tile.coding, stored, alpha)
        return np.clip(np.nan_to_num(shown, posinf=1.0, neginf=0.0), 0.0, 1.0), alpha

    def within(self, places: Int[np.ndarray, "*shape"], side_px: int) -> Int[np.ndarray, "*shape"]:
        """Rows or columns of a tile for places beyond its borders: a single picture repeats; in a
        set another tile is there, of which the nearest texel stands.
        """
        return np.clip(places, 0, side_px - 1) if self.is_udim else places % side_px


def reduction_for(texels_per_pixel: float) -> int:
    """By how much to average a map for a view, so that it does not flicker."""
    return max(1, math.floor(texels_per_pixel))
