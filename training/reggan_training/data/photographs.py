"""Identities from photographs, and the licensed sets of them: CFEE, KDEF and RaFD, as they come.

Faces are located, and separate takes laid on one another.

Source: Du, Tao & Martinez, "Compound facial expressions of emotion", PNAS 111(15), 2014.

Source: Lundqvist, Flykt & Öhman, The Karolinska Directed Emotional Faces, 1998.

Source: Langner et al., "Presentation and validation of the Radboud Faces Database", Cognition &
Emotion 24(8), 2010.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from reggan_plugin.array_types import SixPoints
from reggan_plugin.errors import SourceError, UnknownExpressionError
from reggan_plugin.faces.face_crop import FaceCrop, crop_from_landmarks, fit_similarity
from reggan_plugin.faces.landmarks import LANDMARK_NAMES, FaceLandmarks
from reggan_plugin.faces.locator import FaceLocator
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.vocabulary.expression import resolve_expression
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import (
    CANONICAL_LANDMARKS,
    Identity,
    IdentityView,
    identity_from_views,
    style_of,
)
from reggan_training.data.set_files import Entry, FolderFiles, read_image

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
"""Endings of a picture's name, in lower case."""
REGISTERED_WITHIN = 0.08
"""Pictures whose eyes lie this close, in eye distances, are taken as aligned already.

The locator's own error is a quarter of it.
"""
_STILL = tuple(LANDMARK_NAMES.index(name) for name in ("left_eye", "right_eye", "nose_tip"))
"""The points that an expression moves least; separate takes are aligned by them."""
_CROP_PX, _WINDOW_PX = 320, 400
"""Sides of the canonical crop and of what is kept around it when pictures are aligned."""
_log = logging.getLogger(__name__)
_Image = UInt8[np.ndarray, "_height _width 3"]
ANNOTATIONS, _SHEET = "AU_annotation_all_subjects.xls", "summary"
_CODE_COLUMN, _NAME_COLUMN = 0, 1
_LAST_CFEE_CODE = 26
_CFEE_FOLDERS = re.compile(r"CFEE_Database_\d+|Images[1-6]", re.IGNORECASE)
_KDEF_NAME = re.compile(
    r"(?P<session>[AB])(?P<person>[FM]\d\d)(?P<code>[A-Z]{2})(?P<angle>S|[HF][LR])"
)
_KDEF_WORDS = {
    "AF": "afraid",
    "AN": "angry",
    "DI": "disgusted",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprised",
}
_RAFD_NAME = re.compile(
    r"rafd(?P<angle>\d{3})_(?P<person>\d+)_[a-z]+_[a-z]+_(?P<expression>[a-z]+)_(?P<gaze>[a-z]+)"
)
_FRONTAL = "090"


def number_of_expression(word: str) -> int:
    """Return the place in `EXPRESSION_NAMES` of the expression that a word names.

    Raises:
        UnknownExpressionError: the word names nothing, or an expression beyond the seven.
    """
    name = resolve_expression(word)
    if name not in EXPRESSION_NAMES:
        raise UnknownExpressionError(
            f"{word!r} is none of {', '.join(EXPRESSION_NAMES)}.", found=word
        )
    return EXPRESSION_NAMES.index(name)


@cache
def default_locator() -> FaceLocator:
    """Return the built-in locator, loaded when it is first needed."""
    return FaceLocator()


def entry_from_pictures(
    name: str,
    root: Path,
    pictures: Mapping[int, str],
    *,
    landmarks: Mapping[int, SixPoints] | None = None,
    is_separate_takes: bool = False,
) -> Entry:
    """Make an identity of one picture for each number of an expression.

    Args:
        name: of the identity.
        root: the folder that file names are relative to.
        pictures: file names by the number of the expression.
        landmarks: known points, by the number of the expression; other faces are located.
        is_separate_takes: whether the head surely moved between the pictures.
    """
    load = partial(
        _load, name, root, pictures, landmarks or {}, is_separate_takes=is_separate_takes
    )
    return Entry(name=name, style=style_of(name), place=root, load=load)


def _separate_takes(root: Path, people: Mapping[str, Mapping[int, str]]) -> list[Entry]:
    """Make an identity of the pictures of each person, between which the head moved."""
    return [
        entry_from_pictures(name, root, pictures, is_separate_takes=True)
        for name, pictures in sorted(people.items())
    ]


def notice_left_out(root: Path, names: Sequence[str], reason: str) -> None:
    """Log which files are not used, and why."""
    if names:
        shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
        _log.warning("%s: %d left out, %s: %s", root, len(names), reason, shown)


def _load(
    name: str,
    root: Path,
    pictures: Mapping[int, str],
    landmarks: Mapping[int, SixPoints],
    *,
    is_separate_takes: bool,
) -> Identity | None:
    """Load the identity; None, with a notice, if faces of fewer than two expressions are found."""
    images: dict[int, _Image] = {}
    points = dict(landmarks)
    for expression, file in sorted(pictures.items()):
        image = read_image(FolderFiles(root), file)
        if expression not in points:
            found = default_locator().locate(image.astype(np.float32) / 255.0)
            if not found:
                notice_left_out(root, [file], "no face is found")
                continue
            points[expression] = found[0].points.astype(np.float64)
        images[expression] = image
    if len(images) < 2:
        names = ", ".join(EXPRESSION_NAMES[e] for e in images) or "no expression"
        notice_left_out(root, [name], f"only {names} is usable")
        return None
    if is_separate_takes or not _are_registered(images, points):
        images, points = _registered(images, points)
    views = [
        IdentityView(
            expression=expression,
            intensity=1.0,
            is_plain=True,
            image=image,
            landmarks=points[expression],
        )
        for expression, image in images.items()
    ]
    return identity_from_views(name, style_of(name), views)


def _are_registered(images: Mapping[int, _Image], points: Mapping[int, SixPoints]) -> bool:
    """Tell whether all pictures have one size and their eyes in one place."""
    reference = points[next(iter(images))]
    limit = REGISTERED_WITHIN * FaceLandmarks(reference).eye_distance_px
    offsets = [(points[e][:2] - reference[:2]).mean(axis=0) for e in images]
    same_size = len({image.shape for image in images.values()}) == 1
    return same_size and max(float(np.hypot(*offset)) for offset in offsets) <= limit


def _registered(
    images: Mapping[int, _Image], points: Mapping[int, SixPoints]
) -> tuple[dict[int, _Image], dict[int, SixPoints]]:
    """Every picture in one window around the face, moved so that eyes and nose coincide.

    The first picture, which is neutral where there is one, places the window; small faces are
    not enlarged.
    """
    reference = points[next(iter(images))]
    scale = crop_from_landmarks(FaceLandmarks(reference), CANONICAL_LANDMARKS, _CROP_PX).scale
    side = round(_CROP_PX * min(1.0, scale))
    crop = crop_from_landmarks(FaceLandmarks(reference), CANONICAL_LANDMARKS, side)
    window = crop.resized(round(side * _WINDOW_PX / _CROP_PX))
    still = window_points(reference, window)[list(_STILL)]
    moved_images, moved_points = {}, {}
    for expression, image in images.items():
        own = FaceCrop(fit_similarity(still, points[expression][list(_STILL)]), window.side_px)
        cut = np.clip(cut_crop(image.astype(np.float32) / 255.0, own), 0, 1)
        moved_images[expression] = (cut * 255 + 0.5).astype(np.uint8)
        moved_points[expression] = window_points(points[expression], own)
    return moved_images, moved_points


def window_points(points: Float[np.ndarray, "n 2"], crop: FaceCrop) -> Float[np.ndarray, "n 2"]:
    """Points of the frame in pixels of a crop."""
    return points @ crop.crop_from_frame[:, :2].T + crop.crop_from_frame[:, 2]


def is_cfee(root: Path, files: Sequence[Path]) -> bool:
    """Tell whether a folder holds the annotation sheet or the database's own folders."""
    if next(root.rglob(ANNOTATIONS), None) is not None or _CFEE_FOLDERS.fullmatch(root.name):
        return True
    return any(_CFEE_FOLDERS.fullmatch(part) for path in files for part in path.parent.parts)


def list_cfee(root: Path, files: Sequence[Path]) -> list[Entry]:
    """One identity for each person, with the basic expressions; compound ones are not used.

    Pictures are left out, with a notice, if the sheet has no code for them or their name cannot
    be read.

    Raises:
        SourceError: the annotation sheet, or a column of it, is missing.
    """
    names = expressions_by_code(root)
    people: dict[str, dict[int, str]] = {}
    unreadable, without_code = [], []
    for path in files:
        parsed = code_and_person(path.name)
        if parsed is None:
            unreadable.append(path.name)
            continue
        code, person = parsed
        if code not in names:
            without_code.append(path.name)
            continue
        number = _basic_expression(names[code])
        if number is not None:
            pictures = people.setdefault(f"photograph_cfee_{person:03d}", {})
            pictures.setdefault(number, path.relative_to(root).as_posix())
    notice_left_out(root, unreadable, "the name is not EE_SSS_NNNN")
    notice_left_out(root, without_code, f"the sheet {_SHEET!r} lacks the code")
    return _separate_takes(root, people)


def code_and_person(file_name: str) -> tuple[int, int] | None:
    """Read code and person in a name of CFEE such as `04_221_3872.jpg`; None if it has none.

    Suffixes may be doubled or in capitals, the last number may lack, and a few names have the
    person first: `260_19.png.jpg`.
    """
    stem = file_name
    while stem.lower().endswith(PICTURE_SUFFIXES):
        stem = stem.rpartition(".")[0]
    numbers = [int(digits) for digits in re.findall(r"\d+", stem)[:2]]
    if len(numbers) < 2:
        return None
    first, second = numbers
    for code, person in ((first, second), (second, first)):
        if 1 <= code <= _LAST_CFEE_CODE:
            return code, person
    return None


def expressions_by_code(root: Path) -> dict[int, str]:
    """Read the name of each code, from columns 0 and 1 of the sheet `summary`.

    Raises:
        SourceError: the file, the sheet or a column is missing.
    """
    path = next(iter(sorted(root.rglob(ANNOTATIONS))), None)
    if path is None:
        raise SourceError(
            f"{ANNOTATIONS} is missing below {root}; it says which expression a code is. Put the "
            "file that comes with CFEE there."
        )
    sheet = _open_sheet(path)
    if sheet.ncols <= _NAME_COLUMN:
        raise SourceError(
            f"{path}: the sheet {_SHEET!r} has {sheet.ncols} columns; expected the code in column "
            f"{_CODE_COLUMN} and the name in column {_NAME_COLUMN}. Copy the file again."
        )
    names: dict[int, str] = {}
    for row in range(sheet.nrows):
        code = _code_from_cell(sheet.cell_value(row, _CODE_COLUMN))
        name = str(sheet.cell_value(row, _NAME_COLUMN)).strip().lower()
        if code is not None and name:
            names.setdefault(code, name)
    if not names:
        raise SourceError(
            f"{path}: column {_CODE_COLUMN} of the sheet {_SHEET!r} holds no code 1 to "
            f"{_LAST_CFEE_CODE}. Copy the file again."
        )
    return names


def _open_sheet(path: Path) -> Any:
    import xlrd  # only CFEE needs it

    try:
        return xlrd.open_workbook(path).sheet_by_name(_SHEET)
    except (xlrd.XLRDError, xlrd.compdoc.CompDocError, OSError) as error:
        raise SourceError(
            f"{path} cannot be read: {error}. Expected an Excel 97 file with a sheet {_SHEET!r}; "
            "copy it again."
        ) from error


def _code_from_cell(value: object) -> int | None:
    """Read the code in a cell that may hold a number or text; None if there is none."""
    match = re.fullmatch(r"\s*(\d{1,2})(?:\.0*)?\s*", str(value))
    code = int(match[1]) if match else 0
    return code if 1 <= code <= _LAST_CFEE_CODE else None


def _basic_expression(name: str) -> int | None:
    """Return the number of the expression; None for a compound one such as `happily surprised`."""
    try:
        return number_of_expression(name)
    except UnknownExpressionError:
        return None


def is_kdef(path: Path) -> bool:
    """Tell whether a picture is named as in KDEF."""
    match = _KDEF_NAME.fullmatch(path.stem.upper())
    return match is not None and match["code"] in _KDEF_WORDS


def list_kdef(root: Path, files: Sequence[Path]) -> list[Entry]:
    """One identity for each person and session, seen straight on.

    Both sessions of a person are in the same split: the person's number decides.
    """
    takes: dict[str, dict[int, str]] = {}
    for path in files:
        match = _KDEF_NAME.fullmatch(path.stem.upper())
        if match is None or match["angle"] != "S" or match["code"] not in _KDEF_WORDS:
            continue
        number = number_of_expression(_KDEF_WORDS[match["code"]])
        name = f"photograph_kdef{match['session']}_{match['person']}"
        takes.setdefault(name, {})[number] = path.relative_to(root).as_posix()
    return _separate_takes(root, takes)


def is_rafd(path: Path) -> bool:
    """Tell whether a picture is named as in RaFD."""
    return _RAFD_NAME.fullmatch(path.stem.lower()) is not None


def list_rafd(root: Path, files: Sequence[Path]) -> list[Entry]:
    """One identity for each person; expressions that this project does not have are left out."""
    people: dict[str, dict[int, str]] = {}
    unknown: list[str] = []
    for path in files:
        match = _RAFD_NAME.fullmatch(path.stem.lower())
        if match is None or match["angle"] != _FRONTAL or match["gaze"] != "frontal":
            continue
        try:
            number = number_of_expression(match["expression"])
        except UnknownExpressionError:
            unknown.append(path.name)
            continue
        name = f"photograph_rafd_{int(match['person']):02d}"
        people.setdefault(name, {})[number] = path.relative_to(root).as_posix()
    notice_left_out(root, unknown, "the expression is not one of ours")
    return _separate_takes(root, people)
