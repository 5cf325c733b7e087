"""The options of frames in and out: files, folders, patterns and globs, a folder that pictures land
in, a range of frames, and what becomes of results that exist.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import click

from reggan_plugin.commands.options.option_groups import (
    AddOption,
    FiniteRange,
    grouped_option,
    options_as,
    output_option,
)
from reggan_plugin.errors import UsageError
from reggan_plugin.files.video import is_video
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.input_files import Found, find_sources, one_sequence, videos_beside
from reggan_plugin.jobs.plan import Existing, JobPlan, OutputRequest, plan_sources, refuse_plans
from reggan_plugin.jobs.signals_and_timeouts import DEFAULT_STALL_S

_frames_option = partial(grouped_option, "Frames")


def frames_option(heading: str) -> AddOption:
    """Add `--frames` under a heading of the help; the command takes it as `frames`."""
    said = "In place of SHOT, for scripts."
    return grouped_option(heading, "--frames DIR|FILE|PATTERN", help=said)


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
        frames_option(heading),
    )


range_option = _frames_option(
    "--range 1001-1100x2", "frame_range", help="Part of them, by frame number.  [default: all]"
)
"""`--range`; the command takes it as `frame_range`."""


stall_option = _frames_option(
    "--stall-timeout SECONDS",
    "stall_s",
    type=FiniteRange(0, min_open=True),
    default=DEFAULT_STALL_S,
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
    output_option("--overwrite", is_flag=True, help="Replace outputs that exist."),
    output_option(
        "--resume",
        is_flag=True,
        help="Keep results of an earlier run with the same inputs and options. Write the rest.",
    ),
    output_option(
        "--rehash",
        is_flag=True,
        help="With --resume: read every input and output again, instead of trusting size and time.",
    ),
)
"""Options for files that exist; the command takes `existing`, an `Existing`."""


@frozen
class InputOptions:
    """The inputs of a command.

    Attributes:
        paths: as they were given.
        frame_range: part of every sequence; None for all.
        recursive: whether folders within the folders are taken, too.
        is_one_sequence: whether `--frames` named it: one sequence, of which a range may hold no
            frame, as farms ask for such chunks.
        watched: a folder whose pictures are taken as they land, in place of `paths`.
        settle_s: how long size and time of such a picture must stay before it is taken.
    """

    paths: tuple[str, ...]
    frame_range: str | None
    recursive: bool
    is_one_sequence: bool
    watched: Path | None = None
    settle_s: float = 0.0

    def plan(
        self, asked: OutputRequest, labels: Sequence[str], inputs: Iterable[Path]
    ) -> tuple[list[list[JobPlan]], Found]:
        """Return the plans of each label, and what was found beside them.

        Errors are those of `plan_sources` and `refuse_plans`; `inputs` are further files that are
        read.
        """
        out = asked.out
        if not self.is_one_sequence:
            found = find_sources(self.paths, recursive=self.recursive)
        elif out is not None and is_video(out) and not asked.out_is_folder:
            raise UsageError(f"--frames writes to a folder. For {out} name it as INPUT.")
        else:
            source = one_sequence(self.paths[0])
            found = Found(sources=(source,), left_out=videos_beside(source.shot))
        planned = [
            plan_sources(
                found.sources,
                asked,
                label,
                frame_range=self.frame_range,
                is_one_of_several=len(labels) > 1,
                is_chunk=self.is_one_sequence,
            )
            for label in labels
        ]
        plans = [plan for own in planned for plan in own]
        read = [task.source.path for plan in plans for task in plan.tasks]
        read += [source.video.path for source in found.sources if source.video is not None]
        refuse_plans(plans, (*read, *inputs), asked.existing)
        return planned, found


def _inputs_from_options(
    inputs: tuple[str, ...],
    source: str | None,
    watch: Path | None,
    settle_s: float,
    frame_range: str | None,
    recursive: bool,
) -> InputOptions:
    others = {"--frames": source, "--watch": watch}
    given = [*inputs[:1], *(name for name, value in others.items() if value is not None)]
    if len(given) != 1:
        found = " and ".join(given) or "nothing"
        raise UsageError(
            f"{found} was given; name the pictures: files, folders or sequences "
            "(shot.####.exr), one sequence with --frames, or a folder with --watch."
        )
    if recursive and source is not None:
        raise UsageError("--frames names one sequence. Name the folder as INPUT: --recursive.")
    if watch is not None and (recursive or frame_range is not None):
        raise UsageError(
            "--watch takes all pictures of one folder. Leave --range and --recursive out."
        )
    return InputOptions(
        paths=inputs if source is None else (source,),
        frame_range=frame_range,
        recursive=recursive,
        is_one_sequence=source is not None,
        watched=watch,
        settle_s=settle_s,
    )


input_options = options_as(
    "asked_inputs",
    _inputs_from_options,
    click.argument("inputs", nargs=-1, metavar="INPUT..."),
    _frames_option(
        "--frames DIR|FILE|PATTERN",
        "source",
        help="In place of INPUT, for scripts: one sequence. Its results go to a folder.",
    ),
    _frames_option(
        "--watch DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="In place of INPUT: change each picture that lands in this folder, until Ctrl-C. "
        "Run it again to go on.",
    ),
    _frames_option(
        "--settle SECONDS",
        "settle_s",
        type=FiniteRange(0, min_open=True),
        default=3.0,
        help="With --watch: take a picture when its size and time have not changed for this time.",
    ),
    _frames_option(
        "--range 1001-1100x2",
        "frame_range",
        help="Part of every sequence, by frame number.  [default: all]",
    ),
    _frames_option("--recursive", is_flag=True, help="Take folders within folders, too."),
)
"""`INPUT...`, `--frames` or `--watch`; the command takes `asked_inputs`, `InputOptions`."""
