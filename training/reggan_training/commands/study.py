"""`reggan-plugin study`: ask people, blind, and tally what they prefer."""

import click

from reggan_plugin.commands.command_group import LazyCommand, LazyGroup

_COMMANDS = {
    "make": LazyCommand(
        "reggan_training.commands.study_make:make", "Write a page for raters, and the key to it."
    ),
    "tally": LazyCommand(
        "reggan_training.commands.study_tally:tally",
        "Print which methods were preferred, and how surely.",
    ),
}


@click.group(
    "study",
    cls=LazyGroup,
    commands_by_name=_COMMANDS,
    epilog="\b\nExample:\n  reggan-plugin study make --help",
)
def study() -> None:
    """Ask people which pictures they prefer, blind, and tally their answers."""
