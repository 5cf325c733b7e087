"""A command group whose help loads none of its commands, and commands of other packages in it."""

import importlib
import importlib.util
import os
import shlex
import sys
from collections.abc import Collection, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from reggan_plugin.errors import MissingExtraError
from reggan_plugin.frozen import frozen

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@frozen(kw_only=False)
class LazyCommand:
    """The place of a command, and the line that the group's help shows for it."""

    target: str
    """`module:attribute`."""
    short_help: str
    extra: str = ""
    """The extra without which it cannot be imported or run; empty if the package suffices."""
    is_group: bool = False
    """Of commands that other packages attach."""


class LazyGroup(click.Group):
    """Own commands by name, and those that other packages attach by entry point.

    An attached command names the extra that it needs in its entry point:

        [project.entry-points."reggan_plugin.commands"]
        train = "studio_training.commands.train:train [train]"

    Its package may have a module `commands.words`, which must import nothing heavy: its `HELP` has
    the line that the group's help shows for each command, its `WORKSHOP` names those of `dev`, and
    its `REMEDIES` say what to do about its errors. A group within the group has own commands only.
    """

    def __init__(
        self,
        *args: Any,
        commands_by_name: Mapping[str, LazyCommand] | None = None,
        attaches: Literal["main", "workshop"] | None = None,
        **settings: Any,
    ) -> None:
        """Create the group; `args` and `settings` are those of click's.

        Args:
            args: of click's.
            commands_by_name: its own commands.
            attaches: whether other packages attach commands to it, and which of theirs.
            settings: of click's.
        """
        super().__init__(*args, **settings)
        self._own, self._attaches = commands_by_name or {}, attaches

    @cached_property
    def _attached(self) -> "dict[str, EntryPoint]":
        if self._attaches is None:
            return {}
        return {
            name: point
            for name, point in attached_commands().items()
            if (name in words_of(package_of(point)).workshop) == (self._attaches == "workshop")
        }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Own commands in their order, then the attached ones."""
        return [*self._own, *(name for name in self._attached if name not in self._own)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of this name; None if there is none.

        Raises:
            MissingExtraError: a package that it needs is not installed.
        """
        if cmd_name in self._own:
            target = self._own[cmd_name].target
            is_runtimes = self._attaches is not None and not self._own[cmd_name].is_group
            if is_runtimes and "numpy" not in sys.modules:
                # Products of matrices are small here; after each, threads of OpenBLAS would wait
                # for the next in a loop that fills a core for a tenth of a second in a frame. What
                # other packages attach, such as trainings, has large ones and takes all cores.
                os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        elif cmd_name in self._attached:
            target = self._attached[cmd_name].value.partition(" ")[0]
        else:
            return None
        try:
            module, _, attribute = target.partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        except ModuleNotFoundError as error:
            raise self._missing_extra(ctx, cmd_name, error) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command as click does, and name those that a mistyped one may mean.

        Raises:
            click.UsageError: there is no such command.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if "render" in self._own and Path(args[0]).exists():
                name = shlex.quote(args[0])
                hint = f"{error.message} To change it: reggan-plugin render {name} -e happy"
                raise click.UsageError(hint, ctx) from error
            import difflib  # few mistype

            near = difflib.get_close_matches(str(args[0]), self.list_commands(ctx), 3)
            if not near:
                raise
            hint = f"{error.message} Did you mean {' or '.join(near)}?"
            raise click.UsageError(hint, ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments name.

        Raises:
            MissingExtraError: a package that it needs is not installed.
        """
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:  # imported by the command while it ran
            raise self._missing_extra(ctx, ctx.invoked_subcommand or "", error) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        own = [(name, command.short_help) for name, command in self._own.items()]
        attached = [
            (name, words_of(package).help.get(name, f"From {package}."))
            for name, package in ((name, package_of(one)) for name, one in self._attached.items())
            if name not in self._own
        ]
        if own:
            with formatter.section("Commands"):
                formatter.write_dl(own)
        if attached:
            with formatter.section("With an extra installed"):
                formatter.write_dl(attached)

    def _missing_extra(
        self, ctx: click.Context, name: str, error: ModuleNotFoundError
    ) -> Exception:
        """Return the error that names the remedy; `error` itself if that is not a missing extra."""
        missing = (error.name or "").partition(".")[0]
        if name in self._own:
            extras = self._own[name].extra
        else:
            point = self._attached.get(name)
            extras = ",".join(point.extras) if point else ""
        if not missing or not extras or importlib.util.find_spec(missing) is not None:
            return error
        return MissingExtraError(
            f"`{ctx.command_path} {name}` needs {missing}, which is not installed. Install it: "
            f'pip install "reggan-plugin[{extras}]"'
        )


ENTRY_POINT_GROUP = "reggan_plugin.commands"


@frozen(kw_only=False)
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
