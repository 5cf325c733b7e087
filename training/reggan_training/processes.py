"""One training run in one process or in several, as `torchrun` starts them.

Gradients are averaged by hand after each backward pass rather than by DistributedDataParallel:
generator and discriminator run several times in one step, and penalties differentiate twice.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.distributed as dist
from torch import Tensor, nn

from reggan_plugin.errors import DeviceUnavailableError

_THREADS = "OPENBLAS_NUM_THREADS"


@dataclass(frozen=True, kw_only=True)
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
