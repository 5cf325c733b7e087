"""The options that say which faces are meant."""

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click

from reggan_plugin.commands.options.option_groups import grouped_option, options_as
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.face_finder import FaceChoice, read_landmarks
from reggan_plugin.faces.tracks import WhichFaces
from reggan_plugin.frozen import frozen
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
