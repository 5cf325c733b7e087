"""`reggan-plugin dev ablation`: every method and variant, trained small on the same pairs."""

import json
from pathlib import Path

import click

from reggan_plugin.commands.verbosity import verbose_option
from reggan_training.commands.options import (
    config_option,
    given,
    report_line,
    run_options,
    set_threads,
    size_option,
    width_option,
)
from reggan_training.contract_1.ablation import ABLATION, chosen_entries, run_ablation
from reggan_training.contract_1.configuration import read_toml
from reggan_training.contract_1.dry_run import describe_run
from reggan_training.contract_1.training_loop import Session
from reggan_training.processes import join_processes


@click.command("ablation")
@run_options
@config_option
@size_option
@width_option
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(ABLATION)),
    metavar="NAME",
    help="This run alone. Can be repeated.",
)
@verbose_option
def ablation(
    data: tuple[Path, ...],
    out: Path,
    kimg: float | None,
    device: str,
    threads: int | None,
    dry_run: bool,
    config: Path | None,
    only: tuple[str, ...],
    size: int | None,
    width: float | None,
) -> None:
    """Train every method and variant, small, on the same pairs; stopped, it goes on where it was.

    Runs of 64 px at a quarter of the width, unless a GPU allows for more, one after another in
    --out/NAME: the six methods, RegGAN without its input, with statues in the training, and
    RegGAN and SARGAN on 25 to 200 identities.

    \b
    Example:
      reggan-plugin dev ablation --data pictures --out runs/ablation --only reggan --only sargan
    """
    set_threads(threads)
    tables = read_toml(config) if config else {}
    model = {**tables.pop("model", {}), **given(side_px=size, width=width)}
    changes = {**tables, **given(length_kimg=kimg), "model": model}
    entries = chosen_entries(data, only, changes, report_line)
    if dry_run:
        with join_processes(device) as processes:
            for name, settings in entries.items():
                description = describe_run(Session(data, settings, processes, report_line))
                click.echo(json.dumps({"name": name, **description}))
        return
    for folder in run_ablation(data, out, entries, report=report_line, device=device):
        click.echo(folder)
