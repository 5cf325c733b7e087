"""What whole frames of one face take: processor time a frame, and the largest memory of the shot.

    python -m tests.measurements.frames_cost [HEIGHT:FRAMES ...]

Frames of 16:9 and 8 bits are made of a sample frame, so that the face is half as high as the
picture; without arguments 1080:6, 2160:6, 4320:3 and 8640:2. Each shot is rendered as PNG by one
command, tracked first, in a process of its own; reading, writing and starting count in.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from .command_cost import CommandCost, cost_of

Image.MAX_IMAGE_PIXELS = None
SAMPLE = Path("reggan_plugin/samples/avatar_png/avatar.1001.png")
AROUND_FACE = (284, 80, 995, 480)
"""Twice as high as the face, in the sample frame."""
USUAL = ("1080:6", "2160:6", "4320:3", "8640:2")


def main() -> None:
    """Print a row for each size."""
    for asked in sys.argv[1:] or USUAL:
        height, frames = (int(number) for number in asked.split(":"))
        with tempfile.TemporaryDirectory() as folder:
            shot = Path(folder, "shot")
            program = f"import sys; from {__spec__.name} import make; make(*sys.argv[1:])"
            words = [sys.executable, "-c", program, str(shot), str(height), str(frames)]
            subprocess.run(words, check=True)  # whose memory would be counted in this process
            seconds, memory = run(shot)
        print(
            f"{height * 16 // 9}x{height}: {seconds / frames:.2f} s of a core a frame, "
            f"of {frames}; {memory / 1e9:.2f} GB of memory",
            flush=True,
        )


def make(folder: str, height: str, frames: str) -> None:
    """Write a shot whose frames are all alike."""
    Path(folder).mkdir()
    with Image.open(SAMPLE) as picture:
        size = int(height) * 16 // 9, int(height)
        large = picture.convert("RGB").crop(AROUND_FACE).resize(size, Image.Resampling.BICUBIC)
    first = Path(folder, "a.1.png")
    large.save(first, compress_level=1)
    for number in range(2, int(frames) + 1):
        Path(folder, f"a.{number}.png").write_bytes(first.read_bytes())


def run(shot: Path) -> CommandCost:
    """Render all frames."""
    words = ["render", str(shot), "--expression", "happy", "--quiet"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return cost_of(words, environment)


if __name__ == "__main__":
    main()
