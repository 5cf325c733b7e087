"""How quick the local page's program is without a browser, and whether it keeps its memory.

    python -m tests.measurements.page_moves [MOVES] [MODEL]

Asks over HTTP as the page does for the gallery of the avatar sample, 1280x720, two pictures at a
time, and for the changes of a slider, 500 unless told otherwise, with the default model or MODEL.
Prints the seconds until the gallery is whole, then at 20, half and all of the moves: memory, median
time until the answer is there, and processor time of a move. Times depend on what else the machine
does. The page itself is not there: page_in_browser.py has it.
"""

import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reggan_plugin.commands.demo import sample_shots
from tests.ui.conftest import Caller, running_page, studio_of

WARM_UP = 20
PAGE_AT_ONCE = 2


def main() -> None:
    """Print the gallery's line, and one at each mark."""
    moves = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    model = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with running_page(studio_of(model, sample_shots())) as page:
        card = page.studio.transfer.card
        print(f"{card.name} {card.version}, load {os.getloadavg()[0]:.1f}, {_cores()} cores")
        begin, used = time.monotonic(), time.process_time()
        file = page.open_sample()
        names = _gallery(page, file)
        seconds, cpu = time.monotonic() - begin, time.process_time() - used
        print(f"gallery of {len(names)}: {seconds:.2f} s, {cpu:.2f} s of processor time")
        _move(page, file, moves)


def _gallery(page: Caller, file: int) -> list[str]:
    page.call("GET", f"frame?file={file}")
    page.call("GET", f"picture?file={file}")
    names = [one["name"] for one in json.loads(page.call("GET", "state")[1])["expressions"]]

    def make(name: str) -> None:
        change = {"weights": {name: 1}}
        status, answer = page.post("thumbnail", file=file, face=0, change=change)
        assert status == 200, answer

    with ThreadPoolExecutor(PAGE_AT_ONCE) as pool:
        list(pool.map(make, names))
    return names


def _move(page: Caller, file: int, moves: int) -> None:
    begin, taken = time.process_time(), []
    for number in range(1, moves + 1):
        asked = {
            "file": file,
            "face": 0,
            "change": {"weights": {"happy": 0.2 + number % 100 / 200}},
        }
        start = time.monotonic()
        status, answer = page.post(
            "change", **asked, longest=512, draft=True, tab="a", order=number
        )
        taken.append(1000 * (time.monotonic() - start))
        assert status == 200, json.loads(answer)
        if number in (WARM_UP, moves // 2, moves):
            seconds = (time.process_time() - begin) / number
            print(
                f"{number} moves: {_resident_mib():.0f} MiB, {statistics.median(taken):.0f} ms to "
                f"the answer in the median, {1000 * seconds:.0f} ms of a core each",
                flush=True,
            )


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else (os.cpu_count() or 1)


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


if __name__ == "__main__":
    main()
