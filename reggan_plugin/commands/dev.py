"""`reggan-plugin dev`: the workshop in which the models that ship are made and measured."""

import click

from reggan_plugin.commands.command_group_and_terminal import LazyGroup, verbose_option


@click.group(
    cls=LazyGroup,
    attaches="workshop",
    epilog="\b\nExample:\n  reggan-plugin dev train-judge --data pictures --out runs/judge",
)
@verbose_option
def dev() -> None:
    """Make and measure the locator, which finds faces, and the judges, which rate models."""
