"""Passes of a render, and which of them move along with a face; without loading any library."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reggan_plugin.errors import MissingChannelsError
from reggan_plugin.imaging.pass_rules import PassRule


@dataclass(frozen=True, kw_only=True)
class RenderPass:
    """Channels of one part that belong together.

    Attributes:
        part_index: where they lie.
        path: the layer's full name with that of the view left out; of a part whose channels have
            plain names, the part's.
        channels: their names, in the order x, y, z or red, green, blue.
        alpha: the pass's own alpha, if it has one.
        rule: how it is moved; None if its name says nothing.
    """

    part_index: int
    path: str
    channels: tuple[str, ...]
    alpha: str | None
    rule: PassRule | None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    def is_called(self, pattern: str) -> bool:
        """Tell whether name or path fit a pattern with * and ?, in upper or lower case."""
        names = (self.name.lower(), self.path.lower())
        return any(fnmatchcase(name, pattern.lower()) for name in names)


@dataclass(frozen=True, kw_only=True)
class PassChoice:
    """The passes that move along.

    Attributes:
        patterns: names with * and ?, perhaps with a rule behind them; empty is every pass whose
            name is known.
    """

    patterns: tuple[tuple[str, PassRule | None], ...] = ()

    def rule_of(self, one: RenderPass) -> PassRule | None:
        """Return the rule by which a pass is moved; None if it is not."""
        if not self.patterns:
            return one.rule
        for pattern, rule in self.patterns:
            if one.is_called(pattern):
                return rule or one.rule or "colour"
        return None

    def refuse_unknown(self, passes: Sequence[RenderPass]) -> None:
        """Refuse patterns that name no pass.

        Raises:
            MissingChannelsError: there is none of that name.
        """
        for pattern, _ in self.patterns:
            if not any(one.is_called(pattern) for one in passes):
                found = ", ".join(dict.fromkeys(one.path for one in passes)) or "none"
                raise MissingChannelsError(
                    f"has no pass {pattern!r}; it has {found}.", kind="no-such-pass"
                )
