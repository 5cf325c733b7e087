"""From nothing to the first face: `python -m reggan_plugin.benchmark.cold_start MODEL DEVICE`."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reggan_plugin.errors import RegganError

_PROCESSES = 3


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


@dataclass(frozen=True, kw_only=True)
class ColdStart:
    """Medians of a few fresh processes; engines and kernels are in the cache already.

    Attributes:
        process_s: from the start of Python to its end.
        import_s: our own modules and ONNX Runtime.
        load_s: the model, on the device.
        first_run_s: the first face, on which devices allocate.
    """

    process_s: float
    import_s: float
    load_s: float
    first_run_s: float


def measure_cold_start(
    model: Path, device: str, *, threads: int | None, largest_batch: int
) -> ColdStart:
    """Start three processes, one after the other.

    Raises:
        RegganError: one of them fails.
    """
    arguments = [str(model), device, str(threads or 0), str(largest_batch)]
    runs = [run_fresh(__name__, arguments) for _ in range(_PROCESSES)]
    return ColdStart(
        **{name: statistics.median(run[name] for run in runs) for name in ColdStart.__annotations__}
    )


def main(model: str, device: str, threads: str, largest_batch: str) -> None:
    """Measure in this process and print JSON."""
    started = time.perf_counter()
    from reggan_plugin.benchmark.contestant import open_contestant  # is what is timed

    imported = time.perf_counter()
    contestant = open_contestant(
        Path(model), device, threads=int(threads) or None, largest_batch=int(largest_batch)
    )
    loaded = time.perf_counter()
    contestant.runner.run(contestant.inputs(1))
    found = {
        "import_s": imported - started,
        "load_s": loaded - imported,
        "first_run_s": time.perf_counter() - loaded,
    }
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
