"""The gate: formatter, linter, strict types, import contracts, tests. Stops at no failure.

python tests/gate.py [pytest arguments]
"""

import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(pytest_arguments: list[str]) -> int:
    """Run every check; return the number of those that failed."""
    scripts = Path(sysconfig.get_path("scripts"))
    checks = {
        "format": [scripts / "ruff", "format", "--check", "."],
        "lint": [scripts / "ruff", "check", "."],
        "types": [scripts / "mypy"],
        "import contracts": [scripts / "lint-imports"],
        "tests": [sys.executable, "-m", "pytest", *pytest_arguments],
    }
    failed = []
    for name, command in checks.items():
        print(f"--- {name}", flush=True)
        started = time.monotonic()
        result = subprocess.run([str(part) for part in command], cwd=ROOT, env=os.environ)
        print(
            f"--- {name}: exit {result.returncode}, {time.monotonic() - started:.0f} s", flush=True
        )
        if result.returncode:
            failed.append(name)
    print(f"gate: {'failed: ' + ', '.join(failed) if failed else 'passed'}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
