"""What other packages add to this one by entry point: image formats, takes, meshes, architectures.

The name of an entry point is the suffix of its files without the dot, or an architecture's name, so
that each table is known without importing anything. What this package has itself comes first, and
none of this is looked at for it. Examples: docs/extending.md.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

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
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        package = point.dist.name if point.dist else point.module
        raise RegganError(
            f"{package} adds {name} to the {kind.replace('_', ' ')} that are read, but its "
            f"{point.value} does not load: {error}. Mend that package, or uninstall it.",
            kind="attached-package",
        ) from error
