"""`reggan-plugin job`: a shot as a job of a render farm."""

import contextlib
import io
import json
import os
import shlex
from pathlib import Path
from typing import Any

import click

from reggan_plugin.backends.runner import INDEXED_KINDS
from reggan_plugin.commands.options.input import frames_option, range_option
from reggan_plugin.commands.options.option_groups import (
    GroupedCommand,
    grouped_option,
    output_option,
)
from reggan_plugin.commands.render import render
from reggan_plugin.commands.report import report
from reggan_plugin.commands.terminal import verbose_option
from reggan_plugin.commands.track import track
from reggan_plugin.errors import EmptySourceError, UsageError
from reggan_plugin.farm.job_template import (
    FRAMES_OF_A_TASK,
    LAST_STEP,
    FarmJob,
    needed_parameters,
    template_from_job,
    write_template,
)
from reggan_plugin.file_safety import refuse_existing, refuse_overwriting
from reggan_plugin.files.sequence import (
    common_numbers,
    format_frame_range,
    parse_frame_range,
    range_from_spans,
)
from reggan_plugin.jobs.input_files import find_shot


def farm_range(source: str, frame_range: str | None) -> str:
    """Return the numbers to render, between the first and the last on disk, gaps included.

    Open Job Description writes steps with `:`, takes no number twice, and knows no frames that
    are named otherwise than by number.

    Raises:
        UsageError: the frames have no numbers, or the range cannot be read.
        EmptySourceError: none of them is in the range.
    """
    shot = find_shot(source)
    numbers = shot.frames.numbers
    if not numbers:
        raise UsageError(
            f"The pictures of {source} are not numbered, so a farm cannot share them out. Render "
            "them without a farm, or give them numbers: name.0001.png."
        )
    loose = shot.frames.first_loose
    if loose is not None:
        raise UsageError(
            f"{loose.path.name} in {source} has no number, so a farm would leave it out. Name the "
            "frames alone by a pattern, such as shot.####.png, or move it elsewhere."
        )
    whole = range_from_spans([range(numbers[0], numbers[-1] + 1)])
    chosen = whole if frame_range is None else common_numbers(whole, parse_frame_range(frame_range))
    if not chosen:
        raise EmptySourceError(
            f"The frame range {frame_range} holds no frame of {source}, which has "
            f"{format_frame_range(numbers)}. Give a range within it."
        )
    is_one_span = len(chosen.spans) == 1
    text = chosen.text if is_one_span else format_frame_range(chosen)
    return text.replace("x", ":")


_SET_BY_TEMPLATE = {"--resume", "--dry-run", "--json", "--progress"}
_SAY_WHERE_FACES_ARE = {"--tracks", "--face-box", "--landmarks", "--whole-image"}
_JOB_PARAMETERS = {"--expression", "--intensity"}
_SEVERAL_RESULTS = ("--expression", "--each", "--atlas")
_NAMES_OR_FILES = {"--model"}
_FILES_FOLDERS_OR_PATTERNS = {"--matte"}
_OPTIONS_OF_TRACK, _OPTIONS_OF_REPORT = (
    {name for parameter in command.params for name in parameter.opts} for command in (track, report)
)
"""Those that `render` has, too, say how frames are read."""


@click.command(
    cls=GroupedCommand,
    context_settings={"ignore_unknown_options": True},
    epilog="\b\nExample:\n  reggan-plugin job shot/ --expression happy --out job.yaml",
)
@frames_option("Frames")
@range_option
@output_option(
    "-o --out FILE.yaml|FILE.json",
    "path",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The template. YAML needs the extra [farm], JSON nothing.",
)
@output_option(
    "--frames-out DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the frames.  [default: <name>_<expression> beside the source]",
)
@output_option("--overwrite", is_flag=True, help="Replace a template that exists.")
@grouped_option(
    "Farm",
    "--chunk FRAMES",
    type=click.IntRange(1),
    default=FRAMES_OF_A_TASK,
    help="Largest number of frames in one task.",
)
@click.argument(
    "render_options", nargs=-1, type=click.UNPROCESSED, metavar="SHOT RENDER-OPTIONS..."
)
@verbose_option
def job(
    *,
    frames: str | None,
    frame_range: str | None,
    path: Path,
    frames_out: Path | None,
    overwrite: bool,
    chunk: int,
    render_options: tuple[str, ...],
) -> None:
    """Write an Open Job Description template that renders a SHOT on a farm.

    The job tracks the shot and renders it in chunks. It fails if a frame is missing at the end.
    RENDER-OPTIONS are options of `render`, which go to the workers with absolute paths of files.
    You can still change expression, intensity, range, chunk and folders when you submit the job. If
    --device names a GPU, the job asks for workers with a GPU. This command checks the options, as
    `render --dry-run` does.
    """
    source, given = _given_to_workers(frames, render_options)
    refuse_overwriting([path], [Path(text) for texts in given.values() for text in texts])
    refuse_existing([path], overwrite=overwrite)
    numbers = farm_range(source, frame_range)
    out = _checked_output_folder(source, numbers, frames_out, given)
    farm_job = FarmJob(
        frames=Path(source).absolute(),
        out=out.absolute(),
        frame_range=numbers,
        expression=next(iter(given.get("--expression", ())), None),
        intensity=float(next(iter(given.get("--intensity", ())), 1.0)),
        chunk=chunk,
        tracks_shot=not given.keys() & _SAY_WHERE_FACES_ARE,
        track_options=_words({k: v for k, v in given.items() if k in _OPTIONS_OF_TRACK}),
        report_options=_words({k: v for k, v in given.items() if k in _OPTIONS_OF_REPORT}),
        render_options=_words({k: v for k, v in given.items() if k not in _JOB_PARAMETERS}),
        needs_gpu=any(
            text.partition(":")[0] in INDEXED_KINDS for text in given.get("--device", ())
        ),
    )
    write_template(template_from_job(farm_job, path.parent), path)
    click.echo(path)
    needed = needed_parameters(farm_job, path.parent)
    parameters = [word for name, value in needed.items() for word in ("-p", f"{name}={value}")]
    run = ["openjd", "run", str(path), "--step", LAST_STEP, "--run-dependencies", *parameters]
    click.echo(f"To run it here (pip install openjd-cli): {' '.join(map(_quoted, run))}", err=True)


def _quoted(word: str) -> str:
    """Return a word for a shell; characters that a line cannot show, as Bash and zsh read them."""
    if word.isprintable():
        return shlex.quote(word)
    shown = (
        one if one.isprintable() else "".join(f"\\x{byte:02x}" for byte in os.fsencode(one))
        for one in word.replace("\\", "\\\\").replace("'", "\\'")
    )
    return f"$'{''.join(shown)}'"


def _given_to_workers(
    frames: str | None, render_options: tuple[str, ...]
) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Return the shot, and the options of `render` with their texts, none for flags.

    Paths are absolute.

    Raises:
        UsageError: not an option, or one that the template sets itself.
    """
    context = click.Context(render, info_name="render")
    values, _, parameters = render.make_parser(context).parse_args(list(render_options))
    found = values["inputs"]  # click's own word for nothing is no list
    shots = [*(found if isinstance(found, list | tuple) else ()), *filter(None, [frames])]
    if len(shots) != 1:
        raise UsageError(
            f"{shlex.join(shots) or 'Nothing'} was given; name one shot, and options of "
            "`reggan-plugin render`."
        )
    given: dict[str, tuple[str, ...]] = {}
    for parameter in (one for one in parameters if isinstance(one, click.Option)):
        name, value = parameter.opts[-1], values[str(parameter.name)]
        if name in _SET_BY_TEMPLATE:
            raise UsageError(f"{name} is what the template itself decides; leave it out.")
        if parameter.is_flag:
            # The other half of a flag, such as --no-stamp, is its second name.
            given[name if value else parameter.secondary_opts[-1]] = ()
        else:
            texts = value if parameter.multiple else [value]
            given[name] = tuple(_text_for_workers(parameter, text) for text in texts)
    several = [f"{name} {shlex.join(given[name])}" for name in _SEVERAL_RESULTS if name in given]
    several = [one for one in several if not one.startswith("--expression") or one.count(" ") > 1]
    if several:
        raise UsageError(f"A job makes one result of a shot, and {several[0]} asks for more.")
    return shots[0], given


def _text_for_workers(parameter: click.Parameter, value: Any) -> str:
    name = parameter.opts[-1]
    is_path = isinstance(parameter.type, click.Path) or name in _FILES_FOLDERS_OR_PATTERNS
    is_path |= name in _NAMES_OR_FILES and Path(value).is_file()
    return str(Path(value).absolute()) if is_path else str(value)


def _words(options: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    words: list[str] = []
    for name, texts in options.items():
        words += [word for text in texts for word in (name, text)] if texts else [name]
    return tuple(words)


def _checked_output_folder(
    source: str, numbers: str, out: Path | None, given: dict[str, tuple[str, ...]]
) -> Path:
    """Return the folder that `render` would write to; raises what `render` raises before any
    frame.
    """
    request = ["--frames", source, "--range", numbers, *_words(given), "--resume"]
    folder = [] if out is None else ["--out", str(out)]
    plan = io.StringIO()
    with contextlib.redirect_stdout(plan):
        render.main(
            [*request, *folder, "--dry-run", "--json"],
            prog_name="reggan-plugin render",
            standalone_mode=False,
        )
    return Path(json.loads(plan.getvalue())["out"])
