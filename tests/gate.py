"""The gate: formatter, linter, strict types, import contracts, tests. Stops at no failure.

The tests share two processes, file by file; the other checks run one after the other beside them
and are shown at the end.

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
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
TYPES = "import gc; gc.disable(); gc.enable = gc.disable; from mypy.main import main; main()"
"""mypy, which would collect garbage in a quarter of its time; without, it takes 2 GB, not 1."""
STATIC = {
    "format": [SCRIPTS / "ruff", "format", "--check", "."],
    "lint": [SCRIPTS / "ruff", "check", "."],
    "types": [sys.executable, "-c", TYPES],
    "import contracts": [SCRIPTS / "lint-imports"],
}
"""The checks that run nothing of ours: name → command."""
PYTEST = [sys.executable, "-m", "pytest", "-n", "2", "--dist=loadfile", "--no-loadscope-reorder"]
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # two processes fill two cores; more threads would wait for each other
    "PYTHONDONTWRITEBYTECODE": "",  # hundreds of processes are started: compile once
    "PYTHONHASHSEED": "0",  # both processes find the tests in one order
}


def main(pytest_arguments: list[str]) -> int:
    """Run every check; return the number of those that failed."""
    with ThreadPoolExecutor(1) as pool:
        beside = {name: pool.submit(_check, command) for name, command in STATIC.items()}
        checks = {"tests": _check([*PYTEST, *pytest_arguments], shown_at_once=True)}
        checks |= {name: check.result() for name, check in beside.items()}
    for name, check in checks.items():
        print(f"--- {name}: exit {check.code}, {check.seconds:.0f} s\n{check.output}", end="")
    failed = [name for name, check in checks.items() if check.code]
    print(f"gate: {'failed: ' + ', '.join(failed) if failed else 'passed'}")
    return len(failed)


class _Check(NamedTuple):
    code: int
    output: str
    seconds: float


def _check(command: Sequence[str | Path], *, shown_at_once: bool = False) -> _Check:
    started = time.monotonic()
    run = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=os.environ | ENVIRONMENT,
        stdout=None if shown_at_once else subprocess.PIPE,
        stderr=None if shown_at_once else subprocess.STDOUT,
        text=True,
    )
    return _Check(run.returncode, run.stdout or "", time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
