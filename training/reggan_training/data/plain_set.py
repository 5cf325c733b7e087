"""Plain folders: `<expression>/<identity>.<ext>`, with or without `landmarks.json` beside them."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from reggan_plugin.errors import SourceError, UnknownExpressionError
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.data.photographs import (
    PICTURE_SUFFIXES,
    Locator,
    entry_from_pictures,
    notice_left_out,
    number_of_expression,
)
from reggan_training.data.rendered_set import landmarks_from_record
from reggan_training.data.set_files import Entry, FolderFiles, read_json
from reggan_training.data.split import named_in_style

LANDMARK_SHEET = "landmarks.json"
"""`{identity: {expression: {left_eye: [x, y], …}}}`, in pixels; faces that it lacks are located."""


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


def list_plain(root: Path, locator: Locator | None = None) -> list[Entry]:
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
    points = _read_sheet(root, pictures)
    single = [stem for stem, files in pictures.items() if len(files) < 2]
    notice_left_out(root, single, "only one expression is there")
    return [
        entry_from_pictures(
            named_in_style(stem), root, files, locator=locator, landmarks=points.get(stem)
        )
        for stem, files in sorted(pictures.items())
        if len(files) > 1
    ]


def _read_sheet(
    root: Path, pictures: Mapping[str, Mapping[int, str]]
) -> dict[str, dict[int, Float[np.ndarray, "6 2"]]]:
    """Known landmarks by identity and number of the expression."""
    files = FolderFiles(root)
    if not files.has(LANDMARK_SHEET):
        return {}
    sheet: Mapping[str, Mapping[str, Any]] = read_json(files, LANDMARK_SHEET)
    points: dict[str, dict[int, Float[np.ndarray, "6 2"]]] = {}
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
