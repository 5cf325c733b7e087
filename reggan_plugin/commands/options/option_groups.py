"""Options under headings of the help, and options that a command takes as one argument."""

import functools
import inspect
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from reggan_plugin.commands.options.settings_file import (
    CONFIG_OPTION,
    SETTINGS_FILE,
    SETTINGS_META,
    apply_settings,
)

Command = TypeVar("Command", bound=Callable[..., Any])
AddOption = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Decorator that adds one option or several to a command."""


class FiniteRange(click.FloatRange):
    """A number in a range; click lets NaN through, which is in none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number


class GroupedOption(click.Option):
    """An option that the help shows under a heading."""

    def __init__(
        self, *args: Any, heading: str = "Options", is_input: bool = False, **settings: Any
    ) -> None:
        """Create the option.

        Args:
            args: as click has them.
            heading: of the help.
            is_input: whether its value names a file to read, which no output may replace.
            settings: as click has them; a default is shown unless told otherwise.
        """
        if settings.get("default") is not None and not settings.get("is_flag"):
            settings.setdefault("show_default", True)
        super().__init__(*args, **settings)
        self.heading, self.is_input = heading, is_input


class GroupedCommand(click.Command):
    """A command whose help shows each heading's options together, and which takes its defaults
    from a settings file.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        option = GroupedOption(
            [CONFIG_OPTION],
            heading="Settings",
            is_input=True,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            expose_value=False,
            metavar="FILE.toml",
            help=f"Defaults of these options.  [default: {SETTINGS_FILE} beside the input, or in "
            "your own folder for settings]",
        )
        self.params.append(option)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words, with the defaults of the settings file."""
        if not {"-h", "--help"} & set(args):
            apply_settings(ctx, self, args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by heading, in the order in which headings first appear."""
        sections: dict[str, list[tuple[str, str]]] = {}
        other: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if isinstance(param, click.Argument) or record is None:
                continue  # the text above tells of arguments
            if isinstance(param, GroupedOption):
                sections.setdefault(param.heading, []).append(record)
            else:
                other.append(record)
        for heading, records in {**sections, "Other": other}.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def shown_option(shown: str, *names: str, **settings: Any) -> Callable[[Command], Command]:
    """`click.option`, declared as the help shows it.

    Args:
        shown: its names and what it takes: `-o --out FILE`.
        names: the argument of the command, if that is another word.
        settings: as click has them.
    """
    words = shown.split()
    if len(words) > 1 and not words[-1].startswith("-"):
        settings["metavar"] = words.pop()
    return click.option(*words, *names, **settings)


def grouped_option(heading: str, *names: str, **settings: Any) -> Callable[[Command], Command]:
    """`shown_option` under a heading of the help."""
    return shown_option(*names, cls=GroupedOption, heading=heading, **settings)


def presets_option(use: str, heading: str = "Expression") -> AddOption:
    """Add `--presets`; `use` ends the sentence about expressions of one's own."""
    return grouped_option(
        heading,
        "--presets FILE.toml",
        is_input=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=f"Expressions of your own{use}",
    )


output_option = functools.partial(grouped_option, "Output")
"""`grouped_option` under the heading *Output*."""


def given_files() -> list[Path]:
    """Return the files that options of the running command name for reading (see `is_input`),
    and the one of settings.
    """
    context = click.get_current_context()
    values = [
        context.params.get(str(parameter.name))
        for parameter in context.command.params
        if isinstance(parameter, GroupedOption) and parameter.is_input
    ]
    values.append(context.meta.get(SETTINGS_META))
    paths = [Path(one) for one in values if isinstance(one, str | Path)]
    return [path for path in paths if path.is_file()]


def together(*options: AddOption) -> AddOption:
    """Add options, in the order of the help, as one."""

    def add_options(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add_options


def options_as(
    name: str | tuple[str, ...], collect: Callable[..., Any], *options: AddOption
) -> AddOption:
    """Add options whose values a command takes as one argument.

    Args:
        name: of that argument; several for the parts of a tuple.
        collect: makes it of the values of the options, which its parameters are named as.
        options: in the order of the help.
    """
    taken = tuple(inspect.signature(collect).parameters)

    def add_options(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_one_argument(**values: Any) -> Any:
            own = {key: values.pop(key) for key in taken}
            made = collect(**own)
            taken_as = {name: made} if isinstance(name, str) else zip(name, made, strict=True)
            return command(**dict(taken_as), **values)

        return together(*options)(with_one_argument)

    return add_options
