"""What the program does for a model before it answers; a card may say otherwise."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from reggan_plugin.faces.turned_heads import FADE_DEG

Backdrop = Literal["grey", "continued"]


@dataclass(frozen=True, kw_only=True)
class Handling:
    """How a face is shown to a model, and where its effect fades; the defaults are of contract 3.

    Attributes:
        backdrop: what a model sees behind transparent pixels: middle grey, or colours that run on.
        fade_deg: beyond the card's `max_yaw_deg`, the turn over which the effect fades to nothing.
        lifts_spectacles: whether it is shown faces without them.
    """

    backdrop: Backdrop = "grey"
    fade_deg: float = FADE_DEG
    lifts_spectacles: bool = True

    def __post_init__(self) -> None:
        fade, lifts = self.fade_deg, self.lifts_spectacles
        is_number = isinstance(fade, int | float) and not isinstance(fade, bool)
        for name, holds, expected in (
            ("backdrop", self.backdrop in ("grey", "continued"), "grey or continued"),
            ("fade_deg", is_number and math.isfinite(fade) and 0 < fade <= 180, "above 0, to 180"),
            ("lifts_spectacles", isinstance(lifts, bool), "true or false"),
        ):
            if not holds:
                raise ValueError(f"its handling's {name} has to be {expected}")

    def document(self, usual: "Handling") -> dict[str, Any]:
        """Return what differs from the usual, as plain JSON."""
        own, other = asdict(self), asdict(usual)
        return {name: value for name, value in own.items() if value != other[name]}

    def with_document(self, found: Mapping[str, Any]) -> "Handling":
        """Return the same with what a card replaces.

        Raises:
            ValueError: it replaces what is not known, or by what cannot be.
        """
        unknown = set(found) - {one.name for one in fields(self)}
        if unknown:
            raise ValueError(f"its handling names {', '.join(sorted(unknown))}, which is not known")
        return Handling(**{**asdict(self), **found})


PICTURE_HANDLING = Handling(backdrop="continued", lifts_spectacles=False)
"""Of contract 1, whose pictures are taken as they are."""
