"""Heads of several families with their landmarks, to be drawn."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from reggan_plugin.rig.layout import SIDES
from reggan_training.data.split import VALID_HELD_OUT, is_held_out
from reggan_training.heads.head import HeadFamily, HeadMesh
from reggan_training.landmarks.points import DensePoints, dense_points, iris_of

SHARES: Final = {"ict": 0.36, "makehuman": 0.34, "valid": 0.30}
"""How often a head of each family is drawn."""
SHARE_OF_CHARACTER: Final = 0.30
"""How often one of a user's own heads is drawn, beside `SHARES`."""
MEAN_FAMILY: Final = "ict"
"""The family whose mean head has the landmarks that have no edge of their own."""
_NUMBERS: Final = 100_000
_PREFIXES: Final = {"ict": "ict", "makehuman": "mh"}
"""Of the names of identities, of families that sample them."""


class HeadSource:
    """Heads of several families with their landmarks.

    Args:
        families: by name; `ict` is one, for its mean head.
        shares: how often each is drawn, in parts of their sum.
        seed: of the identities.
        held_out: give held-out identities instead of those for training.

    Attributes:
        mean: ICT FaceKit's mean head.
        mean_points: its landmarks.
    """

    def __init__(
        self,
        families: Mapping[str, HeadFamily],
        shares: Mapping[str, float],
        seed: int,
        *,
        held_out: bool,
    ) -> None:
        self._families, self._seed, self._held_out = families, seed, held_out
        self._names = [name for name in families if shares.get(name, 0) > 0]
        total = sum(shares[name] for name in self._names)
        self._shares = [shares[name] / total for name in self._names]
        mean = families[MEAN_FAMILY].head(f"{MEAN_FAMILY}-{seed}-00000")
        self.mean = replace(mean, rest=mean.canonical)
        self.mean_points = dense_points(self.mean)
        self._found: dict[str, DensePoints] = {}

    def heads(self, random: np.random.Generator) -> Iterator[tuple[HeadMesh, DensePoints]]:
        """Heads without end."""
        while True:
            family = str(random.choice(self._names, p=self._shares))
            yield self.head(family, self._identity(family, random))

    def head(self, family: str, identity: str) -> tuple[HeadMesh, DensePoints]:
        """One head by name."""
        head = self._families[family].head(identity)
        # identities of a family that samples them share a mesh
        key = family if family in _PREFIXES else identity
        if key not in self._found:
            is_mean = family == MEAN_FAMILY
            self._found[key] = (
                self.mean_points if is_mean else dense_points(head, self.mean_points, self.mean)
            )
        eyes = {side: iris_of(head, side) for side in SIDES}
        return head, replace(self._found[key], eyes=eyes, rest=head.rest)

    def _identity(self, family: str, random: np.random.Generator) -> str:
        if family == "valid":
            names = self._families[family].identities(None, 0)
            is_wanted = [name for name in names if (name in VALID_HELD_OUT) == self._held_out]
            return str(random.choice(is_wanted))
        if family not in _PREFIXES:  # a user's own head: a family of one
            return self._families[family].identities(None, 0)[0]
        while True:
            number = int(random.integers(_NUMBERS))
            name = f"{_PREFIXES[family]}-{self._seed}-{number:05d}"
            if is_held_out(family, name) == self._held_out:
                return name
