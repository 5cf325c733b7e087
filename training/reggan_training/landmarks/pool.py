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


def arrays_of(kinds: Iterable[str]) -> list[str]:
    """Arrays that the networks of these kinds are shown."""
    names = ["points"]
    for kind in kinds:
        for name in SIDES_OF[kind]:
            names += [name, f"{name}_to"]
        if kind == "face":
            names.append("label")
    return names


class PicturePool:
    """Shards of pictures in memory.

    Args:
        folder: of the shards; may come later.
        names: of the arrays that are read.
        most: shards beyond so many pictures are not read.
    """

    def __init__(self, folder: Path, names: Iterable[str], most: int = MOST_PICTURES) -> None:
        self._folder, self._most, self._names = folder, most, tuple(names)
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
        self.count += len(shard[self._names[0]])

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
