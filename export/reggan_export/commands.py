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
@click.option(
    "--max-yaw",
    "max_yaw_deg",
    type=click.FloatRange(0, 180),
    metavar="DEGREES",
    help="Turn of the head up to which `evaluate` found the model to beat its input; render fades "
    "the intensity to 0 over the next 10.  [default: no limit]",
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
def onnx(
    run: Path,
    out: Path,
    name: str | None,
    version: str,
    max_yaw_deg: float | None,
    overwrite: bool,
) -> None:
    """Export the run folder RUN, of any architecture, to one ONNX file.

    The file is compared with PyTorch before it gets its name.

    \b
    Example:
      reggan-plugin export onnx runs/first --out my-avatar.onnx
    """
    if out.exists() and not overwrite:
        raise OutputExistsError(f"{out} exists already; add --overwrite, or name another file.")
    differences = export_expression_model(
        run, out, name=name or out.stem, version=version, max_yaw_deg=max_yaw_deg
    )
    click.echo(json.dumps({"model": str(out), "difference_levels": differences}))
