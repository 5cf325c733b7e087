"""`reggan-plugin export onnx`: a training run becomes a model file."""

from pathlib import Path

import click

from reggan_export.commands.options import PRECISIONS, refuse_occupied
from reggan_plugin.commands.verbosity import verbose_option
from reggan_training.commands.options import overwrite_option


@click.command()
@click.argument("checkpoint", type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .onnx to write.")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="fp32",
    show_default=True,
    help="Precision of the convolutions. fp16 is for GPUs. Inputs and outputs are always float32.",
)
@click.option(
    "--size",
    "side_px",
    type=click.IntRange(min=1),
    metavar="PIXELS",
    help="Side of the crop, for models that do not learn pixel by pixel.  "
    "[default: that of the run]",
)
@click.option("--name", help="Name in the card; by default that of the file.")
@click.option("--version", help="Version in the card.  [default: 0.1.0, or that of an .onnx]")
@click.option(
    "--max-yaw",
    "max_yaw_deg",
    type=click.FloatRange(0, 180),
    metavar="DEGREES",
    help="Turn of the head up to which `evaluate` found the model to beat its input; render fades "
    "the intensity to 0 over the next 10.  [default: no limit, or that of an .onnx]",
)
@overwrite_option()
@verbose_option
def onnx(
    checkpoint: Path,
    out: Path,
    precision: str,
    side_px: int | None,
    name: str | None,
    version: str | None,
    max_yaw_deg: float | None,
    overwrite: bool,
) -> None:
    """Export CHECKPOINT, of any architecture of the papers, to one ONNX file.

    CHECKPOINT is the folder of a run of `train`, the checkpoint in it, or an .onnx of ours that is
    wanted in another precision. The file is compared with PyTorch before it gets its name, and is
    not written if it differs. Runs of `train-landmarks` have `export landmarks`.

    \b
    Example:
      reggan-plugin export onnx runs/first --out my-avatar.onnx
    """
    from reggan_export.picture_model_export import ExportSettings, export_expression_model

    refuse_occupied(out, overwrite, checkpoint)
    settings = ExportSettings(
        name=name or out.stem,
        version=version,
        max_yaw_deg=max_yaw_deg,
        precision=precision,
        side_px=side_px,
    )
    exported = export_expression_model(checkpoint, out, settings)
    click.echo(exported.report.table())
    stored = "float16" if exported.weights_are_half else "float32, as float16 would cost too much"
    click.echo(f"\n{out}: {out.stat().st_size / 1e6:.1f} MB, weights stored as {stored}")
    if exported.live_norms:
        click.echo(
            f"{exported.live_norms} instance normalisations take their statistics from each "
            "picture and could not be folded into the convolutions."
        )
