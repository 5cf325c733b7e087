"""Cues: from a frame on the face takes an expression, by way of a blend from the one before."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .errors import BridgeError
from .expression_blend import names_are_alike, shares_from_blend
from .vocabulary import ALL_EXPRESSIONS, SHAPE_NAMES

NO_EXPRESSIONS = ("none", "off")
"""Names of cues from which on the face shows what it showed."""


@dataclass(frozen=True, kw_only=True)
class Cue:
    """From this frame on, these shares of expressions; none leaves the face as it is."""

    frame: int
    shares: Mapping[str, float]


def cue_from_name(frame: int, name: str, presets: Collection[str] = ()) -> Cue | None:
    """Return the cue of a timeline marker such as `happy` or `sad:0.6+pain`; None if it is none.

    Args:
        frame: of the marker.
        name: its name.
        presets: names of one's own expressions.
    """
    if name.strip().lower() in NO_EXPRESSIONS:
        return Cue(frame=frame, shares={})
    try:
        shares = shares_from_blend(name, has_presets=bool(presets))
    except BridgeError:
        return None
    known = (*ALL_EXPRESSIONS, *SHAPE_NAMES, *presets)
    if not all(any(names_are_alike(one, other) for other in known) for one in shares):
        return None
    return Cue(frame=frame, shares=shares)


def cues_from_runs(names: Mapping[int, str]) -> list[Cue]:
    """Return a cue wherever the expression of a frame differs from that of the frame before.

    Args:
        names: by frame; empty is none.
    """
    cues: list[Cue] = []
    before: str | None = None
    for frame, name in sorted(names.items()):
        if name != before:
            cues.append(Cue(frame=frame, shares={name: 1.0} if name else {}))
            before = name
    return cues


def shares_at(cues: Sequence[Cue], frame: float, blend_over: int) -> dict[str, float]:
    """Return the shares of expressions at a frame.

    Args:
        cues: by their frames, each once.
        frame: of the scene.
        blend_over: frames from a cue's own to the first that shows all of it. The first cue is
            there at once.
    """
    shares: dict[str, float] = {}
    begun = [cue for cue in cues if cue.frame <= frame]
    for place, cue in enumerate(begun):
        until = begun[place + 1].frame if place + 1 < len(begun) else frame
        passed = until - cue.frame
        if place == 0 or passed >= blend_over:
            shares = dict(cue.shares)
        else:
            shares = _between(shares, cue.shares, _eased(passed / blend_over))
    return shares


def sorted_cues(cues: Iterable[Cue]) -> list[Cue]:
    """Return cues by their frames; of two on one frame the later of the list."""
    return [cue for _, cue in sorted({cue.frame: cue for cue in cues}.items())]


def _between(
    before: Mapping[str, float], after: Mapping[str, float], part: float
) -> dict[str, float]:
    return {
        name: (1 - part) * before.get(name, 0.0) + part * after.get(name, 0.0)
        for name in dict.fromkeys((*before, *after))
    }


def _eased(part: float) -> float:
    return part * part * (3 - 2 * part)
