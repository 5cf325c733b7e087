"""EXR: only the compressed blocks in which a pixel changed are written anew.

All headers, other parts and other blocks keep their bytes; the other channels of a block that
is written anew keep their bits if the compression is lossless.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from reggan_plugin.files.exr_blocks import (
    BlockGrid,
    channel_pixels,
    decode_blocks,
    encode_blocks,
    read_grid,
)
from reggan_plugin.files.exr_container import Container, Part, read_container, replace_chunks
from reggan_plugin.files.exr_layer import Layer, find_layer
from reggan_plugin.files.frame import Encoding, Frame
from reggan_plugin.files.samples import change_samples, changed_pixels, floats_from_samples

_LOSSY = {
    5: ("PXR24", ("float",)),
    6: ("B44", ("half",)),
    7: ("B44A", ("half",)),
    8: ("DWAA", ("half", "float")),
    9: ("DWAB", ("half", "float")),
    12: ("lossy JPEG 2000", ("half", "float", "uint")),
}
"""Compression → its name and the types of channels that it does not keep."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredExr:
    """The file and where in it the picture lies."""

    container: Container
    layer: Layer
    grid: BlockGrid

    @property
    def part(self) -> Part:
        """The part that holds the picture."""
        return self.container.parts[self.layer.part_index]

    @property
    def is_lossless(self) -> bool:
        """Whether the compression keeps all channels of the part."""
        return _loss(self.part) is None

    def encode(
        self,
        before: Float[np.ndarray, "height width 3"],
        after: Float[np.ndarray, "height width 3"],
    ) -> bytes:
        """The file with changed samples replaced; see `StoredImage`."""
        changed = changed_pixels(before, after)
        if not changed.any():
            return self.container.content
        place = self.grid.rectangle_around(changed)
        pixels = self.grid.pixels_of(place)
        blocks = decode_blocks(self.container, self.part, self.grid, place)
        for index, name in enumerate(self.layer.colours):
            own = slice(index, index + 1) if len(self.layer.colours) == 3 else slice(0, 3)
            stored = channel_pixels(blocks, name)[..., None]
            change_samples(stored, before[*pixels, own], after[*pixels, own])
        encoded = encode_blocks(blocks, place)
        return replace_chunks(
            self.container,
            {
                self.grid.offsets[block]: data
                for block, data in encoded.items()
                if changed[self.grid.pixels_of(_only(block))].any()
            },
        )


def decode(content: bytes) -> Frame:
    """Read the picture of an EXR: its data window, premultiplied, scene-linear."""
    container = read_container(content)
    layer = find_layer(container.parts)
    part = container.parts[layer.part_index]
    grid = read_grid(container, part)
    blocks = decode_blocks(container, part, grid, grid.all_blocks)
    colours = [floats_from_samples(channel_pixels(blocks, name)) for name in layer.colours]
    display = part.window("displayWindow")
    return Frame(
        pixels=np.stack(colours * (3 // len(colours)), axis=2),
        alpha=floats_from_samples(channel_pixels(blocks, layer.alpha)) if layer.alpha else None,
        alpha_is_premultiplied=True,
        encoding=Encoding.SCENE_LINEAR,
        notices=tuple(_notices(part, layer)),
        origin_px=(grid.window.top - display.top, grid.window.left - display.left),
        original=StoredExr(container=container, layer=layer, grid=grid),
    )


def _notices(part: Part, layer: Layer) -> list[str]:
    notices = []
    if layer.prefix:
        notices.append(f"the picture is layer {layer.prefix[:-1]}; other layers are kept")
    loss = _loss(part)
    if loss:
        notices.append(f"{loss} is lossy: blocks with a change are compressed again")
    return notices


def _loss(part: Part) -> str | None:
    """The name of the compression if it does not keep all channels of this part."""
    name, lossy_types = _LOSSY.get(part.compression, ("", ()))
    return name if any(c.pixel_type in lossy_types for c in part.channels) else None


def _only(block: tuple[int, int]) -> tuple[slice, slice]:
    row, column = block
    return slice(row, row + 1), slice(column, column + 1)
