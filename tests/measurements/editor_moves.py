"""How much of a core a move of the Expression Editor takes, without ComfyUI and a browser.

    python -m tests.measurements.editor_moves

Asks for what the node asks for while a slider moves, a draft of 320 pixels as PNG, and at rest, for
the samples, with three expressions. Prints milliseconds of processor time in the median, and at
most, of twenty moves each.
"""

import os
import statistics
import sys
import time
from types import ModuleType

from reggan_plugin.comfyui.frames_from_tensors import read_batch
from reggan_plugin.comfyui.preview import Previews
from tests.comfyui.conftest import batch_of
from tests.sample_frames import SAMPLES

EXPRESSIONS = ("happy", "surprised", "browOuterUpLeft")
MOVES = 20
STAGES = {"a move, a draft of 320 px": (320, True), "at rest, 640 px": (640, False)}


def main() -> None:
    """Print a line for each sample and stage."""
    folders = ModuleType("folder_paths")  # of a ComfyUI without models of one's own
    vars(folders)["models_dir"] = ""
    sys.modules["folder_paths"] = folders
    previews = Previews()
    print(f"load {os.getloadavg()[0]:.1f}")
    for name in ("avatar_png", "toon", "statue"):
        path = sorted((SAMPLES / name).iterdir())[0]
        previews.remember(name, read_batch(batch_of(path), "sRGB"), None)
        for stage, (longest, is_draft) in STAGES.items():
            taken = []
            for expression in EXPRESSIONS:
                for move in range(MOVES + 1):
                    change = {"weights": {expression: 0.3 + 0.03 * move}}
                    asked = {"node": name, "change": change, "longest": longest}
                    begin = time.process_time()
                    previews.picture({**asked, "draft": is_draft, "device": "cpu"})
                    taken += [1000 * (time.process_time() - begin)] if move else []
            print(f"{name}, {stage}: {statistics.median(taken):.0f}, at most {max(taken):.0f} ms")


if __name__ == "__main__":
    main()
