"""`reggan-plugin dev export-locator`: the locator's runs become its two model files."""

from pathlib import Path

import click

from reggan_export.commands.model_files import refuse_occupied
from reggan_plugin.commands.verbosity import verbose_option
from reggan_training.commands.options import overwrite_option


@click.command("export-locator")
@click.option(
    "--run",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder that holds the run folders `detector` and `landmarks`.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for detector.onnx and landmarks.onnx.",
)
@overwrite_option()
@verbose_option
def export_locator(run: Path, out: Path, overwrite: bool) -> None:
    """Export a trained face locator to ONNX and report its parity with PyTorch.

    \b
    Example:
      reggan-plugin dev export-locator --run runs/locator --out weights/face_locator
    """
    from reggan_export.locator_export import export_locator_part

    out.mkdir(parents=True, exist_ok=True)
    targets = [(part, out / f"{part}.onnx") for part in ("detector", "landmarks")]
    for _, target in targets:
        refuse_occupied(target, overwrite)
    for part, target in targets:
        click.echo(export_locator_part(part, run / part, target).table())
        click.echo(f"\n{target}")
