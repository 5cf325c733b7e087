"""Permission for scripts in a file: a second Blender runs them only where this one does.

A copy of a file is at another place than the file, and what was appended to it was never asked
about. So the second Blender does not decide for itself: it is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

_BLOCKS = ("-Y", "--disable-autoexec")


@dataclass(frozen=True, kw_only=True)
class ExcludedPath:
    """A place whose files run no scripts, as Blender's preferences list it."""

    path: str
    is_pattern: bool = False

    def covers(self, file: str) -> bool:
        """Tell whether the file is there, by Blender's own rule."""
        if not self.path:
            return False
        return fnmatch(file, self.path) if self.is_pattern else file.startswith(self.path)


def may_run_scripts(
    *,
    preference_allows: bool,
    was_blocked: bool,
    file: str,
    excluded: Sequence[ExcludedPath] = (),
    arguments: Sequence[str] = (),
) -> bool:
    """Tell whether the artist lets scripts and Python drivers of this file run.

    Args:
        preference_allows: *Auto Run Python Scripts* is on.
        was_blocked: Blender refused a script of the file since it was opened.
        file: where it was saved; empty if it never was.
        excluded: the places that the preferences exclude.
        arguments: of this Blender's own process.
    """
    is_excluded = bool(file) and any(place.covers(file) for place in excluded)
    is_switched_off = any(argument in _BLOCKS for argument in arguments)
    return preference_allows and not (was_blocked or is_excluded or is_switched_off)
