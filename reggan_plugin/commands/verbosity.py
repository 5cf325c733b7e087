"""`-v`, which stands before or after the name of a command."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click


@dataclass
class Verbosity:
    """The setting of `-v`: errors show their traceback, and libraries log."""

    is_verbose: bool = False


def verbose_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-v` to a command."""
    return click.option(
        "-v",
        "--verbose",
        is_flag=True,
        expose_value=False,
        callback=_set_verbosity,
        help="Log more, and show the traceback of an error.",
    )(command)


def _set_verbosity(context: click.Context, _: click.Parameter, is_verbose: bool) -> None:
    if is_verbose:
        context.ensure_object(Verbosity).is_verbose = True
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
