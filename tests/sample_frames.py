"""Sample frames, also at a fraction of their size, and what lies in a folder of frames."""

from pathlib import Path

import numpy as np
import OpenEXR
from PIL import Image

import reggan_plugin
from reggan_plugin.change.pipeline import EditedFrame

SAMPLES = Path(reggan_plugin.__file__).parent / "samples"


def small_frame(name: str, target: Path, divisor: int = 2) -> Path:
    """Write a sample such as `avatar_png/avatar.1001.png` with every nth of its pixels.

    Args:
        name: of a file below `SAMPLES`.
        target: the file to write, or a folder in which it keeps its name.
        divisor: of its width and height.
    """
    source = SAMPLES / name
    target = target / source.name if target.is_dir() else target
    if source.suffix == ".exr":
        file = OpenEXR.File(str(source), separate_channels=True)
        channels = {
            channel: found.pixels[::divisor, ::divisor].copy()
            for channel, found in file.channels().items()
        }
        header = {"compression": file.header()["compression"]}
        OpenEXR.File(header, channels).write(str(target))
        return target
    with Image.open(source) as image:
        image.reduce(divisor).save(target)
    return target


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder by name, without those in folders below."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def edited_everywhere(before: np.ndarray, pixels: np.ndarray, weight: np.ndarray) -> EditedFrame:
    """A frame that may have changed in every pixel."""
    box = slice(0, before.shape[0]), slice(0, before.shape[1])
    return EditedFrame(before=before, box=box, inside=pixels, inside_weight=weight)
