"""`reggan-plugin export int8`: a model file for CPUs that is faster and says the same."""

from pathlib import Path

import click

from reggan_export.commands.options import MODEL_FILE, refuse_occupied
from reggan_plugin.commands.verbosity import verbose_option
from reggan_training.commands.options import overwrite_option


@click.command()
@click.argument("model", type=MODEL_FILE)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .onnx to write.")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Frames like those that will be rendered, to take the range of values from.  "
    "[default: the sample frames]",
)
@overwrite_option()
@verbose_option
def int8(model: Path, out: Path, data: Path | None, overwrite: bool) -> None:
    """Quantise MODEL, an fp32 ONNX file, for the CPU.

    The result is compared with MODEL on real crops and written only if it differs by no more
    than 1 level in the mean where the face changes.

    \b
    Example:
      reggan-plugin export int8 my-avatar.onnx --out my-avatar-int8.onnx
    """
    from reggan_export.int8_export import quantise_for_cpu

    refuse_occupied(out, overwrite, model)
    quantised = quantise_for_cpu(model, out, data)
    click.echo(quantised.report.table())
    click.echo(
        f"\n{out}: {out.stat().st_size / 1e6:.1f} MB, ranges from {quantised.crops} faces, "
        f"{quantised.speed_up:.1f} times as fast as {model.name} on one thread of this CPU"
    )
