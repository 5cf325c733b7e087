"""How much faster the shipped model is than a US-GAN-shaped generator of the same size.

Both run in ONNX Runtime on one thread of the CPU, turn by turn, so that whatever else the
machine does slows both alike. The rival has random weights: its shape is what is timed.

    python tests/benchmarks/model_speed.py [--rounds 15]
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from reggan_plugin.backends.onnx_runtime import runner_from_onnx
from reggan_plugin.backends.runner import Runner
from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_plugin.models import find_model
from reggan_training.networks.architectures import build_model
from reggan_training.networks.expression_model import ModelSettings

SIDE = 256


def rival_runner(folder: Path) -> Runner:
    """A US-GAN-shaped generator as ONNX Runtime sees it."""
    path = folder / "us_gan.onnx"
    example = (torch.rand(1, 3, SIDE, SIDE), torch.eye(len(EXPRESSION_NAMES))[1:2])
    network = build_model(ModelSettings(architecture="us-gan", side_px=SIDE)).eval()
    program = torch.onnx.export(
        network, example, input_names=["image", "expression"], dynamo=True, verbose=False
    )
    assert program is not None
    program.save(path)
    return runner_from_onnx(path, "cpu", threads=1)


def main() -> None:
    """Time both and print the ratio of the medians as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    image = np.random.default_rng(0).random((1, 3, SIDE, SIDE), dtype=np.float32)
    inputs = {"image": image, "expression": np.eye(len(EXPRESSION_NAMES), dtype=np.float32)[1:2]}
    with tempfile.TemporaryDirectory() as folder:
        runners = {
            "reggan": runner_from_onnx(find_model(), "cpu", threads=1),
            "us_gan": rival_runner(Path(folder)),
        }
        seconds: dict[str, list[float]] = {name: [] for name in runners}
        for turn in range(rounds + 2):
            for name, runner in runners.items():
                started = time.perf_counter()
                runner.run(inputs)
                if turn >= 2:  # the first runs allocate
                    seconds[name].append(time.perf_counter() - started)
    medians = {name: 1000 * statistics.median(values) for name, values in seconds.items()}
    ratio = medians["us_gan"] / medians["reggan"]
    print(json.dumps({"median_ms": medians, "times_as_fast": round(ratio, 2)}, indent=1))


if __name__ == "__main__":
    main()
