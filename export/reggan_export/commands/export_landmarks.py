"""`reggan-plugin export landmarks`: the landmark network's run becomes a rig's model file."""

from pathlib import Path

import click

from reggan_export.commands.options import refuse_occupied
from reggan_plugin.commands.verbosity import verbose_option
from reggan_training.commands.options import overwrite_option


@click.command("landmarks")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="The model file, an .onnx.",
)
@click.option(
    "--refinement",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="RUN",
    help="Run of train-refinement, which goes into the same file.",
)
@click.option("--version", default="0.4.0", show_default=True, help="Of the weights, in the card.")
@overwrite_option()
@verbose_option
def landmarks(run: Path, out: Path, refinement: Path | None, version: str, overwrite: bool) -> None:
    """Export landmarks that were trained to the file that a rig is laid by.

    \b
    Example:
      reggan-plugin export landmarks runs/landmarks --out rig.onnx
    """
    from reggan_export.landmark_export import export_landmarks

    refuse_occupied(out, overwrite)
    apart = export_landmarks(run, out, name=out.stem, version=version, refinement=refinement)
    click.echo(f"At most {100 * apart:.3f} % of the eye distance from PyTorch, on sample frames.")
    click.echo(out)
