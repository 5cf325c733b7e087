"""Processor time of a live change with the default model, one thread.

OMP_NUM_THREADS=1 python tests/measurements/live.py
"""

import json
import tempfile
import time
from pathlib import Path

from reggan_plugin.commands.demo import sample_shots
from reggan_plugin.transfer import ExpressionTransfer
from reggan_plugin.ui.live_pipe import LivePipe

CHANGES = 6


def main() -> None:
    """Change one sample frame again and again; the first change reads it."""
    pipe = LivePipe(ExpressionTransfer(None, device="cpu"))
    shot = next(path for path in sample_shots() if path.name == "avatar_png")
    request = {"frame": str(min(shot.iterdir())), "face": 0, "longest_px": 1024}
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "live.raw")
        for number in range(CHANGES):
            change = {"weights": {"happy": 0.2 * number}, "intensity": 1.0, "adds": False}
            asked = {**request, "id": number, "change": change, "out": out}
            began = time.process_time()
            answer = pipe.answer(json.dumps(asked))
            size = f"{answer['width']}x{answer['height']}"
            print(f"{size}: {time.process_time() - began:.3f} s of a processor core")


if __name__ == "__main__":
    main()
