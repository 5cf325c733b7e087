"""What starting costs: `--help` in times of `python -c "import click"`, and one frame, cold.

    python tests/measurements/startup.py

Prints medians of wall-clock time of the first two, which are run in turn, and medians and least
values of the processor time of `--help` and of `render` of one sample frame at 1280x720, each in a
process of its own. One run before them is not counted: it leaves Python's compiled files, as pip
does. Exits 1 if `--help` takes more than 3 times `import click`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS, RENDERS = 15, 7
HIGHEST_RATIO = 3.0
IMPORT_CLICK = [sys.executable, "-c", "import click"]
TOOL = [sys.executable, "-m", "reggan_plugin"]
SHOW_HELP = [*TOOL, "--help"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
SAMPLE = Path("reggan_plugin/samples/avatar_png/avatar.1001.png")


def time_ms(command: list[str]) -> float:
    """Wall-clock time of one run."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return 1000 * (time.perf_counter() - begin)


def processor_s(command: list[str]) -> float:
    """Processor time of one run, user and system."""
    begin = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    end = os.times()
    return sum(end[2:4]) - sum(begin[2:4])


def main() -> int:
    """Print the medians."""
    pairs = [(time_ms(IMPORT_CLICK), time_ms(SHOW_HELP)) for _ in range(RUNS + 1)][1:]
    click_ms, help_ms = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = help_ms / click_ms
    print(f"import click {click_ms:.0f} ms, --help {help_ms:.0f} ms, ratio {ratio:.2f}")
    helps_s = [processor_s(SHOW_HELP) for _ in range(RUNS)]
    with tempfile.TemporaryDirectory() as folder:
        render = [*TOOL, "render", str(SAMPLE), "--expression", "happy", "--quiet", "--out"]
        renders_s = [
            processor_s([*render, f"{folder}/{number}.png"]) for number in range(RENDERS + 1)
        ][1:]
    for what, seconds in (("--help", helps_s), ("render of one frame", renders_s)):
        print(f"{what}: {statistics.median(seconds):.2f} s of a core, least {min(seconds):.2f}")
    return int(ratio > HIGHEST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
