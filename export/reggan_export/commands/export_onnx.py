"""`reggan-plugin export onnx`: a training run becomes a model file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reggan_export.commands.options import PRECISIONS, refuse_occupied
from reggan_plugin.commands.verbosity import verbose_option
from reggan_training.commands.options import overwrite_option

if TYPE_CHECKING:
    from reggan_export.picture_model_export import ExportSettings
    from reggan_export.verify.verify_report import VerifyReport


@click.command()
@click.argument("checkpoint", type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .onnx to write.")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="fp32",
    show_default=True,
    help="Of the convolutions; fp16 is for GPUs. Inputs and outputs are float32.",
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
@click.option(
    "--heads",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The heads that a run of `train-motion` was trained on, if they were moved: face shapes "
    "that none of them has are left out of the card.",
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
    heads: Path | None,
    overwrite: bool,
) -> None:
    """Export CHECKPOINT, of any architecture, to one ONNX file.

    CHECKPOINT is the folder of a run, of `train` or `train-motion`, the checkpoint in it, or an
    .onnx of ours that is wanted in another precision. The file is compared with PyTorch before it
    gets its name, and is not written if it differs.

    \b
    Example:
      reggan-plugin export onnx runs/first --out my-avatar.onnx
    """
    from reggan_export.halved_motion_file import is_motion_file
    from reggan_export.picture_model_export import ExportSettings
    from reggan_training.motion.trained_model import is_motion_run

    refuse_occupied(out, overwrite, checkpoint)
    settings = ExportSettings(
        name=name or out.stem,
        version=version,
        max_yaw_deg=max_yaw_deg,
        precision=precision,
        side_px=side_px,
    )
    if is_motion_run(checkpoint):
        _export_motion(checkpoint, out, settings, heads)
    elif is_motion_file(checkpoint) and precision == "fp16":
        _halve_motion(checkpoint, out, settings)
    else:
        _export_expressions(checkpoint, out, settings)


def _export_motion(run: Path, out: Path, settings: "ExportSettings", heads: Path | None) -> None:
    from reggan_export.motion_model_export import export_motion_run

    _refuse_side(settings)
    report = export_motion_run(
        run,
        out,
        name=settings.name,
        version=settings.version,
        max_yaw_deg=settings.max_yaw_deg,
        controls=_controls(run, heads),
        precision=settings.precision,
    )
    _tell(report, out)


def _halve_motion(model: Path, out: Path, settings: "ExportSettings") -> None:
    from reggan_export.halved_motion_file import halve_motion_model

    _refuse_side(settings)
    report = halve_motion_model(
        model,
        out,
        name=settings.name,
        version=settings.version,
        max_yaw_deg=settings.max_yaw_deg,
    )
    _tell(report, out)


def _refuse_side(settings: "ExportSettings") -> None:
    if settings.side_px is not None:
        raise click.UsageError("Models of train-motion are exported at their own size.")


def _tell(report: "VerifyReport", out: Path) -> None:
    click.echo(f"{report.table()}\n\n{out}: {out.stat().st_size / 1e6:.1f} MB")


def _export_expressions(checkpoint: Path, out: Path, settings: "ExportSettings") -> None:
    from reggan_export.picture_model_export import export_expression_model

    exported = export_expression_model(checkpoint, out, settings)
    click.echo(exported.report.table())
    stored = "float16" if exported.weights_are_half else "float32, as float16 would cost too much"
    click.echo(f"\n{out}: {out.stat().st_size / 1e6:.1f} MB, weights stored as {stored}")
    if exported.live_norms:
        click.echo(
            f"{exported.live_norms} instance normalisations take their statistics from each "
            "picture and could not be folded into the convolutions."
        )


def _controls(run: Path, heads: Path | None) -> tuple[str, ...]:
    from reggan_export.motion_model_export import controls_of_run
    from reggan_plugin.vocabulary.face_shapes import CONTROLS

    controls = controls_of_run(run, heads)
    if controls is None:
        click.echo(
            "Note: the heads of this run are no longer where it found them, so that its card lists "
            "every face shape. --heads names their folder.",
            err=True,
        )
        return CONTROLS
    lacking = [name for name in CONTROLS if name not in controls]
    if lacking:
        click.echo(f"No head has {', '.join(lacking)}; the model refuses them.", err=True)
    return controls
