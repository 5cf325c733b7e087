"""`reggan-plugin job`: a shot as a job of a render farm, an Open Job Description template that
tracks the shot, renders it in chunks, and checks that all is there.

The job's parameters can be changed when it is submitted; every other option of `render` is
written into the template. A chunk that is tried again renders only what is missing, and the last
step fails the job if a frame is.
Source: github.com/OpenJobDescription/openjd-specifications, 2023-09 Template Schemas and RFC 0001.
"""

import contextlib
import io
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import click
from click.core import ParameterSource

from reggan_plugin.backends.devices import INDEXED_KINDS
from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.inputs_and_faces import frames_option, range_option
from reggan_plugin.commands.options.options_and_settings_file import (
    CONFIG_OPTION,
    SETTINGS_META,
    GroupedCommand,
    apply_settings,
    grouped_option,
    is_own_settings,
    output_option,
    settings_in_use,
)
from reggan_plugin.commands.render import render
from reggan_plugin.commands.report import report
from reggan_plugin.commands.track import track
from reggan_plugin.errors import EmptySourceError, UsageError
from reggan_plugin.file_safety import refuse_existing, refuse_overwriting, write_atomically
from reggan_plugin.files.image_format import is_video
from reggan_plugin.files.sequence import (
    common_numbers,
    format_frame_range,
    parse_frame_range,
    range_from_spans,
)
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.input_files import find_shot
from reggan_plugin.vocabulary.face_shapes import MAX_INTENSITY

FRAMES_OF_A_TASK = 25
"""Default of `--chunk`."""
LAST_STEP = "Summary"
_TRACKS = "{{Param.OutDir}}/.reggan/tracks.json"
_REPORT = "{{Param.OutDir}}/.reggan/report.html"
_SHOT = ("--frames", "{{Param.Frames}}")
_LINES = ("--progress", "openjd")
_CHUNK_TIMEOUT_S, _SHOT_TIMEOUT_S = 4 * 3600, 24 * 3600
_SECONDS_TO_FINISH_A_FRAME = 120
_YAML_SUFFIXES = (".yaml", ".yml")


@frozen
class FarmJob:
    """The values of a template.

    Attributes:
        frames: folder, file or pattern of the shot.
        out: folder for the results.
        frame_range: as Open Job Description writes it: `1001-1100:2`, nothing twice.
        expression: a name or a blend; None where a curve says which.
        intensity: multiplies expression or curve, 0 to 1.5.
        chunk: most frames in one task.
        tracks_shot: whether the faces are located; False where `render_options` say where.
        track_options: further arguments of `track`.
        report_options: further arguments of `report`.
        render_options: further arguments of `render`.
        needs_gpu: whether only workers with a GPU may render.
    """

    frames: Path
    out: Path
    frame_range: str
    expression: str | None
    intensity: float
    chunk: int
    tracks_shot: bool = True
    track_options: tuple[str, ...] = ()
    report_options: tuple[str, ...] = ()
    render_options: tuple[str, ...] = ()
    needs_gpu: bool = False

    def __post_init__(self) -> None:
        for text in (str(self.frames), str(self.out), self.expression, *self.render_options):
            if text is not None and "{{" in text:
                raise UsageError(
                    f"{text!r} holds two braces, which Open Job Description takes for the name of "
                    "a parameter. Give the file or option another name."
                )
            if text is not None and not text.isprintable():
                raise UsageError(
                    f"{text!a} holds a control character, which no path and no option in a job "
                    "template may. Rename the file or the folder that has it, or change the option."
                )


def template_from_job(job: FarmJob, folder: Path) -> dict[str, Any]:
    """Return the template as it will lie in `folder`, as plain JSON values.

    Paths inside `folder` are written relative to it, as the standard asks; others have no
    default, so that whoever submits the job names them (see `needed_parameters`).
    """
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "extensions": ["TASK_CHUNKING"],
        "name": f"reggan {job.frames.name}"[:128],
        "parameterDefinitions": _parameters(job, folder),
        "steps": [
            *([_track_step(job)] if job.tracks_shot else []),
            _render_step(job),
            _summary_step(job),
        ],
    }


def needed_parameters(job: FarmJob, folder: Path) -> dict[str, str]:
    """Parameters that have no default, because they are paths outside of `folder`."""
    paths = {"Frames": job.frames, "OutDir": job.out}
    return {n: str(path) for n, path in paths.items() if _relative_to(path, folder) is None}


def write_template(template: dict[str, Any], path: Path) -> None:
    """Write a template as YAML or JSON, as the name of the file says.

    Raises:
        UsageError: the name ends otherwise.
        ModuleNotFoundError: YAML was asked for, and PyYAML is not installed.
        OutputError: `path` cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix in _YAML_SUFFIXES:
        import yaml  # of the extra [farm]; a template in JSON needs nothing

        text = yaml.safe_dump(template, sort_keys=False, allow_unicode=True, width=100)
    elif suffix == ".json":
        text = json.dumps(template, indent=2, ensure_ascii=False) + "\n"
    else:
        raise UsageError(f"{path} is neither .yaml, .yml nor .json; name the template so.")
    write_atomically(path, text.encode())


def _parameters(job: FarmJob, folder: Path) -> list[dict[str, Any]]:
    is_folder = job.frames.is_dir()
    return [
        _path_parameter("Frames", job.frames, folder, "DIRECTORY" if is_folder else "FILE", "IN"),
        _path_parameter("OutDir", job.out, folder, "DIRECTORY", "OUT"),
        {"name": "FrameRange", "type": "STRING", "default": job.frame_range},
        {"name": "ChunkSize", "type": "INT", "default": job.chunk, "minValue": 1},
        *(
            []
            if job.expression is None
            else [{"name": "Expression", "type": "STRING", "default": job.expression}]
        ),
        {
            "name": "Intensity",
            "type": "FLOAT",
            "default": job.intensity,
            "minValue": 0,
            "maxValue": MAX_INTENSITY,
        },
    ]


def _path_parameter(
    name: str, path: Path, folder: Path, object_type: str, data_flow: str
) -> dict[str, Any]:
    relative = _relative_to(path, folder)
    default = {} if relative is None else {"default": relative.as_posix()}
    return {
        "name": name,
        "type": "PATH",
        "objectType": object_type,
        "dataFlow": data_flow,
        **default,
    }


def _relative_to(path: Path, folder: Path) -> PurePath | None:
    try:
        return path.resolve().relative_to(folder.resolve())
    except ValueError:
        return None


def _track_step(job: FarmJob) -> dict[str, Any]:
    # else one damaged frame would keep all chunks from beginning
    always = ("--overwrite", "--allow-gaps")
    arguments = ["track", *_SHOT, "--out", _TRACKS, *always, *job.track_options, *_LINES]
    return {"name": "Track", "script": _script(arguments, _SHOT_TIMEOUT_S)}


def _render_step(job: FarmJob) -> dict[str, Any]:
    arguments = [
        *("render", *_SHOT, "--out", "{{Param.OutDir}}", "--range", "{{Task.Param.Frame}}"),
        *(() if job.expression is None else ("--expression", "{{Param.Expression}}")),
        *("--intensity", "{{Param.Intensity}}"),
        *(("--tracks", _TRACKS) if job.tracks_shot else ()),
        *(() if "--jobs" in job.render_options else ("--jobs", "1")),  # a worker has many tasks
        *(*job.render_options, "--resume", *_LINES),
    ]
    gpu = {"hostRequirements": {"amounts": [{"name": "amount.worker.gpu", "min": 1}]}}
    return {
        "name": "Render",
        **({"dependencies": [{"dependsOn": "Track"}]} if job.tracks_shot else {}),
        **(gpu if job.needs_gpu else {}),
        "parameterSpace": {
            "taskParameterDefinitions": [
                {
                    "name": "Frame",
                    "type": "CHUNK[INT]",
                    "range": "{{Param.FrameRange}}",
                    # A contiguous chunk of 1-100:2 would hold a single frame.
                    "chunks": {
                        "defaultTaskCount": "{{Param.ChunkSize}}",
                        "rangeConstraint": "NONCONTIGUOUS",
                    },
                }
            ]
        },
        "script": _script(arguments, _CHUNK_TIMEOUT_S),
    }


def _summary_step(job: FarmJob) -> dict[str, Any]:
    arguments = [
        *("report", *_SHOT, "--range", "{{Param.FrameRange}}", "--out", "{{Param.OutDir}}"),
        *("--html", _REPORT, *job.report_options, *_LINES),
    ]
    return {
        "name": LAST_STEP,
        "dependencies": [{"dependsOn": "Render"}],
        "script": _script(arguments, _SHOT_TIMEOUT_S),
    }


def _script(arguments: list[str], timeout_s: int) -> dict[str, Any]:
    return {
        "actions": {
            "onRun": {
                "command": "reggan-plugin",
                "args": arguments,
                "timeout": timeout_s,
                "cancelation": {
                    "mode": "NOTIFY_THEN_TERMINATE",
                    "notifyPeriodInSeconds": _SECONDS_TO_FINISH_A_FRAME,
                },
            }
        }
    }


def farm_range(source: str, frame_range: str | None) -> str:
    """Return the numbers to render, between the first and the last on disk, gaps included.

    Open Job Description writes steps with `:`, takes no number twice, and knows no frames that
    are named otherwise than by number.

    Raises:
        UsageError: it is a video, the frames have no numbers, or the range cannot be read.
        EmptySourceError: none of them is in the range.
    """
    if is_video(Path(source)):
        raise UsageError(
            f"{source} is a video, which is rendered on one machine: reggan-plugin render. For a "
            "farm give its frames as pictures."
        )
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
    files = [Path(text) for texts in (*given.values(), (source,)) for text in texts]
    refuse_overwriting([path], files)
    refuse_existing([path], overwrite=overwrite)
    settings_range = next(iter(given.pop("--range", ())), None)
    numbers = farm_range(source, frame_range or settings_range)
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
    """Return the shot, and the options of `render` with their texts, none for flags; those that
    a settings file gives, too.

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
    given |= _set_by_settings(context, (shots[0], *render_options), given)
    for name in _SEVERAL_RESULTS:
        texts = given.get(name, ())
        if len(texts) > (name == "--expression"):
            asked = f"{name} {shlex.join(texts)}"
            raise UsageError(f"A job makes one result of a shot, and {asked} asks for more.")
    return shots[0], given


def _set_by_settings(
    context: click.Context, words: Sequence[str], given: Mapping[str, object]
) -> dict[str, tuple[str, ...]]:
    """Return the options of `render` that the settings file sets and the command line does not.

    The file itself is given to workers, unless they find it beside the shot.

    Raises:
        UsageError: as `apply_settings`.
    """
    job_context = click.get_current_context()
    is_named = job_context.get_parameter_source("config") is ParameterSource.COMMANDLINE
    named = [CONFIG_OPTION, str(settings_in_use())] if is_named else []
    apply_settings(context, render, [*words, *named])
    found: Path | None = context.meta.get(SETTINGS_META)
    options: dict[str, tuple[str, ...]] = {}
    if found is not None and (is_named or is_own_settings(found)):
        options[CONFIG_OPTION] = (str(found.absolute()),)
    values = context.default_map or {}
    for parameter in render.params:
        name, value = parameter.opts[-1], values.get(str(parameter.name))
        names = {*parameter.opts, *parameter.secondary_opts}
        if value is None or names & given.keys() or name in _SET_BY_TEMPLATE:
            continue
        if isinstance(value, bool):
            flags = parameter.opts if value else parameter.secondary_opts
            options |= dict.fromkeys(flags[-1:], ())
        else:
            texts = value if parameter.multiple else [value]
            options[name] = tuple(_text_for_workers(parameter, text) for text in texts)
    return options


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
