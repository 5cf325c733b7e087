"""The options of what is worked on: files, folders, patterns and globs, a folder that pictures land
in, a range of frames, what becomes of results that exist; and which faces change.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from reggan_plugin.commands.options.options_and_settings_file import (
    AddOption,
    FiniteRange,
    grouped_option,
    options_as,
    output_option,
)
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.face_finder import FaceChoice, read_landmarks
from reggan_plugin.faces.tracks import WhichFaces
from reggan_plugin.files.image_format import is_video
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.input_files import Found, find_sources, one_sequence, videos_beside
from reggan_plugin.jobs.plan import Existing, JobPlan, OutputRequest, plan_sources, refuse_plans
from reggan_plugin.jobs.signals_and_timeouts import DEFAULT_STALL_S
from reggan_plugin.limits import MOST_COORDINATE_PX

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


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def face_box_from_text(text: str) -> tuple[float, float, float, float]:
    """Read `x,y,width,height`: four finite numbers of which the last two are above 0."""
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        x = y = width = height = math.nan
    is_near = max(abs(x), abs(y), width, height) <= MOST_COORDINATE_PX  # false for NaN, too
    if not (is_near and math.isfinite(x + y) and width > 0 and height > 0):
        raise click.BadParameter(
            f"{text[:80]!r} is not a box; give x,y,width,height in pixels, such as 400,220,310,310."
        )
    return x, y, width, height


@frozen
class FaceOptions:
    """The faces to change, and what single ones are asked for in place of the others' expression.

    Attributes:
        choice: which faces.
        by_face: an expression or a blend, by number of the face.
    """

    choice: FaceChoice
    by_face: Mapping[int, str]

    @property
    def one_choice(self) -> FaceChoice:
        """The faces, for a command that asks all of them for the same.

        Raises:
            UsageError: one has an expression of its own.
        """
        if self.by_face:
            raise UsageError("All expressions are drawn of one face. Name it alone: --face 1.")
        return self.choice


def which_face_from_text(text: str) -> tuple[WhichFaces, str | None]:
    """Read `largest`, `all` or a number, or a number and its expression: `1=sad`."""
    word, equals, expression = text.partition("=")
    if not equals and word in ("largest", "all"):
        return ("largest" if word == "largest" else "all"), None
    if not word.isdecimal() or len(word) > 9 or bool(equals) != bool(expression):
        raise click.BadParameter(
            f"{text!r} is not largest, all, an index (0 is the largest), or an index with an "
            "expression of its own such as 1=sad."
        )
    return int(word), expression or None


def _faces_from_options(
    face: tuple[tuple[WhichFaces, str | None], ...],
    face_box: tuple[float, float, float, float] | None,
    landmarks: Path | None,
    tracks: Path | None,
    whole_image: bool,
) -> FaceOptions:
    by_face = {which: text for which, text in face if isinstance(which, int) and text}
    chosen = [which for which, text in face if text is None]
    if len(by_face) + len(chosen) < len(face):
        raise UsageError("One face has two expressions. Give each number once, or a blend.")
    numbers = tuple(which for which in chosen if isinstance(which, int))
    which: WhichFaces = "largest"
    if numbers:
        which = numbers if len(numbers) > 1 else numbers[0]
    if len(chosen) > len(numbers):
        (which, *more) = [one for one in chosen if not isinstance(one, int)]
        if more or numbers or (by_face and which != "all"):
            raise UsageError(
                "--face largest and --face all stand alone; beside all, single faces may have an "
                "expression of their own: --face all --face 1=sad."
            )
    elif by_face and numbers:
        raise UsageError(
            f"--face {numbers[0]} has no expression, and others have one. Write "
            f"--face {numbers[0]}=happy."
        )
    kept = None
    if tracks is not None:
        from reggan_plugin.faces.tracks_file import read_tracks  # few frames come with tracks

        kept = read_tracks(tracks)
    choice = FaceChoice(
        box=face_box, landmarks=landmarks, tracks=kept, whole_image=whole_image, which=which
    )
    if landmarks is not None:
        read_landmarks(landmarks)  # so that a fault shows before any work
    return FaceOptions(choice=choice, by_face=by_face)


_option = partial(grouped_option, "Face")


face_options = options_as(
    "faces",
    _faces_from_options,
    _option(
        "--face largest|all|N|N=EXPR",
        type=which_face_from_text,
        multiple=True,
        help="Which face to change: 0 is the largest. With --tracks it is the number of the "
        "track. 1=sad gives face 1 its own expression; this may be given several times.  "
        "[default: largest]",
    ),
    _option(
        "--face-box X,Y,W,H",
        type=face_box_from_text,
        help="Where the face is, from the brows to below the chin, in pixels from the top left.",
    ),
    _option(
        "--landmarks FILE.json",
        type=_FILE,
        is_input=True,
        help="Where eyes, nose tip, mouth corners and chin are, by frame; * is every frame: "
        '{"*": {"left_eye": [737, 331], "right_eye": [585, 328], "nose_tip": [664, 408], '
        '"mouth_left": [708, 470], "mouth_right": [620, 468], "chin": [662, 545]}}.',
    ),
    _option(
        "--tracks FILE.json",
        type=_FILE,
        is_input=True,
        help="Where the faces are in each frame: the file that `reggan-plugin track` writes.",
    ),
    _option(
        "--whole-image", is_flag=True, help="The face fills the picture. No face is searched for."
    ),
)
"""Which faces, and what single ones are asked for; the command takes `faces`, `FaceOptions`."""
