"""EXR: only the compressed blocks in which a pixel changed are written anew.

All headers, other parts and other blocks keep their bytes; the other channels of a block that
is written anew keep their bits if the compression is lossless. On request the picture's part is
written anew as a whole: without loss, or with the change as layers of its own.
"""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import OpenEXR

from reggan_plugin.array_types import Bool, Float, Pixels, Plane, Shaped
from reggan_plugin.errors import MissingChannelsError, Remark, UnsupportedFormatError
from reggan_plugin.files.exr.block_codec import (
    BlockGrid,
    channel_pixels,
    decode_blocks,
    encode_blocks,
    encode_part,
    read_grid,
)
from reggan_plugin.files.exr.channel_names import (
    OWN_PREFIXES,
    Layer,
    find_layer,
    labelled,
    listed,
    other_views,
    parts_like,
    passes_of,
    refuse_unwritable,
    set_layers,
    settle,
)
from reggan_plugin.files.exr.container import (
    Channel,
    Container,
    ExrPart,
    read_container,
    replace_chunks,
    replace_part,
)
from reggan_plugin.files.exr.writing_settings import (
    LOSSLESS_COMPRESSIONS,
    MASK,
    EncodedFrame,
    ExrWriting,
    GenerationLoss,
)
from reggan_plugin.files.image_format import (
    PREVIEW_STAYS,
    Encoding,
    Frame,
    PlacedPicture,
    byte_faults,
    change_samples,
    changed_pixels,
    faults_named,
    floats_from_samples,
)
from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.pixel_values import floats_from_halves

_REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
_REC709_IDS = ("lin_rec709_scene", "unknown")
"""Source: ASWF Color Interop Forum, texture asset colour space identifiers."""
_KNOWN = {
    "ACEScg": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),
    "ACES2065-1": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770, 0.32168, 0.33767),
    '"Linear Rec.2020"': (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    '"Linear P3-D65"': (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
}
"""Colour space of the built-in OpenColorIO config, as typed → x, y of red, green, blue, white.
Source: SMPTE ST 2065-1, Academy S-2014-004, ITU-R BT.2020, SMPTE RP 431-2."""
_TOLERANCE = 2e-3


def primaries_notice(part: ExrPart) -> Remark | None:
    """Return the notice for a part that declares other primaries than Rec. 709 with D65, or
    None.
    """
    space = part.text("colorInteropID")
    if not space:
        attribute = part.attributes.get("chromaticities")
        if attribute is None or len(attribute.value) != 32:
            return None
        found = struct.unpack("<8f", attribute.value)
        if _same(found, _REC709):
            return None
        names = (name for name, known in _KNOWN.items() if _same(found, known))
        space = next(names, "with the name of its space")
    elif space in _REC709_IDS:
        return None
    return Remark(
        "its header says that its colours are not linear Rec. 709, for which they are taken",
        "colours-are-declared",
        space=space,
    )


def _same(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(
        math.isclose(a, b, rel_tol=0, abs_tol=_TOLERANCE) for a, b in zip(one, other, strict=True)
    )


_LOSSY = {
    5: ("PXR24", ("float",)),
    6: ("B44", ("half",)),
    7: ("B44A", ("half",)),
    8: ("DWAA", ("half", "float")),
    9: ("DWAB", ("half", "float")),
    12: ("lossy JPEG 2000", ("half", "float", "uint")),
}
"""Compression → its name and the types of channels that it does not keep."""


def lossy_channels(compression: int, channels: Iterable[Channel]) -> list[str]:
    """Names of the channels that a compression does not keep."""
    _, types = _LOSSY.get(compression, ("", ()))
    return [channel.name for channel in channels if channel.pixel_type in types]


def measure_loss(
    compression: str,
    pairs: Iterable[tuple[Shaped[np.ndarray, "height width"], Shaped[np.ndarray, "height width"]]],
    kept: Bool[np.ndarray, "height width"],
) -> GenerationLoss:
    """Compare channels as they were and as they are after another generation.

    Args:
        compression: its name.
        pairs: (before, after) of each channel that the compression may change.
        kept: the pixels that were compressed again and should have stayed.
    """
    largest, squares, count = 0.0, 0.0, 0
    for before, after in pairs:
        with np.errstate(invalid="ignore", over="ignore"):
            difference = after[kept].astype(np.float64) - before[kept].astype(np.float64)
        finite = np.abs(difference[np.isfinite(difference)])
        largest = max(largest, float(finite.max(initial=0.0)))
        squares += float(np.square(finite).sum())
        count += finite.size
    rms = (squares / count) ** 0.5 if count else 0.0
    return GenerationLoss(compression=compression, largest=largest, rms=rms)


@frozen(eq=False)
class StoredExr:
    """The file and where in it the picture lies."""

    container: Container
    layer: Layer
    grid: BlockGrid

    @property
    def part(self) -> ExrPart:
        """The part that holds the picture."""
        return self.container.parts[self.layer.part_index]

    @property
    def is_half(self) -> bool:
        """True if half floats hold its colours exactly."""
        types = {channel.name: channel.pixel_type for channel in self.part.channels}
        return all(types[name] == "half" for name in self.layer.colours)

    def encode(self, before: Pixels, after: Pixels) -> bytes:
        """Return the file with changed samples replaced; see `StoredImage`. Half floats will do."""
        height, width = before.shape[:2]
        whole = slice(0, height), slice(0, width)
        return self.encode_as(before, after, whole, {}, ExrWriting()).content

    def encode_as(
        self,
        before: Float[np.ndarray, "rows columns 3"],
        after: Float[np.ndarray, "rows columns 3"],
        box: tuple[slice, slice],
        layers: Mapping[str, Plane],
        writing: ExrWriting,
    ) -> EncodedFrame:
        """Return the file with changed samples replaced, as asked for; see `WritesExr`."""
        changed = np.zeros(self.grid.window.shape, bool)
        changed[box] = changed_pixels(before, after)
        if not changed.any():
            return EncodedFrame(content=self.container.content)
        notices = () if writing.layers else self._notices_of_earlier_layers()
        if writing != ExrWriting():
            content = self._with_new_part(before, after, box, layers, writing)
            return EncodedFrame(content=content, notices=notices)
        place = self.grid.rectangle_around(changed)
        blocks = decode_blocks(self.container, self.part, self.grid, place)
        lossy = lossy_channels(self.part.compression, self.part.channels)
        samples = {name: channel_pixels(blocks, name).copy() for name in lossy}
        pixels = self.grid.pixels_of(place)
        self._change(blocks, before, after, box, pixels)
        replaced, beside = {}, np.zeros_like(changed)
        for block, data in encode_blocks(blocks, place).items():
            own = self.grid.pixels_of(_only(block))
            if changed[own].any():
                replaced[self.grid.offsets[block]] = data
                beside[own] = ~changed[own]
        content = replace_chunks(self.container, replaced)
        if not lossy:
            return EncodedFrame(content=content, notices=notices)
        anew = read_container(content)
        part = anew.parts[self.layer.part_index]
        again = decode_blocks(anew, part, read_grid(anew, part), place)
        pairs = ((old, channel_pixels(again, channel)) for channel, old in samples.items())
        loss = measure_loss(_LOSSY[part.compression][0], pairs, beside[pixels])
        measured = loss if loss.largest else None
        return EncodedFrame(content=content, generation_loss=measured, notices=notices)

    def _notices_of_earlier_layers(self) -> tuple[Remark, ...]:
        """Say of layers that stay and tell of another change than the one that is written."""
        names = [one.name for one in self.part.channels if one.name.startswith(OWN_PREFIXES)]
        paths = ", ".join(dict.fromkeys(n if n == MASK else n.rpartition(".")[0] for n in names))
        text = f"its layers of an earlier change stay, and do not tell of this one: {paths}"
        return (Remark(text, "layers-of-earlier-change"),) if names else ()

    def encode_alpha(self, before: Plane, after: Plane) -> bytes:
        """Return the file with other alpha; see `WritesAlpha`."""
        assert self.layer.alpha is not None, "the frame has alpha"
        old, new = before[..., None], after[..., None]
        changed = changed_pixels(old, new)
        if not changed.any():
            return self.container.content
        place = self.grid.rectangle_around(changed)
        blocks = decode_blocks(self.container, self.part, self.grid, place)
        pixels = self.grid.pixels_of(place)
        stored = channel_pixels(blocks, self.layer.alpha)[..., None]
        change_samples(stored, old[pixels], new[pixels])
        replaced = {
            self.grid.offsets[block]: data
            for block, data in encode_blocks(blocks, place).items()
            if changed[self.grid.pixels_of(_only(block))].any()
        }
        return replace_chunks(self.container, replaced)

    @property
    def has_passes(self) -> bool:
        """True if there is more in it than the picture; see `WritesExr`."""
        return bool(passes_of(self.container.parts, self.layer))

    def refuse_what_cannot_be(self, writing: ExrWriting) -> None:
        """Refuse what this file cannot be written as; see `WritesExr`."""
        if not writing.layers or writing.compression is not None:
            return
        layer = Channel(name="", pixel_type="float", sampling=(1, 1))
        if lossy_channels(self.part.compression, (*self.part.channels, layer)):
            lossy, _ = _LOSSY[self.part.compression]
            raise UnsupportedFormatError(
                f"is compressed with loss ({lossy}), so layers cannot be added to it exactly.",
                kind="exr-layers-need-lossless",
                compression=lossy,
            )

    def _with_new_part(
        self,
        before: Float[np.ndarray, "rows columns 3"],
        after: Float[np.ndarray, "rows columns 3"],
        box: tuple[slice, slice],
        layers: Mapping[str, Plane],
        writing: ExrWriting,
    ) -> bytes:
        blocks = decode_blocks(self.container, self.part, self.grid, self.grid.all_blocks)
        whole = self.grid.pixels_of(self.grid.all_blocks)
        delta = self._change(
            blocks, before, after, box, whole, with_delta="delta" in writing.layers
        )
        if writing.layers:
            set_layers(blocks, layers, delta)
        own = self.part.compression
        compression = LOSSLESS_COMPRESSIONS[writing.compression] if writing.compression else own
        differing, chunks = encode_part(blocks, compression)
        attributes = self.part.attributes | differing
        return replace_part(self.container, self.layer.part_index, attributes, chunks)

    def _change(
        self,
        blocks: OpenEXR.File,
        before: Float[np.ndarray, "rows columns 3"],
        after: Float[np.ndarray, "rows columns 3"],
        box: tuple[slice, slice],
        decoded: tuple[slice, slice],
        *,
        with_delta: bool = False,
    ) -> dict[str, Plane]:
        """Change the samples of decoded blocks, in place; new less old by colour, on request.

        Args:
            blocks: whose samples change.
            before: pixels of a box of the frame.
            after: what they become.
            box: its rows and columns.
            decoded: those of the blocks.
            with_delta: whether the difference is asked for.
        """
        both = tuple(
            slice(max(one.start, other.start), min(one.stop, other.stop))
            for one, other in zip(box, decoded, strict=True)
        )
        in_box, in_blocks = (
            tuple(
                slice(one.start - corner.start, one.stop - corner.start)
                for one, corner in zip(both, corners, strict=True)
            )
            for corners in (box, decoded)
        )
        before, after = before[in_box], after[in_box]
        deltas = {}
        for index, name in enumerate(self.layer.colours):
            own = slice(index, index + 1) if len(self.layer.colours) == 3 else slice(0, 3)
            stored = channel_pixels(blocks, name)[..., None]
            old = stored.copy() if with_delta else stored
            change_samples(stored[in_blocks], before[..., own], after[..., own])
            if with_delta:
                deltas[name.removeprefix(self.layer.prefix)] = settle(old, stored)[..., 0]
        return deltas


def decode(
    content: bytes, picture: str | None = None, *, colours_are_declared: bool = False
) -> Frame:
    """Read the picture of an EXR: its data window, premultiplied, scene-linear.

    Args:
        content: the file.
        picture: its layer, part or view; None finds it.
        colours_are_declared: the user says what they are, whatever the header says.
    """
    container = read_container(content)
    with byte_faults():
        layer = find_layer(container.parts, picture)
        part = container.parts[layer.part_index]
        grid = read_grid(container, part)
        display = part.window("displayWindow")
        notices = _notices(container, layer, colours_are_declared)
    blocks = decode_blocks(container, part, grid, grid.all_blocks)
    samples = [channel_pixels(blocks, name) for name in layer.colours]
    samples = samples if len(samples) == 3 else [samples[0]] * 3  # grey fills all three
    if all(one.dtype == np.float16 for one in samples):
        pixels = floats_from_halves(samples)
    else:
        pixels = np.empty((*grid.window.shape, 3), np.float32)
        for channel, own in enumerate(samples):
            pixels[..., channel] = floats_from_samples(own)
    return Frame(
        pixels=pixels,
        alpha=floats_from_samples(channel_pixels(blocks, layer.alpha)) if layer.alpha else None,
        alpha_is_premultiplied=True,
        encoding=Encoding.SCENE_LINEAR,
        notices=tuple(notices),
        origin_px=(grid.window.top - display.top, grid.window.left - display.left),
        displayed_px=display.shape,
        display_corner_px=(display.top, display.left),
        original=StoredExr(container=container, layer=layer, grid=grid),
    )


def _notices(container: Container, layer: Layer, colours_are_declared: bool) -> list[str]:
    part = container.parts[layer.part_index]
    primaries = None if colours_are_declared else primaries_notice(part)
    notices: list[str] = [] if primaries is None else [primaries]
    if layer.prefix:
        notices.append(f"the picture is layer {layer.prefix[:-1]}; other layers are kept")
    like = parts_like(container.parts, layer)
    if like:
        text = f"the picture is part {part.name}; {listed(like)} could be it, too"
        notices.append(Remark(text, "other-parts-like-picture"))
    views = other_views(container.parts, layer)
    if views:
        notices.append(
            Remark(
                f"the picture is view {layer.view}; {', '.join(views)} keep their face",
                "other-views-keep-their-face",
                view=layer.view,
                other=views[0],
            )
        )
    deep = [one.name for one in container.parts if not one.is_flat]
    if deep:
        text = "its parts that are deep, or of an unknown type, stay and keep their face"
        notices.append(f"{text}: {listed(deep)}")
    if any("preview" in one.attributes for one in container.parts):
        notices.append(PREVIEW_STAYS)
    return notices


def _only(block: tuple[int, int]) -> tuple[slice, slice]:
    row, column = block
    return slice(row, row + 1), slice(column, column + 1)


def read_channel(content: bytes, path: Path, names: Sequence[str]) -> PlacedPicture:
    """Return the first of these channels that the file has; whole numbers are as large as stored.

    Args:
        content: the file.
        path: what errors call it.
        names: full names of channels, or `part:channel`.

    Raises:
        MissingChannelsError: it has none of them in a part that is not deep.
        UnreadableFrameError: it is damaged.
    """
    with faults_named(path):
        container = read_container(content)
        with byte_faults():
            part, name = _find(container, names)
            refuse_unwritable(part)
            grid = read_grid(container, part)
            display = part.window("displayWindow")
        blocks = decode_blocks(container, part, grid, grid.all_blocks)
        return PlacedPicture(
            values=channel_pixels(blocks, name).astype(np.float32),
            origin_px=(grid.window.top - display.top, grid.window.left - display.left),
            display_px=display.shape,
        )


def _find(container: Container, names: Sequence[str]) -> tuple[ExrPart, str]:
    flat = [part for part in container.parts if part.is_flat]
    for name in names:
        for part in flat:
            for channel in part.channels:
                if name in (channel.name, f"{part.name}:{channel.name}"):
                    return part, channel.name
    found = listed(labelled(part, channel) for part in flat for channel in part.channels)
    raise MissingChannelsError(
        f"has no channel {' or '.join(names)} for a matte; it has {found or 'none that is flat'}.",
        kind="no-such-matte-channel",
    )
