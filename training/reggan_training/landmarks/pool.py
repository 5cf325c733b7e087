"""The pool of pictures that networks are trained on, as it lies in memory.

On disk it is a folder of shards, uncompressed npz files of about 150 pictures each, with the arrays
that `kept_parts` names. Shards come while the trainer draws from those that are there.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

MOST_PICTURES: Final = 60_000
"""In memory; a picture takes 180 KB."""
SIDES_OF: Final = {
    "face": ("face",),
    "eye": ("eye_right", "eye_left"),
    "brow": ("brow_right", "brow_left"),
    "mouth": ("mouth",),
}
"""Arrays of a shard, by the kind of network that looks at them."""


class PicturePool:
    """Shards of pictures in memory.

    Args:
        folder: of the shards; may come later.
        kinds: of the networks that are shown them.
        most: shards beyond so many pictures are not read.
    """

    def __init__(self, folder: Path, kinds: Iterable[str], most: int = MOST_PICTURES) -> None:
        self._folder, self._most = folder, most
        self._names = ["points"]
        for kind in kinds:
            for name in SIDES_OF[kind]:
                self._names += [name, f"{name}_to"]
            if kind == "face":
                self._names.append("label")
        self._read: set[Path] = set()
        self._arrays: dict[str, list[Tensor]] = {name: [] for name in self._names}
        self._starts: list[int] = []
        self.count = 0

    def refresh(self) -> None:
        """Read the shards that are new."""
        for path in sorted(self._folder.glob("*.npz")):
            if path in self._read or self.count >= self._most:
                continue
            with np.load(path) as shard:
                self._add({name: shard[name] for name in self._names})
            self._read.add(path)

    def _add(self, shard: dict[str, np.ndarray]) -> None:
        for name, array in shard.items():
            self._arrays[name].append(torch.from_numpy(array))
        self._starts.append(self.count)
        self.count += len(shard["points"])

    def rows(self, name: str, index: Tensor) -> Tensor:
        """Rows of an array, from all shards.

        Args:
            name: of the array.
            index: numbers of pictures, below `count`.
        """
        starts = torch.tensor(self._starts)
        shard = torch.searchsorted(starts, index, right=True) - 1
        own = index - starts[shard]
        arrays = self._arrays[name]
        return torch.stack([arrays[int(s)][int(k)] for s, k in zip(shard, own, strict=True)])
