"""One channel of an EXR by its name, whatever layer or part it lies in."""

from collections.abc import Sequence
from pathlib import Path

from reggan_plugin.errors import MissingChannelsError
from reggan_plugin.files.exr.blocks import channel_pixels, decode_blocks, read_grid
from reggan_plugin.files.exr.container import Container, ExrPart, read_container
from reggan_plugin.files.exr.picture_layer import labelled, listed, refuse_unwritable
from reggan_plugin.files.image_format import (
    PlacedPicture,
    byte_faults,
    faults_named,
    floats_from_samples,
)


def read_channel(content: bytes, path: Path, names: Sequence[str]) -> PlacedPicture:
    """Return the first of these channels that the file has; integers as 0 to 1.

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
            values=floats_from_samples(channel_pixels(blocks, name)),
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
