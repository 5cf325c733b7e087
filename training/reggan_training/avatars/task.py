"""The task of a worker that renders."""

from dataclasses import dataclass
from typing import Literal

from reggan_training.avatars.identity_plan import identity_name


@dataclass(frozen=True, kw_only=True)
class Task:
    """An identity, or a shot of the identity."""

    kind: Literal["identity", "shot"]
    style: str
    number: int

    @property
    def name(self) -> str:
        """The identity's name."""
        return identity_name(self.style, self.number)

    @property
    def title(self) -> str:
        """Name in progress and errors."""
        return self.name if self.kind == "identity" else f"shots/{self.name}"
