"""Commands of `reggan-plugin export`: onnx, landmarks, int8, engine and verify.

Imports nothing heavy.
"""

import json
from pathlib import Path

import click

from reggan_plugin.backends.devices import DEFAULT_BATCH
from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.options_and_settings_file import shown_option
from reggan_plugin.errors import ModelParityError, OutputError
from reggan_plugin.file_safety import refuse_existing, refuse_overwriting, write_atomically
from reggan_training.commands.options import overwrite_option

PRECISIONS = ("fp32", "fp16")
MODEL_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""A model file or an engine that is there."""


def refuse_occupied(out: Path, overwrite: bool, *inputs: Path) -> None:
    """Say early that a file cannot be written; `inputs` are those that are read for it.

    Raises:
        UsageError: it is one of them.
        OutputExistsError: it exists, and may not be replaced.
        OutputError: its folder does not exist.
    """
    refuse_overwriting([out], inputs)
    refuse_existing([out], overwrite=overwrite)
    if not out.parent.is_dir():
        raise OutputError(f"{out.parent} is no folder. Create it, or name another output.")


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
@shown_option(
    "--size PIXELS",
    "side_px",
    type=click.IntRange(min=1),
    help="Side of the crop, for models that do not learn pixel by pixel.  "
    "[default: that of the run]",
)
@click.option("--name", help="Name in the card; by default that of the file.")
@click.option("--version", help="Version in the card.  [default: 0.1.0, or that of an .onnx]")
@shown_option(
    "--max-yaw DEGREES",
    "max_yaw_deg",
    type=click.FloatRange(0, 180),
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
    from reggan_export.picture_model_export import export_expression_model

    refuse_occupied(out, overwrite, checkpoint)
    exported = export_expression_model(
        checkpoint,
        out,
        name=name or out.stem,
        version=version,
        max_yaw_deg=max_yaw_deg,
        precision=precision,
        side_px=side_px,
    )
    click.echo(exported.report.table())
    stored = "float16" if exported.weights_are_half else "float32, as float16 would cost too much"
    click.echo(f"\n{out}: {out.stat().st_size / 1e6:.1f} MB, weights stored as {stored}")
    if exported.live_norms:
        click.echo(
            f"{exported.live_norms} instance normalisations take their statistics from each "
            "picture and could not be folded into the convolutions."
        )


@click.command("landmarks")
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@shown_option(
    "--out FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The model file, an .onnx.",
)
@shown_option(
    "--refinement RUN|ONNX",
    type=click.Path(exists=True, path_type=Path),
    help="Run of train-refinement, or an exported file, whose refinement goes into the same file.",
)
@shown_option(
    "--front RUN|ONNX",
    type=click.Path(exists=True, path_type=Path),
    help="Run of train-landmarks, or an exported file, whose network for what lies in front of the "
    "face is taken instead of RUN's.",
)
@click.option("--version", default="0.5.2", show_default=True, help="Of the weights, in the card.")
@overwrite_option()
@verbose_option
def landmarks(
    run: Path, out: Path, refinement: Path | None, front: Path | None, version: str, overwrite: bool
) -> None:
    """Export landmarks that were trained to the file that a rig is laid by.

    RUN is a folder of train-landmarks, or an exported file whose landmark networks are kept.

    \b
    Example:
      reggan-plugin export landmarks runs/landmarks --out rig.onnx
    """
    from reggan_export.rig_export import export_landmarks

    refuse_occupied(out, overwrite)
    apart = export_landmarks(
        run, out, name=out.stem, version=version, front=front, refinement=refinement
    )
    click.echo(f"At most {100 * apart:.3f} % of the eye distance from PyTorch, on sample frames.")
    click.echo(out)


@click.command()
@click.argument("model", type=MODEL_FILE)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .onnx to write.")
@shown_option(
    "--data FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
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
@shown_option(
    "--batch SMALLEST,BEST,LARGEST",
    type=batch_from_text,
    default=",".join(map(str, DEFAULT_BATCH)),
    show_default=True,
    help="How many faces the engine takes at once: the smallest, the usual and the largest "
    "number, or one number for all three. `render` asks for one.",
)
@click.option(
    "--portable",
    is_flag=True,
    help="For every NVIDIA GPU from Ampere on with this TensorRT and system, at some cost in "
    "speed, instead of this GPU alone.",
)
@shown_option(
    "--device tensorrt[:INDEX]", default="tensorrt", show_default=True, help="The GPU to build on."
)
@shown_option(
    "--out FILE.plan",
    type=click.Path(dir_okay=False, path_type=Path),
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
    from reggan_plugin.backends.devices import EngineOptions

    if out is not None:
        refuse_occupied(out, overwrite, model)
    options = EngineOptions(batch=batch, portable=portable)
    path, report = export_engine(model, options, device=device, precision=precision, out=out)
    click.echo(report.table())
    click.echo(f"\n{path}: {path.stat().st_size / 1e6:.1f} MB")


@click.command()
@click.argument("model", type=MODEL_FILE)
@click.option("--engine", type=MODEL_FILE, help="TensorRT engine of the model, to compare, too.")
@shown_option(
    "--checkpoint RUN|FILE",
    type=click.Path(exists=True, path_type=Path),
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
