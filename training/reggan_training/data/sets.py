"""Sets of any layout as identities in memory: the renderer's (packed or not), and plain folders."""

import difflib
import math
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.array_types import SixPoints
from reggan_plugin.errors import SourceError, UnknownExpressionError
from reggan_plugin.faces.landmarks import LANDMARK_NAMES
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import (
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
from reggan_training.data.photographs import (
    PICTURE_SUFFIXES,
    entry_from_pictures,
    is_cfee,
    is_kdef,
    is_rafd,
    list_cfee,
    list_kdef,
    list_rafd,
    notice_left_out,
    number_of_expression,
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
    styles: Collection[str] | None = None,
    training_styles: Collection[str] = TRAINING_STYLES,
    limit: int | None = None,
) -> list[Identity]:
    """Read the identities of the given splits, in the order of the roots and then of names.

    Args:
        roots: folders or packed sets, of any layout that `list_set` knows.
        splits: which identities, by `split_of`.
        styles: keep only these; all when None.
        training_styles: the styles that `split_of` trains on.
        limit: keep so many, chosen by a hash of the name: a smaller choice is a part of a
            larger one.

    Raises:
        SourceError: a file is missing or damaged, a layout unknown, or an identity in two sets.
    """
    entries = choose_entries(
        roots,
        splits,
        styles=styles,
        training_styles=training_styles,
        limit=limit,
    )
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
    """List what `load_sets` reads, with the same arguments; no picture is read yet."""
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
