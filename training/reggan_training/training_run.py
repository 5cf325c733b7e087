"""What trainings share: the loop, its log and progress line, a network with its checkpoint; one run
in one process or in several, as `torchrun` starts them.

Gradients are averaged by hand after each backward pass rather than by DistributedDataParallel:
generator and discriminator run several times in one step, and penalties differentiate twice.
"""

import copy
import json
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from io import BytesIO
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from reggan_plugin.errors import DeviceUnavailableError
from reggan_plugin.file_safety import appearing, write_atomically
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.signals_and_timeouts import stop_on_signals

_THREADS = "OPENBLAS_NUM_THREADS"


@frozen
class Processes:
    """This process among those of the run.

    Attributes:
        rank: 0 for the one that writes files.
        count: how many there are.
        device: where this one computes.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def is_first(self) -> bool:
        """True if this process writes files."""
        return self.rank == 0

    def share(self, module: nn.Module) -> None:
        """Give every process the first one's weights and buffers."""
        if self.count > 1:
            with torch.no_grad():
                for value in module.state_dict().values():
                    whole = value.contiguous()
                    dist.broadcast(whole, 0)
                    value.copy_(whole)

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace every gradient by its mean over the processes."""
        if self.count == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        parts = torch.split(flat / self.count, [gradient.numel() for gradient in gradients])
        for gradient, mean in zip(gradients, parts, strict=True):
            gradient.copy_(mean.view_as(gradient))

    def average(self, values: Tensor) -> Tensor:
        """Return the mean over the processes."""
        if self.count > 1:
            dist.all_reduce(values)
            values = values / self.count
        return values

    def any(self, flag: bool) -> bool:
        """Tell whether the flag is set in any process."""
        if self.count == 1:
            return flag
        votes = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(votes)
        return votes.item() > 0


def device_to_train_on(device: str) -> str:
    """`cpu` or `cuda` for `cpu`, `cuda`, or `auto`, which is CUDA where there is a device.

    Raises:
        DeviceUnavailableError: CUDA was asked for by name and is not there.
    """
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise DeviceUnavailableError(
            "PyTorch finds no CUDA device here. Install a CUDA build of torch and its driver, or "
            "train on the CPU.",
            kind="no-cuda-to-train",
        )
    return "cuda" if device == "cuda" or (device == "auto" and has_cuda) else "cpu"


@contextmanager
def join_processes(device: str) -> Iterator[Processes]:
    """Find this process among those that `torchrun` started; the only one without `torchrun`.

    Args:
        device: see `device_to_train_on`.

    Raises:
        DeviceUnavailableError: CUDA was asked for by name and is not there.
    """
    kind = device_to_train_on(device)
    count = int(os.environ.get("WORLD_SIZE", "1"))
    place = torch.device(kind)
    if kind == "cuda":
        place = torch.device(kind, int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(place)
    if count == 1:
        yield Processes(device=place)
        return
    dist.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        yield Processes(rank=dist.get_rank(), count=count, device=place)
    finally:
        dist.destroy_process_group()


@contextmanager
def multiplying_in_one_thread() -> Iterator[None]:
    """Let processes that are started meanwhile keep OpenBLAS from starting threads.

    It reads the variable when NumPy is loaded, which a spawned process does before any line of
    ours: without it, each of them would take all cores for products of small matrices.
    """
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        del os.environ[_THREADS]
        if before is not None:
            os.environ[_THREADS] = before


Network = TypeVar("Network", bound=nn.Module)
_NAMES_BEFORE = {"step": "steps", "average": "ema", "optimizer": "optimiser"}
"""Of what a checkpoint holds: those of the locator's up to 0.4.1, by those of today."""


def commit_of_source() -> str:
    """Describe the commit of this code, `-dirty` where files were changed since."""
    try:
        result = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
        )
    except (OSError, subprocess.CalledProcessError):
        return "not under version control"
    return result.stdout.strip()


class TrainingTask(Protocol):
    """What is trained, and on what; all else of a run is the same for all."""

    @property
    def progress(self) -> float:
        """Share of the run that is done; from 1 on it ends."""
        ...

    def take_step(self) -> Mapping[str, float]:
        """Learn from one batch; returns the losses."""
        ...

    def is_due(self, since_s: float) -> bool:
        """Whether to store, so many seconds after the last time."""
        ...

    def store(self, losses: Mapping[str, float], since_s: float) -> None:
        """Write checkpoint and log, and report.

        Args:
            losses: means since the last time.
            since_s: seconds since then.
        """
        ...


def run_training(task: TrainingTask, processes: Processes | None = None) -> None:
    """Take steps until the task is done; store when it is due, in the end, and at a signal.

    Args:
        task: that is run.
        processes: that run it together; a signal to one of them ends all.

    Raises:
        Interrupted: a signal came; the state was stored.
    """
    sums: dict[str, tuple[float, int]] = {}
    stored = time.monotonic()
    with stop_on_signals() as stop:
        while task.progress < 1:
            for name, value in task.take_step().items():
                total, count = sums.get(name, (0.0, 0))
                sums[name] = (total + value, count + 1)
            is_made = stop.is_made()
            is_stopped = is_made if processes is None else processes.any(is_made)
            since_s = time.monotonic() - stored
            if is_stopped or task.progress >= 1 or task.is_due(since_s):
                task.store({name: total / count for name, (total, count) in sums.items()}, since_s)
                sums, stored = {}, time.monotonic()
            if is_stopped:
                stop.raise_if_made()
                return


def write_arrays(
    path: Path, arrays: Mapping[str, np.ndarray], *, is_compressed: bool = True
) -> None:
    """Write an npz file, whole or not at all; the same arrays give the same bytes."""
    content = BytesIO()
    save = np.savez_compressed if is_compressed else np.savez
    save(content, allow_pickle=False, **arrays)
    write_atomically(path, content.getvalue())


def append_line(log: Path, values: Mapping[str, float | str]) -> None:
    """Append numbers to a log, as one JSON object on a line."""
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(dict(values)) + "\n")


def progress_line(place: str, values: Mapping[str, float | str]) -> str:
    """Write a line for people: how far a run is, and its numbers."""
    shown = (f"{v:.4f}" if isinstance(v, float) else str(v) for v in values.values())
    return "  ".join(
        [place, *(f"{name} {value}" for name, value in zip(values, shown, strict=True))]
    )


@torch.no_grad()
def average_into(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move an exponential moving average of weights and buffers one step on."""
    means, values = average.state_dict().values(), network.state_dict().values()
    pairs = [(m, v) for m, v in zip(means, values, strict=True) if m.dtype.is_floating_point]
    torch._foreach_lerp_([m for m, _ in pairs], [v for _, v in pairs], 1 - decay)
    for mean, value in zip(means, values, strict=True):
        if not mean.dtype.is_floating_point:
            mean.copy_(value)


class NetworkTraining(Generic[Network]):
    """A network in training, its EMA weights and its optimiser, kept in one file.

    Attributes:
        steps: taken so far.
        seconds: that the caller says it took.
    """

    def __init__(
        self,
        network: Network,
        checkpoint: Path,
        *,
        rate: float,
        rises: int = 100,
        weight_decay: float = 1e-3,
        record: Mapping[str, Any] | None = None,
    ) -> None:
        """Take a network; go on with a checkpoint that is there.

        Args:
            network: with its first weights.
            checkpoint: its file.
            rate: at which to learn.
            rises: steps over which the rate rises at first.
            weight_decay: of the optimiser.
            record: plain values that the file holds beside.
        """
        self._checkpoint, self._rises, self._record = checkpoint, rises, dict(record or {})
        self.network: Network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = copy.deepcopy(self.network)
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=rate, weight_decay=weight_decay
        )
        self.steps, self.seconds = 0, 0.0
        if checkpoint.exists():
            stored = read_checkpoint(checkpoint)
            self.network.load_state_dict(stored["network"])
            self.ema.load_state_dict(stored["ema"])
            self._optimiser.load_state_dict(stored["optimiser"])
            self.steps, self.seconds = stored["steps"], stored.get("seconds", 0.0)

    def save(self) -> None:
        """Write the checkpoint, in one step."""
        stored = {
            **self._record,
            "network": self.network.state_dict(),
            "ema": self.ema.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "steps": self.steps,
            "seconds": self.seconds,
        }
        with appearing(self._checkpoint) as temporary:
            torch.save(stored, temporary)

    def descend(
        self,
        loss: Tensor,
        rate: float,
        *,
        most_decay: float = 0.999,
        decay: float | None = None,
        longest_gradient: float = 2.0,
    ) -> None:
        """Take one step down a loss.

        Args:
            loss: of a batch.
            rate: at which to learn; the first steps of a run are slower.
            most_decay: of the EMA weights, which forget faster at first.
            decay: of the EMA weights at this step, instead.
            longest_gradient: to which a longer one is cut.
        """
        for group in self._optimiser.param_groups:
            group["lr"] = rate * min(1.0, (self.steps + 1) / self._rises)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), longest_gradient)
        self._optimiser.step()
        self.steps += 1
        if decay is None:
            decay = min(most_decay, (1 + self.steps) / (20 + self.steps))
        average_into(self.ema, self.network, decay)


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Read what `NetworkTraining` saved; only tensors and plain values are unpacked.

    Raises:
        FileNotFoundError: there is none yet.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file.parent} holds no {file.name}; train that network first")
    stored: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return {_NAMES_BEFORE.get(name, name): value for name, value in stored.items()}
