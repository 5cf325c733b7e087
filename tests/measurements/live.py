"""How soon a changed face is there, as Blender asks for it: the add-on's own pipe and timer.

Run it on a quiet machine, from the repository:

python -m tests.measurements.live
"""

import statistics
import sys
import tempfile
import time
from array import array
from pathlib import Path

from PIL import Image

from blender_addon.bridge.live_worker import INTERVAL_S, LiveWorker
from blender_addon.bridge.runtime import find_runtime
from reggan_plugin.commands.demo import sample_shots

SIZES = ((1280, 720), (1920, 1080))
MOVES, DRAGS = 20, 5
LONGEST_PX = 1024
"""The same as the add-on's."""


class AskedPipe:
    """A warm process that changes one frame."""

    def __init__(self, frame: Path, folder: Path) -> None:
        """Start it; the first picture is made."""
        runtime = find_runtime(sys.executable, None)
        self._worker = LiveWorker(runtime, ("--device", "cpu"), folder / "worker")
        self._frame, self._out, self._asked = frame, folder / "live.raw", 0
        self.ask()
        self.settle()

    def ask(self) -> None:
        """Ask for another intensity."""
        self._asked += 1
        intensity = 0.3 + 0.01 * (self._asked % 70)
        change = {"weights": {"happy": 1.0}, "intensity": intensity, "adds": False}
        asked = {"frame": str(self._frame), "face": 0, "longest_px": LONGEST_PX, "presets": None}
        self._worker.ask({**asked, "change": change, "out": str(self._out)})

    def look(self) -> None:
        """What the timer does: read the pictures that are there."""
        for answer in self._worker.poll():
            with self._out.open("rb") as file:
                array("f").fromfile(file, 4 * answer["width"] * answer["height"])

    def settle(self) -> float:
        """Look until what was asked for last is there; the seconds that it took."""
        began = time.monotonic()
        while not self._worker.is_done:
            time.sleep(INTERVAL_S)
            self.look()
        return time.monotonic() - began

    def drag(self) -> float:
        """Ask ten times a second for a second; the seconds from the last one to its picture."""
        for _ in range(10):
            self.ask()
            end = time.monotonic() + 0.1
            while time.monotonic() < end:
                time.sleep(INTERVAL_S)
                self.look()
        self.ask()
        return self.settle()

    def close(self) -> None:
        """End it."""
        self._worker.close()


def main() -> None:
    """Single moves, then drags, of an 8-bit frame of each size."""
    shot = next(path for path in sample_shots() if path.name == "avatar_png")
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            frame = Path(folder) / f"{size[0]}x{size[1]}.png"
            Image.open(min(shot.iterdir())).convert("RGB").resize(size).save(frame)
            pipe = AskedPipe(frame, Path(folder) / frame.stem)
            moves = []
            for _ in range(MOVES):
                pipe.ask()
                moves.append(pipe.settle())
            drags = [pipe.drag() for _ in range(DRAGS)]
            pipe.close()
            print(
                f"{frame.stem}: a move {statistics.median(moves):.3f} s, at most {max(moves):.3f}; "
                f"the end of a drag {statistics.median(drags):.3f} s, at most {max(drags):.3f}"
            )


if __name__ == "__main__":
    main()
