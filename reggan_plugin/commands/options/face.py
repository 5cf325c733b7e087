"""The options that say which faces are meant."""

import math
from pathlib import Path
from typing import Any, Literal

import click

from reggan_plugin.commands.options.grouped import AddOption, grouped_option, options_as
from reggan_plugin.faces.face_finder import FaceChoice, read_landmarks
from reggan_plugin.limits import MOST_COORDINATE_PX

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


def which_face_from_text(text: str) -> Literal["largest", "all"] | int:
    """Read `largest`, `all` or an index."""
    if text == "largest":
        return "largest"
    if text == "all":
        return "all"
    if not text.isdecimal():
        raise click.BadParameter(f"{text!r} is not largest, all or an index (0 is the largest).")
    return int(text)


def _choice_from_options(
    face: Literal["largest", "all"] | int,
    face_box: tuple[float, float, float, float] | None,
    landmarks: Path | None,
    tracks: Path | None,
    whole_image: bool,
) -> FaceChoice:
    kept = None
    if tracks is not None:
        from reggan_plugin.faces.tracks_file import read_tracks  # few frames come with tracks

        kept = read_tracks(tracks)
    choice = FaceChoice(
        box=face_box,
        landmarks=landmarks,
        tracks=kept,
        whole_image=whole_image,
        which=face,
    )
    if landmarks is not None:
        read_landmarks(landmarks)  # so that a fault shows before any work
    return choice


def _option(*names: str, **settings: Any) -> AddOption:
    return grouped_option("Face", *names, **settings)


face_options = options_as(
    "choice",
    _choice_from_options,
    _option(
        "--face",
        type=which_face_from_text,
        default="largest",
        show_default=True,
        metavar="largest|all|INDEX",
        help="Which of the faces that are found; 0 is the largest. Of --tracks, the number there.",
    ),
    _option(
        "--face-box",
        type=face_box_from_text,
        metavar="X,Y,W,H",
        help="Where the face is, brows to below the chin, in pixels from the top left.",
    ),
    _option(
        "--landmarks",
        type=_FILE,
        is_input=True,
        metavar="FILE.json",
        help="Where eyes, nose tip, mouth corners and chin are, by frame.",
    ),
    _option(
        "--tracks",
        type=_FILE,
        is_input=True,
        metavar="FILE.json",
        help="Where the faces of the shot are in every frame, as `reggan-plugin track` writes it.",
    ),
    _option("--whole-image", is_flag=True, help="The face fills the picture; search for none."),
)
"""Which faces; the command takes `choice`, a `FaceChoice`."""
