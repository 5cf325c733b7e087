"""A contestant of a benchmark: a model on a device."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reggan_plugin.backends.devices import DEVICE_KINDS, PROVIDERS, Runner
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.errors import DeviceUnavailableError, RegganError
from reggan_plugin.frozen import frozen
from reggan_plugin.missing_package import needs_extra
from reggan_plugin.models.model_card import RIG_CONTRACT, ModelCard, card_from_metadata
from reggan_plugin.rig.rig_model import model_inputs

ENTRY_POINT_GROUP = "reggan_plugin.benchmark"


@frozen(eq=False)
class Contestant:
    """A model, open on a device.

    Attributes:
        name: of the model.
        device: where it runs, and by what if that is not a device of ours.
        card: says what to feed it.
        runner: runs it; arrays in, arrays out, so that copies to a device count.
        load_s: what opening it took; an engine that had to be built is part of it.
        file: None if it is not run from a file.
    """

    name: str
    device: str
    card: ModelCard
    runner: Runner
    load_s: float
    file: Path | None

    def inputs(self, batch: int) -> dict[str, NDArray[np.float32]]:
        """Made-up faces, each asked for the first thing that the model knows beside none."""
        side, names = self.card.image_size_px, self.card.controls or self.card.expressions
        random = np.random.default_rng(0)
        image = random.random((batch, 3, side, side), dtype=np.float32)
        if self.card.contract == RIG_CONTRACT:  # it only finds landmarks; geometry is asked
            return model_inputs(self.card, image)
        wanted = np.zeros((batch, len(names)), np.float32)
        wanted[:, min(1, len(names) - 1)] = 1
        return {"image": image, "expression": wanted}


def open_contestant(
    model: Path, device: str, *, threads: int | None, largest_batch: int
) -> Contestant:
    """Open a model file.

    Raises:
        DeviceUnavailableError, ModelError: it cannot be run there.
    """
    started = time.perf_counter()
    runner = open_runner(model, device, threads=threads, batch=(1, 1, largest_batch))
    load_s = time.perf_counter() - started
    card = card_from_metadata(runner.metadata, str(model))
    return Contestant(
        name=model.stem, device=runner.device, card=card, runner=runner, load_s=load_s, file=model
    )


def open_everywhere(
    models: Sequence[Path], *, threads: int | None, largest_batch: int
) -> tuple[list[Contestant], dict[str, str]]:
    """Each model on each device that can be had; for the other devices, why not."""
    contestants, refused = [], {}
    for kind in DEVICE_KINDS:
        if kind in PROVIDERS and not PROVIDERS[kind].is_for_this_system:
            continue
        for model in models:
            try:
                contestants.append(
                    open_contestant(model, kind, threads=threads, largest_batch=largest_batch)
                )
            except DeviceUnavailableError as error:
                refused[kind] = error.found
    return contestants, refused


@frozen
class Roof:
    """The least time that a contestant could take on its hardware, whose peaks are measured.

    Attributes:
        gigaoperations: of one face.
        weight_mb: read once a run.
        face_mb: inputs and outputs of one face.
        inner_mb: of all tensors between, written and read, which a good compiler fuses away.
        peak_tera_s: operations in the model's precision, in 10^12/s, as the better of a large
            matrix product and a large convolution reaches them.
        memory_gb_s: copied within the device's memory, read and written.
        link_gb_s: copied between host and device; None where there is no such copy.
        least_ms: by batch size: the longer of computing and reading, and the copies.
    """

    gigaoperations: float
    weight_mb: float
    face_mb: float
    inner_mb: float
    peak_tera_s: float
    memory_gb_s: float
    link_gb_s: float | None
    least_ms: Mapping[int, float]


class Baselines(Protocol):
    """The services that `--peers` needs."""

    def write_peers(self, model: Path, folder: Path) -> list[Path]:
        """Return generators of other papers' shapes with random weights, at the model's side."""
        ...

    def open_in_pytorch(
        self, model: Path, devices: Sequence[str], threads: int | None
    ) -> list[Contestant]:
        """Return the model by PyTorch itself, on what it can use of the devices; none if it
        cannot.
        """
        ...

    def find_roof(
        self, contestant: Contestant, batches: Sequence[int], threads: int | None
    ) -> Roof | None:
        """Peak speed of the hardware; None for hardware that PyTorch cannot measure."""
        ...


def load_baselines() -> Baselines:
    """Import the exporter's room.

    Raises:
        MissingExtraError: it is not there, or lacks a package.
    """
    (point,) = entry_points(group=ENTRY_POINT_GROUP)
    with needs_extra("The comparison with peers", "export"):
        baselines: Baselines = point.load()()
    return baselines


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


@frozen
class ColdStart:
    """Medians of a few fresh processes; engines and kernels are in the cache already.

    Attributes:
        process_s: from the start of Python to its end.
        import_s: Python itself, our own modules and ONNX Runtime.
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
    runs = [run_fresh(__name__, [*arguments, str(time.time())]) for _ in range(_PROCESSES)]
    return ColdStart(
        **{name: statistics.median(run[name] for run in runs) for name in ColdStart.__annotations__}
    )


def main(model: str, device: str, threads: str, largest_batch: str, begun: str) -> None:
    """Measure in this process, which was begun at a time, and print JSON."""
    import_s = time.time() - float(begun)
    imported = time.perf_counter()
    contestant = open_contestant(
        Path(model), device, threads=int(threads) or None, largest_batch=int(largest_batch)
    )
    loaded = time.perf_counter()
    contestant.runner.run(contestant.inputs(1))
    found = {
        "import_s": import_s,
        "load_s": loaded - imported,
        "first_run_s": time.perf_counter() - loaded,
    }
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
