"""From nothing to the first face: `python -m reggan_plugin.benchmark.cold_start MODEL DEVICE`."""

import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from reggan_plugin.benchmark.fresh_process import run_fresh

_PROCESSES = 3


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
