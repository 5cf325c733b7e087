"""A model that can be run, and how a device is named."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from reggan_plugin.errors import UsageError

Tensors = dict[str, NDArray[np.float32]]
ASKED_FOR = "asked for"
"""The reason for a device that was named."""

AUTO = "auto"
GPU = "gpu"
"""The best GPU that works; never the CPU."""
INDEXED_KINDS = ("cuda", "tensorrt", "tensorrt-ep", "rtx", "directml")
DEVICE_KINDS = ("cpu", *INDEXED_KINDS, "coreml", "openvino")


@runtime_checkable
class Runner(Protocol):
    """A model loaded on a device, ready to run any number of times."""

    reason: str
    """Why it runs there."""

    @property
    def device(self) -> str:
        """The device that it runs on: `cpu`, `cuda:0`, ..."""
        ...

    @property
    def metadata(self) -> Mapping[str, str]:
        """The string pairs stored in the model file."""
        ...

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Return every output by name for `inputs` by name."""
        ...


@dataclass(frozen=True, kw_only=True)
class DeviceName:
    """A kind of device and, where there can be several, which of them."""

    kind: str
    index: int = 0

    def __str__(self) -> str:
        return f"{self.kind}:{self.index}" if self.index else self.kind


def device_from_text(text: str) -> DeviceName:
    """Read `cpu`, `cuda`, `cuda:1`, ...; `auto` and `gpu` are no devices but choices among them.

    Raises:
        UsageError: no device is called so.
    """
    kind, colon, index = text.partition(":")
    is_known = kind in DEVICE_KINDS and not colon
    if not is_known and not (kind in INDEXED_KINDS and index.isdecimal()):
        raise UsageError(
            f"{text!r} is not a device; name {AUTO}, {GPU}, or one of {', '.join(DEVICE_KINDS)}; "
            f"{', '.join(INDEXED_KINDS)} take an index, such as cuda:1.",
            kind="unknown-device",
        )
    return DeviceName(kind=kind, index=int(index or 0))
