"""What changing a large map takes: processor time and the largest memory of the whole command.

    python -m tests.measurements.texture_cost [KIND:SIDE ...]

KIND is `rgb8`, `rgba8`, `rgb16` (PNG) or `half` (EXR), SIDE the map's side in texels; without any,
rgb8:4096, rgb8:8192 and rgb8:16384. The head and the grain of its map are those of
`tests.measurements.texture_detail`. Every command is a process of its own in one thread.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import imagecodecs
import numpy as np
import OpenEXR
from PIL import Image

from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

from ..textures.conftest import make_head, sample_face, write_obj
from .command_cost import CommandCost, cost_of
from .texture_detail import BAKED_PX, with_grain

USUAL = ("rgb8:4096", "rgb8:8192", "rgb8:16384")
MAKE = "--make"


def main() -> None:
    """Print a row for each map; what makes it is a process of its own, and not counted."""
    if sys.argv[1:2] == [MAKE]:
        make(Path(sys.argv[2]), *sys.argv[3].split(":"))
        return
    for asked in sys.argv[1:] or USUAL:
        with tempfile.TemporaryDirectory() as scratch:
            made = [sys.executable, "-m", __spec__.name, MAKE, scratch, asked]
            subprocess.run(made, check=True)
            (texture,) = Path(scratch).glob("map.*")
            seconds, memory = run(Path(scratch), texture)
            size = texture.stat().st_size
            print(
                f"{asked}: {seconds:.0f} s of a core, {memory / 1e9:.2f} GB of memory, a file of "
                f"{size / 1e6:.0f} MB",
                flush=True,
            )


def make(folder: Path, kind: str, side: str) -> None:
    """Write head and map."""
    head = make_head(sample_face(ExpressionTransfer()), BAKED_PX)
    write_obj(folder / "head.obj", head)
    levels = with_grain(Image.fromarray(head.picture), int(side))
    if kind == "half":
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        linear = ((np.arange(256) / 255) ** 2.2).astype(np.float16)[levels]
        OpenEXR.File(header, {"RGB": linear}).write(str(folder / "map.exr"))
        return
    if kind == "rgba8":
        levels = np.concatenate([levels, np.full_like(levels[..., :1], 255)], axis=2)
    elif kind == "rgb16":
        levels = levels.astype(np.uint16) * np.uint16(257)
    elif kind != "rgb8":
        raise SystemExit(f"{kind} is no kind of map; expected rgb8, rgba8, rgb16 or half")
    (folder / "map.png").write_bytes(imagecodecs.png_encode(levels, level=1))


def run(folder: Path, texture: Path) -> CommandCost:
    """Change the map once."""
    words = ["texture", "--mesh", str(folder / "head.obj"), "--texture", str(texture)]
    words += ["--expression", "happy", "--out", str(folder / f"new{texture.suffix}")]
    return cost_of(words, {**os.environ, "OMP_NUM_THREADS": "1"})


if __name__ == "__main__":
    main()
