"""What other packages add to this one by entry point: image formats, takes, meshes, architectures.

The name of an entry point is the suffix of its files without the dot, or an architecture's name, so
that each table is known without importing anything. What this package has itself comes first, and
none of this is looked at for it. Examples: docs/extending.md.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from reggan_plugin.errors import RegganError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Kind = Literal["image_formats", "takes", "meshes", "architectures"]


@cache
def attached(kind: Kind) -> "Mapping[str, EntryPoint]":
    """Return the entry points of the group `reggan_plugin.<kind>`, by their names."""
    from importlib.metadata import entry_points  # takes as long as all of click

    return {point.name: point for point in sorted(entry_points(group=f"reggan_plugin.{kind}"))}


def load_attached(kind: Kind, name: str) -> Any:
    """Import what a package adds under a name.

    Raises:
        RegganError: it does not load.
    """
    point = attached(kind)[name]
    with attached_faults(kind, name, "does not load"):
        return point.load()


@contextmanager
def attached_faults(
    kind: Kind,
    name: str,
    failing: str = "fails",
    *,
    unread: str = "",
    error_type: type[RegganError] = RegganError,
) -> Iterator[None]:
    """Let whatever the code of another package raises name that package.

    Nobody knows what that code raises. `sys.exit()` in it would end the program as if all was done.

    Args:
        kind: what the package adds.
        name: under which name.
        failing: what its code does if it raises.
        unread: how the sentence begins if the code was given a file of a user.
        error_type: of the error that is raised.

    Raises:
        RegganError: as the code raised it, or in place of any other exception.
    """
    try:
        yield
    except (RegganError, MemoryError, KeyboardInterrupt):
        raise
    except BaseException as error:
        point = attached(kind)[name]
        package = point.dist.name if point.dist else point.module
        remedy = "Check the file, mend" if unread else "Mend"
        raise error_type(
            f"{unread}{package} adds {name} to the {kind.replace('_', ' ')} that are read, but its "
            f"{point.value} {failing}: {_cause(error)}. {remedy} that package, or "
            "uninstall it.",
            kind="attached-package",
        ) from error


def _cause(error: BaseException) -> str:
    said = "" if isinstance(error, SystemExit) else str(error).strip().rstrip(".")
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


Answer = TypeVar("Answer")


def expect_type(answer: object, expected: type[Answer]) -> Answer:
    """Return what another package answered, if it is what it should be.

    Raises:
        TypeError: it is something else; stands under `attached_faults`.
    """
    if not isinstance(answer, expected):
        raise TypeError(f"it gives {type(answer).__name__} in place of {expected.__name__}")
    return answer
