"""What layers cost beside a frame at 4K, in times of the render without them.

    python -m tests.measurements.layers_cost [RUNS]

Renders a sample frame, enlarged to 3840x2160, as PNG and as half EXR: alone, with the three layers
that a composition needs, and with all six. Prints processor time of the whole command (medians of
RUNS, 1 unless given), the ratio to the render alone, the largest memory, and the size of the files.
"""

import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import OpenEXR
from PIL import Image

from .command_cost import CommandCost, cost_of

SAMPLE = Path("reggan_plugin/samples/avatar_png/avatar.1001.png")
SIZE = 3840, 2160
LAYERS = {
    "alone": "",
    "stmap,gain,paint": "stmap,gain,paint",
    "all six": "stmap,inverse,gain,paint,mask,delta",
}


def main() -> None:
    """Print a table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with tempfile.TemporaryDirectory() as folder:
        with Image.open(SAMPLE) as picture:
            large = picture.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
        png, exr = Path(folder, "frame.png"), Path(folder, "frame.exr")
        large.save(png, compress_level=1)
        linear = ((np.asarray(large, np.float32) / 255) ** 2.2).astype(np.float16)
        OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, {"RGB": linear}).write(str(exr))
        for frame in (png, exr):
            _table(frame, runs)


def _table(frame: Path, runs: int) -> None:
    alone = 0.0
    for number, (name, layers) in enumerate(LAYERS.items()):
        out = frame.parent / f"{frame.suffix[1:]}{number}"
        seconds, memory = zip(*(_render(frame, layers, out) for _ in range(runs)), strict=True)
        median = statistics.median(seconds)
        alone = alone or median
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        print(
            f"{frame.suffix[1:]} {name}: {median:.2f} s of a core, {median / alone:.2f} times, "
            f"{max(memory) / 1e6:.0f} MB of memory, {size / 1e6:.0f} MB of files",
            flush=True,
        )


def _render(frame: Path, layers: str, out: Path) -> CommandCost:
    words = ["--expression", "happy", "--quiet", "--overwrite", "--out", str(out / frame.name)]
    if layers and frame.suffix == ".exr":
        words += ["--exr-layers", layers]
    elif layers:
        words += ["--layers-out", str(out / "layers"), "--exr-layers", layers]
    return cost_of(["render", str(frame), *words])


if __name__ == "__main__":
    main()
