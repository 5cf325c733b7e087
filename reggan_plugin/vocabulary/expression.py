"""A named expression."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Expression:
    """One facial expression under the names that other systems know it by.

    Attributes:
        name: what records and folders call it.
        aliases: other words for it.
        action_units: of FACS, the main ones (Du, Tao & Martinez, "Compound facial expressions of
            emotion", PNAS 111(15), 2014, table 1, where it is one of theirs).
        vrm_preset: its name among the presets of VRM 1.0.
        weights: of ARKit face shapes; neutral has none.
        replaces: whether it takes the place of what the face shows. Expressions of a part of the
            face, such as a blink, are laid over it.
        source: where the weights come from, in one line.
        meanings: words that are near in meaning; they are answered with this name, not taken.
    """

    name: str
    aliases: tuple[str, ...] = ()
    action_units: tuple[int, ...] = ()
    vrm_preset: str | None = None
    weights: Mapping[str, float]
    replaces: bool = True
    source: str
    meanings: tuple[str, ...] = ()
