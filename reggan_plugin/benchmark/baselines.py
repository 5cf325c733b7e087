"""Additions of the exporter's room to a benchmark, reached by entry point, never by import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from reggan_plugin.benchmark.contestant import Contestant
from reggan_plugin.missing_package import needs_extra

ENTRY_POINT_GROUP = "reggan_plugin.benchmark"


@dataclass(frozen=True, kw_only=True)
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
