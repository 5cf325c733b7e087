"""EXR files to write, and comparisons of two of them by other means than the code under test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR

from reggan_plugin.files.exr.container import Container, read_container
from reggan_plugin.files.frame import read_frame, write_frame

from .conftest import Edit

LOSSLESS = ["NO", "RLE", "ZIPS", "ZIP", "PIZ"]
LOSSY = ["B44", "B44A", "DWAA", "DWAB"]
NEWER_LOSSLESS = [
    name for name in ("HTJ2K256", "HTJ2K32", "ZSTD") if hasattr(OpenEXR, f"{name}_COMPRESSION")
]
"""Those of them that the installed OpenEXR knows."""


def window(left: int, top: int, right: int, bottom: int) -> tuple[Any, Any]:
    return np.array([left, top], np.int32), np.array([right, bottom], np.int32)


def header(compression: str = "ZIP", **attributes: Any) -> dict[str, Any]:
    return {
        "compression": getattr(OpenEXR, f"{compression}_COMPRESSION"),
        "type": OpenEXR.scanlineimage,
        **attributes,
    }


def tiled(compression: str, **attributes: Any) -> dict[str, Any]:
    tiles = OpenEXR.TileDescription()
    tiles.xSize, tiles.ySize = 32, 16
    kind = {"type": OpenEXR.tiledimage, "tiles": tiles}
    return {**header(compression), **kind, **attributes}


def channels(path: Path, part: int = 0) -> dict[str, Any]:
    parts = OpenEXR.File(str(path), separate_channels=True).parts
    return {name: channel.pixels for name, channel in parts[part].channels.items()}


def assert_same_bits(after: Any, before: Any) -> None:
    assert after.dtype == before.dtype
    assert after.tobytes() == before.tobytes()


def raw_pieces(container: Container, part: int) -> list[bytes]:
    """All bytes of each chunk of a part, up to the next chunk of the file."""
    ends = sorted(offset for one in container.parts for offset in one.chunk_offsets)
    ends.append(len(container.content))
    return [
        container.content[offset : ends[ends.index(offset) + 1]]
        for offset in container.parts[part].chunk_offsets
    ]


def assert_only_the_edit_differs(source: Path, target: Path, edit: Edit) -> list[str]:
    """Change pixels of `source` into `target`; return the names of the channels that differ.

    Headers and all other parts keep their bytes; in the picture's part every sample outside the
    edit has its bits, and those inside have the value that was asked for.
    """
    frame = read_frame(source)
    pixels, mask = edit(frame)
    write_frame(frame, pixels, target)
    before, after = (read_container(path.read_bytes()) for path in (source, target))
    assert [part.attributes for part in after.parts] == [part.attributes for part in before.parts]
    picture = frame.original.layer  # type: ignore[attr-defined]
    for index in range(len(before.parts)):
        if index != picture.part_index:
            assert raw_pieces(after, index) == raw_pieces(before, index)
    old, new = channels(source, picture.part_index), channels(target, picture.part_index)
    assert old.keys() == new.keys()
    for name, samples in old.items():
        kept = ~mask if name in picture.colours else np.ones_like(mask)
        assert_same_bits(new[name][kept], samples[kept])
    for name, values in zip(picture.colours, np.moveaxis(pixels, 2, 0), strict=True):
        np.testing.assert_array_equal(new[name][mask], values[mask].astype(new[name].dtype))
    return [name for name in old if old[name].tobytes() != new[name].tobytes()]


MakeHeader = Callable[..., dict[str, Any]]
