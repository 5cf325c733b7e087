"""Options that several commands share, and readers for values that click has no type for."""

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from reggan_plugin.backends.device_name import AUTO, DEVICE_KINDS, GPU
from reggan_plugin.commands.settings_file import (
    CONFIG_OPTION,
    SETTINGS_FILE,
    apply_settings,
)
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.face_finder import FaceChoice, read_landmarks
from reggan_plugin.faces.tracks_file import read_tracks
from reggan_plugin.jobs.io_timeout import DEFAULT_STALL_S
from reggan_plugin.jobs.plan import Existing
from reggan_plugin.models import installed_models

Command = TypeVar("Command", bound=Callable[..., Any])


def face_box_from_text(text: str) -> tuple[float, float, float, float]:
    """Read `x,y,width,height`: four finite numbers of which the last two are above 0."""
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        x = y = width = height = math.nan
    if not (math.isfinite(x + y + width + height) and width > 0 and height > 0):
        raise click.BadParameter(
            f"{text!r} is not a box; give x,y,width,height in pixels, such as 400,220,310,310."
        )
    return x, y, width, height


def which_face_from_text(text: str) -> Literal["largest", "all"] | int:
    """Read `largest`, `all` or an index."""
    if text == "largest":
        return "largest"
    if text == "all":
        return "all"
    if not text.isdecimal():
        raise click.BadParameter(f"{text!r} is not largest, all or an index (0 is the largest).")
    return int(text)


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


class GroupedOption(click.Option):
    """An option that the help shows under a heading."""

    def __init__(
        self, *args: Any, heading: str = "Options", is_input: bool = False, **settings: Any
    ) -> None:
        """Create the option.

        Args:
            args: as click has them.
            heading: of the help.
            is_input: whether its value names a file to read, which no output may replace.
            settings: as click has them.
        """
        super().__init__(*args, **settings)
        self.heading, self.is_input = heading, is_input


class GroupedCommand(click.Command):
    """A command whose help shows each heading's options together, and which takes its defaults
    from a settings file.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        option = GroupedOption(
            [CONFIG_OPTION],
            heading="Settings",
            is_input=True,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            expose_value=False,
            metavar="FILE.toml",
            help=f"Defaults of these options.  [default: {SETTINGS_FILE} beside the input, or in "
            "your own folder for settings]",
        )
        self.params.append(option)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words, with the defaults of the settings file."""
        if not {"-h", "--help"} & set(args):
            apply_settings(ctx, self, args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by heading, in the order in which headings first appear."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                heading = param.heading if isinstance(param, GroupedOption) else "Other"
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def grouped_option(heading: str, *names: str, **settings: Any) -> Callable[[Command], Command]:
    """`click.option` under a heading of the help."""
    return click.option(*names, cls=GroupedOption, heading=heading, **settings)


def given_files() -> list[Path]:
    """The files that options of the running command name for reading (see `is_input`)."""
    context = click.get_current_context()
    values = [
        context.params.get(str(parameter.name))
        for parameter in context.command.params
        if isinstance(parameter, GroupedOption) and parameter.is_input
    ]
    paths = [Path(one) for one in values if isinstance(one, str | Path)]
    return [path for path in paths if path.is_file()]


def face_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which faces are meant; the command takes them as `choice`."""

    @_face_option(
        "--face",
        type=which_face_from_text,
        default="largest",
        show_default=True,
        metavar="largest|all|INDEX",
        help="Which of the faces that are found; 0 is the largest. Of --tracks, the number there.",
    )
    @_face_option(
        "--face-box",
        type=face_box_from_text,
        metavar="X,Y,W,H",
        help="Where the face is, brows to below the chin, in pixels from the top left.",
    )
    @_face_option(
        "--landmarks",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        is_input=True,
        metavar="FILE.json",
        help="Where eyes, nose tip, mouth corners and chin are, by frame.",
    )
    @_face_option(
        "--tracks",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        is_input=True,
        metavar="FILE.json",
        help="Where the faces of the shot are in every frame, as `reggan-plugin track` writes it.",
    )
    @_face_option(
        "--whole-image", is_flag=True, help="The face fills the picture; search for none."
    )
    @functools.wraps(command)
    def gather(
        *,
        face: Literal["largest", "all"] | int,
        face_box: tuple[float, float, float, float] | None,
        landmarks: Path | None,
        tracks: Path | None,
        whole_image: bool,
        **others: Any,
    ) -> Any:
        choice = FaceChoice(
            box=face_box,
            landmarks=landmarks,
            tracks=None if tracks is None else read_tracks(tracks),
            whole_image=whole_image,
            which=face,
        )
        if landmarks is not None:
            read_landmarks(landmarks)  # so that a fault shows before any work
        return command(choice=choice, **others)

    return gather


def complete_devices(context: click.Context, _: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    """Names of devices for a shell."""
    return [name for name in (AUTO, GPU, *DEVICE_KINDS) if name.startswith(begun)]


def complete_models(context: click.Context, _: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    """Names of installed models for a shell."""
    return [name for name in installed_models() if name.startswith(begun)]


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--model` and `--device`."""
    command = grouped_option(
        "Model",
        "-d",
        "--device",
        default="auto",
        show_default=True,
        shell_complete=complete_devices,
        metavar="auto|cpu|gpu|cuda:0|...",
        help="Where to run it: `reggan-plugin doctor` lists the names; gpu is the best GPU. A "
        "device that is named and cannot be had is an error.",
    )(command)
    return grouped_option(
        "Model",
        "-m",
        "--model",
        is_input=True,
        shell_complete=complete_models,
        metavar="NAME|FILE.onnx",
        help="Model to run, of those that `reggan-plugin models` lists, or a file.",
    )(command)


def shot_options(command: Command) -> Command:
    """Add `--frames` and `--range`; the command takes them as `source` and `frame_range`."""
    command = grouped_option(
        "Frames",
        "--range",
        "frame_range",
        metavar="1001-1100x2",
        help="Part of them, by frame number.  [default: all]",
    )(command)
    return grouped_option(
        "Frames",
        "--frames",
        "source",
        required=True,
        metavar="DIR|FILE|PATTERN",
        help="A folder, one file, or a sequence: shot.####.exr, shot.%04d.png.",
    )(command)


def exposure_option(heading: str) -> Callable[[Command], Command]:
    """Add `--exposure` under a heading of the help; the command takes it as `exposure_ev`."""
    return grouped_option(
        heading,
        "--exposure",
        "exposure_ev",
        type=exposure_from_text,
        default="auto",
        show_default=True,
        metavar="auto|EV",
        help="Stops that bring a scene-linear face to display brightness; auto takes one value for "
        "the shot from its first face. The file's own exposure is kept.",
    )


def stall_option(command: Command) -> Command:
    """Add `--stall-timeout`; the command takes it as `stall_s`."""
    return grouped_option(
        "Frames",
        "--stall-timeout",
        "stall_s",
        type=click.FloatRange(0, min_open=True),
        default=DEFAULT_STALL_S,
        show_default=True,
        metavar="SECONDS",
        help="How long a disk or network folder may keep a frame waiting before it is given up.",
    )(command)


def existing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--overwrite`, `--resume` and `--rehash`; the command takes them as `existing`."""

    @grouped_option("Output", "--overwrite", is_flag=True, help="Replace outputs that exist.")
    @grouped_option(
        "Output",
        "--resume",
        is_flag=True,
        help="Keep outputs that an earlier run made in this way from these inputs; write the rest.",
    )
    @grouped_option(
        "Output",
        "--rehash",
        is_flag=True,
        help="With --resume: read every input and output, whatever its size and time say.",
    )
    @functools.wraps(command)
    def gather(*, overwrite: bool, resume: bool, rehash: bool, **others: Any) -> Any:
        if overwrite and resume:
            raise UsageError(
                "--overwrite replaces all outputs that exist, --resume keeps those that are "
                "finished; pass one of them."
            )
        if rehash and not resume:
            raise UsageError("--rehash says how --resume compares files; pass --resume, too.")
        kept = Existing.REHASH if rehash else Existing.RESUME
        existing = Existing.OVERWRITE if overwrite else Existing.REFUSE
        return command(existing=kept if resume else existing, **others)

    return gather


def _face_option(*names: str, **settings: Any) -> Callable[[Command], Command]:
    return grouped_option("Face", *names, **settings)
