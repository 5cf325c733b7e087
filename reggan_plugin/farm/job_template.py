"""An Open Job Description template: track the shot, render it in chunks, check that all is there.

The job's parameters can be changed when it is submitted; every other option of `render` is
written into the template. A chunk that is tried again renders only what is missing, and the last
step fails the job if a frame is.
Source: github.com/OpenJobDescription/openjd-specifications, 2023-09 Template Schemas and RFC 0001.
"""

import json
from pathlib import Path, PurePath
from typing import Any

from reggan_plugin.errors import UsageError
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.frozen import frozen
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
