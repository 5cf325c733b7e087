"""Sets of any layout as identities in memory: the renderer's (packed or not), plain folders, and
the licensed sets of photographs, CFEE, KDEF and RaFD, as they come.

In photographs faces are located, and separate takes laid on one another.

Source: Du, Tao & Martinez, "Compound facial expressions of emotion", PNAS 111(15), 2014.
Source: Lundqvist, Flykt & Öhman, The Karolinska Directed Emotional Faces, 1998.
Source: Langner et al., "Presentation and validation of the Radboud Faces Database", Cognition &
Emotion 24(8), 2010.
"""

import difflib
import logging
import math
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from reggan_plugin.array_types import SixPoints
from reggan_plugin.errors import SourceError, UnknownExpressionError
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES, FaceLandmarks
from reggan_plugin.faces.locator import FaceLocator
from reggan_plugin.imaging.crop import FaceCrop, crop_from_landmarks, cut_crop, fit_similarity
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES, resolve_expression
from reggan_training.data.identity_and_split import (
    CANONICAL_LANDMARKS,
    TRAINING_STYLES,
    Identity,
    IdentityView,
    Split,
    identity_from_views,
    named_in_style,
    split_of,
    stable_hash,
    style_of,
)
from reggan_training.data.set_files import (
    IDENTITY_FILE,
    MANIFEST_FILE,
    SCHEMA,
    Entry,
    FolderFiles,
    SetFiles,
    ZipFiles,
    read_image,
    read_json,
)

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


_DISTURBANCES = ("eye_closure", "mouth_open")
_LEAST_DISTURBANCE = 0.02
LANDMARK_SHEET = "landmarks.json"
"""`{identity: {expression: {left_eye: [x, y], …}}}`, in pixels; faces that it lacks are located."""


def list_rendered(files: SetFiles) -> list[Entry]:
    """List the finished identities of a rendered or packed set.

    Raises:
        SourceError: the manifest is of another version or lists no identities.
    """
    manifest = read_json(files, MANIFEST_FILE)
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise SourceError(
            f"{files.place / MANIFEST_FILE}: schema is not {SCHEMA}. Render or pack the set "
            "again with this version.",
            kind="set-to-make-again",
        )
    names = manifest.get("identities")
    if not isinstance(names, list):
        raise SourceError(
            f"{files.place / MANIFEST_FILE} has no list `identities`. Render the set again; "
            "finished identities are kept."
        )
    return [
        Entry(
            name=name,
            style=style_of(name),
            place=files.place,
            load=partial(_load_rendered, files, name),
            files=files,
        )
        for name in sorted(names)
    ]


def _load_rendered(files: SetFiles, name: str) -> Identity:
    record_name = f"{name}/{IDENTITY_FILE}"
    record = read_json(files, record_name)
    try:
        images = record["images"]
        views = [_rendered_view(files, name, one) for one in images]
        neutral = next((one for one in images if one["expression"] == "neutral"), images[0])
        return identity_from_views(
            name,
            record.get("style", style_of(name)),
            views,
            yaw_deg=_number(neutral, "yaw_deg"),
            pitch_deg=_number(neutral, "pitch_deg"),
        )
    except (KeyError, IndexError, TypeError) as error:
        raise SourceError(
            f"{files.place / record_name} lacks {error}. Delete its folder, and render this "
            "identity again.",
            kind="set-to-make-again",
        ) from error
    except ValueError as error:
        raise SourceError(f"{files.place / record_name} does not fit together: {error}.") from error


def _rendered_view(files: SetFiles, name: str, record: Mapping[str, Any]) -> IdentityView:
    if record["expression"] not in EXPRESSION_NAMES:
        raise ValueError(f"{record['file']} shows {record['expression']!r}, which is no expression")
    return IdentityView(
        expression=EXPRESSION_NAMES.index(record["expression"]),
        intensity=float(record["intensity"]),
        is_plain=all(_number(record, key, 0.0) < _LEAST_DISTURBANCE for key in _DISTURBANCES),
        image=read_image(files, f"{name}/{record['file']}"),
        landmarks=landmarks_from_record(record["landmarks"]),
    )


def landmarks_from_record(record: Mapping[str, Any]) -> SixPoints:
    """Points in the order of `LANDMARK_NAMES`; further points are left out.

    Raises:
        KeyError: a point is missing.
    """
    return np.array([record[name] for name in LANDMARK_NAMES], dtype=np.float64)


def _number(record: Mapping[str, Any], key: str, absent: float = math.nan) -> float:
    value = record.get(key)
    return absent if value is None else float(value)


def expression_folders(root: Path) -> dict[int, Path]:
    """List the folders that are named after an expression or an alias of one, by its number.

    Raises:
        SourceError: two folders mean the same expression.
    """
    folders: dict[int, Path] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        try:
            number = number_of_expression(folder.name)
        except UnknownExpressionError:
            continue
        if number in folders:
            raise SourceError(
                f"{folders[number]} and {folder} both mean {EXPRESSION_NAMES[number]}. Put their "
                "pictures into one folder."
            )
        folders[number] = folder
    return folders


def list_plain(root: Path) -> list[Entry]:
    """List the identities of plain folders; those with one expression only are left out.

    Raises:
        SourceError: two folders mean one expression, or a picture that `landmarks.json` names is
            missing.
    """
    folders = expression_folders(root)
    pictures: dict[str, dict[int, str]] = {}
    for number, folder in folders.items():
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in PICTURE_SUFFIXES:
                pictures.setdefault(path.stem, {})[number] = path.relative_to(root).as_posix()
    points = _read_landmark_sheet(root, pictures)
    single = [stem for stem, files in pictures.items() if len(files) < 2]
    notice_left_out(root, single, "only one expression is there")
    return [
        entry_from_pictures(named_in_style(stem), root, files, landmarks=points.get(stem))
        for stem, files in sorted(pictures.items())
        if len(files) > 1
    ]


def _read_landmark_sheet(
    root: Path, pictures: Mapping[str, Mapping[int, str]]
) -> dict[str, dict[int, SixPoints]]:
    """Known landmarks by identity and number of the expression."""
    files = FolderFiles(root)
    if not files.has(LANDMARK_SHEET):
        return {}
    sheet: Mapping[str, Mapping[str, Any]] = read_json(files, LANDMARK_SHEET)
    points: dict[str, dict[int, SixPoints]] = {}
    for stem, by_expression in sheet.items():
        for word, record in by_expression.items():
            number = number_of_expression(word)
            if number not in pictures.get(stem, {}):
                raise SourceError(_missing_text(root, word, stem, pictures))
            try:
                points.setdefault(stem, {})[number] = landmarks_from_record(record)
            except KeyError as error:
                raise SourceError(
                    f"{root / LANDMARK_SHEET}: {stem}, {word} has no point {error}. Add it, or "
                    "delete the entry to have the face located."
                ) from error
    return points


def _missing_text(
    root: Path, expression: str, stem: str, pictures: Mapping[str, Mapping[int, str]]
) -> str:
    near = difflib.get_close_matches(stem, pictures, n=1)
    hint = f" (there is {near[0]})" if near and near[0] != stem else ""
    return (
        f"{root / expression / stem}.jpg is missing{hint}; {LANDMARK_SHEET} lists it. Add the "
        "picture, or take it out of the list."
    )


def load_sets(
    roots: Sequence[Path],
    splits: Collection[Split],
    *,
    training_styles: Collection[str] = TRAINING_STYLES,
    limit: int | None = None,
) -> list[Identity]:
    """Read the identities of the given splits, in the order of the roots and then of names.

    Args:
        roots: folders or packed sets, of any layout that `list_set` knows.
        splits: which identities, by `split_of`.
        training_styles: the styles that `split_of` trains on.
        limit: keep so many, chosen by a hash of the name: a smaller choice is a part of a
            larger one.

    Raises:
        SourceError: a file is missing or damaged, a layout unknown, or an identity in two sets.
    """
    entries = choose_entries(roots, splits, training_styles=training_styles, limit=limit)
    loaded = [entry.load() for entry in entries]
    return [identity for identity in loaded if identity is not None]


def choose_entries(
    roots: Sequence[Path],
    splits: Collection[Split],
    *,
    styles: Collection[str] | None = None,
    training_styles: Collection[str] = TRAINING_STYLES,
    limit: int | None = None,
) -> list[Entry]:
    """List what `load_sets` reads, of some styles alone if they are given; no picture is read."""
    kept = [
        entry
        for entry in list_sets(roots)
        if (styles is None or entry.style in styles)
        and split_of(entry.name, training_styles) in splits
    ]
    if limit is not None:
        chosen = {e.name for e in sorted(kept, key=lambda e: stable_hash(e.name))[:limit]}
        kept = [entry for entry in kept if entry.name in chosen]
    return kept


def list_sets(roots: Sequence[Path]) -> list[Entry]:
    """List what several sets hold, in the order of the roots and then of names.

    Raises:
        SourceError: as in `list_set`, or an identity is in two sets.
    """
    entries = [entry for root in roots for entry in list_set(root)]
    places: dict[str, Path] = {}
    for entry in entries:
        if entry.name in places:
            raise SourceError(
                f"{entry.name} is in {places[entry.name]} and in {entry.place}. Name each set "
                "once; render with other numbers, or rename the pictures of one set."
            )
        places[entry.name] = entry.place
    return entries


def list_set(root: Path) -> list[Entry]:
    """List what a folder or packed set holds, in order of name; no picture is read yet.

    Raises:
        SourceError: it is missing, has no known layout, or lacks a file that its layout needs.
    """
    if root.is_file():
        return list_rendered(ZipFiles(root))
    if not root.is_dir():
        raise SourceError(f"{root} is not there. Name a folder of pictures or a packed set.")
    files = FolderFiles(root)
    if files.has(MANIFEST_FILE):
        return list_rendered(files)
    if expression_folders(root):
        return list_plain(root)
    pictures = [p for p in sorted(root.rglob("*")) if p.suffix.lower() in PICTURE_SUFFIXES]
    if is_cfee(root, pictures):
        return list_cfee(root, pictures)
    if any(is_kdef(path) for path in pictures):
        return list_kdef(root, pictures)
    if any(is_rafd(path) for path in pictures):
        return list_rafd(root, pictures)
    raise SourceError(
        f"{root} has no known layout: no {MANIFEST_FILE} of rendered avatars, no folder named "
        "after an expression (<expression>/<identity>.jpg), no files named as in CFEE, KDEF or "
        "RaFD. Name the folder that holds one of them."
    )
