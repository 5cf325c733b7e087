"""How long `reggan-plugin --help` takes, in times of `python -c "import click"`.

    python tests/measurements/startup.py

Both are run in turn; the medians are compared. Exits 1 if the ratio is above 3.
"""

import statistics
import subprocess
import sys
import time

RUNS = 15
HIGHEST_RATIO = 3.0
IMPORT_CLICK = [sys.executable, "-c", "import click"]
SHOW_HELP = [sys.executable, "-m", "reggan_plugin", "--help"]


def time_ms(command: list[str]) -> float:
    """Wall-clock time of one run."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - begin)


def main() -> int:
    """Print both medians and their ratio."""
    pairs = [(time_ms(IMPORT_CLICK), time_ms(SHOW_HELP)) for _ in range(RUNS + 1)][1:]
    click_ms, help_ms = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = help_ms / click_ms
    print(f"import click {click_ms:.0f} ms, --help {help_ms:.0f} ms, ratio {ratio:.2f}")
    return int(ratio > HIGHEST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
