"""The task of a worker that renders."""

from dataclasses import dataclass

from reggan_training.avatars.identity_plan import identity_name


@dataclass(frozen=True, kw_only=True)
class Task:
    """An identity to render."""

    style: str
    number: int

    @property
    def name(self) -> str:
        """The identity's name."""
        return identity_name(self.style, self.number)
