"""`reggan-plugin study tally`: raters' answers become a table of preferences."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from reggan_plugin.commands.options.option_groups import shown_option
from reggan_plugin.commands.terminal import verbose_option


@click.command("tally")
@click.argument(
    "answers", type=click.Path(exists=True, dir_okay=False, path_type=Path), nargs=-1, required=True
)
@click.option(
    "--key",
    "key_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="key.json of the study.",
)
@shown_option(
    "--max-attention-failures N",
    type=click.IntRange(min=0),
    help="Leave out raters who failed more attention checks.  [default: count everybody]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@verbose_option
def tally(
    *, answers: Sequence[Path], key_path: Path, max_attention_failures: int | None, as_json: bool
) -> None:
    """Print how often each method was preferred, with 95 % confidence intervals.

    \b
    Example:
      reggan-plugin study tally answers/*.json --key study/key.json
    """
    from reggan_training.papers.study.tally import (
        json_from_tally,
        markdown_from_tally,
        read_key,
        read_sheets,
        tally_answers,
    )

    key = read_key(key_path)
    result = tally_answers(key, read_sheets(answers, key), max_attention_failures)
    if as_json:
        click.echo(json.dumps(json_from_tally(result), indent=1))
    else:
        click.echo(markdown_from_tally(result))
