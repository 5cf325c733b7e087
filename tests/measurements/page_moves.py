"""Whether the local page's program keeps its memory over many moves of a slider.

    python -m tests.measurements.page_moves [MOVES] [MODEL]

Asks for changes over HTTP as the page does, 500 unless told otherwise, with a model of the tests
whose network costs nothing, or with MODEL. Prints the memory after 20, half and all of the moves,
and processor time of a move. The page itself is not there: tests/ui/test_page_browser.py has it.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from tests.motion_models import write_motion_model
from tests.ui.conftest import running_page, studio_of

WARM_UP = 20


def main() -> None:
    """Print a line at each mark."""
    moves = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "moving.onnx")
        if len(sys.argv) > 2:
            model = Path(sys.argv[2])
        else:
            write_motion_model(model, motion=(0.04, 0.0), gain=0.1, answers_to="jawOpen")
        with running_page(studio_of(model)) as page:
            file, begin = page.open_sample(), time.process_time()
            for number in range(1, moves + 1):
                weights = {"jawOpen": 0.2 + number % 100 / 200}
                asked = {"file": file, "face": 0, "change": {"weights": weights}}
                status, answer = page.post("change", **asked, longest=512, tab="a", order=number)
                assert status == 200, json.loads(answer)
                if number in (WARM_UP, moves // 2, moves):
                    seconds = (time.process_time() - begin) / number
                    print(
                        f"{number} moves: {_resident_mib():.0f} MiB, "
                        f"{1000 * seconds:.0f} ms of a core each",
                        flush=True,
                    )


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


if __name__ == "__main__":
    main()
