"""`python -m reggan_plugin` is the `reggan-plugin` command."""

import gc
import os
import sys


def start() -> int:
    """Run the command line that started this process, and return its exit code.

    What modules make while they load lasts as long as the process. Searching it for garbage, then
    and once more at the end, takes a tenth of a second: `_loaded` turns the search on again.
    NumPy's products of matrices are small here; after each, threads of OpenBLAS would wait for the
    next in a loop that fills a core for a tenth of a second in a frame.
    """
    gc.disable()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is loaded
    from reggan_plugin.cli import main

    try:
        return main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(start())
