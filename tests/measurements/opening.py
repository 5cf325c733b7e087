"""What opening the default model costs, with and without planned reuse of memory.

    python -m tests.measurements.opening [MODEL]

Prints processor seconds of opening, processor time of a run, and the largest memory of a process
that opens and runs the model. Each row is a process of its own.
"""

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

from reggan_plugin.models import find_model

RUNS = 10


def main() -> None:
    """Start a process for each choice, each after a first one that warms the file cache."""
    model = Path(sys.argv[1]) if len(sys.argv) > 1 else find_model(None)
    for reuse in ("planned", "planned", "not planned"):
        subprocess.run([sys.executable, "-m", __spec__.name, str(model), reuse], check=True)


def measure(model: str, reuse: str) -> None:
    """Print one row."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_mem_reuse = reuse == "planned"
    begin = time.process_time()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    opening_s = time.process_time() - begin
    random = np.random.default_rng(0)
    inputs = {
        one.name: random.random([n if isinstance(n, int) else 1 for n in one.shape], np.float32)
        for one in session.get_inputs()
    }
    times_s = []
    for _ in range(RUNS):
        begin = time.process_time()
        session.run(None, inputs)
        times_s.append(time.process_time() - begin)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"reuse {reuse}: opening {opening_s:.2f} s of a core, run "
        f"{1000 * statistics.median(times_s):.1f} ms of a core, memory {memory_mb:.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(*sys.argv[1:])
    else:
        main()
