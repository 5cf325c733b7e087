"""`reggan-plugin export engine`: an ONNX file becomes a TensorRT engine for this GPU."""

from pathlib import Path

import click

from reggan_export.commands.options import MODEL_FILE, PRECISIONS, refuse_occupied
from reggan_plugin.backends.engine_cache import DEFAULT_BATCH
from reggan_plugin.commands.verbosity import verbose_option
from reggan_training.commands.options import overwrite_option


def batch_from_text(text: str) -> tuple[int, int, int]:
    """Read `smallest,best,largest`, or one number for all three."""
    parts = text.split(",")
    if len(parts) not in (1, 3) or not all(part.strip().isdecimal() for part in parts):
        raise click.BadParameter(
            f"{text!r} is neither one number of crops nor three, such as 1,4,16."
        )
    smallest, best, largest = (int(part) for part in (parts * 3)[:3])
    return smallest, best, largest


@click.command()
@click.argument("model", type=MODEL_FILE)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    help="Precision that the file must have. Another one is refused.",
)
@click.option(
    "--batch",
    type=batch_from_text,
    default=",".join(map(str, DEFAULT_BATCH)),
    show_default=True,
    metavar="SMALLEST,BEST,LARGEST",
    help="How many faces the engine takes at once: the smallest, the usual and the largest "
    "number, or one number for all three. `render` asks for one.",
)
@click.option(
    "--portable",
    is_flag=True,
    help="For every NVIDIA GPU from Ampere on with this TensorRT and system, at some cost in "
    "speed, instead of this GPU alone.",
)
@click.option(
    "--device",
    default="tensorrt",
    show_default=True,
    metavar="tensorrt[:INDEX]",
    help="The GPU to build on.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.plan",
    help="Write the engine here, and FILE.plan.json beside it.  [default: the cache, from which "
    "--device tensorrt takes it]",
)
@overwrite_option()
@verbose_option
def engine(
    model: Path,
    precision: str | None,
    batch: tuple[int, int, int],
    portable: bool,
    device: str,
    out: Path | None,
    overwrite: bool,
) -> None:
    """Build a TensorRT engine from the ONNX file MODEL, on the GPU that will run it.

    It is compared with ONNX Runtime on real crops, and not kept if it differs. An engine is for
    this GPU, TensorRT version and system; elsewhere it is built again.

    \b
    Example:
      reggan-plugin export engine my-avatar.onnx --batch 1,4,16
    """
    from reggan_export.engine_export import export_engine
    from reggan_plugin.backends.engine_cache import EngineOptions

    if out is not None:
        refuse_occupied(out, overwrite, model)
    options = EngineOptions(batch=batch, portable=portable)
    path, report = export_engine(model, options, device=device, precision=precision, out=out)
    click.echo(report.table())
    click.echo(f"\n{path}: {path.stat().st_size / 1e6:.1f} MB")
