"""Runs a measurement in a process of its own: nothing is loaded, and its memory is its own."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from reggan_plugin.errors import RegganError


def run_fresh(module: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Run `python -m module`; returns the JSON that it prints last, and its `process_s`.

    Raises:
        RegganError: it fails; the message is its own.
    """
    command = [sys.executable, "-m", module, *arguments]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    process_s = time.perf_counter() - started
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2] or f"exit {done.returncode}"
        raise RegganError(f"The measurement {module} {' '.join(arguments)} failed: {reason}")
    found: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    return {**found, "process_s": round(process_s, 3)}
