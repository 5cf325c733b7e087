"""`reggan-plugin expressions`: everything that a face can be asked for, by name."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.options_and_settings_file import (
    GroupedCommand,
    given_files,
    grouped_option,
    output_option,
    presets_option,
)
from reggan_plugin.file_safety import refuse_overwriting
from reggan_plugin.json_and_toml import json_text
from reggan_plugin.vocabulary.action_units import WEIGHTS_FROM_ACTION_UNIT
from reggan_plugin.vocabulary.expression import (
    EXPRESSION_NAMES,
    NAMED_EXPRESSIONS,
    Expression,
    read_presets,
)
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, NEUTRAL


@click.command(cls=GroupedCommand, epilog="\b\nExample:\n  reggan-plugin expressions --json")
@presets_option("; the file is checked.", "Also")
@grouped_option("Instead", "--shapes", is_flag=True, help="List the ARKit face shapes.")
@grouped_option(
    "Instead", "--units", is_flag=True, help="List the action units with the shapes of each."
)
@output_option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@verbose_option
def expressions(*, presets: Path | None, shapes: bool, units: bool, as_json: bool) -> None:
    """List the named expressions, for --expression of every command.

    The first seven work with every model. The others need a model with face shapes, as the default
    one has. An expression shuts an open mouth first, unless it is marked +. neutral, marked -,
    takes away what the face is read to show, also in a blend: neutral+sad.
    """
    refuse_overwriting([], given_files())  # by `>> studio.toml`
    own = read_presets(presets)
    listed = (*NAMED_EXPRESSIONS.values(), *own.values())
    if as_json:
        click.echo(json_text(_document(listed), indent=2))
    elif shapes:
        click.echo("\n".join(ARKIT_SHAPES))
    elif units:
        for unit, weights in WEIGHTS_FROM_ACTION_UNIT.items():
            moved = ", ".join(f"{shape} {weight:g}" for shape, weight in weights.items())
            click.echo(f"AU{unit:4}{moved}")
    else:
        for expression in listed:
            mark = "-" if expression.name == NEUTRAL else " " if expression.replaces else "+"
            aliases = ", ".join(expression.aliases)
            click.echo(f"{mark} {expression.name:24}{aliases}".rstrip())


def _document(listed: Iterable[Expression]) -> dict[str, Any]:
    return {
        "v": 1,
        "expressions": [
            {
                "name": expression.name,
                "aliases": list(expression.aliases),
                "replaces": expression.replaces,
                "every_model": expression.name in EXPRESSION_NAMES,
                "action_units": list(expression.action_units),
                "vrm_preset": expression.vrm_preset,
                "weights": dict(expression.weights),
                "source": expression.source,
            }
            for expression in listed
        ],
        "shapes": list(ARKIT_SHAPES),
        "action_units": {f"AU{u}": dict(w) for u, w in WEIGHTS_FROM_ACTION_UNIT.items()},
    }
