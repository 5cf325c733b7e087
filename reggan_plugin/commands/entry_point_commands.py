"""Commands that other packages attach by entry point, and what these packages say of them.

    [project.entry-points."reggan_plugin.commands"]
    train = "studio_training.commands.train:train [train]"

The entry point names the extra that the command needs. A package may have a module
`commands.words`, which must import nothing heavy: its `HELP` has the line that the group's help
shows for each command, its `WORKSHOP` names those of `dev`, and its
`REMEDIES` say what to do about its errors.
"""

import importlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINT_GROUP = "reggan_plugin.commands"


@dataclass(frozen=True)
class CommandWords:
    """The words of a package for its commands: help lines, which are of `dev`, and remedies."""

    help: Mapping[str, str]
    workshop: Collection[str]
    remedies: Mapping[str, str]


@cache
def attached_commands() -> "Mapping[str, EntryPoint]":
    """Return all attached commands by name, of `dev` and not; none is imported."""
    from importlib.metadata import entry_points  # takes as long as all of click

    points = entry_points(group=ENTRY_POINT_GROUP)
    return {point.name: point for point in sorted(points, key=lambda point: point.name)}


def package_of(point: "EntryPoint") -> str:
    """Return the name of the package that a command comes from."""
    return point.module.partition(".")[0]


@cache
def words_of(package: str) -> CommandWords:
    """Return what a package says of its commands."""
    try:
        module = importlib.import_module(f"{package}.commands.words")
    except ModuleNotFoundError:
        return CommandWords({}, (), {})
    return CommandWords(module.HELP, module.WORKSHOP, module.REMEDIES)
