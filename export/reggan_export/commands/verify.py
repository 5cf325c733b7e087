"""`reggan-plugin export verify`: a model file against its source, on every device."""

import json
from pathlib import Path

import click

from reggan_export.commands.options import MODEL_FILE
from reggan_plugin.atomic_write import write_atomically
from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.errors import ModelParityError
from reggan_plugin.files.overwriting import refuse_overwriting


@click.command()
@click.argument("model", type=MODEL_FILE)
@click.option(
    "--engine",
    type=MODEL_FILE,
    help="TensorRT engine of the model, to compare, too.",
)
@click.option(
    "--checkpoint",
    type=click.Path(exists=True, path_type=Path),
    metavar="RUN|FILE",
    help="Where MODEL comes from: a run folder, the checkpoint in it, or the .onnx that was "
    "quantised.  [default: MODEL itself, not optimised]",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the report here as JSON."
)
@verbose_option
def verify(
    model: Path, engine: Path | None, checkpoint: Path | None, json_file: Path | None
) -> None:
    """Prove that MODEL says what it should on every device of this machine.

    The crops are those of the sample frames: an avatar, a statue and a toon; every expression,
    whole, half and blended. Differences are in 8-bit levels; those of the face locator's parts in
    probability and pixels. The report names the bounds; exit code 1 if one is exceeded.

    \b
    Example:
      reggan-plugin export verify my-avatar.onnx --checkpoint runs/first --json parity.json
    """
    from reggan_export.verify.verify_model import verify_model

    if json_file is not None:
        refuse_overwriting([json_file], filter(None, (model, engine, checkpoint)))
    report = verify_model(model, engine=engine, checkpoint=checkpoint)
    if json_file is not None:
        write_atomically(json_file, json.dumps(report.document(), indent=1).encode())
    click.echo(report.table())
    if not report.passed:
        raise ModelParityError(
            f"{model} does not say what {report.reference} says: {'; '.join(report.faults)}. "
            "Export it again; on a GPU see that its driver and libraries are those of "
            "`reggan-plugin doctor`."
        )
