"""The one interface behind which every inference library stands."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[np.float32]]
ASKED_FOR = "asked for"
"""The reason for a device that was named."""


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
