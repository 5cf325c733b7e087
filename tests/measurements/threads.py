"""What a second thread is worth in Python, and `sheet --all` beside the gallery of the page.

    python -m tests.measurements.threads [ROUNDS]

Each round changes the avatar sample by expressions in turn: by `ExpressionTransfer.apply` in one
thread and in two, then as cells of a sheet and as thumbnails of the page, both two at a time. All
four take the same number of faces and the same model. Printed are medians of the rounds: seconds by
the clock a face, processor time a face, and both ratios. Exits 1 if two threads are no faster than
one, or if a sheet takes more than half as long again as the gallery. Other work on the machine
takes the second core: the load is printed.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from reggan_plugin.__main__ import keep_freed_memory
from reggan_plugin.commands import sheet
from reggan_plugin.commands.demo import sample_shots
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.live_face import live_face
from reggan_plugin.ui.picture_sizes_and_memory import THUMBNAIL_PX, THUMBNAILS_AT_ONCE
from reggan_plugin.vocabulary.expression import NO_PRESETS, ExpressionMix

FACES = 8
"""Of each way in a round."""
MOST = 1.5
"""Of the gallery's processor time: cells have twice as many pixels as thumbnails."""


def main() -> None:
    """Time all four turn by turn, and print the ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    keep_freed_memory()  # as the command does
    transfer = ExpressionTransfer(device="cpu")
    (path, *_) = sorted(one for shot in sample_shots() for one in shot.glob("avatar.*.png"))
    frame, choice = read_frame(path), FaceChoice()
    with Image.open(path) as opened:
        picture = np.asarray(opened.convert("RGB"))
    drawn = sheet._find(transfer, path, frame, choice, None, finer=1, for_view=False)
    (crop,) = transfer.find_faces(frame, choice)
    thumbnail = live_face(transfer, frame, crop, 0.0, THUMBNAIL_PX, is_draft=True)

    def one(mix: ExpressionMix) -> None:
        transfer.apply(picture, mix)

    def of_page(mix: ExpressionMix) -> None:
        thumbnail.screen(thumbnail.change(transfer, mix))

    ways: dict[str, Callable[[Sequence[ExpressionMix]], object]] = {
        "Python, one thread": lambda mixes: _at_once(one, mixes, threads=1),
        "Python, two threads": lambda mixes: _at_once(one, mixes),
        "sheet": lambda mixes: list(drawn.views(mixes)),
        "gallery": lambda mixes: _at_once(of_page, mixes),
    }
    mixes = sheet._expressions(transfer.card, NO_PRESETS, is_of_all=True)[1:]
    wall: dict[str, list[float]] = {name: [] for name in ways}
    work: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(-1, rounds):  # the first round warms up
        for name, way in ways.items():
            own = [mixes[(max(number, 0) * FACES + i) % len(mixes)] for i in range(FACES)]
            begin, used = time.perf_counter(), time.process_time()
            way(own)
            if number >= 0:
                wall[name].append((time.perf_counter() - begin) / FACES)
                work[name].append((time.process_time() - used) / FACES)
    print(f"{rounds} rounds of {FACES} faces, load {os.getloadavg()[0]:.1f}")
    for name in ways:
        print(f"{name}: {_middle(wall[name])} s, {_middle(work[name])} s of processor time")
    gain = _ratio(wall, "Python, one thread", "Python, two threads")
    beside = _ratio(wall, "sheet", "gallery")
    of_work = _ratio(work, "sheet", "gallery")
    print(f"two threads are {gain:.2f} times as fast as one")
    print(f"a sheet takes {beside:.2f} of the gallery's time, {of_work:.2f} of its processor time")
    sys.exit(gain <= 1.0 or of_work > MOST)


def _at_once(
    does: Callable[[ExpressionMix], object],
    mixes: Sequence[ExpressionMix],
    threads: int = THUMBNAILS_AT_ONCE,
) -> None:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(does, mixes))


def _middle(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.2f}"


def _ratio(seconds: dict[str, list[float]], of: str, to: str) -> float:
    """Return the median, over the rounds, of one way's time as a multiple of another's."""
    pairs = zip(seconds[of], seconds[to], strict=True)
    return statistics.median(one / other for one, other in pairs)


if __name__ == "__main__":
    main()
