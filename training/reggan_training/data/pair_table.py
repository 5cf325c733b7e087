"""The table of pairs: views that a command turns into each other, and odds of each pair.

A command (expression e, intensity a) turns what the source shows, x, into y = (1 - a)·x + a·e:
the blend that the regression layer makes of its filters. Only pairs of views of which that is
true are pairs to learn from. Neutral is the origin.
"""

import itertools
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import LARGEST_FULL, LEAST_FULL, Identity

_LEAST_CHANGE = 0.05
"""Commands below this intensity are not learnt from: hardly a pixel changes."""
_BLEND_WEIGHT = 0.4
"""Frequency of asking a neutral source for two expressions at once, against one in part."""
_STAY_NEUTRAL_SHARE = 0.04
"""Part of the neutral sources that are told to be neutral, so that they learn to stay."""

NEUTRAL_SOURCE, PARTIAL_SOURCE, DISTURBED_SOURCE, FULL_SOURCE = range(4)
"""Kinds of sources: neutral, an expression in part, eyes closed or mouth open, in full."""
_RELAX, _FULL, _GRADED = range(3)
"""Kinds of commands: be neutral, an expression in full, in part (or relax in part)."""


@frozen(kw_only=False)
class Command:
    """One expression asked for."""

    expression: int
    intensity: float


@frozen
class Pair:
    """Two views of one identity and what leads from one to the other.

    If `start` is a view, no render shows the target: it lies between `start` and `target`, at
    an intensity that is drawn anew each time. `weight` counts among pairs of the same kind.
    """

    source: int
    target: int
    command: Command
    start: int = -1
    weight: float = 1.0

    @property
    def kind(self) -> int:
        """Of the command."""
        if self.start >= 0 or self.command.intensity < 1:
            return _GRADED
        return _FULL if self.command.expression else _RELAX


@frozen
class PairSettings:
    """Settings of drawing pairs. What an identity has no views for is left out of its shares.

    Attributes:
        side_px: side of the crops.
        neutral_share: part of the pairs whose source is neutral.
        partial_share: part whose source shows an expression in part.
        disturbed_share: part whose source has its eyes closed or its mouth open. All other
            sources show an expression in full.
        relax_share: part of the pairs with another source than neutral that ask for neutral.
        full_share: part of the rest that ask for an expression in full.
        jitter: standard deviation of each aligned landmark, as a fraction of the side.
        augment: mirror pairs and change their colours and surroundings; off for measuring.
    """

    side_px: int = 256
    neutral_share: float = 0.5
    partial_share: float = 0.2
    disturbed_share: float = 0.15
    relax_share: float = 0.25
    full_share: float = 0.6
    jitter: float = 0.008
    augment: bool = True

    def __post_init__(self) -> None:
        sources = self.neutral_share, self.partial_share, self.disturbed_share
        for share in (*sources, sum(sources), self.relax_share, self.full_share):
            if not 0 <= share <= 1 + 1e-9:
                raise ValueError(
                    f"a share is {share:g}; shares, and those of sources together, lie in 0..1"
                )

    def of_source(self, kind: int) -> float:
        """Return the share of a kind of source."""
        shares = (self.neutral_share, self.partial_share, self.disturbed_share)
        return (*shares, max(0.0, 1 - sum(shares)))[kind]

    def of_command(self, kind: int, source_kind: int, kinds: Collection[int]) -> float:
        """Return the share of a kind of command among the `kinds` that a kind of source has."""
        relax = self.relax_share if source_kind != NEUTRAL_SOURCE else _STAY_NEUTRAL_SHARE
        full = self.full_share if {_FULL, _GRADED} <= set(kinds) else 1.0 * (_FULL in kinds)
        return (relax, (1 - relax) * full, (1 - relax) * (1 - full))[kind]


def rounded_state(
    state: Float[np.ndarray, "*views expressions"],
) -> Float[np.ndarray, "*views expressions"]:
    """Return the state with what counts as a full expression at exactly 1."""
    is_full = (state >= LEAST_FULL) & (state <= LARGEST_FULL + 1e-6)
    return np.where(is_full, 1.0, state)


def command_between(
    source: Float[np.ndarray, " expressions"],
    target: Float[np.ndarray, " expressions"],
    *,
    is_plain: bool = True,
) -> Command | None:
    """Find the command that turns one state into another; None if none does.

    Args:
        source: what the source shows.
        target: what the target shows.
        is_plain: whether nothing else differs; else only commands at full intensity are true.
    """
    x, y = rounded_state(source), rounded_state(target)
    shown = np.flatnonzero(y)
    if len(shown) == 0:
        return Command(0, 1.0)
    goal = int(shown[0])
    if len(shown) > 1 or not np.isfinite(y).all():
        return None
    if y[goal] == 1.0:
        return Command(goal, 1.0)
    others = np.flatnonzero(x)
    if not is_plain or y[goal] > 1 or any(e != goal for e in others):
        return None
    step = y[goal] - x[goal]
    intensity = step / (1 - x[goal]) if step > 0 else -step / x[goal]
    if not _LEAST_CHANGE <= intensity <= 1:
        return None
    return Command(goal if step > 0 else 0, float(intensity))


def pairs_of(identity: Identity) -> Iterator[Pair]:
    """Every pair of views that a command leads through; targets are plain.

    An identity without graded views gets pairs whose target lies between two full expressions.
    """
    views = range(len(identity.states))
    for s in views:
        for t in views:
            is_neutral = not identity.states[t].any()
            if not identity.is_plain[t] or (s == t and not is_neutral):
                continue
            command = command_between(
                identity.states[s], identity.states[t], is_plain=bool(identity.is_plain[s])
            )
            if command is not None:
                yield Pair(source=s, target=t, command=command)
    if not identity.has_graded_views:
        yield from _pairs_between(identity)


def _pairs_between(identity: Identity) -> Iterator[Pair]:
    """From each full expression part of the way to another; from neutral also to blends of two."""
    views = [(e, identity.full_view(e)) for e in range(len(EXPRESSION_NAMES))]
    full = {e: view for e, view in views if view is not None}
    for e, g in itertools.permutations(full, 2):
        command = Command(g, 1.0)
        yield Pair(source=full[e], target=full[g], command=command, start=full[e])
        others = [h for h in full if h not in (0, g)] if e == 0 else []
        for h in others:
            weight = _BLEND_WEIGHT / len(others)
            yield Pair(
                source=full[0], target=full[g], command=command, start=full[h], weight=weight
            )


def source_kind(identity: Identity, view: int) -> int:
    """One of the kinds of sources."""
    if not identity.is_plain[view]:
        return DISTURBED_SOURCE
    strongest = rounded_state(identity.states[view]).max()
    if strongest == 0:
        return NEUTRAL_SOURCE
    return FULL_SOURCE if strongest >= 1 else PARTIAL_SOURCE


@frozen(eq=False)
class PairTable:
    """All pairs of all identities, as columns.

    Attributes:
        identity: number of the identity.
        source, target, start: numbers of views; `start` is -1 where the target is a render.
        command: the expression and its intensity, before `start` is taken into account.
        cumulative: running sum of the probabilities; the last is 1.
    """

    identity: Int[np.ndarray, " pairs"]
    source: Int[np.ndarray, " pairs"]
    target: Int[np.ndarray, " pairs"]
    start: Int[np.ndarray, " pairs"]
    expression: Int[np.ndarray, " pairs"]
    intensity: Float[np.ndarray, " pairs"]
    cumulative: Float[np.ndarray, " pairs"]


def table_of(identities: Sequence[Identity], settings: PairSettings) -> PairTable:
    """All pairs; every identity that has any is drawn equally often."""
    rows: list[tuple[int, Pair]] = []
    weights: list[Float[np.ndarray, " pairs"]] = []
    for number, identity in enumerate(identities):
        pairs = list(pairs_of(identity))
        rows += [(number, pair) for pair in pairs]
        if pairs:
            weights.append(_weights(identity, pairs, settings))
    weight = np.concatenate(weights) if weights else np.zeros(0)
    cumulative = np.cumsum(weight) / max(weight.sum(), 1e-12)
    return PairTable(
        identity=np.array([number for number, _ in rows], dtype=np.int64),
        source=np.array([pair.source for _, pair in rows], dtype=np.int64),
        target=np.array([pair.target for _, pair in rows], dtype=np.int64),
        start=np.array([pair.start for _, pair in rows], dtype=np.int64),
        expression=np.array([pair.command.expression for _, pair in rows], dtype=np.int64),
        intensity=np.array([pair.command.intensity for _, pair in rows], dtype=np.float64),
        cumulative=cumulative,
    )


def _weights(
    identity: Identity, pairs: Sequence[Pair], settings: PairSettings
) -> Float[np.ndarray, " pairs"]:
    """Probabilities within one identity: by kind of source, then of command, then equal."""
    sources = np.array([source_kind(identity, pair.source) for pair in pairs])
    commands = np.array([pair.kind for pair in pairs])
    weights = np.array([pair.weight for pair in pairs])
    for source in set(sources.tolist()):
        kinds = set(commands[sources == source].tolist())
        for command in kinds:
            group = (sources == source) & (commands == command)
            weights[group] *= settings.of_command(command, source, kinds) / weights[group].sum()
        own = sources == source
        weights[own] *= settings.of_source(source) / max(weights[own].sum(), 1e-12)
    total = weights.sum()
    return weights / total if total > 0 else np.full(len(pairs), 1 / len(pairs))
