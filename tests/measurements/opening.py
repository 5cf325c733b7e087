"""What opening the default model costs by what ONNX Runtime does beforehand.

    python -m tests.measurements.opening [MODEL]

Prints processor seconds of opening, processor time of a run, the largest memory of a process that
opens and runs the model, and a hash of its answers: equal ones are equal in every bit. Each of the
`ROUNDS` is a process of its own, turn by turn; times are the least of them, which what else runs
lengthens least.
"""

import hashlib
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

from reggan_plugin.backends.onnx_runtime_runner import IDLE_ON_CPU
from reggan_plugin.models.model_card import find_model

ROUNDS, RUNS = 7, 10
CHOICES = ("as ONNX Runtime does", "no reuse planned", "one loop", "as we do", "not optimised")
"""Each of the first four leaves out more; the last leaves out all."""


def main() -> None:
    """Print a row for each choice."""
    model = Path(sys.argv[1]) if len(sys.argv) > 1 else find_model(None)
    found: dict[str, list[list[float | str]]] = {choice: [] for choice in CHOICES}
    for _ in range(ROUNDS):
        for choice in CHOICES:
            command = [sys.executable, "-m", __spec__.name, str(model), choice]
            found[choice].append(json.loads(subprocess.check_output(command)))
    for choice, rows in found.items():
        opening_s, run_ms, memory_mb, answers = (min(column) for column in zip(*rows, strict=True))
        print(
            f"{choice}: opening {opening_s:.3f} s of a core, run {run_ms:.1f} ms of a core, "
            f"memory {memory_mb:.0f} MB, answers {answers}"
        )


def measure(model: str, choice: str) -> None:
    """Print what one process finds."""
    left_out = CHOICES.index(choice)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_mem_reuse = left_out < 1
    if left_out >= 2:
        options.add_session_config_entry("session.graph_optimizations_loop_level", "0")
    if left_out == 4:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    idle = IDLE_ON_CPU if left_out == 3 else None
    begin = time.process_time()
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=idle
    )
    opening_s = time.process_time() - begin
    random = np.random.default_rng(0)
    inputs = {
        one.name: random.random([n if isinstance(n, int) else 1 for n in one.shape], np.float32)
        for one in session.get_inputs()
    }
    times_s = []
    for _ in range(RUNS):
        begin = time.process_time()
        answers = session.run(None, inputs)
        times_s.append(time.process_time() - begin)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    digest = hashlib.sha256(b"".join(answer.tobytes() for answer in answers)).hexdigest()[:8]
    print(json.dumps([opening_s, 1000 * statistics.median(times_s), memory_mb, digest]))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(*sys.argv[1:])
    else:
        main()
