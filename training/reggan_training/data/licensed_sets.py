"""Sets of photographs that users hold licences to: CFEE, KDEF and RaFD, as they come.

Source: Du, Tao & Martinez, "Compound facial expressions of emotion", PNAS 111(15), 2014.

Source: Lundqvist, Flykt & Öhman, The Karolinska Directed Emotional Faces, 1998.

Source: Langner et al., "Presentation and validation of the Radboud Faces Database", Cognition &
Emotion 24(8), 2010.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reggan_plugin.errors import SourceError, UnknownExpressionError
from reggan_training.data.photographs import (
    PICTURE_SUFFIXES,
    Locator,
    entry_from_pictures,
    notice_left_out,
    number_of_expression,
)
from reggan_training.data.set_files import Entry

ANNOTATIONS, _SHEET = "AU_annotation_all_subjects.xls", "summary"
_CODE_COLUMN, _NAME_COLUMN = 0, 1
_LAST_CFEE_CODE = 26
_CFEE_FOLDERS = re.compile(r"CFEE_Database_\d+|Images[1-6]", re.IGNORECASE)


def is_cfee(root: Path, files: Sequence[Path]) -> bool:
    """Tell whether a folder holds the annotation sheet or the database's own folders."""
    if next(root.rglob(ANNOTATIONS), None) is not None or _CFEE_FOLDERS.fullmatch(root.name):
        return True
    return any(_CFEE_FOLDERS.fullmatch(part) for path in files for part in path.parent.parts)


def list_cfee(root: Path, files: Sequence[Path], locator: Locator | None = None) -> list[Entry]:
    """One identity for each person, with the basic expressions; compound ones are not used.

    Pictures are left out, with a notice, if the sheet has no code for them or their name cannot
    be read.

    Raises:
        SourceError: the annotation sheet, or a column of it, is missing.
    """
    names = names_from_sheet(root)
    people: dict[str, dict[int, str]] = {}
    unreadable, without_code = [], []
    for path in files:
        parsed = parse_name(path.name)
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
    return [
        entry_from_pictures(name, root, pictures, locator=locator, is_separate_takes=True)
        for name, pictures in sorted(people.items())
    ]


def parse_name(file_name: str) -> tuple[int, int] | None:
    """(code, person) of `04_221_3872.jpg`; None if the name has not these numbers.

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


def names_from_sheet(root: Path) -> dict[int, str]:
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


def is_kdef(path: Path) -> bool:
    """Tell whether a picture is named as in KDEF."""
    match = _KDEF_NAME.fullmatch(path.stem.upper())
    return match is not None and match["code"] in _KDEF_WORDS


def list_kdef(root: Path, files: Sequence[Path], locator: Locator | None = None) -> list[Entry]:
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
    return [
        entry_from_pictures(name, root, pictures, locator=locator, is_separate_takes=True)
        for name, pictures in sorted(takes.items())
    ]


_RAFD_NAME = re.compile(
    r"rafd(?P<angle>\d{3})_(?P<person>\d+)_[a-z]+_[a-z]+_(?P<expression>[a-z]+)_(?P<gaze>[a-z]+)"
)
_FRONTAL = "090"


def is_rafd(path: Path) -> bool:
    """Tell whether a picture is named as in RaFD."""
    return _RAFD_NAME.fullmatch(path.stem.lower()) is not None


def list_rafd(root: Path, files: Sequence[Path], locator: Locator | None = None) -> list[Entry]:
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
    return [
        entry_from_pictures(name, root, pictures, locator=locator, is_separate_takes=True)
        for name, pictures in sorted(people.items())
    ]
