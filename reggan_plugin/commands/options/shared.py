"""Options that several commands share, and readers for values that click has no type for."""

import math
from pathlib import Path

import click

from reggan_plugin.backends.runner import AUTO, DEVICE_KINDS, GPU
from reggan_plugin.commands.options.grouped import AddOption, grouped_option, options_as, together
from reggan_plugin.errors import UsageError
from reggan_plugin.jobs.plan import Existing
from reggan_plugin.jobs.render_settings import RigFiles
from reggan_plugin.jobs.stall_timeout import DEFAULT_STALL_S
from reggan_plugin.models.shipped_models import installed_models
from reggan_plugin.rig.mouth import MOUTH_STYLES, MouthStyle

_MOST_STOPS = 20


def exposure_from_text(text: str) -> float | None:
    """Read a number of stops; None for `auto`."""
    if text == "auto":
        return None
    try:
        stops = float(text)
    except ValueError:
        stops = math.nan
    if not abs(stops) <= _MOST_STOPS:  # also true for NaN
        raise click.BadParameter(
            f"{text!r} is neither auto nor a number of stops from -{_MOST_STOPS} to "
            f"{_MOST_STOPS}, such as -1.5."
        )
    return stops


def complete_devices(context: click.Context, _: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    """Names of devices for a shell."""
    return [name for name in (AUTO, GPU, *DEVICE_KINDS) if name.startswith(begun)]


def complete_models(context: click.Context, _: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    """Names of installed models for a shell."""
    return [name for name in installed_models() if name.startswith(begun)]


model_options = together(
    grouped_option(
        "Model",
        "-m",
        "--model",
        is_input=True,
        shell_complete=complete_models,
        metavar="NAME|FILE.onnx",
        help="Model: a name that `reggan-plugin models` lists, or a file.",
    ),
    grouped_option(
        "Model",
        "-d",
        "--device",
        default="auto",
        show_default=True,
        shell_complete=complete_devices,
        metavar="auto|cpu|gpu|cuda:0|...",
        help="Where the model runs. `reggan-plugin doctor` lists the names; gpu is the best GPU. "
        "If the device does not work here, that is an error.",
    ),
)
"""`--model` and `--device`."""

_MESH = click.Path(exists=True, dir_okay=False, path_type=Path)


def _rig_from_options(rig: Path | None, teeth: Path | None, mouth: MouthStyle) -> RigFiles:
    return RigFiles(rig=rig, teeth=teeth, mouth=mouth)


rig_options = options_as(
    "rig_files",
    _rig_from_options,
    grouped_option(
        "Model",
        "--rig",
        is_input=True,
        type=_MESH,
        metavar="FILE.glb",
        help="The character's own mesh with ARKit's face shapes (GLB, VRM, glTF or USD). Faces "
        "move as it does, and show its teeth.",
    ),
    grouped_option(
        "Model",
        "--teeth",
        is_input=True,
        type=_MESH,
        metavar="FILE.glb",
        help="Teeth of your own: both rows, upright, looking to the front.",
    ),
    grouped_option(
        "Model",
        "--mouth",
        type=click.Choice(MOUTH_STYLES),
        default="auto",
        show_default=True,
        help="What parted lips show: rendered teeth; a plate, as toons have it; or an empty "
        "mouth. auto gives flat drawings a plate. closed parts no lips, whatever you ask for.",
    ),
)
"""`--rig`, `--teeth` and `--mouth`; the command takes `rig_files`, a `RigFiles`."""


def frames_option(heading: str, what: str) -> AddOption:
    """Add `--frames` under a heading of the help; the command takes it as `frames`."""
    return grouped_option(heading, "--frames", metavar="DIR|FILE|PATTERN", help=what)


def _one_shot(shot: tuple[str, ...], frames: str | None) -> str:
    given = [*shot, *([] if frames is None else [frames])]
    if len(given) != 1:
        raise UsageError(
            f"{' and '.join(given[:2]) or 'Nothing'} was given; name one shot: a folder, a file, "
            "or a sequence such as shot.####.exr."
        )
    return given[0]


def shot_option(heading: str) -> AddOption:
    """Add the argument SHOT, and `--frames` in its place; the command takes `source`."""
    return options_as(
        "source",
        _one_shot,
        click.argument("shot", nargs=-1, metavar="SHOT"),
        frames_option(heading, "In place of SHOT, for scripts."),
    )


range_option = grouped_option(
    "Frames",
    "--range",
    "frame_range",
    metavar="1001-1100x2",
    help="Part of them, by frame number.  [default: all]",
)
"""`--range`; the command takes it as `frame_range`."""


def exposure_option(heading: str) -> AddOption:
    """Add `--exposure` under a heading of the help; the command takes it as `exposure_ev`."""
    return grouped_option(
        heading,
        "--exposure",
        "exposure_ev",
        type=exposure_from_text,
        default="auto",
        show_default=True,
        metavar="auto|EV",
        help="Stops that bring a scene-linear face to the brightness of a display, for the model "
        "only; the file keeps its exposure. auto measures the first face of the shot.",
    )


stall_option = grouped_option(
    "Frames",
    "--stall-timeout",
    "stall_s",
    type=click.FloatRange(0, min_open=True),
    default=DEFAULT_STALL_S,
    show_default=True,
    metavar="SECONDS",
    help="Give a frame up if its disk or network folder does not answer for this time.",
)
"""`--stall-timeout`; the command takes it as `stall_s`."""


def _existing_from_options(overwrite: bool, resume: bool, rehash: bool) -> Existing:
    if overwrite and resume:
        raise UsageError(
            "--overwrite replaces all outputs that exist, --resume keeps those that are "
            "finished; pass one of them."
        )
    if rehash and not resume:
        raise UsageError("--rehash says how --resume compares files; pass --resume, too.")
    if resume:
        return Existing.REHASH if rehash else Existing.RESUME
    return Existing.OVERWRITE if overwrite else Existing.REFUSE


existing_options = options_as(
    "existing",
    _existing_from_options,
    grouped_option("Output", "--overwrite", is_flag=True, help="Replace outputs that exist."),
    grouped_option(
        "Output",
        "--resume",
        is_flag=True,
        help="Keep results of an earlier run with the same inputs and options. Write the rest.",
    ),
    grouped_option(
        "Output",
        "--rehash",
        is_flag=True,
        help="With --resume: read every input and output again, instead of trusting size and time.",
    ),
)
"""Options for files that exist; the command takes `existing`, an `Existing`."""
