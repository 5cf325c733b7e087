"""`reggan-plugin bench`: how fast models and whole frames are on this machine."""

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from reggan_plugin.benchmark.benchmark import BenchSettings, run_benchmark
from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.options_and_settings_file import (
    GroupedCommand,
    grouped_option,
    options_as,
    output_option,
)
from reggan_plugin.file_safety import (
    refuse_existing,
    refuse_other_kind,
    refuse_overwriting,
    write_atomically,
)
from reggan_plugin.jobs.plan import writable_folder
from reggan_plugin.json_and_toml import json_text
from reggan_plugin.models.model_card import find_model, installed_models

_HEIGHTS = (1080, 2160)
_LARGEST_BATCH = 64


_models_option = partial(grouped_option, "Models")


def batches_from_text(text: str) -> tuple[int, ...]:
    """Read `1,4,8`: batch sizes, each once, rising."""
    parts = text.split(",")
    numbers = [int(part) for part in parts if part.isdecimal()]
    is_sound = len(numbers) == len(parts) and all(1 <= n <= _LARGEST_BATCH for n in numbers)
    if not is_sound:
        raise click.BadParameter(
            f"{text!r} is not a list of batch sizes from 1 to {_LARGEST_BATCH}, such as 1,4,8."
        )
    return tuple(sorted(set(numbers)))


@click.command(
    cls=GroupedCommand,
    epilog="\b\nExample:\n  reggan-plugin bench --device cpu --rounds 20 --json bench.json",
)
@options_as(
    "settings",
    BenchSettings,
    _models_option(
        "--model NAME|FILE.onnx",
        "models",
        type=find_model,
        multiple=True,
        help="Model to measure. May be given several times; the others are compared with the "
        "first.  [default: all that `reggan-plugin models` lists]",
    ),
    _models_option(
        "--device cpu|cuda:0|...",
        "devices",
        multiple=True,
        help="May be given several times.  [default: every device that works here]",
    ),
    _models_option(
        "--peers",
        "with_peers",
        is_flag=True,
        help="Also time networks with the shapes of SARGAN, US-GAN and StarGAN, and the first "
        "model in PyTorch. Say how far each is from what the hardware allows. Needs the extra "
        "[export].",
    ),
    _models_option(
        "--batch 1,4,8",
        "batches",
        type=batches_from_text,
        default="1,4,8",
        help="How many faces are given at once.",
    ),
    _models_option(
        "--rounds RUNS",
        type=click.IntRange(1),
        default=100,
        help="How many times one face is run. Larger batches get as many faces in all.",
    ),
    _models_option(
        "--threads COUNT",
        type=click.IntRange(1),
        help="CPU threads of a model.  [default: all cores]",
    ),
    grouped_option(
        "Frames", "--pipeline", is_flag=True, help="Also render whole frames, PNG and EXR."
    ),
    grouped_option(
        "Frames",
        "--height PIXELS",
        "heights",
        type=click.IntRange(64, 8640),
        multiple=True,
        default=_HEIGHTS,
        help="Height of these frames. May be given several times.",
    ),
    grouped_option(
        "Frames",
        "--frames COUNT",
        type=click.IntRange(1),
        default=8,
        help="How many frames each shot has.",
    ),
)
@output_option(
    "--json FILE.json",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write everything that was measured into a file.",
)
@output_option("--overwrite", is_flag=True, help="Replace the file if it exists.")
@verbose_option
def bench(*, settings: BenchSettings, out: Path | None, overwrite: bool) -> None:
    """Measure how fast it is here: start, latency, throughput, and where a frame's time goes.

    Everything is timed in turns, so that you can compare the numbers on a busy machine, too.
    """
    if out is not None:
        refuse_overwriting([out], settings.models)
        refuse_other_kind(out, ".json")
        refuse_existing([out], overwrite=overwrite)
    if not settings.models:
        settings = replace(settings, models=tuple(installed_models().values()))
    with nullcontext() if out is None else writable_folder(out.parent):
        report = run_benchmark(settings, lambda step: click.echo(step, err=True))
        if out is not None:
            text = json_text(report.document(), indent=1)
            write_atomically(out, f"{text}\n".encode())
    click.echo("\n".join(report.lines()))
