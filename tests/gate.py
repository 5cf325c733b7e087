"""The gate: formatter, linter, strict types, import contracts, tests. Stops at no failure.

The first four run side by side; the tests then share two processes, file by file.

python tests/gate.py [pytest arguments]
"""

import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
STATIC = {
    "format": [SCRIPTS / "ruff", "format", "--check", "."],
    "lint": [SCRIPTS / "ruff", "check", "."],
    "types": [SCRIPTS / "mypy"],
    "import contracts": [SCRIPTS / "lint-imports"],
}
"""The checks that run nothing of ours: name → command."""
PYTEST = [sys.executable, "-m", "pytest", "-n", "2", "--dist=loadfile", "--no-loadscope-reorder"]
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # two processes fill two cores; more threads would wait for each other
    "PYTHONHASHSEED": "0",  # both processes find the tests in one order
}


def main(pytest_arguments: list[str]) -> int:
    """Run every check; return the number of those that failed."""
    with ThreadPoolExecutor(2) as pool:
        codes = dict(zip(STATIC, pool.map(_check, STATIC, STATIC.values()), strict=True))
    codes["tests"] = _check("tests", [*PYTEST, *pytest_arguments], shown_at_once=True)
    failed = [name for name, code in codes.items() if code]
    print(f"gate: {'failed: ' + ', '.join(failed) if failed else 'passed'}")
    return len(failed)


def _check(name: str, command: Sequence[str | Path], *, shown_at_once: bool = False) -> int:
    """Run a check and return its exit code; its output comes in one piece unless shown at once."""
    started = time.monotonic()
    result = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=os.environ | ENVIRONMENT,
        stdout=None if shown_at_once else subprocess.PIPE,
        stderr=None if shown_at_once else subprocess.STDOUT,
        text=True,
    )
    seconds = time.monotonic() - started
    ending = f"--- {name}: exit {result.returncode}, {seconds:.0f} s\n"
    print((result.stdout or "") + ending, end="", flush=True)
    return result.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
