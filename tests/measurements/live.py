"""How soon a changed face is there while sliders move: from a value to the pixels.

Run it on a quiet machine, from the repository. With Blender as a module (docs/blender.md, "Tested
with") the add-on's own slider and timer are measured, up to the pixels of Blender's image:

blender-env/bin/python -m tests.measurements.live

Elsewhere the process that Blender asks, by its pipe alone:

python -m tests.measurements.live
"""

import os
import statistics
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

SIZES = ((1280, 720), (1920, 1080), (3840, 2160))
MOVES, DRAGS = 20, 8
INTERVAL_S = 0.01
"""That of blender_addon/operators/live.py, which only Blender can import."""
LONGEST_PX = 1024
"""The same as the add-on's."""
SHOT = Path(__file__).parents[2] / "reggan_plugin/samples/avatar_png"


class AskedPipe:
    """A warm process that changes one frame."""

    def __init__(self, frame: Path, folder: Path) -> None:
        """Start it; nothing is asked yet."""
        from blender_addon.bridge.find_runtime import find_runtime
        from blender_addon.bridge.live_worker import LiveWorker

        runtime = find_runtime(sys.executable, None)
        self._worker = LiveWorker(runtime, ("--device", "cpu"), folder / "worker")
        self._asked = {"frame": str(frame), "face": 0, "longest_px": LONGEST_PX, "presets": None}
        self._folder = folder
        self.is_settled = False

    def move(self, intensity: float) -> None:
        """Ask for another intensity."""
        change = {"weights": {"happy": 1.0}, "intensity": intensity, "adds": False}
        self._worker.ask({**self._asked, "change": change, "out": str(self._folder / "live.raw")})

    def tick(self) -> None:
        """What the timer does: read the picture that is there."""
        answers = self._worker.poll()
        if answers:
            path = self._folder / answers[-1]["file"]
            with path.open("rb") as file:
                array("f").fromfile(file, 4 * answers[-1]["width"] * answers[-1]["height"])
        for answer in answers:
            (self._folder / answer["file"]).unlink()
        self.is_settled = self._worker.is_done

    def close(self) -> None:
        """End it."""
        self._worker.close()


class SliderInBlender:
    """The add-on in Blender without a window: a slider, and the image that shows it."""

    def __init__(self, frame: Path, folder: Path) -> None:
        """Press *Live* over a frame."""
        bpy = import_module("bpy")  # before what it brings along
        import addon_utils

        addon = "blender_addon"
        addon_utils.enable(addon, default_set=True)
        preferences = bpy.context.preferences.addons[addon].preferences
        preferences.runtime = "ENVIRONMENT"
        preferences.environment = os.environ.get("REGGAN_PYTHON", sys.executable)
        from blender_addon.operators import live

        self._live = live
        self._window = bpy.context.window_manager.windows[0]
        self._area = self._window.screen.areas[0]
        self._area.type = "IMAGE_EDITOR"
        self._area.spaces.active.image = bpy.data.images.load(str(frame))
        self._settings = bpy.context.scene.reggan
        self._press()

    def move(self, intensity: float) -> None:
        """Move the slider, as a mouse does: Blender's handlers hear of it."""
        import bpy

        self._settings.intensity = intensity
        bpy.context.scene.update_tag()
        bpy.context.view_layer.update()

    def tick(self) -> None:
        """Blender's timer."""
        self._live.tick()

    @property
    def is_settled(self) -> bool:
        """True if the image shows the slider's value."""
        return self._live.is_settled()

    def close(self) -> None:
        """End it."""
        self._press()

    def _press(self) -> None:
        import bpy

        with bpy.context.temp_override(window=self._window, area=self._area):
            bpy.ops.reggan.live()


class Hand:
    """Moves a slider and waits for its picture."""

    def __init__(self, slider: AskedPipe | SliderInBlender, pause_s: Callable[[], float]) -> None:
        """The first picture is made."""
        self._slider, self._pause_s, self._moves = slider, pause_s, 0
        self.move()

    def move(self) -> float:
        """Move once; the seconds until the picture is there."""
        began = time.monotonic()
        self._moves += 1
        self._slider.move(0.3 + 0.01 * (self._moves % 70))
        while True:
            self._slider.tick()
            if self._slider.is_settled:
                return time.monotonic() - began
            time.sleep(self._pause_s())

    def drag(self) -> float:
        """Move fifty times in a second, then once more; the seconds that this one takes."""
        for _ in range(50):
            self._moves += 1
            self._slider.move(0.3 + 0.01 * (self._moves % 70))
            end = time.monotonic() + 0.02
            while time.monotonic() < end:
                time.sleep(min(self._pause_s(), 0.02))
                self._slider.tick()
        return self.move()


def main() -> None:
    """Single moves, then drags, of an 8-bit frame of each size."""
    is_blender = find_spec("bpy") is not None
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            frame = _frame_of(size, Path(folder))
            beside = Path(folder) / frame.stem
            slider = SliderInBlender(frame, beside) if is_blender else AskedPipe(frame, beside)
            hand = Hand(slider, lambda: INTERVAL_S)
            moves = [hand.move() for _ in range(MOVES)]
            drags = [hand.drag() for _ in range(DRAGS)]
            slider.close()
            print(
                f"{frame.stem}: a move {statistics.median(moves):.3f} s, at most {max(moves):.3f}; "
                f"the end of a drag {statistics.median(drags):.3f} s, at most {max(drags):.3f}",
                flush=True,
            )


def _frame_of(size: tuple[int, int], folder: Path) -> Path:
    from PIL import Image

    frame = folder / f"{size[0]}x{size[1]}.png"
    Image.open(min(SHOT.iterdir())).convert("RGB").resize(size).save(frame)
    return frame


if __name__ == "__main__":
    main()
