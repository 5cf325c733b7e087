"""`reggan-plugin export`: a training run becomes a model file."""

import json
from pathlib import Path

import click

from reggan_export.expression_model import export_expression_model
from reggan_plugin.errors import OutputExistsError


@click.group("export")
def export() -> None:
    """Compile trained weights into model files."""


@export.command("onnx")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .onnx to write.")
@click.option("--name", help="Name in the card; by default that of the file.")
@click.option("--version", default="0.1.0", show_default=True, help="Version in the card.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
def onnx(run: Path, out: Path, name: str | None, version: str, overwrite: bool) -> None:
    """Export the run folder RUN to one ONNX file and compare it with PyTorch.

    \b
    Example:
      reggan-plugin export onnx runs/first --out my-avatar.onnx
    """
    if out.exists() and not overwrite:
        raise OutputExistsError(f"{out} exists already; add --overwrite, or name another file.")
    differences = export_expression_model(run, out, name=name or out.stem, version=version)
    click.echo(json.dumps({"model": str(out), "difference_levels": differences}))
